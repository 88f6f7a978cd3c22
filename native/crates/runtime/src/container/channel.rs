//! The socket pair between the runtime and the process that becomes the container.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::error::{Error, Result, Step};
use crate::fail;

/// Longer texts are cut: a message is one packet.
const TEXT_MAX: usize = 4096;
/// More cgroup hierarchies than Linux has controllers.
const DESCRIPTORS_MAX: usize = 32;

/// What the parties say. Not every message has a text or descriptors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// Child: a step failed; the text is the error. The last message.
    Failed = b'e',
    /// Child: something was clamped.
    Notice = b'n',
    /// Child: the tree stands, runtime hooks may run.
    Built = b'b',
    /// Child: everything is done but to run the program.
    Ready = b'r',
    /// Intermediate child: the text is the pid of the true one.
    Pid = b'p',
    /// Child: the descriptor is a seccomp listener.
    Listener = b'l',
    /// Parent: go on. The text is the child's pid where it needs to know.
    Continue = b'c',
    /// Parent: the user namespace has its mappings. The descriptor, if any, is the root's mount.
    Mapped = b'u',
    /// Parent: the descriptors are the `tasks` files to join.
    Cgroups = b'g',
}

const KINDS: [Kind; 9] = [
    Kind::Failed,
    Kind::Notice,
    Kind::Built,
    Kind::Ready,
    Kind::Pid,
    Kind::Listener,
    Kind::Continue,
    Kind::Mapped,
    Kind::Cgroups,
];

#[derive(Debug)]
pub struct Message {
    pub kind: Kind,
    pub text: String,
    pub fds: Vec<OwnedFd>,
}

/// One end.
pub struct Channel {
    socket: OwnedFd,
}

impl Channel {
    pub fn pair() -> Result<(Self, Self)> {
        let (one, other) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .step("make the channel to the container's process")?;
        Ok((Self { socket: one }, Self { socket: other }))
    }

    pub fn send(&self, kind: Kind, text: &str) -> Result<()> {
        self.send_with(kind, text, &[])
    }

    pub fn send_with(&self, kind: Kind, text: &str, fds: &[BorrowedFd<'_>]) -> Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            fail!("more than {DESCRIPTORS_MAX} descriptors in one message");
        }
        let text = &text.as_bytes()[..text.len().min(TEXT_MAX)];
        let kind = [kind as u8];
        let parts = [IoSlice::new(&kind), IoSlice::new(text)];
        sendmsg(&self.socket, &parts, &mut control, SendFlags::NOSIGNAL)
            .step("send to the other process")
            .map(drop)
    }

    /// Sends bytes and descriptors over a socket that is no channel of ours.
    pub fn send_raw(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(fds)) {
            fail!("more than {DESCRIPTORS_MAX} descriptors in one message");
        }
        sendmsg(
            socket,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        )
        .step("send descriptors")
        .map(drop)
    }

    /// None when the other side is gone.
    pub fn receive(&self) -> Result<Option<Message>> {
        let mut text = [0; 1 + TEXT_MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut text)];
        let received = loop {
            match recvmsg(
                &self.socket,
                &mut parts,
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            ) {
                // A reset tells that the other side left a message unread; its own still wait here.
                Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNRESET) => {}
                answer => break answer.step("receive from the other process")?,
            }
        };
        if received.bytes == 0 {
            return Ok(None);
        }
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        let kind = KINDS.into_iter().find(|kind| *kind as u8 == text[0]);
        let kind = kind.ok_or_else(|| Error::new("received an unknown message"))?;
        let text = String::from_utf8_lossy(&text[1..received.bytes]).into_owned();
        Ok(Some(Message { kind, text, fds }))
    }

    /// Receives a message of this kind, or fails.
    pub fn expect(&self, kind: Kind) -> Result<Message> {
        match self.receive()? {
            Some(message) if message.kind == kind => Ok(message),
            Some(message) if message.kind == Kind::Failed => Err(Error::new(message.text)),
            Some(message) => fail!("received {:?} in the place of {kind:?}", message.kind),
            None => fail!("the other process ended while {kind:?} was awaited"),
        }
    }

    /// Prefers what the other side told before it ended to our own failure to reach it.
    pub fn explain(&self, own: Error) -> Error {
        loop {
            match self.receive() {
                Ok(Some(message)) if message.kind == Kind::Failed => {
                    return Error::new(message.text);
                }
                Ok(Some(_)) => {}
                _ => return own,
            }
        }
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_text_and_descriptors() {
        let (one, other) = Channel::pair().unwrap();
        one.send_with(Kind::Cgroups, "text", &[one.as_fd()])
            .unwrap();
        let message = other.receive().unwrap().unwrap();
        assert_eq!(
            (message.kind, message.text.as_str()),
            (Kind::Cgroups, "text")
        );
        assert_eq!(message.fds.len(), 1);
        drop((message, one));
        assert!(other.receive().unwrap().is_none());
    }

    #[test]
    fn a_failure_in_place_of_what_was_expected_is_the_error() {
        let (one, other) = Channel::pair().unwrap();
        one.send(Kind::Failed, "mount proc: busy").unwrap();
        let error = other.expect(Kind::Ready).unwrap_err();
        assert_eq!(error.to_string(), "mount proc: busy");
    }
}
