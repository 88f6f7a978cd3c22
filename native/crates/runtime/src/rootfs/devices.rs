//! Device nodes and the links that programs expect in /dev.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid, makedev};
use rustix::io::Errno;

use super::resolve::{self, Target};
use super::{device_nodes, mount};
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{Device, Spec};

const DEFAULTS: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// How the process comes to its nodes.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// It makes them.
    Make,
    /// It may make none: the host's are bound, and for `linux.devices` those that the parent made.
    Bind(Option<BorrowedFd<'a>>),
}

/// Makes the default devices and those of `linux.devices`.
pub fn make(root: BorrowedFd<'_>, spec: &Spec, source: Source<'_>) -> Result<()> {
    let bind = matches!(source, Source::Bind(_));
    // Whoever binds a /dev of the host has all nodes, and must not find ours added to it.
    let is_bound = |kind: Option<&str>| kind.is_some_and(|kind| kind != "tmpfs");
    let bound = spec
        .mounts
        .iter()
        .any(|m| m.destination == "/dev" && is_bound(m.kind.as_deref()));
    if !bound {
        let dev = resolve::ensure(root, "/dev", Target::Directory, true)?;
        for (name, major, minor) in DEFAULTS {
            let node = Node {
                kind: FileType::CharacterDevice,
                major,
                minor,
                mode: 0o666,
            };
            node.make(dev.as_fd(), OsStr::new(name), bind)
                .step_with(|| format!("make device /dev/{name}"))?;
        }
        link(dev.as_fd())?;
    }
    let devices = spec.linux.iter().flat_map(|linux| &linux.devices);
    for (index, device) in devices.enumerate() {
        make_device(root, device, index, source)
            .step_with(|| format!("make device {}", device.path))?;
    }
    Ok(())
}

fn link(dev: BorrowedFd<'_>) -> Result<()> {
    for (name, target) in LINKS {
        match rustix::fs::symlinkat(target, dev, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => fail!("link /dev/{name}: {error}"),
        }
    }
    Ok(())
}

fn make_device(
    root: BorrowedFd<'_>,
    device: &Device,
    index: usize,
    source: Source<'_>,
) -> Result<()> {
    let node = Node::of(device)?;
    let (parent, name) = resolve::split(&device.path);
    let parent = resolve::ensure(root, parent, Target::Directory, true)?;
    if let Source::Bind(made) = source
        && node.kind != FileType::Fifo
    {
        let tree = match made {
            Some(nodes) => device_nodes::open(nodes, index)?,
            None => node.of_host(Path::new(&device.path))?,
        };
        return attach(tree, parent.as_fd(), name);
    }
    if node.make(parent.as_fd(), name, false)? {
        let (uid, gid) = (device.uid.map(Uid::from_raw), device.gid.map(Gid::from_raw));
        rustix::fs::chownat(parent.as_fd(), name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            .step("set its owner")?;
    }
    Ok(())
}

pub fn is_fifo(device: &Device) -> bool {
    device.kind == "p"
}

pub struct Node {
    pub kind: FileType,
    pub major: u32,
    pub minor: u32,
    pub mode: u32,
}

impl Node {
    pub fn of(device: &Device) -> Result<Self> {
        let kind = match device.kind.as_str() {
            "c" | "u" => FileType::CharacterDevice,
            "b" => FileType::BlockDevice,
            "p" => FileType::Fifo,
            other => fail!("linux.devices: type {other:?} is none of b, c, u, p"),
        };
        let number = |value: i64| u32::try_from(value).step("linux.devices: major and minor");
        Ok(Self {
            kind,
            major: number(device.major)?,
            minor: number(device.minor)?,
            mode: device.file_mode.unwrap_or(0o666) & 0o777,
        })
    }

    /// False when the very node existed before.
    fn make(&self, parent: BorrowedFd<'_>, name: &OsStr, bind: bool) -> Result<bool> {
        if bind {
            return self.bind(parent, name).map(|()| true);
        }
        let device = makedev(self.major, self.minor);
        match rustix::fs::mknodat(
            parent,
            name,
            self.kind,
            Mode::from_raw_mode(self.mode),
            device,
        ) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => self.check_existing(parent, name).map(|()| false),
            // The caller itself is in a user namespace, as root of which it started us.
            Err(Errno::PERM) if self.kind != FileType::Fifo => {
                self.bind(parent, name).map(|()| false)
            }
            Err(error) => fail!("mknod: {error}"),
        }
    }

    /// An image may bring a file by this name; only the same device may stay.
    fn check_existing(&self, parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).step("stat")?;
        let same = FileType::from_raw_mode(stat.st_mode) == self.kind
            && (self.kind == FileType::Fifo || stat.st_rdev == makedev(self.major, self.minor));
        if !same {
            fail!("another file is in its place");
        }
        Ok(())
    }

    fn bind(&self, parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
        attach(self.of_host(&Path::new("/dev").join(name))?, parent, name)
    }

    /// A mount of the host's node at this path, checked to be the wanted one.
    fn of_host(&self, path: &Path) -> Result<OwnedFd> {
        let tree = mount::clone_tree(path, false)
            .step_with(|| format!("open {} of the host", path.display()))?;
        let stat = rustix::fs::fstat(&tree).step("stat")?;
        let (major, minor) = (self.major, self.minor);
        if FileType::from_raw_mode(stat.st_mode) != self.kind
            || stat.st_rdev != makedev(major, minor)
        {
            fail!(
                "{} of the host is not device {major}:{minor}",
                path.display()
            );
        }
        Ok(tree)
    }
}

fn attach(tree: OwnedFd, parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    let name = name.to_str().unwrap_or_default();
    let place = resolve::ensure(parent, name, Target::File, false)?;
    mount::attach(tree.as_fd(), place.as_fd())
}

/// The host's null device, checked to be it (CVE-2025-31133: never trust the container's).
pub fn host_null() -> Result<OwnedFd> {
    let null = mount::clone_tree(Path::new("/dev/null"), false).step("open /dev/null")?;
    let stat = rustix::fs::fstat(&null).step("stat /dev/null")?;
    let is_null = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && stat.st_rdev == makedev(1, 3);
    if !is_null {
        fail!("/dev/null of the host is not the null device");
    }
    Ok(null)
}
