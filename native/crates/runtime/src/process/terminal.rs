//! A pseudo-terminal of the container's own devpts, and its hand-over to the console socket.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::fs::{OFlags, ResolveFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::Winsize;

use crate::error::{Result, Step};
use crate::fail;
use crate::rootfs::{self, Target};
use crate::spec::ConsoleSize;

const DEVPTS_SUPER_MAGIC: i64 = 0x1cd1;

/// Both ends of one terminal.
pub struct Terminal {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Terminal {
    /// Opens a new terminal below `root`. The multiplexer must be one of a devpts: an image could
    /// put another file in its place (CVE-2025-52565 and kin).
    pub fn open(root: BorrowedFd<'_>, size: Option<ConsoleSize>) -> Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let confined = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let master = rootfs::open_with(root, "/dev/pts/ptmx", flags, confined)
            .step("open /dev/pts/ptmx of the container; does it mount a devpts?")?;
        let fs = rustix::fs::fstatfs(&master).step("check /dev/pts/ptmx")?;
        if fs.f_type != DEVPTS_SUPER_MAGIC {
            fail!("/dev/pts/ptmx of the container is not on a devpts");
        }
        unlockpt(&master).step("unlock the terminal")?;
        // By the master, not by name: nothing can be swapped between the two.
        let slave_flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = ioctl_tiocgptpeer(&master, slave_flags).step("open the terminal's peer")?;
        if let Some(size) = size.filter(|size| size.width > 0 && size.height > 0) {
            let size = Winsize {
                ws_row: size.height,
                ws_col: size.width,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            rustix::termios::tcsetwinsize(&master, size).step("set process.consoleSize")?;
        }
        Ok(Self { master, slave })
    }

    /// Shows the terminal as /dev/console.
    pub fn mount_console(&self, root: BorrowedFd<'_>) -> Result<()> {
        let place = rootfs::ensure(root, "/dev/console", Target::File, false)?;
        let tree = rootfs::clone_fd(self.slave.as_fd(), false).step("clone the terminal")?;
        rootfs::attach(tree.as_fd(), place.as_fd()).step("mount /dev/console")
    }

    /// Sends the master through the console socket, as the specification's callers expect.
    pub fn send(&self, socket: BorrowedFd<'_>) -> Result<()> {
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [self.master.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let name = [IoSlice::new(b"/dev/ptmx")];
        sendmsg(socket, &name, &mut control, SendFlags::empty())
            .step("send the terminal to the console socket")
            .map(drop)
    }

    /// Makes it the controlling terminal and standard streams of the calling session leader.
    pub fn adopt(self, uid: u32) -> Result<()> {
        rustix::fs::fchown(&self.slave, Some(rustix::fs::Uid::from_raw(uid)), None)
            .step("own the terminal")?;
        rustix::process::ioctl_tiocsctty(&self.slave).step("take the controlling terminal")?;
        rustix::stdio::dup2_stdin(&self.slave).step("set stdin")?;
        rustix::stdio::dup2_stdout(&self.slave).step("set stdout")?;
        rustix::stdio::dup2_stderr(&self.slave).step("set stderr")
    }
}

/// Where the terminal of a process goes.
pub enum Console {
    /// The process has none.
    None,
    /// To the caller's `--console-socket`.
    Socket(OwnedFd),
    /// To us, who wait in the foreground and relay it: the process's end, and ours.
    Relay(OwnedFd, OwnedFd),
}

impl Console {
    /// Decides by `process.terminal`, `--console-socket` and whether the command stays.
    pub fn of(terminal: bool, socket: Option<&Path>, foreground: bool) -> Result<Self> {
        match (terminal, socket) {
            (false, None) => Ok(Self::None),
            (false, Some(_)) => fail!("--console-socket needs process.terminal (exec: --tty)"),
            (true, Some(path)) => connect(path).map(Self::Socket),
            (true, None) if foreground => {
                let (theirs, ours) = super::relay::console_pair()?;
                Ok(Self::Relay(theirs, ours))
            }
            (true, None) => fail!(
                "process.terminal is set and nobody would hold the terminal: give --console-socket, \
                 or run in the foreground"
            ),
        }
    }

    /// The process's end, and ours.
    pub fn ends(self) -> (Option<OwnedFd>, Option<OwnedFd>) {
        match self {
            Self::None => (None, None),
            Self::Socket(socket) => (Some(socket), None),
            Self::Relay(theirs, ours) => (Some(theirs), Some(ours)),
        }
    }
}

fn connect(path: &Path) -> Result<OwnedFd> {
    UnixStream::connect(path)
        .map(OwnedFd::from)
        .step_with(|| format!("connect to --console-socket {}", path.display()))
}
