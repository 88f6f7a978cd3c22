//! Directories, whose modes and times are set last: entries inside change the times, and a setgid directory
//! would hand its group on to them.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, fchmod, fchown,
    fsetxattr, futimens, mkdirat, openat, statat,
};
use rustix::io::Errno;

use super::{Applier, misplaced, whiteouts};
use crate::archive::{Entry, Kind, Timestamp};
use crate::policy::{XattrVerdict, judge_xattr};
use crate::refusal::{Code, Refusal, Result, shown};
use crate::remove::remove_at;
use crate::root::{CleanPath, Root};

/// Mode and time by path, to be set when everything is in place.
#[derive(Default)]
pub struct Deferred(BTreeMap<CleanPath, (u32, Timestamp)>);

impl Deferred {
    /// Children first, so that no step touches a time that is already right.
    pub fn finish(&self, root: &Root) -> Result<()> {
        for (path, (mode, mtime)) in self.0.iter().rev() {
            // A later entry may have put something else in its place.
            let Some(fd) = root.open_dir(path)? else {
                continue;
            };
            fchmod(&fd, Mode::from_raw_mode(*mode))
                .map_err(|e| Refusal::system("set a directory's mode", e))?;
            set_times(&fd, *mtime)?;
        }
        Ok(())
    }
}

pub fn timestamps(mtime: Timestamp) -> Timestamps {
    let time = Timespec {
        tv_sec: mtime.seconds,
        tv_nsec: mtime.nanoseconds.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

pub fn set_times(fd: impl AsFd, mtime: Timestamp) -> Result<()> {
    futimens(fd, &timestamps(mtime)).map_err(|e| Refusal::system("set a file's times", e))
}

impl Applier<'_> {
    /// The archive may carry the attributes of the layer's own root.
    pub(super) fn root_entry(&mut self, entry: &Entry) -> Result<()> {
        if entry.kind != Kind::Directory {
            return Err(misplaced(&entry.path));
        }
        let root = openat(self.root.fd(), ".", directory_flags(), Mode::empty())
            .map_err(|e| Refusal::system("open the layer's root", e))?;
        let path = CleanPath::parse(b"")?;
        self.root.made_explicit(&path);
        self.dress_directory(&root, path, entry)
    }

    pub(super) fn directory(
        &mut self,
        path: &CleanPath,
        parent: &CleanPath,
        name: &CStr,
        entry: &Entry,
    ) -> Result<()> {
        let parent_fd = self.root.make_dirs(parent)?;
        let replaced = self.clear_for_directory(&parent_fd, name)?;
        match mkdirat(&parent_fd, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(Refusal::system("make a directory", e)),
        }
        let fd = openat(&parent_fd, name, directory_flags(), Mode::empty())
            .map_err(|e| Refusal::system("open a directory", e))?;
        if replaced {
            // What the layers below have here was taken away by an earlier entry.
            whiteouts::set_opaque(&fd)?;
        }
        self.root.made_explicit(path);
        self.dress_directory(&fd, path.clone(), entry)
    }

    /// Takes away what stands in a directory's place; true when it did.
    fn clear_for_directory(&mut self, parent: &OwnedFd, name: &CStr) -> Result<bool> {
        match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => Ok(false),
            Ok(_) => {
                remove_at(parent, name)?;
                self.root.forget();
                Ok(true)
            }
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(Refusal::system("look at a name", e)),
        }
    }

    fn dress_directory(&mut self, fd: &OwnedFd, path: CleanPath, entry: &Entry) -> Result<()> {
        set_owner(fd, entry, true)?;
        self.set_xattrs(fd, entry)?;
        self.deferred.0.insert(path, (entry.mode, entry.mtime));
        Ok(())
    }

    /// Sets those that the policy keeps; order does not matter, so a name twice takes its last value.
    pub(super) fn set_xattrs(&mut self, fd: &OwnedFd, entry: &Entry) -> Result<()> {
        for (name, value) in &entry.xattrs {
            match judge_xattr(name) {
                XattrVerdict::Keep => fsetxattr(fd, name.as_slice(), value, XattrFlags::empty())
                    .map_err(|e| Refusal::system(&format!("set {}", shown(name)), e))?,
                XattrVerdict::Drop => self.contents.xattrs_dropped += 1,
                XattrVerdict::Refuse => return Err(refused_xattr(name)),
            }
        }
        Ok(())
    }

    /// For entries that can carry none of the kept ones.
    pub(super) fn drop_xattrs(&mut self, entry: &Entry) -> Result<()> {
        for (name, _) in &entry.xattrs {
            if judge_xattr(name) == XattrVerdict::Refuse {
                return Err(refused_xattr(name));
            }
            self.contents.xattrs_dropped += 1;
        }
        Ok(())
    }
}

fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn refused_xattr(name: &[u8]) -> Refusal {
    let message = format!("the attribute {} would steer the overlay", shown(name));
    Refusal::new(Code::XattrRefused, message)
}

/// New files belong to root already; only an existing directory needs the call for root too.
pub fn set_owner(fd: &OwnedFd, entry: &Entry, always: bool) -> Result<()> {
    if !always && entry.uid == 0 && entry.gid == 0 {
        return Ok(());
    }
    fchown(
        fd,
        Some(Uid::from_raw(entry.uid)),
        Some(Gid::from_raw(entry.gid)),
    )
    .map_err(|e| Refusal::system("set a file's owner", e))
}
