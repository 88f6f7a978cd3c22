//! Waiting for a process in the foreground: signals are passed on, the exit code is taken over.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::error::{Result, Step};
use crate::fail;
use crate::sys;

/// Returns the exit code, or 128 and the signal.
pub fn wait(pidfd: &OwnedFd, signals: &OwnedFd) -> Result<i32> {
    loop {
        let mut fds = [
            PollFd::new(pidfd, PollFlags::IN),
            PollFd::new(signals, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => fail!("wait for the process: {error}"),
        }
        let ended = fds[0].revents().contains(PollFlags::IN);
        while let Some(signal) = sys::read_signal(signals.as_fd()) {
            // Those of job control and of our own children concern us alone.
            let own = matches!(signal, libc::SIGCHLD | libc::SIGURG | libc::SIGPIPE);
            if !own && !ended {
                let _ = sys::pidfd_kill(pidfd.as_fd(), signal);
            }
        }
        if ended {
            return exit_code(pidfd);
        }
    }
}

fn exit_code(pidfd: &OwnedFd) -> Result<i32> {
    let status =
        waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED).step("take the exit status")?;
    Ok(match status {
        Some(status) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => code,
            (None, Some(signal)) => 128 + signal,
            (None, None) => 255,
        },
        None => 255,
    })
}
