//! Removes whole trees, however deep, wide or oddly named, without following a link.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use crate::refusal::{Code, Refusal, Result};

/// One directory on the way down: its name in its parent, and the subdirectories still to empty.
struct Level {
    name: CString,
    pending: Vec<CString>,
}

/// Removes the tree at an absolute path; missing is fine.
pub fn remove_tree(path: &Path) -> Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Refusal::new(
            Code::Usage,
            "the root directory is no tree to remove",
        ));
    };
    let name = CString::new(name.as_bytes())
        .map_err(|_| Refusal::new(Code::PathInvalid, "a path holds a NUL byte"))?;
    match openat(
        CWD,
        parent,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(Refusal::system("open a directory", e)),
        Ok(parent) => remove_at(&parent, &name),
    }
}

/// Removes `name` in `parent`, whatever it is; missing is fine. Uses one descriptor at any depth.
pub fn remove_at(parent: impl AsFd, name: &std::ffi::CStr) -> Result<()> {
    match unlinkat(&parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(e) => return Err(Refusal::system("remove a file", e)),
    }
    let mut here = open_dir(&parent, name)?;
    let mut levels = vec![Level {
        name: name.to_owned(),
        pending: empty_dir(&here)?,
    }];
    while let Some(level) = levels.last_mut() {
        if let Some(child) = level.pending.pop() {
            here = open_dir(&here, &child)?;
            let pending = empty_dir(&here)?;
            levels.push(Level {
                name: child,
                pending,
            });
            continue;
        }
        let done = levels.pop().map(|level| level.name).unwrap_or_default();
        if levels.is_empty() {
            return remove_dir(&parent, &done);
        }
        // Nobody else writes here, so the parent is still where it was.
        here = open_dir(&here, c"..")?;
        remove_dir(&here, &done)?;
    }
    Ok(())
}

fn open_dir(at: impl AsFd, name: &std::ffi::CStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty()).map_err(|e| Refusal::system("open a directory", e))
}

fn remove_dir(at: impl AsFd, name: &std::ffi::CStr) -> Result<()> {
    match unlinkat(at, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(Refusal::system("remove a directory", e)),
    }
}

/// Unlinks all but the subdirectories, and returns their names.
fn empty_dir(dir: &OwnedFd) -> Result<Vec<CString>> {
    let mut subdirectories = Vec::new();
    let entries = Dir::read_from(dir).map_err(|e| Refusal::system("list a directory", e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Refusal::system("list a directory", e))?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            subdirectories.push(name.to_owned());
            continue;
        }
        match unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => subdirectories.push(name.to_owned()),
            Err(e) => return Err(Refusal::system("remove a file", e)),
        }
    }
    Ok(subdirectories)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{mkdirat, symlinkat};

    #[test]
    fn removes_a_deep_tree_and_leaves_what_links_point_to() {
        let base = tempfile::tempdir().unwrap();
        let outside = base.path().join("outside");
        std::fs::write(&outside, "kept").unwrap();
        let root = openat(CWD, base.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
        mkdirat(&root, "tree", Mode::from_raw_mode(0o755)).unwrap();
        let mut here = open_dir(&root, c"tree").unwrap();
        for _ in 0..3000 {
            symlinkat(&outside, &here, "link").unwrap();
            mkdirat(&here, "down", Mode::from_raw_mode(0o755)).unwrap();
            here = open_dir(&here, c"down").unwrap();
        }
        remove_at(&root, c"tree").unwrap();
        assert!(!base.path().join("tree").exists());
        assert!(outside.exists());
        remove_at(&root, c"tree").unwrap();
    }
}
