//! Walks the layers together, as overlayfs would show them: the topmost layer that has a name wins, a whiteout hides
//! it, and directories show the entries of all layers down to an opaque one.

use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fgetxattr, linkat, mkdirat, openat, statat,
};
use rustix::io::Errno;

use super::node::{Copier, dress};
use crate::refusal::{Refusal, Result};
use crate::root::{CleanPath, open_beneath};

/// A directory of the merged tree that is made and still empty, and the layers that show in it, topmost first.
struct Pending {
    path: CleanPath,
    layers: Vec<usize>,
}

pub struct Merge {
    layers: Vec<OwnedFd>,
    target: OwnedFd,
    pending: Vec<Pending>,
    /// The first copy of each file with several names, by layer and inode.
    linked: HashMap<(usize, u64), CleanPath>,
    copier: Copier,
    entries: u64,
}

impl Merge {
    /// Layers topmost first; `target` is empty.
    pub fn new(layers: Vec<OwnedFd>, target: OwnedFd) -> Self {
        Merge {
            layers,
            target,
            pending: Vec::new(),
            linked: HashMap::new(),
            copier: Copier::default(),
            entries: 0,
        }
    }

    /// Copies all; returns how many entries there are.
    pub fn run(mut self) -> Result<u64> {
        let mut shown = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            shown.push(index);
            if is_opaque(layer) {
                break;
            }
        }
        self.pending.push(Pending {
            path: CleanPath::parse(b"")?,
            layers: shown,
        });
        while let Some(dir) = self.pending.pop() {
            self.directory(&dir)
                .map_err(|e| e.with_entry(dir.path.as_bytes()))?;
        }
        Ok(self.entries)
    }

    /// Fills one directory and dresses it: what is done below it later changes nothing of its own.
    fn directory(&mut self, dir: &Pending) -> Result<()> {
        let mut sources = Vec::with_capacity(dir.layers.len());
        for &layer in &dir.layers {
            let opened = open_beneath(self.layers[layer].as_fd(), dir.path.as_bytes());
            let opened = opened.map_err(|e| Refusal::system("open a layer's directory", e))?;
            sources.push((layer, opened));
        }
        let target = open_beneath(self.target.as_fd(), dir.path.as_bytes())
            .map_err(|e| Refusal::system("open a copied directory", e))?;
        let mut seen = HashSet::new();
        for at in 0..sources.len() {
            self.listing(&sources[at..], &target, &dir.path, &mut seen)?;
        }
        match sources.first() {
            Some((_, top)) => dress(&target, top),
            None => Ok(()),
        }
    }

    /// Copies what the first of the sources shows and none above it has named.
    fn listing(
        &mut self,
        sources: &[(usize, OwnedFd)],
        target: &OwnedFd,
        path: &CleanPath,
        seen: &mut HashSet<Vec<u8>>,
    ) -> Result<()> {
        let [(layer, source), lower @ ..] = sources else {
            return Ok(());
        };
        let failed = |e| Refusal::system("list a layer", e);
        for entry in Dir::read_from(source).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") || !seen.insert(name.to_bytes().to_vec()) {
                continue;
            }
            let stat = statat(source, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
            if is_whiteout(&stat) {
                continue;
            }
            self.entries += 1;
            let child = path.child(name.to_bytes());
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                mkdirat(target, name, Mode::from_raw_mode(0o700))
                    .map_err(|e| Refusal::system("copy a directory", e))?;
                let layers = contributors((*layer, source.as_fd()), lower, name)?;
                self.pending.push(Pending {
                    path: child,
                    layers,
                });
            } else if !self.link(*layer, &stat, target, &child, name)? {
                self.copier.node(source, target, name, &stat)?;
            }
        }
        Ok(())
    }

    /// A further name for what was copied already; false when it was not.
    fn link(
        &mut self,
        layer: usize,
        stat: &Stat,
        target: &OwnedFd,
        path: &CleanPath,
        name: &CStr,
    ) -> Result<bool> {
        if stat.st_nlink < 2 {
            return Ok(false);
        }
        let Some(first) = self.linked.get(&(layer, stat.st_ino)) else {
            self.linked.insert((layer, stat.st_ino), path.clone());
            return Ok(false);
        };
        let Some((parent, first_name)) = first.split() else {
            return Ok(false);
        };
        let failed = |e| Refusal::system("copy a hard link", e);
        let parent = open_beneath(self.target.as_fd(), parent.as_bytes()).map_err(failed)?;
        linkat(&parent, first_name, target, name, AtFlags::empty()).map_err(failed)?;
        Ok(true)
    }
}

/// The layers whose directory of this name shows, topmost first, when the top one's is a directory.
fn contributors(
    top: (usize, BorrowedFd<'_>),
    lower: &[(usize, OwnedFd)],
    name: &CStr,
) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    let all = std::iter::once(top).chain(lower.iter().map(|(layer, fd)| (*layer, fd.as_fd())));
    for (layer, source) in all {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(source, name, flags, Mode::empty()) {
            Ok(dir) => {
                found.push(layer);
                if is_opaque(&dir) {
                    break;
                }
            }
            Err(Errno::NOENT) => {}
            // A file, a link or a whiteout hides whatever lies below it.
            Err(Errno::NOTDIR | Errno::LOOP) => break,
            Err(e) => return Err(Refusal::system("look into a layer", e)),
        }
    }
    Ok(found)
}

fn is_opaque(dir: impl AsFd) -> bool {
    let mut value = [0; 8];
    fgetxattr(dir, "trusted.overlay.opaque", &mut value[..]).is_ok_and(|n| &value[..n] == b"y")
}

fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}
