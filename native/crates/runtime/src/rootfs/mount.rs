//! One entry of `mounts`: made detached (fsopen, open_tree), attached to a descriptor of its place.
//! No path of the container is ever resolved outside its root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, OFlags, ResolveFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount,
    open_tree, unmount,
};

use super::options::{Attributes, Options};
use super::resolve::{self, Target};
use crate::error::{Error, Result, Step};
use crate::fail;
use crate::spec::Mount;
use crate::sys;

const PROC_SUPER_MAGIC: i64 = 0x9fa0;
const SYSFS_MAGIC: i64 = 0x6265_6572;

/// Mounts one entry that is no cgroup mount. `tree` is its opened source when it is a bind mount.
pub fn mount(root: BorrowedFd<'_>, mount: &Mount, tree: Option<BorrowedFd<'_>>) -> Result<()> {
    let options = Options::parse(&mount.options);
    let step = || format!("mount {} at {}", describe(mount), mount.destination);
    match tree {
        Some(tree) => bind(root, mount, &options, tree).step_with(step),
        None => {
            let kind = mount.kind.as_deref().unwrap_or("");
            new_filesystem(root, mount, kind, &options).step_with(step)
        }
    }
}

/// Opens the sources of all bind mounts, by the host's paths, before any mount turns private: so a
/// mount that is to be shared with the host still is.
pub fn open_sources(mounts: &[Mount], bundle: &Path) -> Result<Vec<Option<OwnedFd>>> {
    mounts
        .iter()
        .map(|mount| open_source(mount, bundle))
        .collect()
}

/// Whether it shows a part of a file system that is mounted already.
pub fn is_bind(mount: &Mount) -> bool {
    Options::parse(&mount.options).bind || mount.kind.as_deref() == Some("bind")
}

fn open_source(mount: &Mount, bundle: &Path) -> Result<Option<OwnedFd>> {
    if !is_bind(mount) {
        return Ok(None);
    }
    let options = Options::parse(&mount.options);
    let Some(source) = mount.source.as_deref() else {
        fail!("mount at {}: source is missing", mount.destination);
    };
    clone_tree(&bundle.join(source), options.recursive)
        .step_with(|| format!("open {source}, the source of {}", mount.destination))
        .map(Some)
}

fn describe(mount: &Mount) -> &str {
    let kind = mount
        .kind
        .as_deref()
        .filter(|kind| !matches!(*kind, "bind" | "none" | ""));
    kind.or(mount.source.as_deref()).unwrap_or("nothing")
}

fn new_filesystem(
    root: BorrowedFd<'_>,
    mount: &Mount,
    kind: &str,
    options: &Options,
) -> Result<()> {
    // A /proc that lands elsewhere through a link would escape its masks (CVE-2019-19921).
    let links = !matches!(kind, "proc" | "sysfs");
    let target = resolve::ensure(root, &mount.destination, Target::Directory, links)?;
    let kept = if options.copy_up {
        Some(reopen_directory(target.as_fd())?)
    } else {
        None
    };
    let source = mount.source.as_deref().unwrap_or(kind);
    let fd = make(kind, source, options)?;
    attach(fd.as_fd(), target.as_fd())?;
    finish(fd.as_fd(), options)?;
    if let Some(kept) = kept {
        super::copy_up::copy(kept, fd.as_fd()).step("copy the image's files into it")?;
    }
    Ok(())
}

fn reopen_directory(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    resolve::open_with(
        fd,
        ".",
        OFlags::RDONLY | OFlags::DIRECTORY,
        ResolveFlags::empty(),
    )
    .step("open the place")
}

/// A new detached mount of file system `kind`.
pub fn make(kind: &str, source: &str, options: &Options) -> Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)
        .step_with(|| format!("open file system {kind:?}"))?;
    if !source.is_empty() {
        fsconfig_set_string(context.as_fd(), "source", source).step("set its source")?;
    }
    for option in &options.data {
        match option.split_once('=') {
            Some((key, value)) => fsconfig_set_string(context.as_fd(), key, value),
            None => fsconfig_set_flag(context.as_fd(), option.as_str()),
        }
        .step_with(|| format!("set option {option:?}"))?;
    }
    // Of a shared superblock (sysfs, mqueue) only this mount may become read-only.
    fsconfig_create(context.as_fd()).map_err(|error| explain_creation(kind, error))?;
    let attributes = MountAttrFlags::from_bits_retain(options.attributes.set as u32);
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).step("make a mount of it")
}

