//! The blob by instruction: another process says on our standard input where its bytes are to come from, one
//! source after the other as they fail, and hears on our standard output how each went. One JSON per line:
//!
//! ```text
//! > {"get": {"url", "headers", "ca"}}     < {"event": "answer", "status", "headers", "body", "position"}
//!                                         < {"event": "received", "position"}, now and then
//! > {"file": {"path", "start", "size"}}   < {"event": "ended", "position", "code", "reason"}
//! > {"data": COUNT} and COUNT raw bytes
//! ```
//!
//! A `get` begins at the position that is reached, by a range. It is answered, or ends with a reason; content
//! (200, 206) and files are followed by `ended` once there is no more of them, with a reason when that was a cut,
//! unless the blob is complete. Data is taken without a word. Standard input that ends means that nobody is interested any more.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::fetch::{Content, Cut, Fetcher, Head, Request, cut_io};

/// Bounds of one instruction, of the data behind one, and of what waits between the threads.
const MAX_INSTRUCTION_BYTES: u64 = 4 << 20;
const MAX_DATA_BYTES: usize = 1 << 20;
const MAX_WAITING: usize = 1;
/// How often progress is told at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Instruction {
    Get(Request),
    File(Part),
    Data(usize),
}

/// A part of a local file that is the whole blob.
#[derive(Deserialize)]
struct Part {
    path: PathBuf,
    start: u64,
    size: u64,
}

enum Step {
    Get(Request),
    File(Part),
    Data(Vec<u8>),
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum Event<'a> {
    Answer {
        #[serde(flatten)]
        head: &'a Head,
        position: u64,
    },
    Received {
        position: u64,
    },
    Ended {
        #[serde(flatten)]
        cut: Option<&'a Cut>,
        position: u64,
    },
}

/// The rest of a blob as one stream, put together as instructed. Ends when the blob is complete or the
/// instructions end.
pub struct Feed {
    steps: Receiver<Step>,
    fetcher: Fetcher,
    current: Option<Box<dyn Read + Send>>,
    /// The current source is data behind an instruction.
    is_data: bool,
    position: u64,
    size: u64,
    told: Instant,
}

impl Feed {
    /// Listens on standard input from now on; `position` bytes of `size` are here already.
    pub fn start(position: u64, size: u64) -> io::Result<Feed> {
        let fetcher = Fetcher::default();
        let (tx, steps) = sync_channel(MAX_WAITING);
        let at_end = fetcher.clone();
        let listen = move || {
            listen(&mut BufReader::new(io::stdin()), &tx);
            // The reader may be in the middle of an exchange that could take its time.
            at_end.shut_down();
        };
        std::thread::Builder::new()
            .name("listen".to_owned())
            .spawn(listen)?;
        Ok(Feed {
            steps,
            fetcher,
            current: None,
            is_data: false,
            position,
            size,
            told: Instant::now(),
        })
    }

    fn take_up(&mut self, step: Step) {
        self.is_data = matches!(step, Step::Data(_));
        match step {
            Step::Data(bytes) => self.current = Some(Box::new(io::Cursor::new(bytes))),
            Step::File(part) => match open_part(&part, self.position) {
                Ok(bytes) => self.current = Some(bytes),
                Err(e) => self.ended(Some(&cut_io(&e))),
            },
            Step::Get(request) => self.get(&request),
        }
    }

    fn get(&mut self, request: &Request) {
        match self.fetcher.get(request, self.position) {
            Err(cut) => self.ended(Some(&cut)),
            Ok((head, content)) => {
                let position = self.position;
                tell(&Event::Answer {
                    head: &head,
                    position,
                });
                if let Some(content) = content {
                    self.begin(content);
                }
            }
        }
    }

    /// Registries may ignore the range, and send what is here already once more.
    fn begin(&mut self, mut content: Content) {
        let Some(skip) = self.position.checked_sub(content.starts_at) else {
            return self.ended(Some(&Cut {
                code: None,
                reason: "the answer begins behind what was asked for".to_owned(),
            }));
        };
        let skipped = io::copy(&mut (&mut content.bytes).take(skip), &mut io::sink());
        match skipped {
            Ok(count) if count == skip => self.current = Some(content.bytes),
            Ok(_) => self.ended(None),
            Err(e) => self.ended(Some(&cut_io(&e))),
        }
    }

    fn ended(&self, cut: Option<&Cut>) {
        let position = self.position;
        tell(&Event::Ended { cut, position });
    }

    fn moved(&mut self, count: usize) {
        self.position += count as u64;
        if self.told.elapsed() >= PROGRESS_INTERVAL || self.position >= self.size {
            self.told = Instant::now();
            let position = self.position;
            tell(&Event::Received { position });
        }
    }

    /// A source that goes on after the last byte sends another blob: one byte of it gives it away.
    fn surplus(&mut self, into: &mut [u8]) -> usize {
        let Some(mut rest) = self.current.take() else {
            return 0;
        };
        let room = into.len().min(1);
        rest.read(&mut into[..room]).unwrap_or(0)
    }
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.position >= self.size {
                return Ok(self.surplus(into));
            }
            let Some(current) = &mut self.current else {
                match self.steps.recv() {
                    Ok(step) => self.take_up(step),
                    Err(_) => return Ok(0),
                }
                continue;
            };
            match current.read(into) {
                Ok(0) => self.finish_current(None),
                Ok(count) => {
                    self.moved(count);
                    return Ok(count);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => self.finish_current(Some(&cut_io(&e))),
            }
        }
    }
}

impl Feed {
    fn finish_current(&mut self, cut: Option<&Cut>) {
        self.current = None;
        if !self.is_data {
            self.ended(cut);
        }
    }
}

fn open_part(part: &Part, position: u64) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(&part.path)?;
    file.seek(SeekFrom::Start(part.start + position))?;
    Ok(Box::new(file.take(part.size.saturating_sub(position))))
}

/// Whoever does not listen any more has closed our input too.
fn tell(event: &Event<'_>) {
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        let _ = io::stdout().lock().write_all(&line);
    }
}

/// Passes instructions on until the input ends or makes no sense; both end the feed.
fn listen(input: &mut impl BufRead, steps: &SyncSender<Step>) {
    while let Ok(Some(step)) = next_step(input) {
        if steps.send(step).is_err() {
            return;
        }
    }
}

fn next_step(input: &mut impl BufRead) -> io::Result<Option<Step>> {
    let mut line = Vec::new();
    input
        .take(MAX_INSTRUCTION_BYTES)
        .read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(match serde_json::from_slice(&line)? {
        Instruction::Get(request) => Step::Get(request),
        Instruction::File(part) => Step::File(part),
        Instruction::Data(count) => {
            if count > MAX_DATA_BYTES {
                let message = format!("{count} bytes of data at once; at most {MAX_DATA_BYTES}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            let mut bytes = vec![0; count];
            input.read_exact(&mut bytes)?;
            Step::Data(bytes)
        }
    }))
}
