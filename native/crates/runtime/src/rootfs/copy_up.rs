//! `tmpcopyup`: a tmpfs that begins with what the image has in its place.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid};

use crate::error::{Result, Step};

/// Bounds what a hostile image can make the runtime do.
const ENTRIES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 64;

/// Copies directories, files and links with owner and mode. Devices and sockets are left out.
pub fn copy(from: OwnedFd, to: BorrowedFd<'_>) -> Result<()> {
    let mut budget = ENTRIES_MAX;
    copy_directory(&from, to, &mut budget, 0)
}

fn copy_directory(
    from: &OwnedFd,
    to: BorrowedFd<'_>,
    budget: &mut usize,
    depth: usize,
) -> Result<()> {
    if depth > DEPTH_MAX {
        crate::fail!("directories are nested deeper than {DEPTH_MAX}");
    }
    let entries = Dir::read_from(from).step("read directory")?;
    for entry in entries {
        let entry = entry.step("read directory")?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        *budget = match budget.checked_sub(1) {
            Some(left) => left,
            None => crate::fail!("more than {ENTRIES_MAX} files"),
        };
        copy_entry(from, to, name, budget, depth).step_with(|| format!("copy {name:?}"))?;
    }
    Ok(())
}

fn copy_entry(
    from: &OwnedFd,
    to: BorrowedFd<'_>,
    name: &std::ffi::CStr,
    budget: &mut usize,
    depth: usize,
) -> Result<()> {
    let stat = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW).step("stat")?;
    let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
    let open = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            let source = rustix::fs::openat(from, name, open | OFlags::DIRECTORY, Mode::empty())
                .step("open")?;
            rustix::fs::mkdirat(to, name, Mode::RWXU).step("make directory")?;
            let made = rustix::fs::openat(to, name, open | OFlags::DIRECTORY, Mode::empty())
                .step("open the copy")?;
            copy_directory(&source, made.as_fd(), budget, depth + 1)?;
            own(made.as_fd(), &stat, mode)
        }
        FileType::RegularFile => {
            let source = rustix::fs::openat(from, name, open, Mode::empty()).step("open")?;
            let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let made = rustix::fs::openat(to, name, create, Mode::RWXU).step("make file")?;
            std::io::copy(
                &mut std::fs::File::from(source),
                &mut std::fs::File::from(made.try_clone().step("copy")?),
            )
            .step("copy")?;
            own(made.as_fd(), &stat, mode)
        }
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(from, name, Vec::new()).step("read link")?;
            rustix::fs::symlinkat(target.as_c_str(), to, name).step("make link")
        }
        _ => Ok(()),
    }
}

fn own(fd: BorrowedFd<'_>, stat: &rustix::fs::Stat, mode: Mode) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    rustix::fs::fchown(fd, Some(uid), Some(gid)).step("set owner")?;
    rustix::fs::fchmod(fd, mode).step("set mode")
}