/// These show a namespace, and may be mounted only by its owner.
fn explain_creation(kind: &str, error: rustix::io::Errno) -> Error {
    let namespace = match kind {
        "sysfs" => "network",
        "mqueue" => "ipc",
        "proc" => "pid",
        _ => "",
    };
    if error == rustix::io::Errno::PERM && !namespace.is_empty() {
        return Error::new(format!(
            "create it: {error}; the {namespace} namespace must belong to the container's user \
             namespace"
        ));
    }
    Error::new(format!("create it: {error}"))
}

pub fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, "", target, "", flags).step("attach it")
}

fn finish(mount: BorrowedFd<'_>, options: &Options) -> Result<()> {
    set(mount, true, options.recursive_attributes).step("set recursive attributes")?;
    if let Some((propagation, recursive)) = options.propagation {
        sys::mount_setattr(mount, recursive, 0, 0, propagation).step("set propagation")?;
    }
    Ok(())
}

fn set(mount: BorrowedFd<'_>, recursive: bool, attributes: Attributes) -> Result<()> {
    if attributes.is_empty() {
        return Ok(());
    }
    let (set, clear) = attributes.for_setattr();
    sys::mount_setattr(mount, recursive, set, clear, 0).step("set mount attributes")
}

fn bind(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    tree: BorrowedFd<'_>,
) -> Result<()> {
    let is_dir = file_type(tree)? == FileType::Directory;
    let target = if is_dir {
        Target::Directory
    } else {
        Target::File
    };
    let place = resolve::ensure(root, &mount.destination, target, true)?;
    set(tree, false, options.attributes)?;
    attach(tree, place.as_fd())?;
    if options.propagation.is_none() {
        sys::mount_setattr(tree, true, 0, 0, libc::MS_PRIVATE).step("make it private")?;
    }
    finish(tree, options)
}

/// A detached copy of the mount (and with `recursive` of those below) at a path of the host.
pub fn clone_tree(path: &Path, recursive: bool) -> rustix::io::Result<OwnedFd> {
    open_tree(CWD, path, tree_flags(recursive))
}

/// As [`clone_tree`], of what a descriptor refers to.
pub fn clone_fd(fd: BorrowedFd<'_>, recursive: bool) -> rustix::io::Result<OwnedFd> {
    open_tree(fd, "", tree_flags(recursive) | OpenTreeFlags::AT_EMPTY_PATH)
}

fn tree_flags(recursive: bool) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags | OpenTreeFlags::AT_RECURSIVE
    } else {
        flags
    }
}

pub fn file_type(fd: BorrowedFd<'_>) -> Result<FileType> {
    let stat = rustix::fs::fstat(fd).step("stat")?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

/// Whether this is the real procfs or sysfs, and not a directory that someone put there.
pub fn is_kernel_filesystem(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatfs(fd).is_ok_and(|fs| matches!(fs.f_type, PROC_SUPER_MAGIC | SYSFS_MAGIC))
}

/// Leaves the old root: puts `root` (a mount) in its place, and the old tree out of reach.
pub fn pivot(root: BorrowedFd<'_>) -> Result<()> {
    rustix::process::fchdir(root).step("enter the root filesystem")?;
    rustix::process::pivot_root(".", ".").step("pivot_root")?;
    // The old root now lies over the new one at "."; detach it so that nothing of it remains.
    unmount(".", UnmountFlags::DETACH).step("detach the old root")?;
    rustix::process::chdir("/").step("enter the new root")
}

/// Refuses what no kernel call would: a destination that is not absolute.
pub fn validate(mounts: &[Mount]) -> Result<()> {
    for (index, mount) in mounts.iter().enumerate() {
        if !mount.destination.starts_with('/') {
            fail!(
                "mounts[{index}].destination {:?} must be absolute",
                mount.destination
            );
        }
    }
    Ok(())
}
