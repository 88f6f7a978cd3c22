//! The pipeline: receive and hash the blob → decompress → hash the layer → write its files. Each stage is a
//! thread; chunks go round in rings of a fixed size, so memory is bounded and a slow disk slows the download.

mod chunk_reader;
mod inflate;
mod receive;
mod write_behind;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use self::chunk_reader::ChunkReader;
use self::inflate::inflate;
use self::receive::Receive;
use crate::apply::{Contents, apply};
use crate::decode::WINDOW_BYTES;
use crate::policy::Policy;
use crate::refusal::{Code, Refusal, Result};

/// Size of a chunk in bytes, and how many of them go round on each side of the decompressor.
const CHUNK_BYTES: usize = 256 * 1024;
const CHUNKS: usize = 6;

pub type Sha256Sum = [u8; 32];

/// What the image says about the layer.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub digest: Sha256Sum,
    /// Size of the blob in bytes.
    pub size: u64,
    pub diff_id: Sha256Sum,
}

/// Where the blob comes from.
pub struct Source {
    /// What is here already, positioned at its start.
    pub saved: Option<File>,
    /// What is still to come; saved to `save` as it arrives.
    pub rest: Option<Box<dyn Read + Send>>,
    pub save: Option<File>,
}

enum Message {
    Chunk(Vec<u8>),
    End,
}

fn upstream() -> Refusal {
    Refusal::new(Code::Upstream, "an earlier stage stopped")
}

/// Runs the whole pipeline; the layer's files are written by the calling thread. Refusals of the blob itself
/// (cut short, wrong digest) win over what they caused further down.
pub fn transfer(
    source: Source,
    expected: Expected,
    dir: OwnedFd,
    policy: &Policy,
) -> Result<Contents> {
    let (blob_tx, blob_rx) = sync_channel(CHUNKS);
    let (blob_free_tx, blob_free) = ring();
    let (plain_tx, plain_rx) = sync_channel(CHUNKS);
    let (plain_free_tx, plain_free) = ring();
    let (hashed_tx, hashed_rx) = sync_channel(CHUNKS);
    let receiver = start("receive", move || {
        Receive {
            source,
            expected,
            tx: Some(blob_tx),
            free: blob_free,
        }
        .run()
    })?;
    let inflater = start("inflate", move || {
        inflate(&blob_rx, &blob_free_tx, &plain_tx, &plain_free)
    })?;
    let hasher = start("hash", move || {
        hash(&plain_rx, &hashed_tx, &expected.diff_id)
    })?;
    let applied = apply(dir, ChunkReader::new(hashed_rx, plain_free_tx), policy);
    if let Err(
        full @ Refusal {
            code: Code::DiskFull,
            ..
        },
    ) = applied
    {
        // Without room there is no use in waiting for the rest of the blob.
        return Err(full);
    }
    receiver.join().unwrap_or_else(|_| Err(upstream()))?;
    first_cause([inflater.join(), hasher.join()], applied)
}

fn start<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|e| Refusal::system("start a thread", e))
}

/// The stage that failed by itself, not for want of input.
fn first_cause(
    stages: [std::thread::Result<Result<()>>; 2],
    applied: Result<Contents>,
) -> Result<Contents> {
    let mut outcomes = stages
        .into_iter()
        .map(|joined| joined.unwrap_or_else(|_| Err(upstream())));
    let own = |outcome: &Result<()>| matches!(outcome, Err(e) if e.code != Code::Upstream);
    if matches!(&applied, Err(e) if e.code != Code::Upstream) {
        return applied;
    }
    match outcomes.find(own) {
        Some(Err(refusal)) => Err(refusal),
        _ => applied,
    }
}

/// A ring's way back, filled with its empty chunks.
fn ring() -> (Sender<Vec<u8>>, Receiver<Vec<u8>>) {
    let (tx, rx) = channel();
    for _ in 0..CHUNKS {
        // The receiver is in our hands, so this cannot fail.
        let _ = tx.send(Vec::new());
    }
    (tx, rx)
}

fn hash(rx: &Receiver<Message>, tx: &SyncSender<Message>, diff_id: &Sha256Sum) -> Result<()> {
    let mut hasher = Sha256::new();
    while let Message::Chunk(chunk) = rx.recv().map_err(|_| upstream())? {
        hasher.update(&chunk[WINDOW_BYTES..]);
        tx.send(Message::Chunk(chunk)).map_err(|_| upstream())?;
    }
    let found: Sha256Sum = hasher.finalize().into();
    if found != *diff_id {
        let (found, wanted) = (hex(&found), hex(diff_id));
        let message = format!("the layer has the diffID sha256:{found}, not sha256:{wanted}");
        return Err(Refusal::new(Code::DiffIdMismatch, message));
    }
    tx.send(Message::End).map_err(|_| upstream())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
