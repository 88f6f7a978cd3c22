//! The directory a layer unpacks into: resolves an archive's names beneath it and nowhere else.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, openat2};
use rustix::io::Errno;

use crate::policy::{MAX_DEPTH, MAX_NAME_BYTES};
use crate::refusal::{Code, Refusal, Result, shown};

/// The kernel resolves at most PATH_MAX bytes at once; longer paths go piece by piece.
const PIECE_BYTES: usize = 2048;
/// How many directories that no entry named are remembered for the caller.
pub const MAX_IMPLICIT_DIRS: usize = 10_000;

/// A cleaned name beneath the root: no empty, `.` or `..` components; empty for the root itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CleanPath(Vec<u8>);

impl CleanPath {
    /// Refuses what could lead out of the root, or no file system can hold.
    pub fn parse(name: &[u8]) -> Result<CleanPath> {
        if name.len() > MAX_NAME_BYTES {
            return Err(Refusal::new(Code::NameTooLong, "a name is over 32 KiB"));
        }
        if name.contains(&0) {
            return Err(Refusal::new(Code::PathInvalid, "a name holds a NUL byte"));
        }
        let parts: Vec<&[u8]> = name
            .split(|&b| b == b'/')
            .filter(|part| !part.is_empty() && *part != b".")
            .collect();
        if parts.contains(&&b".."[..]) {
            return Err(Refusal::new(
                Code::PathEscapes,
                "a name goes up with \"..\"",
            ));
        }
        // Some builders write the root itself as "/".
        if name.first() == Some(&b'/') && !parts.is_empty() {
            return Err(Refusal::new(Code::PathAbsolute, "a name is absolute"));
        }
        if parts.len() > MAX_DEPTH {
            return Err(Refusal::new(Code::NameTooLong, "a name is too deep"));
        }
        Ok(CleanPath(parts.join(&b'/')))
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parent and last component; none for the root.
    pub fn split(&self) -> Option<(CleanPath, CString)> {
        if self.is_root() {
            return None;
        }
        let at = self.0.iter().rposition(|&b| b == b'/');
        let (parent, name) = match at {
            Some(at) => (&self.0[..at], &self.0[at + 1..]),
            None => (&b""[..], &self.0[..]),
        };
        Some((CleanPath(parent.to_vec()), CString::new(name).ok()?))
    }

    pub fn child(&self, name: &[u8]) -> CleanPath {
        if self.is_root() {
            return CleanPath(name.to_vec());
        }
        CleanPath([&self.0, &b"/"[..], name].concat())
    }
}

pub struct Root {
    fd: Rc<OwnedFd>,
    /// The directory used last: archives name a directory's files one after the other.
    last: Option<(CleanPath, Rc<OwnedFd>)>,
    implicit: BTreeSet<CleanPath>,
}

impl Root {
    pub fn new(fd: OwnedFd) -> Self {
        Root {
            fd: Rc::new(fd),
            last: None,
            // Many archives say nothing of the root itself.
            implicit: BTreeSet::from([CleanPath(Vec::new())]),
        }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Must be called when a directory or a link was taken away: the name may now lead elsewhere.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// An entry of the archive has named this directory.
    pub fn made_explicit(&mut self, path: &CleanPath) {
        self.implicit.remove(path);
    }

    /// Directories that exist only because entries below them do.
    pub fn implicit_dirs(&self) -> &BTreeSet<CleanPath> {
        &self.implicit
    }

    /// The directory, made with its parents where missing.
    pub fn make_dirs(&mut self, path: &CleanPath) -> Result<Rc<OwnedFd>> {
        if path.is_root() {
            return Ok(self.fd.clone());
        }
        if let Some((last, fd)) = &self.last
            && last == path
        {
            return Ok(fd.clone());
        }
        let opened = match open_beneath(self.fd(), path.as_bytes()) {
            Err(Errno::NOENT) => self.make_missing(path),
            other => other.map_err(|e| refused_parent(path, e)),
        };
        let fd = Rc::new(opened?);
        self.last = Some((path.clone(), fd.clone()));
        Ok(fd)
    }

    /// The directory if it is there.
    pub fn open_dir(&self, path: &CleanPath) -> Result<Option<OwnedFd>> {
        match open_beneath(self.fd(), path.as_bytes()) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(e) => Err(refused_parent(path, e)),
        }
    }

