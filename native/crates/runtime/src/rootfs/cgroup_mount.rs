//! The container's view of its own groups: `cgroup` and `cgroup2` mounts.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::io::Errno;

use super::mount as mounts;
use super::options::Options;
use super::resolve::{self, Target};
use crate::cgroup::Cgroup;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::Mount;
use crate::sys;

pub fn is_cgroup(mount: &Mount) -> bool {
    matches!(mount.kind.as_deref(), Some("cgroup" | "cgroup2"))
}

/// Shows the container its own groups. `namespaced` says that it has a cgroup namespace of its own,
/// whose root the kernel then takes for a new cgroup2 mount.
pub fn mount(root: BorrowedFd<'_>, mount: &Mount, cgroup: &Cgroup, namespaced: bool) -> Result<()> {
    let options = Options::parse(&mount.options);
    let place = resolve::ensure(root, &mount.destination, Target::Directory, false)?;
    let step = || format!("mount cgroup at {}", mount.destination);
    match (&cgroup.unified, cgroup.v1.is_empty()) {
        (Some(_), true) if namespaced => {
            let bare = Options {
                data: Vec::new(),
                ..options
            };
            let fd = mounts::make("cgroup2", "cgroup", &bare).step_with(step)?;
            mounts::attach(fd.as_fd(), place.as_fd()).step_with(step)
        }
        (Some(dir), true) => bind(dir, place.as_fd(), &options).step_with(step),
        (_, false) => mount_v1(place.as_fd(), cgroup, &options).step_with(step),
        // An ordinary user may have none of its own, and is not shown the host's.
        (None, true) if !cgroup.path.is_empty() => mount_v1(place.as_fd(), cgroup, &options),
        (None, true) => fail!("{}: this host mounts no cgroups", step()),
    }
}

/// A small tmpfs with one directory per hierarchy, as hosts have it.
fn mount_v1(place: BorrowedFd<'_>, cgroup: &Cgroup, options: &Options) -> Result<()> {
    let own = ["nosuid", "nodev", "noexec", "mode=755", "size=64k"].map(str::to_owned);
    let tree = mounts::make("tmpfs", "tmpfs", &Options::parse(&own))?;
    mounts::attach(tree.as_fd(), place)?;
    for group in &cgroup.v1 {
        let name = group.controllers.trim_start_matches("name=");
        let sub = resolve::ensure(tree.as_fd(), name, Target::Directory, false)?;
        bind(&group.dir, sub.as_fd(), options)?;
        for controller in name.split(',').filter(|controller| *controller != name) {
            match rustix::fs::symlinkat(name, tree.as_fd(), controller) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => fail!("link {controller}: {error}"),
            }
        }
    }
    if options.readonly {
        sys::mount_setattr(tree.as_fd(), false, libc::MOUNT_ATTR_RDONLY, 0, 0)
            .step("make it read-only")?;
    }
    Ok(())
}

fn bind(dir: &Path, place: BorrowedFd<'_>, options: &Options) -> Result<()> {
    let tree = mounts::clone_tree(dir, false).step_with(|| format!("open {}", dir.display()))?;
    let (set, clear) = options.attributes.for_setattr();
    sys::mount_setattr(tree.as_fd(), false, set, clear, libc::MS_PRIVATE)
        .step("set mount attributes")?;
    mounts::attach(tree.as_fd(), place)
}
