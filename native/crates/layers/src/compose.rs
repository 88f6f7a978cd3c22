//! Directories that a layer has only because entries below them needed one look like those of the layers below
//! in the whole image. Layers are shared between images, so they are not changed: an image that needs it gets a
//! small layer of its own on top, the *fixup*, that holds just these directories as they should look.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags, fchmod, fchown,
    fgetxattr, flistxattr, fsetxattr, fstat, futimens, mkdirat, openat, openat2,
};
use rustix::io::Errno;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::erofs;
use crate::policy::{XattrVerdict, judge_xattr};
use crate::refusal::{Refusal, Result};
use crate::root::CleanPath;
use crate::store::{Store, open_dir};
use crate::transfer::hex;

/// Most directories looked at for one image; beyond that a hostile image only looks odd inside itself.
const MAX_DIRS: usize = 10_000;
/// Room for one extended attribute's value, which the kernel limits too.
const MAX_XATTR_BYTES: usize = 65_536;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    implicit_dirs: BTreeSet<String>,
}

struct Layer {
    fs: OwnedFd,
    implicit: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, i64),
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What a layer says about a directory of the image.
enum Seen {
    Directory {
        look: Look,
        opaque: bool,
    },
    Absent {
        opaque: bool,
    },
    /// Something else stands there or above.
    Blocked,
}

/// How a directory should look, and whether the overlay of the layers alone would show it so.
struct Effective {
    look: Look,
    shown: Look,
}

/// Makes the fixup for the layers (diffIDs as hex, bottom first), or finds that none is needed. Returns its name.
pub fn compose(store: &Store, diff_ids: &[String]) -> Result<Option<String>> {
    let mut layers = Vec::new();
    for diff_id in diff_ids.iter().rev() {
        layers.push(open_layer(store, diff_id)?);
    }
    let implicit: BTreeSet<&String> = layers.iter().flat_map(|layer| &layer.implicit).collect();
    let mut wanted = BTreeSet::new();
    for path in implicit.into_iter().take(MAX_DIRS) {
        if effective(&layers, path)?.is_some_and(|dir| is_wrong(path, &dir)) {
            wanted.extend(with_ancestors(path));
        }
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    let name = hex(&Sha256::digest(diff_ids.join(" ")));
    write_fixup(store, &name, &layers, &wanted)?;
    Ok(Some(name))
}

fn open_layer(store: &Store, diff_id: &str) -> Result<Layer> {
    let dir = store.layer(diff_id);
    erofs::ensure_mounted(&dir)?;
    let file = File::open(dir.join("layer.json"))
        .map_err(|e| Refusal::system("open a layer's record", e))?;
    let record: Record = serde_json::from_reader(std::io::BufReader::new(file))
        .map_err(|e| Refusal::system("read a layer's record", e))?;
    Ok(Layer {
        fs: open_dir(&dir.join("fs"))?,
        implicit: record.implicit_dirs,
    })
}

/// The time of the root is nobody's, so it alone is no reason for a fixup.
fn is_wrong(path: &str, dir: &Effective) -> bool {
    let mut shown = dir.shown.clone();
    if path.is_empty() {
        shown.mtime = dir.look.mtime;
    }
    shown != dir.look
}

/// The path and all above it, down from the root, which is empty.
fn with_ancestors(path: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let ends = path
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([path.len()]);
    all.extend(
        ends.filter(|&end| end > 0)
            .map(|end| path[..end].to_owned()),
    );
    all
}

/// None where the image has no directory at the path.
fn effective(layers: &[Layer], path: &str) -> Result<Option<Effective>> {
    let mut shown: Option<Look> = None;
    for layer in layers {
        match see(layer.fs.as_fd(), path)? {
            Seen::Directory { look, opaque } => {
                let top = shown.get_or_insert_with(|| look.clone()).clone();
                if !layer.implicit.contains(path) {
                    return Ok(Some(Effective { look, shown: top }));
                }
                if opaque {
                    break;
                }
            }
            Seen::Absent { opaque: false } => {}
            Seen::Absent { opaque: true } | Seen::Blocked => break,
        }
    }
    Ok(shown.map(|look| Effective {
        shown: look.clone(),
        look,
    }))
}

/// Looks without following any link: what a layer holds may point anywhere.
fn see(root: BorrowedFd<'_>, path: &str) -> Result<Seen> {
    let mut opaque = false;
    let mut last = None;
    for prefix in with_ancestors(path) {
        let name = if prefix.is_empty() { "." } else { &prefix };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        match openat2(root, name, flags, Mode::empty(), resolve) {
            Ok(fd) => {
                opaque |= fgetxattr(&fd, "trusted.overlay.opaque", &mut [0u8; 8]).is_ok();
                last = Some(fd);
            }
            Err(Errno::NOENT) => return Ok(Seen::Absent { opaque }),
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Seen::Blocked),
            Err(e) => return Err(Refusal::system("look into a layer", e)),
        }
    }
    match last {
        Some(fd) => Ok(Seen::Directory {
            look: look_at(&fd)?,
            opaque,
        }),
        None => Ok(Seen::Absent { opaque }),
    }
}

