//! Paths inside a root that strangers filled: the kernel resolves them (openat2), with every link
//! and `..` confined to that root, so there is no window between a check and its use.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Result, Step};
use crate::fail;

const IN_ROOT: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
/// openat2 answers EAGAIN while something is renamed beneath it.
const RACE_ATTEMPTS: usize = 64;

/// What a mount point is made as when it is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    Directory,
    File,
}

/// Opens `path` within `root` by name only (`O_PATH`), links followed but confined.
pub fn open(root: BorrowedFd<'_>, path: &str) -> rustix::io::Result<OwnedFd> {
    open_with(root, path, OFlags::PATH, IN_ROOT)
}

/// As [`open`], but refuses links in any place: for /proc and /sys, whose place must be the named one.
pub fn open_without_links(root: BorrowedFd<'_>, path: &str) -> rustix::io::Result<OwnedFd> {
    open_with(
        root,
        path,
        OFlags::PATH,
        IN_ROOT | ResolveFlags::NO_SYMLINKS,
    )
}

pub fn open_with(
    root: BorrowedFd<'_>,
    path: &str,
    flags: OFlags,
    resolve: ResolveFlags,
) -> rustix::io::Result<OwnedFd> {
    for _ in 0..RACE_ATTEMPTS {
        match rustix::fs::openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            answer => return answer,
        }
    }
    Err(Errno::AGAIN)
}

/// Opens a mount point within `root`, making it and its parents where missing.
pub fn ensure(root: BorrowedFd<'_>, path: &str, target: Target, links: bool) -> Result<OwnedFd> {
    let open = if links { open } else { open_without_links };
    match open(root, path) {
        Ok(fd) => return Ok(fd),
        Err(Errno::NOENT) => {}
        Err(error) => fail!("open {path} in the root filesystem: {error}"),
    }
    let path = path.trim_end_matches('/');
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name.is_empty() || name == "." || name == ".." {
        fail!("mount destination {path:?} names no file");
    }
    let parent = if parent.is_empty() { "/" } else { parent };
    let parent = ensure(root, parent, Target::Directory, links)?;
    make(parent.as_fd(), name, target)
        .step_with(|| format!("make {path} in the root filesystem"))?;
    open(root, path).step_with(|| format!("open {path} in the root filesystem"))
}

fn make(parent: BorrowedFd<'_>, name: &str, target: Target) -> rustix::io::Result<()> {
    let made = match target {
        Target::Directory => rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)),
        Target::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o644)).map(drop)
        }
    };
    match made {
        Err(Errno::EXIST) => Ok(()),
        other => other,
    }
}

/// Splits an absolute path into its parent and last part.
pub fn split(path: &str) -> (&str, &OsStr) {
    let path = path.trim_end_matches('/');
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    (
        if parent.is_empty() { "/" } else { parent },
        OsStr::from_bytes(name.as_bytes()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn scratch(name: &str) -> std::path::PathBuf {
        let dir =
            std::env::temp_dir().join(format!("gantry-resolve-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn links_and_dots_stay_inside() {
        let dir = scratch("inside");
        symlink("/etc", dir.join("absolute")).unwrap();
        symlink("../../../../etc", dir.join("relative")).unwrap();
        let root = rustix::fs::open(&dir, OFlags::PATH, Mode::empty()).unwrap();
        for path in ["/absolute/passwd", "/relative/passwd", "/../../etc/passwd"] {
            assert_eq!(
                open(root.as_fd(), path).unwrap_err(),
                Errno::NOENT,
                "{path}"
            );
        }
        ensure(root.as_fd(), "/a/b/../c", Target::Directory, true).unwrap_err();
        std::fs::create_dir(dir.join("etc")).unwrap();
        ensure(root.as_fd(), "/absolute/made", Target::File, true).unwrap();
        assert!(dir.join("etc/made").is_file());
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn links_can_be_refused() {
        let dir = scratch("refused");
        std::fs::create_dir(dir.join("other")).unwrap();
        symlink("other", dir.join("proc")).unwrap();
        let root = rustix::fs::open(&dir, OFlags::PATH, Mode::empty()).unwrap();
        assert!(ensure(root.as_fd(), "/proc", Target::Directory, true).is_ok());
        assert!(ensure(root.as_fd(), "/proc", Target::Directory, false).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
