//! One peer of an exec or attach session: its socket, the frames that it sends, and the bounded
//! queue of those that it is yet to read.

use crate::frames::{self, Decoder};
use crate::stdio::read_available;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use serde::Deserialize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Output waits (exec) or the client is dropped (attach) when more than this is unread.
pub const MAX_UNREAD_BYTES: usize = 256 * 1024;

/// What a client asks for.
pub enum Wish {
    Input(Vec<u8>),
    CloseStdin,
    Resize { columns: u16, rows: u16 },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    width: u16,
    height: u16,
}

pub struct Client {
    socket: OwnedFd,
    decoder: Decoder,
    unread: Vec<u8>,
    gone: bool,
    takes_input: bool,
}

impl Client {
    pub fn new(socket: OwnedFd, takes_input: bool) -> Self {
        Self {
            socket,
            decoder: Decoder::default(),
            unread: Vec::new(),
            gone: false,
            takes_input,
        }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub fn is_gone(&self) -> bool {
        self.gone
    }

    pub fn unread_bytes(&self) -> usize {
        self.unread.len()
    }

    /// Queues raw bytes: the answer line before the framing begins.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        self.flush();
    }

    pub fn send(&mut self, channel: u8, payload: &[u8]) {
        frames::encode(channel, payload, &mut self.unread);
        self.flush();
    }

    /// Sends as much as the peer takes now.
    pub fn flush(&mut self) {
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        while !self.unread.is_empty() && !self.gone {
            match send(self.socket.as_raw_fd(), &self.unread, flags) {
                Ok(sent) => drop(self.unread.drain(..sent)),
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => (),
                Err(_) => self.gone = true,
            }
        }
        if self.unread.is_empty() {
            // One slow moment must not keep a quarter of a megabyte for the container's life.
            self.unread.shrink_to(4096);
        }
    }

    /// Reads what the peer has sent. A peer that hangs up or breaks the framing is gone.
    pub fn receive(&mut self, scratch: &mut [u8]) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let Some(length) = read_available(&self.socket, scratch) else {
            self.gone = true;
            return wishes;
        };
        let takes_input = self.takes_input;
        let pushed = self.decoder.push(&scratch[..length], |channel, payload| {
            wishes.extend(wish(channel, payload, takes_input));
        });
        self.gone |= pushed.is_err();
        wishes
    }
}

fn wish(channel: u8, payload: &[u8], takes_input: bool) -> Option<Wish> {
    match (channel, payload) {
        (frames::STDIN, data) if takes_input => Some(Wish::Input(data.to_vec())),
        (frames::CLOSE, [frames::STDIN]) if takes_input => Some(Wish::CloseStdin),
        (frames::RESIZE, json) => {
            let size: Size = serde_json::from_slice(json).ok()?;
            Some(Wish::Resize {
                columns: size.width,
                rows: size.height,
            })
        }
        _ => None,
    }
}
