//! The directory tree that images live in, and how a layer comes into it without ever being half there:
//!
//! ```text
//! blobs/sha256/HEX          compressed blobs, manifests and configurations
//! layers/sha256/HEX/fs      unpacked layers by diffID, with layer.json beside; a layer that is an EROFS image is
//!                           mounted there from layer.erofs beside
//! fixups/HEX/fs             directories of one image that its layers only imply, see compose
//! ingest/HEX/{blob,layer-PID/}  in the making, by blob digest; its directory's lock says that somebody is at it
//! trash/                    on its way out
//! unsynced/KIND-HEX         published, but not yet known to be on the disk
//! boot-id                   the boot during which the marks above were made
//! ```
//!
//! Publishing is a rename, so a killed process leaves nothing half done. A power failure can lose the contents
//! of files whose names survive; what was published and not yet synced is therefore dropped after a reboot.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{
    FlockOperation, IFlags, Mode, OFlags, flock, fstat, ioctl_getflags, ioctl_setflags, open,
    syncfs,
};
use rustix::io::Errno;

use crate::erofs;
use crate::refusal::{Code, Refusal, Result};
use crate::remove::remove_at;

/// How files in the making are called beside their final names, and the age from which on one counts as left
/// behind: who writes a small file is done long before.
pub const TEMPORARY_PREFIX: &str = ".tmp-";
const TEMPORARY_MAX_AGE: Duration = Duration::from_secs(600);

/// How a layer in the making is called within its ingest, with the process's id behind.
const LAYER_PREFIX: &str = "layer";

pub struct Store {
    dir: PathBuf,
}

fn failed(step: &str) -> impl Fn(io::Error) -> Refusal + '_ {
    move |e| Refusal::system(step, e)
}

impl Store {
    /// Makes what is missing of the tree.
    pub fn open(dir: &Path) -> Result<Store> {
        let parts = [
            "blobs/sha256",
            "layers/sha256",
            "ingest",
            "trash",
            "unsynced",
        ];
        for part in parts {
            fs::create_dir_all(dir.join(part)).map_err(failed("make the store"))?;
        }
        Ok(Store {
            dir: dir.to_owned(),
        })
    }

    pub fn blob(&self, hex: &str) -> PathBuf {
        self.dir.join("blobs/sha256").join(hex)
    }

    pub fn layer(&self, hex: &str) -> PathBuf {
        self.dir.join("layers/sha256").join(hex)
    }

    pub fn fixup(&self, hex: &str) -> PathBuf {
        self.dir.join("fixups").join(hex)
    }

    /// Mounts those of the layers (diffIDs as hex) that are images; returns how many were not mounted yet.
    pub fn mount_layers(&self, diff_ids: &[String]) -> Result<u64> {
        let mut mounted = 0;
        for diff_id in diff_ids {
            mounted += u64::from(erofs::ensure_mounted(&self.layer(diff_id))?);
        }
        Ok(mounted)
    }

    /// Takes every mount of a layer away; nobody may start a container meanwhile. Returns how many there were.
    pub fn unmount_layers(&self) -> Result<u64> {
        let mut unmounted = 0;
        for parent in ["layers/sha256", "trash"] {
            for name in names(&self.dir.join(parent))? {
                let place = self.dir.join(parent).join(name).join("fs");
                unmounted += u64::from(erofs::release(&place)?);
            }
        }
        Ok(unmounted)
    }

    fn place(&self, kind: &str, hex: &str) -> PathBuf {
        match kind {
            "blob" => self.blob(hex),
            "layer" => self.layer(hex),
            _ => self.fixup(hex),
        }
    }

    pub fn blobs_dir(&self) -> PathBuf {
        self.dir.join("blobs/sha256")
    }

    fn mark(&self, kind: &str, hex: &str) -> PathBuf {
        self.dir.join("unsynced").join(format!("{kind}-{hex}"))
    }

