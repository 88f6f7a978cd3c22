//! Device nodes for a container that may make none: the parent makes those of `linux.devices` in a
//! small file system that nobody else sees, and the child binds them into their places.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid, makedev};
use rustix::mount::{OpenTreeFlags, open_tree};

use super::devices::{self, Node};
use super::options::Options;
use super::{idmap, mount, overlay};
use crate::error::{Result, Step};
use crate::spec::Device;

/// A detached file system whose files are named by the index of their device.
pub fn make() -> Result<OwnedFd> {
    let options = ["mode=755", "size=64k", "nosuid", "noexec"].map(str::to_owned);
    mount::make("tmpfs", "tmpfs", &Options::parse(&options)).step("make a place for device nodes")
}

/// Makes the nodes, owned as the container sees it through `namespace`. Fifos are left to it.
pub fn fill(nodes: BorrowedFd<'_>, devices: &[Device], namespace: BorrowedFd<'_>) -> Result<()> {
    for (index, device) in devices.iter().enumerate() {
        let node = Node::of(device)?;
        if node.kind != FileType::Fifo {
            make_node(nodes, &index.to_string(), device, &node)
                .step_with(|| format!("make device {}", device.path))?;
        }
    }
    idmap::shift(nodes, false, namespace).step("device nodes")
}

fn make_node(nodes: BorrowedFd<'_>, name: &str, device: &Device, node: &Node) -> Result<()> {
    let mode = Mode::from_raw_mode(node.mode);
    let number = makedev(node.major, node.minor);
    rustix::fs::mknodat(nodes, name, node.kind, mode, number).step("mknod")?;
    let uid = Some(Uid::from_raw(device.uid.unwrap_or(0)));
    let gid = Some(Gid::from_raw(device.gid.unwrap_or(0)));
    rustix::fs::chownat(nodes, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW).step("set its owner")
}

/// Brings the file system into the calling mount namespace, out of the container's sight: the root
/// goes over it, and it vanishes with the host's tree.
pub fn place(nodes: BorrowedFd<'_>, root: &Path) -> Result<()> {
    overlay::place(nodes, root)
        .map(drop)
        .step("place the device nodes")
}

/// A mount of one node, to be attached.
pub fn open(nodes: BorrowedFd<'_>, index: usize) -> Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(nodes, index.to_string(), flags).step("open the node that was made for it")
}

/// Whether any device wants a node.
pub fn are_wanted(devices: &[Device]) -> bool {
    devices.iter().any(|device| !devices::is_fifo(device))
}