fn look_at(fd: &OwnedFd) -> Result<Look> {
    let failed = |e| Refusal::system("look at a directory", e);
    let stat = fstat(fd).map_err(failed)?;
    let mut names = vec![0; MAX_XATTR_BYTES];
    let length = flistxattr(fd, &mut names[..]).map_err(failed)?;
    let mut xattrs = Vec::new();
    for name in names[..length]
        .split(|&b| b == 0)
        .filter(|name| !name.is_empty())
    {
        if judge_xattr(name) == XattrVerdict::Keep {
            let mut value = vec![0; MAX_XATTR_BYTES];
            let length = fgetxattr(fd, name, &mut value[..]).map_err(failed)?;
            value.truncate(length);
            xattrs.push((name.to_vec(), value));
        }
    }
    xattrs.sort();
    Ok(Look {
        mode: stat.st_mode & 0o7777,
        owner: (stat.st_uid, stat.st_gid),
        mtime: (stat.st_mtime, stat.st_mtime_nsec as i64),
        xattrs,
    })
}

fn write_fixup(
    store: &Store,
    name: &str,
    layers: &[Layer],
    wanted: &BTreeSet<String>,
) -> Result<()> {
    let making = store.fixup(&format!("{name}.{}", std::process::id()));
    let outcome = fill_fixup(&making.join("fs"), layers, wanted)
        .and_then(|()| store.publish("fixup", name, &making));
    // Nothing is left at its place when it was published, unless another process was faster.
    let _ = fs::remove_dir_all(&making);
    outcome
}

fn fill_fixup(path: &std::path::Path, layers: &[Layer], wanted: &BTreeSet<String>) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Refusal::system("make a fixup", e))?;
    let root = open_dir(path)?;
    let mut made = Vec::new();
    for path in wanted {
        let Some(dir) = effective(layers, path)? else {
            continue;
        };
        let fd = make_dir(&root, path)?;
        made.push((fd, dir.look));
    }
    // Children were made last, and making them has changed the times of their parents.
    for (fd, look) in made.iter().rev() {
        dress(fd, look)?;
    }
    Ok(())
}

fn make_dir(root: &OwnedFd, path: &str) -> Result<OwnedFd> {
    let failed = |e| Refusal::system("make a directory", e);
    let clean = CleanPath::parse(path.as_bytes())?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if clean.is_root() {
        return openat(root, ".", flags, Mode::empty()).map_err(failed);
    }
    mkdirat(root, path, Mode::from_raw_mode(0o700)).map_err(failed)?;
    openat(root, path, flags, Mode::empty()).map_err(failed)
}

fn dress(fd: &OwnedFd, look: &Look) -> Result<()> {
    let failed = |e| Refusal::system("set a directory's attributes", e);
    let (uid, gid) = look.owner;
    fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).map_err(failed)?;
    fchmod(fd, Mode::from_raw_mode(look.mode)).map_err(failed)?;
    for (name, value) in &look.xattrs {
        fsetxattr(fd, name.as_slice(), value, XattrFlags::empty()).map_err(failed)?;
    }
    let time = Timespec {
        tv_sec: look.mtime.0,
        tv_nsec: look.mtime.1,
    };
    futimens(
        fd,
        &Timestamps {
            last_access: time,
            last_modification: time,
        },
    )
    .map_err(failed)
}