    /// Moves a finished blob, layer or fixup to its place; what is there already wins, being the same content.
    pub fn publish(&self, kind: &str, hex: &str, from: &Path) -> Result<()> {
        let to = self.place(kind, hex);
        if to.exists() {
            return Ok(());
        }
        // The mark goes first: file systems keep the order of names, so no unmarked content can survive.
        File::create(self.mark(kind, hex)).map_err(failed("mark new content"))?;
        match fs::rename(from, &to) {
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists
                ) =>
            {
                Ok(())
            }
            other => other.map_err(failed("publish new content")),
        }
    }

    /// Brings everything that is published onto the disk, then takes the marks away that were there before.
    pub fn sync(&self) -> Result<u64> {
        let marks = names(&self.dir.join("unsynced"))?;
        if marks.is_empty() {
            return Ok(0);
        }
        let dir = open(&self.dir, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .map_err(|e| Refusal::system("open the store", e))?;
        syncfs(&dir).map_err(|e| Refusal::system("sync the store", e))?;
        for mark in &marks {
            gone(
                fs::remove_file(self.dir.join("unsynced").join(mark)),
                "remove a mark",
            )?;
        }
        Ok(marks.len() as u64)
    }

    /// Clears what dead processes left, what a power failure may have damaged, and the trash.
    pub fn sweep(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        self.drop_unsynced(&mut swept)?;
        for name in names(&self.dir.join("ingest"))? {
            if let Some(ingest) = Ingest::lock(self, &name)? {
                ingest.discard_layer()?;
                ingest.discard_if_empty()?;
                swept.ingests += 1;
            }
        }
        for dir in [self.dir.clone(), self.blobs_dir()] {
            swept.temporaries += remove_old_temporaries(&dir)?;
        }
        let trash = open_dir(&self.dir.join("trash"))?;
        for name in names(&self.dir.join("trash"))? {
            // A layer that is an image went there with its mount.
            erofs::release(&self.dir.join("trash").join(&name).join("fs"))?;
            remove_named(&trash, &name)?;
            swept.trash += 1;
        }
        Ok(swept)
    }

    fn drop_unsynced(&self, swept: &mut Swept) -> Result<()> {
        let current = fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map_err(failed("read the boot id"))?;
        let path = self.dir.join("boot-id");
        if fs::read_to_string(&path).is_ok_and(|recorded| recorded == current) {
            return Ok(());
        }
        for mark in names(&self.dir.join("unsynced"))? {
            let Some((kind, hex)) = mark.split_once('-') else {
                continue;
            };
            let from = self.place(kind, hex);
            gone(
                fs::rename(from, self.dir.join("trash").join(&mark)),
                "drop unsynced content",
            )?;
            gone(
                fs::remove_file(self.dir.join("unsynced").join(&mark)),
                "remove a mark",
            )?;
            swept.unsynced += 1;
        }
        fs::write(&path, current).map_err(failed("record the boot id"))?;
        let file = File::open(&path).map_err(failed("record the boot id"))?;
        file.sync_all().map_err(failed("record the boot id"))
    }
}

/// What a sweep removed.
#[derive(Debug, Default, serde::Serialize)]
pub struct Swept {
    pub unsynced: u64,
    pub ingests: u64,
    pub temporaries: u64,
    pub trash: u64,
}

/// One layer in the making; the lock goes with the process.
pub struct Ingest {
    path: PathBuf,
    parent: OwnedFd,
    name: String,
    _lock: OwnedFd,
}

