//! Receives the blob and holds it to its size and digest.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender};

use sha2::{Digest, Sha256};

use super::write_behind::WriteBehind;
use super::{CHUNK_BYTES, Expected, Message, Sha256Sum, Source, hex};
use crate::refusal::{Code, Refusal, Result};

/// A short read is passed on at once only when it has this many bytes.
const ENOUGH_BYTES: usize = 64 * 1024;

/// The first stage: the blob from disk and network, saved, hashed and passed on.
pub struct Receive {
    pub source: Source,
    pub expected: Expected,
    /// Gone once a later stage has given up; then only the digest is still of interest.
    pub tx: Option<SyncSender<Message>>,
    pub free: Receiver<Vec<u8>>,
}

impl Receive {
    pub fn run(mut self) -> Result<()> {
        let mut hasher = Sha256::new();
        let mut total = 0u64;
        if let Some(mut saved) = self.source.saved.take() {
            self.pump(&mut saved, None, &mut hasher, &mut total)?;
        }
        if let Some(mut rest) = self.source.rest.take() {
            let mut save = self.source.save.take();
            self.pump(&mut *rest, save.as_mut(), &mut hasher, &mut total)?;
        }
        self.check(total, hasher)?;
        if let Some(tx) = self.tx {
            // When nobody listens any more, that stage tells why.
            let _ = tx.send(Message::End);
        }
        Ok(())
    }

    fn pump(
        &mut self,
        from: &mut dyn Read,
        save: Option<&mut File>,
        hasher: &mut Sha256,
        total: &mut u64,
    ) -> Result<()> {
        let mut spare = Vec::new();
        let mut behind = save.map(WriteBehind::new).transpose()?;
        loop {
            let mut chunk = match &self.tx {
                Some(_) => self.free.recv().unwrap_or_default(),
                None => std::mem::take(&mut spare),
            };
            read_chunk(from, &mut chunk)?;
            if chunk.is_empty() {
                return Ok(());
            }
            *total += chunk.len() as u64;
            if *total > self.expected.size {
                let message = format!("the blob is larger than {} bytes", self.expected.size);
                return Err(Refusal::new(Code::SizeMismatch, message));
            }
            if let Some(behind) = &mut behind {
                behind.write(&chunk)?;
            }
            hasher.update(&chunk);
            spare = self.pass_on(chunk).unwrap_or_default();
        }
    }

    /// Gives the chunk back when there is no later stage.
    fn pass_on(&mut self, chunk: Vec<u8>) -> Option<Vec<u8>> {
        let Some(tx) = &self.tx else {
            return Some(chunk);
        };
        if tx.send(Message::Chunk(chunk)).is_err() {
            self.tx = None;
        }
        None
    }

    fn check(&self, total: u64, hasher: Sha256) -> Result<()> {
        if total < self.expected.size {
            let message = format!(
                "the blob ends after {total} of {} bytes",
                self.expected.size
            );
            return Err(Refusal::new(Code::Truncated, message));
        }
        let found: Sha256Sum = hasher.finalize().into();
        if found != self.expected.digest {
            let (found, wanted) = (hex(&found), hex(&self.expected.digest));
            let message = format!("the blob has the digest sha256:{found}, not sha256:{wanted}");
            return Err(Refusal::new(Code::DigestMismatch, message));
        }
        Ok(())
    }
}

/// Fills the chunk with what is there, waiting for more only while it is small.
fn read_chunk(from: &mut dyn Read, chunk: &mut Vec<u8>) -> Result<()> {
    chunk.resize(CHUNK_BYTES, 0);
    let mut filled = 0;
    while filled < ENOUGH_BYTES {
        match from.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Refusal::system("read the blob", e)),
        }
    }
    chunk.truncate(filled);
    Ok(())
}
