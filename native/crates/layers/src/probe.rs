//! Finds out whether this host can do what a way of making root file systems needs, by doing it once on the very
//! file system that it is for. An answer, not an error: the reason is for people.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen,
};
use serde::Serialize;

use crate::erofs;
use crate::refusal::{Code, Refusal, Result};
use crate::store::open_dir;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    Overlay,
    Erofs,
}

#[derive(Debug, Serialize)]
pub struct Verdict {
    pub possible: bool,
    /// Why not, and what can be done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

const SCRATCH: &str = ".probe";

/// Tries it in a directory of its own below `dir`, of which nothing stays. Fails only where it cannot try at all.
pub fn probe(ability: Ability, dir: &Path) -> Result<Verdict> {
    let scratch = dir.join(SCRATCH);
    // One that was killed may have left its own.
    erofs::clear_probe(&scratch)?;
    fs::create_dir_all(&scratch).map_err(|e| Refusal::system("make a directory to try in", e))?;
    let outcome = match ability {
        Ability::Overlay => overlay(&scratch),
        Ability::Erofs => erofs::probe(&scratch),
    };
    erofs::clear_probe(&scratch)?;
    Ok(Verdict {
        possible: outcome.is_ok(),
        reason: outcome.err().map(|refusal| refusal.message),
    })
}

/// Writes to an overlay and takes a file of its lower layer away, which is what containers do. It is mounted nowhere:
/// its descriptor is enough.
fn overlay(scratch: &Path) -> Result<()> {
    let failed = |e| Refusal::system("make layers to try", e);
    for name in ["lower", "upper", "work"] {
        fs::create_dir(scratch.join(name)).map_err(failed)?;
    }
    fs::write(scratch.join("lower/gone"), "").map_err(failed)?;
    let base = open_dir(scratch)?;
    let mount = mount_overlay(&base).map_err(|e| refused(e, scratch))?;
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    let written = openat(&mount, "new", flags, Mode::from_raw_mode(0o600));
    written
        .map(drop)
        .and_then(|()| unlinkat(&mount, "gone", AtFlags::empty()))
        .map_err(|e| Refusal::system("write to an overlay", e))
}

fn mount_overlay(base: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    // By descriptor, because colons and commas in a path mean something here.
    let at = |name: &str| PathBuf::from(format!("/proc/self/fd/{}", base.as_raw_fd())).join(name);
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    fsconfig_set_string(context, "lowerdir", at("lower"))?;
    fsconfig_set_string(context, "upperdir", at("upper"))?;
    fsconfig_set_string(context, "workdir", at("work"))?;
    fsconfig_create(context)?;
    let attributes = MountAttrFlags::empty();
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn refused(error: Errno, scratch: &Path) -> Refusal {
    let dir = scratch.parent().unwrap_or(scratch).display();
    let why = match error {
        Errno::NODEV => "this kernel has no overlay file system; load it (modprobe overlay)".into(),
        Errno::PERM => "mounting is not permitted here; run as root with CAP_SYS_ADMIN".into(),
        Errno::INVAL | Errno::OPNOTSUPP | Errno::REMOTE => format!(
            "the file system of {dir} takes no writable overlay; use one that does, such as ext4, XFS or Btrfs"
        ),
        other => format!("an overlay cannot be mounted on {dir}: {other}"),
    };
    Refusal::new(Code::Io, why)
}
