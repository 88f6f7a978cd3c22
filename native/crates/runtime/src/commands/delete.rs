use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};

use crate::cli::{Arguments, Flag, Global};
use crate::container::hooks;
use crate::container::state::{Container, Status};
use crate::error::{Result, Step};
use crate::fail;

pub const FLAGS: &[Flag] = &[("force", Some('f'), false)];

/// A killed process may still be writing back or unmounting.
const END_TIMEOUT_SECONDS: i64 = 10;

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let id = arguments.id()?;
    let force =
        arguments.is_set("force") || arguments.words.iter().any(|w| w == "--force" || w == "-f");
    if force && !global.root.join(id).exists() {
        return Ok(0);
    }
    let container = match Container::load(&global.root, id) {
        // A creation that died before its record was written made nothing but the directory.
        Err(_) if force && !global.root.join(id).join("state.json").exists() => {
            let dir = global.root.join(id);
            std::fs::remove_dir_all(&dir).step_with(|| format!("remove {}", dir.display()))?;
            return Ok(0);
        }
        container => container?,
    };
    delete(&container, force)?;
    Ok(0)
}

/// Ends what is left of the container and removes its groups, hooks and record.
pub fn delete(container: &Container, force: bool) -> Result<()> {
    let status = container.status();
    if !force && matches!(status, Status::Running | Status::Paused | Status::Creating) {
        fail!(
            "cannot delete container {} that is not stopped: it is {}; kill it, or give --force",
            container.record.id,
            status.name()
        );
    }
    let process = container.open_process()?;
    if let Some((_, pidfd)) = &process {
        let _ = pidfd_send_signal(pidfd, Signal::KILL);
    }
    // Processes that share a pid namespace with others outlive the first one.
    let cgroup = &container.record.cgroup;
    if cgroup.exists() {
        cgroup.kill()?;
    }
    if let Some((_, pidfd)) = &process {
        wait_for_end(pidfd)?;
    }
    cgroup.remove()?;
    if let Some(points) = container
        .record
        .hooks
        .as_ref()
        .filter(|h| !h.poststop.is_empty())
    {
        let state = serde_json::to_string(&container.oci_state(Status::Stopped, 0));
        // The specification: log, but go on as if the hook had succeeded.
        let run = hooks::run(
            "poststop",
            &points.poststop,
            &state.step("encode the state")?,
        );
        if let Err(error) = run {
            eprintln!("gantry-runtime: {error}");
        }
    }
    container.remove_dir()
}

fn wait_for_end(pidfd: &OwnedFd) -> Result<()> {
    let timeout = Timespec {
        tv_sec: END_TIMEOUT_SECONDS,
        tv_nsec: 0,
    };
    loop {
        match poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => fail!("the killed process did not end within {END_TIMEOUT_SECONDS} s"),
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => fail!("wait for the container's process: {error}"),
        }
    }
}
