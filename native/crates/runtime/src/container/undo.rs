//! What has to go when launching fails: the child, its groups, its record.

use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Signal, WaitId, WaitIdOptions, waitid};

use super::hooks;
use super::state::{Container, Status};
use crate::error::{Error, Result};
use crate::spec::Spec;

/// Kept up to date by the launch: whatever is in it is undone.
pub struct Undo {
    pub container: Option<Container>,
    pub child: Option<OwnedFd>,
}

impl Undo {
    pub fn container(&self) -> Result<&Container> {
        self.container
            .as_ref()
            .ok_or_else(|| Error::new("the container was handed over"))
    }

    /// Best effort by nature: the first error is the one to tell.
    pub fn undo(&mut self, spec: &Spec) {
        if let Some(child) = self.child.take() {
            let _ = rustix::process::pidfd_send_signal(&child, Signal::KILL);
            reap(&child);
        }
        let Some(container) = self.container.take() else {
            return;
        };
        let _ = container.record.cgroup.kill();
        let _ = container.record.cgroup.remove();
        if let Some(points) = &spec.hooks {
            let state = serde_json::to_string(&container.oci_state(Status::Stopped, 0));
            let _ = hooks::run("poststop", &points.poststop, &state.unwrap_or_default());
        }
        let _ = container.remove_dir();
    }
}

/// Waits for a child and takes its status.
pub fn reap(pidfd: &OwnedFd) {
    while let Err(rustix::io::Errno::INTR) =
        waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
    {}
}