    fn make_missing(&mut self, path: &CleanPath) -> Result<OwnedFd> {
        let mut at = CleanPath(Vec::new());
        let mut here: Option<OwnedFd> = None;
        for part in path.as_bytes().split(|&b| b == b'/') {
            at = at.child(part);
            let above = here.as_ref().map_or(self.fd(), |fd| fd.as_fd());
            let next = match open_beneath(self.fd(), at.as_bytes()) {
                Err(Errno::NOENT) => {
                    let made = make_one(above, part, &at)?;
                    if self.implicit.len() < MAX_IMPLICIT_DIRS {
                        self.implicit.insert(at.clone());
                    }
                    made
                }
                other => other.map_err(|e| refused_parent(&at, e))?,
            };
            here = Some(next);
        }
        here.ok_or_else(|| Refusal::new(Code::PathInvalid, "a name is empty"))
    }
}

fn make_one(above: BorrowedFd<'_>, name: &[u8], path: &CleanPath) -> Result<OwnedFd> {
    match mkdirat(above, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => open_beneath(above, name).map_err(|e| refused_parent(path, e)),
        // It was "missing" only because it is a link to nothing.
        Err(Errno::EXIST) => Err(refused_parent(path, Errno::XDEV)),
        Err(e) => Err(Refusal::system("make a directory", e)),
    }
}

/// Opens a directory below `root`, however long its path is; nothing on the way leads out of it.
pub fn open_beneath(root: BorrowedFd<'_>, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    let mut rest = path;
    let mut here: Option<OwnedFd> = None;
    loop {
        let (piece, after) = cut_piece(rest);
        let from = here.as_ref().map_or(root, |fd| fd.as_fd());
        let next = open_piece(from, piece)?;
        if after.is_empty() {
            return Ok(next);
        }
        here = Some(next);
        rest = after;
    }
}

fn cut_piece(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= PIECE_BYTES {
        return (path, b"");
    }
    match path[..PIECE_BYTES].iter().rposition(|&b| b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (path, b""),
    }
}

/// Links on the way are followed only as long as they stay beneath: the kernel checks each step, so no
/// archive can win by what its earlier entries made.
fn open_piece(from: BorrowedFd<'_>, piece: &[u8]) -> rustix::io::Result<OwnedFd> {
    let name: &[u8] = if piece.is_empty() { b"." } else { piece };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    openat2(from, name, flags, Mode::empty(), resolve)
}

fn refused_parent(path: &CleanPath, error: Errno) -> Refusal {
    let name = shown(path.as_bytes());
    match error {
        Errno::XDEV | Errno::LOOP => {
            let message = format!("the way to {name} leaves the layer through a link");
            Refusal::new(Code::LinkEscapes, message)
        }
        Errno::NOTDIR => Refusal::new(
            Code::PathInvalid,
            format!("a part of {name} is not a directory"),
        ),
        other => Refusal::system("open a directory", other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_names_and_refuses_ways_out() {
        let clean = |name: &[u8]| CleanPath::parse(name).map(|p| p.0).map_err(|e| e.code);
        assert_eq!(clean(b"./usr//bin/./ls"), Ok(b"usr/bin/ls".to_vec()));
        assert_eq!(clean(b"./"), Ok(vec![]));
        assert_eq!(clean(b"/"), Ok(vec![]));
        assert_eq!(clean(b"a/../b"), Err(Code::PathEscapes));
        assert_eq!(clean(b".."), Err(Code::PathEscapes));
        assert_eq!(clean(b"/etc/passwd"), Err(Code::PathAbsolute));
        assert_eq!(clean(b"a\0b"), Err(Code::PathInvalid));
        assert_eq!(clean(&b"a/".repeat(1025)), Err(Code::NameTooLong));
        assert_eq!(clean(&[b'a'; 40_000]), Err(Code::NameTooLong));
        assert_eq!(clean(b"..a/b.."), Ok(b"..a/b..".to_vec()));
    }
}
