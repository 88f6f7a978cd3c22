//! The root of a container whose runtime does not stack layers itself (any but ours): an overlay at
//! `BUNDLE/rootfs`, mounted before `runtime create` and unmounted when the container is forgotten.

use crate::failure::{AtStep, Failure, Outcome};
use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount,
};
use serde::Deserialize;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// More layers than any registry accepts in an image.
const MAX_LAYERS: usize = 512;

/// Layers, topmost first, and the directories that take what the container writes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rootfs {
    pub lower: Vec<String>,
    pub upper: String,
    pub work: String,
}

impl Rootfs {
    /// All paths absolute and at least one layer; `absolute` names the field that is wrong.
    pub fn check(&self, op: &str, absolute: fn(&str, &str, &str) -> Outcome<()>) -> Outcome<()> {
        if self.lower.is_empty() || self.lower.len() > MAX_LAYERS {
            let message = format!("rootfs.lower: must have 1 to {MAX_LAYERS} layers");
            return Err(Failure::bad_request(op, message));
        }
        for layer in &self.lower {
            absolute(op, "rootfs.lower", layer)?;
        }
        absolute(op, "rootfs.upper", &self.upper)?;
        absolute(op, "rootfs.work", &self.work)
    }

    /// Mounts it, so that the runtime finds a plain directory.
    pub fn mount(&self, bundle: &str) -> Outcome<()> {
        let place = place(bundle);
        let step = || format!("mount overlay at {}", place.display());
        let overlay = self.detached().at(step())?;
        // By descriptors, so that no path is walked twice.
        let target = openat(
            CWD,
            &place,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let target = target.at(step())?;
        let flags =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        move_mount(overlay.as_fd(), c"", target.as_fd(), c"", flags).at(step())
    }

    fn detached(&self) -> rustix::io::Result<OwnedFd> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let context = context.as_fd();
        fsconfig_set_string(context, "source", "overlay")?;
        // One by one: a string of all layers would have to fit into a page.
        for layer in &self.lower {
            fsconfig_set_string(context, "lowerdir+", layer)?;
        }
        fsconfig_set_string(context, "upperdir", &*self.upper)?;
        fsconfig_set_string(context, "workdir", &*self.work)?;
        fsconfig_create(context)?;
        fsmount(
            context,
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::empty(),
        )
    }
}

fn place(bundle: &str) -> PathBuf {
    Path::new(bundle).join("rootfs")
}

/// Takes the root off again; one that is not mounted is no error.
pub fn unmount(bundle: &str) -> Outcome<()> {
    let place = place(bundle);
    match umount2(&place, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
        // EINVAL: a plain directory.
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT | Errno::ENOTDIR) => Ok(()),
        Err(errno) => Err(errno).at(format!("unmount {}", place.display())),
    }
}
