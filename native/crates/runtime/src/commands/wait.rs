//! Waiting for a process in the foreground: signals are passed on, a terminal is relayed, the exit
//! code is taken over.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::error::{Result, Step};
use crate::fail;
use crate::process::relay::Relay;
use crate::sys;

/// Returns the exit code, or 128 and the signal.
pub fn wait(pidfd: &OwnedFd, signals: &OwnedFd, mut relay: Option<Relay>) -> Result<i32> {
    loop {
        let ready = poll_once(pidfd, signals, relay.as_ref())?;
        if let Some(relay) = &mut relay {
            relay.pass(ready.input);
        }
        while let Some(signal) = sys::read_signal(signals.as_fd()) {
            pass_signal(signal, pidfd, relay.as_ref(), ready.ended);
        }
        if ready.ended {
            if let Some(relay) = &mut relay {
                relay.drain();
            }
            return exit_code(pidfd);
        }
    }
}

struct Ready {
    ended: bool,
    input: bool,
}

fn poll_once(pidfd: &OwnedFd, signals: &OwnedFd, relay: Option<&Relay>) -> Result<Ready> {
    let mut fds = vec![
        PollFd::new(pidfd, PollFlags::IN),
        PollFd::new(signals, PollFlags::IN),
    ];
    let streams = relay.map(Relay::interest);
    let mut input = None;
    for (index, (fd, flags)) in streams.iter().flatten().enumerate() {
        // A stream of which nothing is wanted would still tell its end, at once and for ever.
        if !flags.is_empty() {
            input = if index == 0 { Some(fds.len()) } else { input };
            fds.push(PollFd::new(fd, *flags));
        }
    }
    match poll(&mut fds, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => fail!("wait for the process: {error}"),
    }
    Ok(Ready {
        ended: fds[0].revents().contains(PollFlags::IN),
        input: input.is_some_and(|index| !fds[index].revents().is_empty()),
    })
}

fn pass_signal(signal: i32, pidfd: &OwnedFd, relay: Option<&Relay>, ended: bool) {
    match (signal, relay) {
        // Those of job control and of our own children concern us alone.
        (libc::SIGCHLD | libc::SIGURG | libc::SIGPIPE, _) => {}
        (libc::SIGWINCH, Some(relay)) => relay.resize(),
        _ if !ended => drop(sys::pidfd_kill(pidfd.as_fd(), signal)),
        _ => {}
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
