//! The monitor's ends of a process's streams: pipes, or a terminal that the runtime hands over
//! through a console socket.

use crate::failure::{AtStep, Failure, Outcome};
use crate::spawn::{dev_null, pipe};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, accept4,
    bind, listen, recvmsg, socket,
};
use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

/// What the monitor reads and writes; an absent stream has ended or never was.
pub struct Streams {
    pub stdin: Option<OwnedFd>,
    /// stdout and stderr; with a terminal, both arrive on the first.
    pub outputs: [Option<OwnedFd>; 2],
    /// The terminal's master, also held by `stdin` and the first output.
    pub terminal: Option<OwnedFd>,
}

/// What the process inherits as stdin, stdout and stderr.
pub type Inherited = [OwnedFd; 3];

/// Pipes for stdout and stderr, and for stdin when it is wanted (otherwise /dev/null).
pub fn pipes(stdin: bool) -> Outcome<(Streams, Inherited)> {
    let (out_read, out_write) = pipe()?;
    let (err_read, err_write) = pipe()?;
    let (in_read, in_write) = if stdin {
        let (read, write) = pipe()?;
        (read, Some(write))
    } else {
        (dev_null()?.into(), None)
    };
    for fd in [Some(&out_read), Some(&err_read), in_write.as_ref()]
        .into_iter()
        .flatten()
    {
        set_nonblocking(fd)?;
    }
    let outputs = [Some(out_read), Some(err_read)];
    let streams = Streams {
        stdin: in_write,
        outputs,
        terminal: None,
    };
    Ok((streams, [in_read, out_write, err_write]))
}

/// The monitor's ends of a terminal.
pub fn terminal(master: OwnedFd) -> Outcome<Streams> {
    set_nonblocking(&master)?;
    let copy = || master.try_clone().at("copy terminal");
    let (stdin, output) = (copy()?, copy()?);
    Ok(Streams {
        stdin: Some(stdin),
        outputs: [Some(output), None],
        terminal: Some(master),
    })
}

/// Sets a terminal's size in characters; the kernel tells its foreground process.
pub fn resize(terminal: &OwnedFd, columns: u16, rows: u16) {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCSWINSZ reads one winsize, which lives through the call, for a descriptor we own.
    unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &size) };
}

pub fn set_nonblocking(fd: &impl AsFd) -> Outcome<()> {
    let flags = fcntl(fd, FcntlArg::F_GETFL).at("read descriptor flags")?;
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    fcntl(fd, FcntlArg::F_SETFL(flags))
        .map(drop)
        .at("set descriptor flags")
}

/// Where the runtime sends a terminal's master. Bound by a short name in the working directory,
/// because socket paths end at 107 bytes.
pub struct ConsoleSocket {
    listener: OwnedFd,
    name: String,
}

impl ConsoleSocket {
    pub fn listen(name: String) -> Outcome<Self> {
        let _ = std::fs::remove_file(&name);
        let listener = listen_unix(SockType::Stream, Path::new(&name)).at("make console socket")?;
        Ok(Self { listener, name })
    }

    /// The path for the runtime, whatever its own working directory is.
    pub fn path(&self) -> String {
        format!("/proc/{}/cwd/{}", std::process::id(), self.name)
    }

    /// The terminal that the runtime has sent; call it when the runtime is done.
    pub fn receive(self) -> Outcome<OwnedFd> {
        let step = "receive terminal";
        set_nonblocking(&self.listener)?;
        let connection = accept(&self.listener).at(step)?;
        let mut name = [0; 4096];
        let (_, mut descriptors) = receive_message(&connection, &mut name).at(step)?;
        let first = if descriptors.is_empty() {
            None
        } else {
            Some(descriptors.swap_remove(0))
        };
        first.ok_or_else(|| Failure::internal(step, "the runtime sent no descriptor"))
    }
}

impl Drop for ConsoleSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.name);
    }
}

/// A listening UNIX socket at `path`.
pub fn listen_unix(kind: SockType, path: &Path) -> nix::Result<OwnedFd> {
    let listener = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    listen(&listener, Backlog::new(64)?)?;
    Ok(listener)
}

/// Accepts one connection, close-on-exec and not blocking.
pub fn accept(listener: &OwnedFd) -> nix::Result<OwnedFd> {
    let fd = accept4(
        listener.as_raw_fd(),
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
    )?;
    // SAFETY: accept4 has just made this descriptor and nothing else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Reads one message with the descriptors that came with it.
pub fn receive_message(socket: &OwnedFd, buffer: &mut [u8]) -> nix::Result<(usize, Vec<OwnedFd>)> {
    let mut control = nix::cmsg_space!([std::os::fd::RawFd; 4]);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let mut descriptors = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = part {
            // SAFETY: the kernel has just installed these descriptors for this message alone.
            descriptors.extend(
                received
                    .iter()
                    .map(|fd| unsafe { OwnedFd::from_raw_fd(*fd) }),
            );
        }
    }
    Ok((message.bytes, descriptors))
}

/// Reads what is there. `None`: the stream has ended. A terminal whose other side is closed
/// answers EIO, which is its way to end.
pub fn read_available(fd: &OwnedFd, buffer: &mut [u8]) -> Option<usize> {
    match nix::unistd::read(fd, buffer) {
        Ok(0) => None,
        Ok(length) => Some(length),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => Some(0),
        Err(_) => None,
    }
}

/// Opens a file in memory that holds `content`, with a path for other processes.
pub fn memory_file(content: &[u8]) -> Outcome<(File, String)> {
    use nix::sys::memfd::{MFdFlags, memfd_create};
    let fd = memfd_create("process", MFdFlags::MFD_CLOEXEC).at("make memory file")?;
    let mut file = File::from(fd);
    std::io::Write::write_all(&mut file, content).at("fill memory file")?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((file, path))
}
