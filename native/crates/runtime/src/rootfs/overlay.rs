//! The container's root: an overlay of image layers named by annotations, a copy of them, or a plain directory.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

use super::{idmap, mount, tree::Tree};
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::Spec;
use crate::sys;

pub const LOWER: &str = "dev.gantry.rootfs.lower";
pub const UPPER: &str = "dev.gantry.rootfs.upper";
pub const WORK: &str = "dev.gantry.rootfs.work";

/// The layers of an overlay root, topmost first. Without an upper directory it is read-only.
#[derive(Debug, Eq, PartialEq)]
pub struct Overlay {
    lower: Vec<PathBuf>,
    upper: Option<(PathBuf, PathBuf)>,
    /// Keeps its notes in attributes that an ordinary user may write.
    user_attributes: bool,
}

impl Overlay {
    /// Reads the annotations. None when there are none of ours.
    pub fn of(spec: &Spec) -> Result<Option<Self>> {
        let get = |name: &str| spec.annotations.get(name).map(String::as_str);
        let Some(lower) = get(LOWER) else {
            if get(UPPER).is_some() || get(WORK).is_some() {
                fail!("annotation {LOWER} is missing beside {UPPER} or {WORK}");
            }
            return Ok(None);
        };
        let lower = lower
            .split(':')
            .map(|dir| absolute(LOWER, dir))
            .collect::<Result<_>>()?;
        let upper = match (get(UPPER), get(WORK)) {
            (Some(upper), Some(work)) => Some((absolute(UPPER, upper)?, absolute(WORK, work)?)),
            (None, None) => None,
            _ => fail!("annotations {UPPER} and {WORK} belong together; one is missing"),
        };
        Ok(Some(Self {
            lower,
            upper,
            user_attributes: false,
        }))
    }

    /// Mounts it at `target` in the calling mount namespace; the descriptor is the mount.
    fn mount(&self, target: &Path) -> Result<OwnedFd> {
        let detached = match self.detached() {
            Ok(mount) => mount,
            // Before Linux 6.5 layers can only be given as one string.
            Err(_) => return self.mount_by_string(target),
        };
        let place = open_place(target)?;
        mount::attach(detached.as_fd(), place.as_fd())?;
        Ok(detached)
    }

    fn detached(&self) -> rustix::io::Result<OwnedFd> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(context.as_fd(), "source", "overlay")?;
        if self.user_attributes {
            fsconfig_set_flag(context.as_fd(), "userxattr")?;
        }
        for dir in &self.lower {
            fsconfig_set_string(context.as_fd(), "lowerdir+", dir.as_path())?;
        }
        if let Some((upper, work)) = &self.upper {
            fsconfig_set_string(context.as_fd(), "upperdir", upper.as_path())?;
            fsconfig_set_string(context.as_fd(), "workdir", work.as_path())?;
        }
        fsconfig_create(context.as_fd())?;
        fsmount(
            context.as_fd(),
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::empty(),
        )
    }

    /// A detached overlay whose layers are all shifted by `namespace`: on disk every file keeps the
    /// owner that the container sees, so that layers are shared by containers with other ranges,
    /// and an upper directory can be read again by a later one.
    pub fn shifted(&self, namespace: BorrowedFd<'_>) -> Result<OwnedFd> {
        let open = |dir: &PathBuf| {
            let layer = mount::clone_tree(dir, false);
            let layer = layer.step_with(|| format!("open layer {}", dir.display()))?;
            idmap::shift(layer.as_fd(), false, namespace)
                .step_with(|| format!("layer {}", dir.display()))?;
            Ok(layer)
        };
        let lower: Vec<OwnedFd> = self.lower.iter().map(open).collect::<Result<_>>()?;
        let parent = match &self.upper {
            Some((upper, work)) => Some(open(&common_parent(upper, work)?)?),
            None => None,
        };
        let path = |fd: &OwnedFd| PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let upper = match (&self.upper, &parent) {
            (Some((upper, work)), Some(parent)) => {
                let base = common_parent(upper, work)?;
                let inside = |dir: &Path| below(parent, &base, dir);
                Some((
                    path(parent).join(inside(upper)?),
                    path(parent).join(inside(work)?),
                ))
            }
            _ => None,
        };
        let lower = lower.iter().map(path).collect();
        Self {
            lower,
            upper,
            user_attributes: false,
        }
        .detached().step(
            "make an overlay of id-mapped layers (needs Linux 6.15, and file systems that take them)",
        )
    }

    fn mount_by_string(&self, target: &Path) -> Result<OwnedFd> {
        let data = std::ffi::CString::new(self.data()).step("encode overlay options")?;
        rustix::mount::mount(
            "overlay",
            target,
            "overlay",
            MountFlags::empty(),
            data.as_c_str(),
        )
        .step_with(|| format!("mount overlay with {}", self.data()))?;
        open_place(target)
    }

    fn data(&self) -> String {
        let lower: Vec<String> = self.lower.iter().map(|dir| escape(dir)).collect();
        let mut data = format!("lowerdir={}", lower.join(":"));
        if let Some((upper, work)) = &self.upper {
            data += &format!(",upperdir={},workdir={}", escape(upper), escape(work));
        }
        if self.user_attributes {
            data += ",userxattr";
        }
        data
    }
}

