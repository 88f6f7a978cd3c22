//! The end of the pipeline as buffered input.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender};

use super::{Message, upstream};
use crate::decode::WINDOW_BYTES;

pub struct ChunkReader {
    rx: Receiver<Message>,
    recycle: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl ChunkReader {
    pub fn new(rx: Receiver<Message>, recycle: Sender<Vec<u8>>) -> Self {
        ChunkReader {
            rx,
            recycle,
            chunk: Vec::new(),
            at: 0,
            ended: false,
        }
    }
}

impl Read for ChunkReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for ChunkReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.chunk.len() && !self.ended {
            // The decompressor may be done already.
            let _ = self.recycle.send(std::mem::take(&mut self.chunk));
            self.at = 0;
            match self.rx.recv() {
                Ok(Message::Chunk(chunk)) => {
                    self.chunk = chunk;
                    self.at = WINDOW_BYTES;
                }
                Ok(Message::End) => self.ended = true,
                Err(_) => return Err(io::Error::other(upstream())),
            }
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}
