//! Layers as read-only EROFS images: one file instead of thousands, which nothing can change, mounted where the
//! unpacked layer would lie. Every container that uses the layer shares that one mount and its cached pages. The
//! images are written by mkfs.erofs, which comes with erofs-utils.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock, statfs};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, unmount,
};

use crate::refusal::{Code, Refusal, Result};
use crate::remove::remove_tree;
use crate::store::open_dir;

/// The image's name beside the layer's `fs`, its mount point.
const IMAGE: &str = "layer.erofs";
const PROGRAM: &str = "mkfs.erofs";
/// Where distributions put it; the environment of who started us counts for nothing.
const PROGRAM_DIRS: [&str; 6] = [
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
];
const MOUNT: &str = "/bin/mount";
/// The file system's magic number in statfs, from linux/magic.h.
const MAGIC: u64 = 0xE0F5_E1E2;
/// Most of what a program has to say that is passed on.
const MAX_COMPLAINT_BYTES: u64 = 2048;

/// What became of a layer that was to be an image.
pub enum Made {
    /// It is one, of so many bytes.
    Image(u64),
    /// mkfs.erofs did not take it, so it stays as it was unpacked.
    Kept(String),
}

pub fn find_program() -> Result<PathBuf> {
    let candidates = PROGRAM_DIRS.iter().map(|dir| Path::new(dir).join(PROGRAM));
    let found = { candidates }.find(|path| path.is_file());
    found.ok_or_else(|| {
        let message = format!("{PROGRAM} is not installed; install the package erofs-utils");
        Refusal::new(Code::Io, message)
    })
}

/// Makes `DIR/layer.erofs` of `DIR/fs`, which is empty afterwards.
pub fn replace(dir: &Path) -> Result<Made> {
    let (tree, image) = (dir.join("fs"), dir.join(IMAGE));
    match make(&tree, &image) {
        Ok(bytes) => {
            remove_tree(&tree)?;
            fs::create_dir(&tree).map_err(|e| Refusal::system("make a mount point", e))?;
            Ok(Made::Image(bytes))
        }
        Err(refusal) => {
            remove_tree(&image)?;
            match refusal.code {
                Code::DiskFull => Err(refusal),
                _ => Ok(Made::Kept(refusal.message)),
            }
        }
    }
}

/// Writes the image; returns its size. Compressed, because holes of sparse files would be written out otherwise.
pub fn make(tree: &Path, image: &Path) -> Result<u64> {
    let mut command = Command::new(find_program()?);
    command.args(["--quiet", "-zlz4"]).arg(image).arg(tree);
    run(&mut command, PROGRAM)?;
    let length = fs::metadata(image).map_err(|e| Refusal::system("look at an image", e))?;
    Ok(length.len())
}

fn run(command: &mut Command, name: &str) -> Result<()> {
    let failed = |e| Refusal::system(&format!("run {name}"), e);
    let quiet = command.env_clear().env("LC_ALL", "C");
    quiet.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = quiet.stderr(Stdio::piped()).spawn().map_err(failed)?;
    let mut complaint = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr
            .by_ref()
            .take(MAX_COMPLAINT_BYTES)
            .read_to_end(&mut complaint);
        // Reads on, so that a program with more to say does not stand still.
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    }
    if child.wait().map_err(failed)?.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&complaint);
    let is_full = text.contains("No space left");
    let code = if is_full { Code::DiskFull } else { Code::Io };
    Err(Refusal::new(
        code,
        format!("{name} failed: {}", text.trim()),
    ))
}

pub fn is_mounted(place: &Path) -> bool {
    statfs(place).is_ok_and(|found| found.f_type as u64 & 0xFFFF_FFFF == MAGIC)
}

/// Mounts the layer at `DIR/fs` when it is an image and nobody has done so yet; true when it has done so.
pub fn ensure_mounted(dir: &Path) -> Result<bool> {
    let (place, image) = (dir.join("fs"), dir.join(IMAGE));
    if !image.exists() || is_mounted(&place) {
        return Ok(false);
    }
    let lock = open_dir(dir)?;
    // A second mount on top would survive the one unmount at the layer's end.
    flock(&lock, FlockOperation::LockExclusive).map_err(|e| Refusal::system("lock a layer", e))?;
    if is_mounted(&place) {
        return Ok(false);
    }
    mount(&image, &place).map(|()| true)
}

/// Mounts an image: straight from its file, or else (before Linux 6.12) by a loop device, which goes with the mount.
pub fn mount(image: &Path, place: &Path) -> Result<()> {
    match detached(image) {
        Ok(made) => {
            let target = open_dir(place)?;
            let flags =
                MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
            move_mount(made.as_fd(), c"", target.as_fd(), c"", flags)
                .map_err(|e| Refusal::system("attach an EROFS image", e))
        }
        Err(Errno::NOTBLK) => mount_by_loop(image, place),
        Err(Errno::NODEV) => Err(Refusal::new(
            Code::Io,
            "this kernel has no EROFS; load its module (modprobe erofs) or take another kernel",
        )),
        Err(e) => Err(Refusal::system("mount an EROFS image", e)),
    }
}

fn detached(image: &Path) -> rustix::io::Result<OwnedFd> {
    let context = fsopen("erofs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), "source", image)?;
    fsconfig_set_flag(context.as_fd(), "ro")?;
    fsconfig_create(context.as_fd())?;
    // Containers see the files through an overlay, which has its own rules for devices and set-user-ID bits.
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOSUID;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn mount_by_loop(image: &Path, place: &Path) -> Result<()> {
    let mut command = Command::new(MOUNT);
    command.args(["-t", "erofs", "-o", "ro,nodev,nosuid,loop"]);
    run(command.arg(image).arg(place), "mount -o loop")
}

/// Takes the mount away, also while containers use it: they have their own hold on it. False when there was none.
pub fn release(place: &Path) -> Result<bool> {
    match unmount(place, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(e) => Err(Refusal::system("unmount a layer", e)),
    }
}

/// Takes away what a probe has made, and its mount.
pub fn clear_probe(scratch: &Path) -> Result<()> {
    release(&scratch.join("place"))?;
    remove_tree(scratch)
}

/// Whether images can be written and mounted here; [`clear_probe`] comes after it in any case.
pub fn probe(scratch: &Path) -> Result<()> {
    let failed = |e| Refusal::system("make an EROFS image to try", e);
    let [tree, image, place] = ["tree", "image", "place"].map(|name| scratch.join(name));
    fs::create_dir_all(&tree).map_err(failed)?;
    fs::create_dir_all(&place).map_err(failed)?;
    fs::write(tree.join("file"), "content").map_err(failed)?;
    make(&tree, &image)?;
    mount(&image, &place)?;
    let mut text = String::new();
    File::open(place.join("file"))
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(|e| Refusal::system("read from an EROFS image", e))?;
    if text == "content" {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Io,
        "an EROFS image shows other content than was written",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_device_serves_where_files_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let [tree, image, place] = ["tree", "image", "place"].map(|name| dir.path().join(name));
        fs::create_dir(&tree).unwrap();
        fs::create_dir(&place).unwrap();
        fs::write(tree.join("file"), "text").unwrap();
        make(&tree, &image).unwrap();
        mount_by_loop(&image, &place).unwrap();
        assert!(is_mounted(&place));
        let text = fs::read_to_string(place.join("file"));
        assert!(release(&place).unwrap());
        assert_eq!(text.unwrap(), "text");
        assert!(!is_mounted(&place) && !release(&place).unwrap());
    }
}
