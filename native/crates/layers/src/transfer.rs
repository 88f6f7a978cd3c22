//! The pipeline: receive and hash the blob → decompress → hash the layer → write its files. Each stage is a
//! thread; chunks go round in rings of a fixed size, so memory is bounded and a slow disk slows the download.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha256};

use crate::apply::{Contents, apply};
use crate::decode::{Decoder, MAGIC_BYTES, WINDOW_BYTES};
use crate::policy::Policy;
use crate::refusal::{Code, Refusal, Result};

/// Size of a chunk in bytes, and how many of them go round on each side of the decompressor.
const CHUNK_BYTES: usize = 256 * 1024;
const CHUNKS: usize = 6;
/// A short read is passed on at once only when it has this many bytes.
const ENOUGH_BYTES: usize = 64 * 1024;

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

/// Keeps what nobody will read soon from filling the page cache: fresh pages are dearer than the disk, and others
/// need the cached ones. Writing is begun behind the writer, and what has reached the disk by a while later is let go.
struct WriteBehind<'a> {
    file: &'a mut File,
    written: u64,
    begun: u64,
    dropped: u64,
}

const BEHIND_STEP_BYTES: u64 = 4 << 20;
const BEHIND_BYTES: u64 = 32 << 20;

impl WriteBehind<'_> {
    fn new(file: &mut File) -> Result<WriteBehind<'_>> {
        let at = file
            .metadata()
            .map_err(|e| Refusal::system("save the blob", e))?
            .len();
        Ok(WriteBehind {
            file,
            written: at,
            begun: at,
            dropped: at,
        })
    }

    fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.file
            .write_all(chunk)
            .map_err(|e| Refusal::system("save the blob", e))?;
        self.written += chunk.len() as u64;
        if self.written - self.begun >= BEHIND_STEP_BYTES {
            let_go(self.file, self.begun, self.written);
            self.begun = self.written;
            let until = self.written.saturating_sub(BEHIND_BYTES);
            let_go(self.file, self.dropped, until);
            self.dropped = until.max(self.dropped);
        }
        Ok(())
    }
}

/// Dirty pages are only sent on their way by it; it is a hint, so that it may fail.
fn let_go(file: &File, from: u64, until: u64) {
    if let Some(length) = NonZeroU64::new(until.saturating_sub(from)) {
        let _ = fadvise(file, from, Some(length), Advice::DontNeed);
    }
}

struct Receive {
    source: Source,
    expected: Expected,
    /// Gone once a later stage has given up; then only the digest is still of interest.
    tx: Option<SyncSender<Message>>,
    free: Receiver<Vec<u8>>,
}

impl Receive {
    fn run(mut self) -> Result<()> {
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

fn inflate(
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

/// The end of the pipeline as buffered input.
struct ChunkReader {
    rx: Receiver<Message>,
    recycle: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl ChunkReader {
    fn new(rx: Receiver<Message>, recycle: Sender<Vec<u8>>) -> Self {
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

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
