//! `linux.seccomp`: our own compiler to classic BPF. The filter is a binary search over ranges of
//! system call numbers, so that its cost at run time does not grow with the profile, and compiled
//! forms are cached by the profile's text.

mod cache;
mod compile;
mod profile;
mod table;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::process::Pid;

use crate::container::channel::Channel;
use crate::container::state::OciState;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::Linux;
use crate::sys;

pub use profile::{ACTIONS, ARCHITECTURES, FLAGS, OPERATORS};

/// A compiled filter and how to install it.
pub struct Filter {
    flags: u64,
    program: Vec<libc::sock_filter>,
}

impl Filter {
    /// Compiles `linux.seccomp`, or takes the compiled form from below `root`.
    pub fn of(linux: &Linux, root: &Path) -> Result<Option<Self>> {
        let Some(text) = &linux.seccomp else {
            return Ok(None);
        };
        let text = text.get();
        if text == "null" {
            return Ok(None);
        }
        if let Some(cached) = cache::load(root, text) {
            return Ok(Some(cached));
        }
        let filter = Self::compile(text)?;
        cache::store(root, text, &filter);
        Ok(Some(filter))
    }

    /// Whether installing it makes a listener, which somebody must still be there to take over.
    pub fn notifies(&self) -> bool {
        self.flags & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER != 0
    }

    fn compile(text: &str) -> Result<Self> {
        let profile: profile::Profile = serde_json::from_str(text).step("parse linux.seccomp")?;
        let flags = profile.flags()?;
        let program = compile::compile(&profile).step("compile linux.seccomp")?;
        Ok(Self { flags, program })
    }

    /// Installs it on the calling thread. Returns the listener of a profile that notifies.
    pub fn install(&self) -> Result<Option<OwnedFd>> {
        sys::seccomp_set_filter(self.flags, &self.program).step("install the seccomp filter")
    }

    /// Sends the listener with the container's state and the number of the process that it
    /// watches to `listenerPath`.
    pub fn hand_over(
        linux: &Linux,
        listener: Vec<OwnedFd>,
        state: &OciState<'_>,
        pid: Pid,
    ) -> Result<()> {
        let text = linux.seccomp.as_ref().map_or("null", |text| text.get());
        let profile: profile::Profile = serde_json::from_str(text).step("parse linux.seccomp")?;
        let Some(path) = &profile.listener_path else {
            fail!("linux.seccomp uses SCMP_ACT_NOTIFY and needs a listenerPath");
        };
        let state = serde_json::json!({
            "ociVersion": crate::container::state::OCI_VERSION,
            "fds": ["seccompFd"],
            "pid": pid.as_raw_nonzero().get(),
            "metadata": profile.listener_metadata,
            "state": state,
        });
        let socket = UnixStream::connect(path)
            .step_with(|| format!("connect to linux.seccomp.listenerPath {}", path.display()))?;
        let fds: Vec<_> = listener.iter().map(AsFd::as_fd).collect();
        Channel::send_raw(socket.as_fd(), state.to_string().as_bytes(), &fds)
    }
}
