//! A pid namespace that the containers of a pod share: its first process does nothing but be there, and
//! when that one ends, so does everything in it.

use crate::failure::{AtStep, Outcome};
use crate::launcher::containers::pidfd_open;
use crate::spawn::{close_all_but, fork_child};
use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::pause;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Makes the namespace, for children of this process, with its first process.
pub fn found() -> Outcome<()> {
    unshare(CloneFlags::CLONE_NEWPID).at("unshare pid namespace")?;
    fork_child(|| {
        close_all_but(&[]);
        let _ = nix::sys::prctl::set_name(c"gantry-pause");
        // SAFETY: ignoring a signal installs no handler. The kernel then reaps what is left to us.
        let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) };
        loop {
            pause();
        }
    })
    .map(drop)
}

/// Ends every process of the namespace that is pinned here; none is no error.
pub fn end(pin: &Path) -> Outcome<()> {
    let Some(namespace) = namespace(pin) else {
        return Ok(());
    };
    let step = "list processes";
    for entry in fs::read_dir("/proc").at(step)?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // Held before it is looked at: its number may pass to another process in between.
        let Some(process) = pidfd_open(pid) else {
            continue;
        };
        if fs::metadata(entry.path().join("ns/pid")).is_ok_and(|of| id(&of) == namespace) {
            match kill(&process) {
                Ok(()) | Err(Errno::ESRCH) => (),
                Err(errno) => return Err(errno).at(format!("kill process {pid} of the pod")),
            }
        }
    }
    Ok(())
}

fn kill(process: &OwnedFd) -> nix::Result<()> {
    // SAFETY: takes integers and a null pointer, which means default signal information.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_raw_fd(),
            libc::SIGKILL,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    })
    .map(drop)
}

/// None when nothing is pinned there.
fn namespace(pin: &Path) -> Option<(u64, u64)> {
    const NSFS_MAGIC: libc::c_long = 0x6e73_6673;
    let filesystem = nix::sys::statfs::statfs(pin).ok()?.filesystem_type();
    let pinned = filesystem == nix::sys::statfs::FsType(NSFS_MAGIC);
    pinned.then(|| fs::metadata(pin).ok().map(|of| id(&of)))?
}

fn id(of: &fs::Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}
