//! Builds the container's file system tree in its own mount namespace. Everything is mounted on
//! descriptors resolved within the root before pivot_root, so that hooks see the finished tree at
//! the host's path and no link of the image is ever followed outside.

mod cgroup_mount;
mod copy_up;
mod device_nodes;
mod devices;
mod idmap;
mod masks;
mod mount;
mod options;
mod overlay;
mod resolve;
mod tree;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount::{MountPropagationFlags, mount_change};

pub use device_nodes::{
    are_wanted as wants_device_nodes, fill as fill_device_nodes, make as make_device_nodes,
};
pub use devices::Source as Devices;
pub use idmap::{apply as apply_idmaps, is_wanted as wants_idmaps};
pub use mount::{attach, clone_fd, is_kernel_filesystem, make as make_mount, open_sources, pivot};
pub use options::Options;
pub use overlay::Overlay;
pub use resolve::{Target, ensure, open, open_with};
pub use tree::Tree;

use crate::cgroup::Cgroup;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{Linux, Namespace, NamespaceKind, Spec};
use crate::sys;

/// What building needs to know beside the specification.
pub struct Builder<'a> {
    pub spec: &'a Spec,
    pub bundle: &'a Path,
    pub cgroup: &'a Cgroup,
    /// The process has a cgroup namespace of its own.
    pub cgroup_namespace: bool,
    pub in_user_namespace: bool,
    /// Whether the process may make device nodes, which it may not in a user namespace.
    pub devices: Devices<'a>,
    /// The root's mount, when the parent made it.
    pub root: Option<OwnedFd>,
}

impl Builder<'_> {
    /// Mounts all. `join_cgroups` runs once, before the first cgroup mount or at the end: by then
    /// the groups must exist, and until then they need not.
    pub fn build(
        &self,
        sources: &[Option<OwnedFd>],
        mut join_cgroups: impl FnMut() -> Result<()>,
    ) -> Result<OwnedFd> {
        // Nothing that happens here may reach the host, whose mounts are commonly shared.
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).step("make all mounts private")?;
        // Before the device nodes cover its place.
        let plain = match &self.root {
            Some(_) => None,
            None => overlay::plain_tree(self.spec, &self.root_path()?)?,
        };
        if let Devices::Bind(Some(nodes)) = self.devices {
            device_nodes::place(nodes, &self.root_path()?)?;
        }
        let root = match self.root.as_ref() {
            Some(made) => overlay::place(made.as_fd(), &self.root_path()?)?,
            None => {
                overlay::mount_root(self.spec, plain, &self.root_path()?, self.in_user_namespace)?
            }
        };
        let mut joined = false;
        for (index, entry) in self.spec.mounts.iter().enumerate() {
            if cgroup_mount::is_cgroup(entry) {
                if !joined {
                    join_cgroups()?;
                    joined = true;
                }
                cgroup_mount::mount(root.as_fd(), entry, self.cgroup, self.cgroup_namespace)?;
            } else {
                let source = sources.get(index).and_then(Option::as_ref);
                mount::mount(root.as_fd(), entry, source.map(AsFd::as_fd))?;
            }
        }
        devices::make(root.as_fd(), self.spec, self.devices)?;
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
    tree::Tree::of(spec)?;
    let none = Linux::default();
    let linux = spec.linux.as_ref().unwrap_or(&none);
    let is_user = |ns: &Namespace| ns.kind == NamespaceKind::User;
    idmap::validate(&spec.mounts, linux.namespaces.iter().any(is_user))?;
    masks::validate("linux.maskedPaths", &linux.masked_paths)?;
    masks::validate("linux.readonlyPaths", &linux.readonly_paths)
}
