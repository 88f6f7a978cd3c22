//! Symlinks, devices and fifos.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, Uid, chmodat, chownat, makedev, mknodat, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::Applier;
use super::directories::timestamps;
use crate::archive::{Entry, Kind};
use crate::policy::is_harmless_device;
use crate::refusal::{Code, Refusal, Result};
use crate::root::CleanPath;

impl Applier<'_> {
    /// Any target is fine: it is only ever resolved inside a container. Entries that go through it are judged
    /// when they come.
    pub(super) fn symlink(&mut self, parent: &CleanPath, name: &CStr, entry: &Entry) -> Result<()> {
        if entry.link.is_empty() || entry.link.contains(&0) {
            return Err(Refusal::new(
                Code::PathInvalid,
                "a symlink has no usable target",
            ));
        }
        self.drop_xattrs(entry)?;
        let fd = self.root.make_dirs(parent)?;
        self.place(&fd, name, "make a symlink", || {
            symlinkat(entry.link.as_slice(), &fd, name)
        })?;
        dress(&fd, name, entry)
    }

    pub(super) fn device(&mut self, parent: &CleanPath, name: &CStr, entry: &Entry) -> Result<()> {
        let kind = match entry.kind {
            Kind::Fifo => FileType::Fifo,
            Kind::CharacterDevice if is_harmless_device(entry.major, entry.minor) => {
                FileType::CharacterDevice
            }
            _ => return Err(refused_device(entry)),
        };
        self.drop_xattrs(entry)?;
        let fd = self.root.make_dirs(parent)?;
        let (mode, number) = (
            Mode::from_raw_mode(entry.mode),
            makedev(entry.major, entry.minor),
        );
        self.place(&fd, name, "make a device", || {
            mknodat(&fd, name, kind, mode, number)
        })?;
        dress(&fd, name, entry)?;
        chmodat(&fd, name, mode, AtFlags::empty())
            .map_err(|e| Refusal::system("set a device's mode", e))
    }

    fn place(
        &mut self,
        parent: &OwnedFd,
        name: &CStr,
        step: &str,
        make: impl Fn() -> rustix::io::Result<()>,
    ) -> Result<()> {
        let made = match make() {
            Err(Errno::EXIST) => {
                self.clear(parent, name)?;
                make()
            }
            other => other,
        };
        made.map_err(|e| Refusal::system(step, e))
    }
}

fn dress(parent: &OwnedFd, name: &CStr, entry: &Entry) -> Result<()> {
    if entry.uid != 0 || entry.gid != 0 {
        let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
        chownat(
            parent,
            name,
            Some(uid),
            Some(gid),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .map_err(|e| Refusal::system("set a link's owner", e))?;
    }
    utimensat(
        parent,
        name,
        &timestamps(entry.mtime),
        AtFlags::SYMLINK_NOFOLLOW,
    )
    .map_err(|e| Refusal::system("set a link's times", e))
}

fn refused_device(entry: &Entry) -> Refusal {
    let kind = if entry.kind == Kind::BlockDevice {
        "block"
    } else {
        "character"
    };
    let message = format!(
        "the {kind} device {}:{} is outside the policy",
        entry.major, entry.minor
    );
    Refusal::new(Code::DeviceRefused, message)
}
