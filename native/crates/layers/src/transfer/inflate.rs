//! Decompresses chunk by chunk.

use std::sync::mpsc::{Receiver, Sender, SyncSender};

use super::{CHUNK_BYTES, Message, upstream};
use crate::decode::{Decoder, MAGIC_BYTES, WINDOW_BYTES};
use crate::refusal::{Code, Refusal, Result};

/// The stage between the blob as it was sent and the layer's archive.
pub fn inflate(
    rx: &Receiver<Message>,
    recycle: &Sender<Vec<u8>>,
    tx: &SyncSender<Message>,
    free: &Receiver<Vec<u8>>,
) -> Result<()> {
    let mut out = Output {
        tx,
        free,
        chunk: Vec::new(),
        filled: 0,
        window: vec![0; WINDOW_BYTES],
    };
    let mut decoder: Option<Decoder> = None;
    let mut held = Vec::new();
    while let Message::Chunk(mut chunk) = rx.recv().map_err(|_| upstream())? {
        if decoder.is_none() {
            // Too little yet to tell the compression by.
            held.append(&mut chunk);
            if held.len() < MAGIC_BYTES {
                let _ = recycle.send(chunk);
                continue;
            }
            std::mem::swap(&mut chunk, &mut held);
        }
        let decoder = match &mut decoder {
            Some(decoder) => decoder,
            none => none.insert(Decoder::detect(&chunk)?),
        };
        decode_chunk(decoder, &chunk, &mut out)?;
        let _ = recycle.send(chunk);
    }
    let Some(mut decoder) = decoder else {
        return Err(Refusal::new(
            Code::CorruptArchive,
            "the blob is too short for an archive",
        ));
    };
    decoder.finish()?;
    out.flush()?;
    tx.send(Message::End).map_err(|_| upstream())
}

fn decode_chunk(decoder: &mut Decoder, chunk: &[u8], out: &mut Output<'_>) -> Result<()> {
    let mut at = 0;
    loop {
        let (room, from) = out.room()?;
        let progress = decoder.step(&chunk[at..], room, from)?;
        at += progress.used;
        let full = out.advance(progress.made)?;
        // A full chunk may leave output behind in the decoder even when the input is used up.
        if !full && at == chunk.len() {
            return Ok(());
        }
        if progress.used == 0 && progress.made == 0 && !full {
            return Err(Refusal::new(
                Code::CorruptCompression,
                "the stream does not go on",
            ));
        }
    }
}

/// Chunks of unpacked bytes. Each begins with the end of the one before it, which the decoder looks back at.
struct Output<'a> {
    tx: &'a SyncSender<Message>,
    free: &'a Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    filled: usize,
    window: Vec<u8>,
}

impl Output<'_> {
    /// A chunk, and from where on it has room.
    fn room(&mut self) -> Result<(&mut [u8], usize)> {
        if self.chunk.is_empty() {
            self.chunk = self.free.recv().map_err(|_| upstream())?;
            self.chunk.resize(WINDOW_BYTES + CHUNK_BYTES, 0);
            self.chunk[..WINDOW_BYTES].copy_from_slice(&self.window);
            self.filled = WINDOW_BYTES;
        }
        Ok((&mut self.chunk, self.filled))
    }

    /// True when the chunk was full and has gone on.
    fn advance(&mut self, count: usize) -> Result<bool> {
        self.filled += count;
        if self.filled < self.chunk.len() {
            return Ok(false);
        }
        self.flush()?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        let mut chunk = std::mem::take(&mut self.chunk);
        if chunk.is_empty() {
            return Ok(());
        }
        chunk.truncate(self.filled);
        self.window
            .copy_from_slice(&chunk[self.filled - WINDOW_BYTES..]);
        self.tx.send(Message::Chunk(chunk)).map_err(|_| upstream())
    }
}
