//! A container's terminal in the foreground: bytes and window size pass between the caller's
//! terminal (or pipes) and the container's.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::PollFlags;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType,
    recvmsg, socketpair,
};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

use crate::error::{Error, Result, Step};
use crate::spec::ConsoleSize;

const CHUNK_BYTES: usize = 8 * 1024;

/// Where the container's process will send its terminal, and where it arrives.
pub fn console_pair() -> Result<(OwnedFd, OwnedFd)> {
    let kind = SocketType::SEQPACKET;
    socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
        .step("make the way for the terminal")
}

/// The relay's own state. Dropping it gives the caller's terminal its old mode back.
pub struct Relay {
    master: OwnedFd,
    /// The caller's terminal with its mode, when one of its standard streams is one.
    caller: Option<(BorrowedFd<'static>, Termios)>,
    /// What was typed and not yet taken by the container. No more is read meanwhile.
    typed: Vec<u8>,
    input_ended: bool,
    output_ended: bool,
}

impl Relay {
    /// Takes over the terminal that a process has sent to `console`.
    pub fn take(console: &OwnedFd) -> Result<Self> {
        let master = receive(console)?;
        // A container that reads nothing must not keep its output from being written.
        rustix::fs::fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)
            .step("make the terminal non-blocking")?;
        Ok(Self {
            master,
            caller: raw_caller()?,
            typed: Vec::new(),
            input_ended: false,
            output_ended: false,
        })
    }

    /// Gives the container's terminal the caller's window size.
    pub fn resize(&self) {
        if let Some((caller, _)) = &self.caller
            && let Ok(size) = tcgetwinsize(caller)
        {
            let _ = rustix::termios::tcsetwinsize(&self.master, size);
        }
    }

    /// What to wait for on stdin and on the terminal.
    pub fn interest(&self) -> [(BorrowedFd<'_>, PollFlags); 2] {
        let input = if self.typed.is_empty() && !self.input_ended {
            PollFlags::IN
        } else {
            PollFlags::empty()
        };
        let mut terminal = PollFlags::empty();
        if !self.output_ended {
            terminal |= PollFlags::IN;
        }
        if !self.typed.is_empty() {
            terminal |= PollFlags::OUT;
        }
        [
            (rustix::stdio::stdin(), input),
            (self.master.as_fd(), terminal),
        ]
    }

    /// Moves what can be moved without waiting for the container.
    pub fn pass(&mut self, input_ready: bool) {
        if input_ready {
            self.read_input();
        }
        self.write_typed();
        if !self.output_ended {
            self.pass_output();
        }
    }

    /// What the container wrote before it ended.
    pub fn drain(&mut self) {
        while !self.output_ended && self.pass_output() {}
    }

    fn read_input(&mut self) {
        let mut bytes = [0; CHUNK_BYTES];
        match rustix::io::read(rustix::stdio::stdin(), &mut bytes) {
            Ok(0) => self.input_ended = true,
            Ok(read) => self.typed.extend_from_slice(&bytes[..read]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.input_ended = true,
        }
    }

    fn write_typed(&mut self) {
        if self.typed.is_empty() {
            return;
        }
        match rustix::io::write(&self.master, &self.typed) {
            Ok(written) => drop(self.typed.drain(..written)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.typed.clear(),
        }
    }

    /// False when there was nothing to pass.
    fn pass_output(&mut self) -> bool {
        let mut bytes = [0; CHUNK_BYTES];
        match rustix::io::read(&self.master, &mut bytes) {
            Ok(read) if read > 0 => {
                self.output_ended = !write_all(&bytes[..read]);
                true
            }
            Err(Errno::INTR) => true,
            Err(Errno::AGAIN) => false,
            // The last process that held the terminal is gone.
            Ok(_) | Err(_) => {
                self.output_ended = true;
                false
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some((caller, mode)) = &self.caller {
            let _ = tcsetattr(caller, OptionalActions::Now, mode);
        }
    }
}

fn receive(console: &OwnedFd) -> Result<OwnedFd> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut text = [0; 64];
    let flags = RecvFlags::CMSG_CLOEXEC;
    recvmsg(
        console,
        &mut [IoSliceMut::new(&mut text)],
        &mut control,
        flags,
    )
    .step("receive the container's terminal")?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut rights) = message
            && let Some(master) = rights.next()
        {
            return Ok(master);
        }
    }
    Err(Error::new("the container's process sent no terminal"))
}

/// The window size of the caller's terminal, if it sits at one.
pub fn caller_size() -> Option<ConsoleSize> {
    let size = tcgetwinsize(caller()?).ok()?;
    Some(ConsoleSize {
        height: size.ws_row,
        width: size.ws_col,
    })
}

fn caller() -> Option<BorrowedFd<'static>> {
    let streams = [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ];
    streams.into_iter().find(|stream| isatty(stream))
}

/// Puts the caller's terminal into raw mode: keys such as ^C are for the container's to interpret.
fn raw_caller() -> Result<Option<(BorrowedFd<'static>, Termios)>> {
    let Some(caller) = caller() else {
        return Ok(None);
    };
    let mode = tcgetattr(caller).step("read the mode of the caller's terminal")?;
    let mut raw = mode.clone();
    raw.make_raw();
    tcsetattr(caller, OptionalActions::Now, &raw).step("set the caller's terminal to raw")?;
    Ok(Some((caller, mode)))
}

fn write_all(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_writable(),
            Err(_) => return false,
        }
    }
    true
}

fn wait_writable() {
    let stdout = rustix::stdio::stdout();
    let mut fds = [rustix::event::PollFd::new(&stdout, PollFlags::OUT)];
    let _ = rustix::event::poll(&mut fds, None);
}