impl Ingest {
    /// None when another living process holds it.
    pub fn lock(store: &Store, hex: &str) -> Result<Option<Ingest>> {
        let parent_path = store.dir.join("ingest");
        let path = parent_path.join(hex);
        loop {
            match fs::create_dir(&path) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => {
                    return Err(Refusal::system("make an ingest directory", e));
                }
                _ => {}
            }
            let lock = match open(&path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
                Err(Errno::NOENT) => continue,
                other => other.map_err(|e| Refusal::system("open an ingest directory", e))?,
            };
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => return Ok(None),
                other => other.map_err(|e| Refusal::system("lock an ingest directory", e))?,
            }
            // Its last owner may have removed it between our open and our lock.
            if same_inode(&lock, &path) {
                let parent = open_dir(&parent_path)?;
                return Ok(Some(Ingest {
                    path,
                    parent,
                    name: hex.to_owned(),
                    _lock: lock,
                }));
            }
        }
    }

    pub fn blob(&self) -> PathBuf {
        self.path.join("blob")
    }

    /// Each attempt has a name of its own, by which ext4 chooses the place for it.
    pub fn layer(&self) -> PathBuf {
        self.path
            .join(format!("{LAYER_PREFIX}-{}", std::process::id()))
    }

    /// An empty `layer/fs`, whatever an earlier attempt left.
    pub fn fresh_fs(&self) -> Result<OwnedFd> {
        self.discard_layer()?;
        spread(&self.path);
        let fs_dir = self.layer().join("fs");
        fs::create_dir_all(&fs_dir).map_err(failed("make the layer's directory"))?;
        open_dir(&fs_dir)
    }

    pub fn discard_layer(&self) -> Result<()> {
        let dir = open_dir(&self.path)?;
        let all = names(&self.path)?;
        all.iter()
            .filter(|name| name.starts_with(LAYER_PREFIX))
            .try_for_each(|name| remove_named(&dir, name))
    }

    /// Keeps the directory while it holds a partial blob that a later pull can go on with.
    pub fn discard_if_empty(&self) -> Result<()> {
        match fs::remove_dir(&self.path) {
            Err(e) if e.kind() != ErrorKind::DirectoryNotEmpty => {
                gone(Err(e), "remove an ingest directory")
            }
            _ => Ok(()),
        }
    }

    pub fn discard(&self) -> Result<()> {
        remove_named(&self.parent, &self.name)
    }
}

/// Asks ext4 to place each layer in a part of the disk of its own. Beside its neighbours, its inodes would be looked
/// for one by one among those that were freed within the last minute, which costs more than unpacking where many were;
/// and layers that unpack at a time would wait for each other. Other file systems decide for themselves.
fn spread(dir: &Path) {
    let Ok(fd) = open_dir(dir) else { return };
    if let Ok(flags) = ioctl_getflags(&fd)
        && !flags.contains(IFlags::TOPDIR)
    {
        let _ = ioctl_setflags(&fd, flags | IFlags::TOPDIR);
    }
}

fn remove_old_temporaries(dir: &Path) -> Result<u64> {
    let mut count = 0;
    for name in names(dir)?
        .iter()
        .filter(|name| name.starts_with(TEMPORARY_PREFIX))
    {
        let path = dir.join(name);
        let modified = fs::metadata(&path).and_then(|meta| meta.modified());
        let age = modified
            .ok()
            .and_then(|time| time.elapsed().ok())
            .unwrap_or_default();
        if age > TEMPORARY_MAX_AGE {
            gone(fs::remove_file(path), "remove a temporary file")?;
            count += 1;
        }
    }
    Ok(count)
}

fn same_inode(fd: &OwnedFd, path: &Path) -> bool {
    let (Ok(held), Ok(named)) = (fstat(fd), rustix::fs::stat(path)) else {
        return false;
    };
    held.st_ino == named.st_ino && held.st_dev == named.st_dev
}

pub fn open_dir(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).map_err(|e| Refusal::system("open a directory", e))
}

fn remove_named(parent: impl AsFd, name: &str) -> Result<()> {
    let name = std::ffi::CString::new(name)
        .map_err(|_| Refusal::new(Code::Io, "a name in the store holds a NUL byte"))?;
    remove_at(parent, &name)
}

fn gone(result: io::Result<()>, step: &str) -> Result<()> {
    match result {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Refusal::system(step, e)),
        _ => Ok(()),
    }
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).map_err(failed("list the store"))?;
    entries
        .map(|entry| Ok(entry.map_err(failed("list the store"))?.file_name()))
        .filter_map(|name: Result<_>| name.map(|n| n.into_string().ok()).transpose())
        .collect()
}
