//! Route netlink: requests built and answers read by hand, so that a pod's network costs a few
//! system calls and no process.

use crate::failure::{AtStep, Failure, KERNEL_REFUSED, Outcome};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};
use std::os::fd::{AsRawFd, OwnedFd};

const HEADER: usize = 16;
const BUFFER: usize = 64 * 1024;
const NESTED: u16 = libc::NLA_F_NESTED as u16;

pub const CREATE: u16 = libc::NLM_F_CREATE as u16;
pub const EXCLUSIVE: u16 = libc::NLM_F_EXCL as u16;
pub const REPLACE: u16 = libc::NLM_F_REPLACE as u16;

/// A request in the making; multi-byte numbers are in the host's order, as netlink wants them.
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// `flags` beyond NLM_F_REQUEST; `fixed` is the message's fixed part, e.g. an ifinfomsg.
    pub fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | libc::NLM_F_REQUEST as u16).to_ne_bytes());
        bytes.extend_from_slice(fixed);
        Self { bytes }
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes
            .extend_from_slice(&(value.len() as u16 + 4).to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.align();
        self
    }

    pub fn number(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_ne_bytes())
    }

    pub fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attribute(kind, &bytes)
    }

    /// An attribute that holds attributes (after `fixed`, if there is such a part).
    pub fn nested(mut self, kind: u16, fixed: &[u8], fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(fixed);
        self = fill(self);
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.bytes[start + 2..start + 4].copy_from_slice(&(kind | NESTED).to_ne_bytes());
        self
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self, sequence: u32, extra_flags: u16) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        let flags = u16::from_ne_bytes([self.bytes[6], self.bytes[7]]) | extra_flags;
        self.bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

/// One message of an answer: the fixed part and the attributes after it.
pub struct Answer {
    payload: Vec<u8>,
}

impl Answer {
    /// `length` bytes at `offset` of the fixed part; zeroes when the message is too short.
    pub fn fixed<const LENGTH: usize>(&self, offset: usize) -> [u8; LENGTH] {
        let bytes = self.payload.get(offset..offset + LENGTH);
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or([0; LENGTH])
    }

    /// The value of an attribute that follows a fixed part of `fixed_length` bytes.
    pub fn attribute(&self, fixed_length: usize, kind: u16) -> Option<&[u8]> {
        find_attribute(self.payload.get(fixed_length..)?, kind)
    }

    pub fn number(&self, fixed_length: usize, kind: u16) -> Option<u32> {
        let value = self.attribute(fixed_length, kind)?;
        Some(u32::from_ne_bytes(value.try_into().ok()?))
    }
}

/// The attribute `kind` among the attributes in `bytes`.
pub fn find_attribute(mut bytes: &[u8], kind: u16) -> Option<&[u8]> {
    while bytes.len() >= 4 {
        let length = u16::from_ne_bytes([bytes[0], bytes[1]]) as usize;
        let found = u16::from_ne_bytes([bytes[2], bytes[3]]) & !NESTED;
        if length < 4 || length > bytes.len() {
            return None;
        }
        if found == kind {
            return Some(&bytes[4..length]);
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// A socket that works on the network namespace in which it was opened.
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    pub fn open() -> Outcome<Self> {
        let step = "open netlink socket";
        let protocol = SockProtocol::NetlinkRoute;
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol).at(step)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0)).at(step)?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Sends a change and waits until the kernel has made it.
    pub fn change(&mut self, request: Request) -> nix::Result<()> {
        self.exchange(request, libc::NLM_F_ACK as u16).map(drop)
    }

    /// Asks for one object.
    pub fn get(&mut self, request: Request) -> nix::Result<Option<Answer>> {
        Ok(self.exchange(request, libc::NLM_F_ACK as u16)?.pop())
    }

    /// Asks for all objects of a kind. The kernel is asked again when the list changed meanwhile.
    pub fn dump(&mut self, make: impl Fn() -> Request, what: &str) -> Outcome<Vec<Answer>> {
        const ATTEMPTS: usize = 5;
        for _ in 0..ATTEMPTS {
            match self.exchange(make(), libc::NLM_F_DUMP as u16) {
                Err(Errno::EINTR) => (),
                answers => return answers.at(format!("list {what}")),
            }
        }
        Err(Failure::new(
            KERNEL_REFUSED,
            format!("list {what}: it changed all the time"),
        ))
    }

    fn exchange(&mut self, request: Request, flags: u16) -> nix::Result<Vec<Answer>> {
        self.sequence += 1;
        let bytes = request.finish(self.sequence, flags);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut answers = Vec::new();
        let mut buffer = vec![0; BUFFER];
        let mut interrupted = false;
        loop {
            let received = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                received => received?,
            };
            for message in messages(&buffer[..received], self.sequence) {
                interrupted |= message.flags & libc::NLM_F_DUMP_INTR as u16 != 0;
                match i32::from(message.kind) {
                    libc::NLMSG_ERROR => {
                        let code = message.payload.get(..4).and_then(|b| b.try_into().ok());
                        return match code.map_or(libc::EPROTO, |b| -i32::from_ne_bytes(b)) {
                            0 => Ok(answers),
                            code => Err(Errno::from_raw(code)),
                        };
                    }
                    libc::NLMSG_DONE if interrupted => return Err(Errno::EINTR),
                    libc::NLMSG_DONE => return Ok(answers),
                    _ => answers.push(Answer {
                        payload: message.payload.to_vec(),
                    }),
                }
            }
        }
    }
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    payload: &'a [u8],
}

/// The messages of one datagram that answer the request numbered `sequence`.
fn messages(mut bytes: &[u8], sequence: u32) -> Vec<Message<'_>> {
    let mut found = Vec::new();
    while bytes.len() >= HEADER {
        let length = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        if length < HEADER || length > bytes.len() {
            break;
        }
        if bytes[8..12] == sequence.to_ne_bytes() {
            let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
            let flags = u16::from_ne_bytes([bytes[6], bytes[7]]);
            found.push(Message {
                kind,
                flags,
                payload: &bytes[HEADER..length],
            });
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_again_and_torn_ones_are_not() {
        let request = Request::new(1, 0, &[])
            .text(3, "eth0")
            .nested(18, &[], |r| r.number(2, 77));
        let attributes = &request.bytes[HEADER..];
        assert_eq!(find_attribute(attributes, 3), Some(&b"eth0\0"[..]));
        let inner = find_attribute(attributes, 18).unwrap();
        assert_eq!(find_attribute(inner, 2), Some(&77u32.to_ne_bytes()[..]));
        assert_eq!(find_attribute(&attributes[..6], 3), None);
        assert_eq!(find_attribute(&[0, 0, 0, 0], 0), None);
        assert_eq!(find_attribute(attributes, 99), None);
    }
}
