//! OCI whiteouts (`.wh.NAME`, `.wh..wh..opq`) in the form overlayfs wants: a character device 0/0, and the
//! attribute `trusted.overlay.opaque`.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, XattrFlags, fsetxattr, mknodat, openat, statat};
use rustix::io::Errno;

use super::Applier;
use crate::refusal::{Code, Refusal, Result};
use crate::root::CleanPath;

const MARK: &[u8] = b".wh.";
const META_MARK: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// True when a component of the path is reserved for whiteouts.
pub fn is_marked(path: &[u8]) -> bool {
    path.split(|&b| b == b'/')
        .any(|part| part.starts_with(MARK))
}

pub fn invalid(message: &str) -> Refusal {
    Refusal::new(Code::WhiteoutInvalid, message)
}

/// Hides what the layers below have in this directory.
pub fn set_opaque(dir: impl AsFd) -> Result<()> {
    fsetxattr(dir, "trusted.overlay.opaque", b"y", XattrFlags::empty())
        .map_err(|e| Refusal::system("mark a directory opaque", e))
}

impl Applier<'_> {
    pub(super) fn whiteout(&mut self, parent: &CleanPath, name: &[u8]) -> Result<()> {
        if name == OPAQUE {
            self.contents.opaque_root |= parent.is_root();
            return set_opaque(&*self.root.make_dirs(parent)?);
        }
        if name.starts_with(META_MARK) {
            // Other marks are aufs' own bookkeeping and mean nothing elsewhere.
            return Ok(());
        }
        let hidden = &name[MARK.len()..];
        if hidden.is_empty() || hidden == b"." || hidden == b".." {
            return Err(invalid("a whiteout names nothing that can be hidden"));
        }
        let hidden = CString::new(hidden).map_err(|_| invalid("a whiteout holds a NUL byte"))?;
        let fd = self.root.make_dirs(parent)?;
        match mknodat(&fd, &hidden, FileType::CharacterDevice, Mode::empty(), 0) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => hide_below(&fd, &hidden),
            Err(e) => Err(Refusal::system("make a whiteout", e)),
        }
    }
}

/// A whiteout is for the layers below, so what this layer has at the name stays: a file hides the lower one
/// by itself, a directory does once it is opaque.
fn hide_below(parent: &OwnedFd, name: &CString) -> Result<()> {
    let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|e| Refusal::system("look at a name", e))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = openat(parent, name, flags, Mode::empty())
        .map_err(|e| Refusal::system("open a directory", e))?;
    set_opaque(&dir)
}
