//! Network namespaces by path.

use crate::failure::{AtStep, Failure, INVALID_ENVIRONMENT, Outcome};
use crate::netlink::Netlink;
use nix::sched::{CloneFlags, setns};
use nix::sys::statfs::{FsType, fstatfs};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

const NSFS_MAGIC: FsType = FsType(0x6e73_6673);

pub struct Netns {
    file: File,
}

impl Netns {
    /// Opens a pinned namespace; a plain file in its place is refused.
    pub fn open(path: &Path) -> Outcome<Self> {
        let file = File::open(path).at(format!("open CNI_NETNS {}", path.display()))?;
        if fstatfs(&file).at("look at CNI_NETNS")?.filesystem_type() != NSFS_MAGIC {
            let message = format!("CNI_NETNS {} is not a namespace", path.display());
            return Err(Failure::new(INVALID_ENVIRONMENT, message));
        }
        Ok(Self { file })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// A netlink socket in this namespace. The process visits it only to open the socket, which
    /// stays there; everything else goes on in the host's namespace.
    pub fn netlink(&self) -> Outcome<Netlink> {
        let home = File::open("/proc/self/ns/net").at("open own network namespace")?;
        setns(&self.file, CloneFlags::CLONE_NEWNET).at("enter CNI_NETNS")?;
        let socket = Netlink::open();
        setns(&home, CloneFlags::CLONE_NEWNET).at("return from CNI_NETNS")?;
        socket
    }
}