/// A root without layers, as a mount of its own: pivot_root wants one, and its attributes must not
/// touch the host's. None for a root of layers.
pub fn plain_tree(spec: &Spec, path: &Path) -> Result<Option<OwnedFd>> {
    if Overlay::of(spec)?.is_some() {
        return Ok(None);
    }
    if let Some(tree) = Tree::of(spec)? {
        return tree.detached().map(Some);
    }
    mount::clone_tree(path, true)
        .step_with(|| format!("open root.path {}", path.display()))
        .map(Some)
}

/// Mounts the root file system over `root.path`, in the calling mount namespace: its layers, or the
/// plain one that was cloned before.
pub fn mount_root(
    spec: &Spec,
    plain: Option<OwnedFd>,
    path: &Path,
    in_user_namespace: bool,
) -> Result<OwnedFd> {
    let Some(tree) = plain else {
        let Some(mut overlay) = Overlay::of(spec)? else {
            fail!("root.path {} was not opened", path.display());
        };
        overlay.user_attributes = in_user_namespace;
        return overlay
            .mount(path)
            .step_with(|| format!("mount overlay at {}", path.display()));
    };
    let place = open_place(path)?;
    mount::attach(tree.as_fd(), place.as_fd()).step("mount the root filesystem")?;
    sys::mount_setattr(tree.as_fd(), true, 0, 0, libc::MS_PRIVATE)
        .step("make the root filesystem private")?;
    Ok(tree)
}

/// Attaches a root that was made detached over `root.path`, in the calling mount namespace.
pub fn place(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd> {
    let place = open_place(path)?;
    mount::attach(root, place.as_fd()).step_with(|| format!("mount at {}", path.display()))?;
    root.try_clone_to_owned().step("keep the root filesystem")
}

/// Upper and work directory must be on one mount, so their common parent is what is mapped.
fn common_parent(upper: &Path, work: &Path) -> Result<PathBuf> {
    let common: PathBuf = upper
        .components()
        .zip(work.components())
        .take_while(|(one, other)| one == other)
        .map(|(part, _)| part)
        .collect();
    if common == upper || common == work {
        fail!("annotations {UPPER} and {WORK} must name two directories beside each other");
    }
    Ok(common)
}

/// `dir` relative to `base`, after a check that it is the same directory on the mount `parent`.
fn below(parent: &OwnedFd, base: &Path, dir: &Path) -> Result<PathBuf> {
    let relative = dir
        .strip_prefix(base)
        .step("find the layer below its parent")?;
    let step = || format!("find {}", dir.display());
    let stat = rustix::fs::stat(dir).step_with(step)?;
    let seen = rustix::fs::statat(parent, relative, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .step_with(step)?;
    if (stat.st_dev, stat.st_ino) != (seen.st_dev, seen.st_ino) {
        fail!(
            "annotations {UPPER} and {WORK}: {} lies on another mount than {}, or behind a link",
            dir.display(),
            base.display()
        );
    }
    Ok(relative.to_owned())
}

/// Makes the root mount (not those on it) read-only.
pub fn make_readonly(root: BorrowedFd<'_>) -> Result<()> {
    sys::mount_setattr(root, false, libc::MOUNT_ATTR_RDONLY, 0, 0)
        .step("make the root filesystem read-only")
}

fn open_place(path: &Path) -> Result<OwnedFd> {
    rustix::fs::openat(
        CWD,
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .step_with(|| format!("open root.path {}", path.display()))
}

pub fn absolute(annotation: &str, dir: &str) -> Result<PathBuf> {
    if !dir.starts_with('/') {
        fail!("annotation {annotation}: {dir:?} is not an absolute path");
    }
    Ok(PathBuf::from(dir))
}

/// Colons and commas separate in mount(2)'s string, backslashes quote them.
fn escape(path: &Path) -> String {
    let mut escaped = String::new();
    for letter in path.to_string_lossy().chars() {
        if matches!(letter, ':' | ',' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(annotations: &[(&str, &str)]) -> Result<Option<Overlay>> {
        let annotations = annotations
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        Overlay::of(&Spec {
            annotations,
            ..Spec::default()
        })
    }

    #[test]
    fn reads_the_annotations() {
        assert_eq!(parse(&[]).unwrap(), None);
        let overlay = parse(&[(LOWER, "/b:/a"), (UPPER, "/u"), (WORK, "/w")])
            .unwrap()
            .unwrap();
        assert_eq!(overlay.data(), "lowerdir=/b:/a,upperdir=/u,workdir=/w");
    }

    #[test]
    fn refuses_halves_and_relative_paths() {
        for annotations in [
            &[(LOWER, "a")][..],
            &[(LOWER, "/a:")],
            &[(LOWER, "/a"), (UPPER, "/u")],
            &[(UPPER, "/u"), (WORK, "/w")],
        ] {
            assert!(parse(annotations).is_err(), "{annotations:?}");
        }
    }
}
