//! Builds the container's file system tree in its own mount namespace. Everything is mounted on
//! descriptors resolved within the root before pivot_root, so that hooks see the finished tree at
//! the host's path and no link of the image is ever followed outside.

mod cgroup_mount;
mod copy_up;
mod devices;
mod masks;
mod mount;
mod options;
mod overlay;
mod resolve;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount::{MountPropagationFlags, mount_change};

pub use mount::{attach, clone_fd, is_kernel_filesystem, make as make_mount, open_sources, pivot};
pub use options::Options;
pub use resolve::{Target, ensure, open, open_with};

use crate::cgroup::Cgroup;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{Linux, Spec};
use crate::sys;

/// What building needs to know beside the specification.
pub struct Builder<'a> {
    pub spec: &'a Spec,
    pub bundle: &'a Path,
    pub cgroup: &'a Cgroup,
    /// The process has a cgroup namespace of its own.
    pub cgroup_namespace: bool,
    /// The process may make no device nodes (it is in a user namespace).
    pub bind_devices: bool,
}

impl Builder<'_> {
    /// Mounts all. `join_cgroups` runs once, before the first cgroup mount or at the end: by then
    /// the groups must exist, and until then they need not.
    pub fn build(
        &self,
        mut sources: Vec<Option<OwnedFd>>,
        mut join_cgroups: impl FnMut() -> Result<()>,
    ) -> Result<OwnedFd> {
        // Nothing that happens here may reach the host, whose mounts are commonly shared.
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).step("make all mounts private")?;
        let root = overlay::mount_root(self.spec, &self.root_path()?)?;
        let mut joined = false;
        for (index, entry) in self.spec.mounts.iter().enumerate() {
            if cgroup_mount::is_cgroup(entry) {
                if !joined {
                    join_cgroups()?;
                    joined = true;
                }
                cgroup_mount::mount(root.as_fd(), entry, self.cgroup, self.cgroup_namespace)?;
            } else {
                mount::mount(root.as_fd(), entry, sources[index].take())?;
            }
        }
        devices::make(root.as_fd(), self.spec, self.bind_devices)?;
        self.restrict(root.as_fd())?;
        if !joined {
            join_cgroups()?;
        }
        Ok(root)
    }

    fn root_path(&self) -> Result<PathBuf> {
        match &self.spec.root {
            Some(root) => Ok(self.bundle.join(&root.path)),
            None => fail!("root is missing in config.json"),
        }
    }

    fn restrict(&self, root: BorrowedFd<'_>) -> Result<()> {
        let Some(linux) = &self.spec.linux else {
            return Ok(());
        };
        masks::make_readonly(root, &linux.readonly_paths)?;
        masks::mask(root, &linux.masked_paths)
    }
}

/// What is set on the root once everything is in place: propagation, read-only.
pub fn seal_root(root: BorrowedFd<'_>, spec: &Spec) -> Result<()> {
    if spec.root.as_ref().is_some_and(|root| root.readonly) {
        overlay::make_readonly(root)?;
    }
    let Some(name) = spec
        .linux
        .as_ref()
        .and_then(|linux| linux.rootfs_propagation.as_deref())
    else {
        return Ok(());
    };
    let options = Options::parse(&[name.to_owned()]);
    let Some((propagation, recursive)) = options.propagation else {
        if name.is_empty() {
            return Ok(());
        }
        fail!("linux.rootfsPropagation: {name:?} is none of private, slave, shared, unbindable");
    };
    sys::mount_setattr(root, recursive, 0, 0, propagation).step("set rootfsPropagation")
}

/// Refuses what can be known to be wrong before anything is made.
pub fn validate(spec: &Spec) -> Result<()> {
    if spec.root.is_none() {
        fail!("root is missing in config.json");
    }
    mount::validate(&spec.mounts)?;
    overlay::Overlay::of(spec)?;
    let none = Linux::default();
    let linux = spec.linux.as_ref().unwrap_or(&none);
    masks::validate("linux.maskedPaths", &linux.masked_paths)?;
    masks::validate("linux.readonlyPaths", &linux.readonly_paths)
}
