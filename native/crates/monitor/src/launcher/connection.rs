//! A client of the launcher: lines in, lines out, both bounded.

use crate::failure::{Failure, Outcome};
use crate::protocol::MAX_LINE_BYTES;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use serde_json::{Value, json};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// A client that leaves more than this unread is dropped.
const MAX_UNREAD_BYTES: usize = 16 * 1024 * 1024;
const READ_SIZE: usize = 64 * 1024;

pub struct Connection {
    socket: OwnedFd,
    received: Vec<u8>,
    unread: Vec<u8>,
    /// It wants exit events.
    pub subscribed: bool,
    closing: bool,
}

impl Connection {
    pub fn new(socket: OwnedFd) -> Self {
        let (received, unread) = (Vec::new(), Vec::new());
        Self {
            socket,
            received,
            unread,
            subscribed: false,
            closing: false,
        }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Takes in what has arrived; false when the client has hung up.
    pub fn receive(&mut self) -> bool {
        let mut chunk = [0; READ_SIZE];
        match nix::unistd::read(&self.socket, &mut chunk) {
            Ok(0) => false,
            Ok(length) => {
                self.received.extend_from_slice(&chunk[..length]);
                true
            }
            Err(Errno::EAGAIN | Errno::EINTR) => true,
            Err(_) => false,
        }
    }

    /// The next whole line, if one has arrived and the client is still heard.
    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        if self.closing {
            return None;
        }
        let Some(end) = self.received.iter().position(|byte| *byte == b'\n') else {
            if self.received.len() > MAX_LINE_BYTES {
                let message = format!("line is longer than {MAX_LINE_BYTES} bytes");
                self.answer(None, Err(Failure::bad_request("read request", message)));
                self.closing = true;
                self.received = Vec::new();
            }
            return None;
        };
        let line = self.received[..end].to_vec();
        self.received.drain(..=end);
        self.received.shrink_to(4096);
        Some(line)
    }

    /// More has arrived than was asked for so far.
    pub fn has_more(&self) -> bool {
        !self.received.is_empty()
    }

    pub fn answer(&mut self, id: Option<u64>, outcome: Outcome<Value>) {
        let answer = match outcome {
            Ok(result) => json!({ "id": id, "result": result }),
            Err(failure) => json!({ "id": id, "error": failure }),
        };
        self.send_line(&answer);
    }

    pub fn send_line(&mut self, line: &Value) {
        self.unread.extend_from_slice(line.to_string().as_bytes());
        self.unread.push(b'\n');
        self.flush();
    }

    /// Sends what the client takes now.
    pub fn flush(&mut self) {
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        while !self.unread.is_empty() {
            match send(self.socket.as_raw_fd(), &self.unread, flags) {
                Ok(sent) => drop(self.unread.drain(..sent)),
                Err(Errno::EINTR) => (),
                Err(Errno::EAGAIN) => break,
                Err(_) => {
                    self.closing = true;
                    self.unread = Vec::new();
                }
            }
        }
        self.unread.shrink_to(4096);
    }

    pub fn wants_to_send(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Refused or too slow: to be dropped once it has read its last answer, or at once.
    pub fn is_done(&self) -> bool {
        (self.closing && self.unread.is_empty()) || self.unread.len() > MAX_UNREAD_BYTES
    }

    /// Gives the connection to a session; the launcher hears it no more.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }
}
