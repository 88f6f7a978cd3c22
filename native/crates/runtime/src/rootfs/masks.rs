//! `maskedPaths` and `readonlyPaths`, by descriptor: what is checked is what is covered.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::options::Options;
use super::{devices, mount, resolve};
use crate::error::{Result, Step};
use crate::fail;
use crate::sys;

/// Covers files with the null device and directories with one empty, read-only tmpfs.
pub fn mask(root: BorrowedFd<'_>, paths: &[String]) -> Result<()> {
    let mut covers = Covers::default();
    for path in paths {
        let Some(target) = open_existing(root, path)? else {
            continue;
        };
        covers
            .cover(target.as_fd())
            .step_with(|| format!("mask {path}"))?;
    }
    Ok(())
}

/// Makes a path and all mounts below it read-only, by a recursive bind mount onto itself.
pub fn make_readonly(root: BorrowedFd<'_>, paths: &[String]) -> Result<()> {
    for path in paths {
        let Some(target) = open_existing(root, path)? else {
            continue;
        };
        readonly(target.as_fd()).step_with(|| format!("make {path} read-only"))?;
    }
    Ok(())
}

fn readonly(target: BorrowedFd<'_>) -> Result<()> {
    let tree = mount::clone_fd(target, true).step("clone it")?;
    sys::mount_setattr(tree.as_fd(), true, libc::MOUNT_ATTR_RDONLY, 0, 0)
        .step("set the attribute")?;
    mount::attach(tree.as_fd(), target)
}

fn open_existing(root: BorrowedFd<'_>, path: &str) -> Result<Option<OwnedFd>> {
    match resolve::open(root, path) {
        Ok(fd) => Ok(Some(fd)),
        // What this kernel or image does not have needs no cover.
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => fail!("open {path} in the root filesystem: {error}"),
    }
}

/// The two covers, made at first use and cloned from then on.
#[derive(Default)]
struct Covers {
    directory: Option<OwnedFd>,
}

impl Covers {
    fn cover(&mut self, target: BorrowedFd<'_>) -> Result<()> {
        if mount::file_type(target)? != FileType::Directory {
            return mount::attach(devices::host_null()?.as_fd(), target);
        }
        if let Some(first) = &self.directory {
            let clone = mount::clone_fd(first.as_fd(), false).step("clone the empty directory")?;
            return mount::attach(clone.as_fd(), target);
        }
        let options = [
            "ro",
            "nosuid",
            "nodev",
            "noexec",
            "size=0k",
            "nr_inodes=2",
            "mode=555",
        ];
        let options = Options::parse(&options.map(str::to_owned));
        let empty = mount::make("tmpfs", "tmpfs", &options)?;
        mount::attach(empty.as_fd(), target)?;
        self.directory = Some(empty);
        Ok(())
    }
}

/// Refuses paths that are not absolute.
pub fn validate(field: &str, paths: &[String]) -> Result<()> {
    match paths.iter().find(|path| !Path::new(path).is_absolute()) {
        Some(path) => fail!("{field}: {path:?} must be absolute"),
        None => Ok(()),
    }
}
