//! The loop of a container monitor and of an exec session: moves bytes between a process, its log
//! and its clients until the process ends, and reaps what is left to it.

use crate::client::{Client, MAX_UNREAD_BYTES, Wish};
use crate::control::Control;
use crate::frames;
use crate::log::{ContainerLog, Stream};
use crate::oom::OomWatch;
use crate::spawn::{Ended, reap_any};
use crate::stdio::{Streams, read_available, resize};
use crate::tail::Tail;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Clients wait while the process has more than this of their input unread.
const MAX_PENDING_INPUT: usize = 64 * 1024;
/// How long the last bytes may take to clients that read slowly.
const FAREWELL: Duration = Duration::from_secs(10);
const READ_SIZE: usize = 16 * 1024;
const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];
const CHANNELS: [u8; 2] = [frames::STDOUT, frames::STDERR];
/// Ctrl-D: what ends the input of a terminal, which cannot be closed from one side.
const END_OF_INPUT: u8 = 4;

/// What the clients of a session mean to its process.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Role {
    /// attach: they come and go; one that reads too slowly is dropped.
    Guests,
    /// exec: the one client owns the process; output waits for it and its leaving kills.
    Owner,
}

pub struct Supervisor {
    pub signals: SignalFd,
    pub process: Pid,
    pub streams: Streams,
    pub log: Option<ContainerLog>,
    pub tail: Tail,
    pub control: Option<Control>,
    pub oom: OomWatch,
    pub clients: Vec<Client>,
    pub role: Role,
    input: Vec<u8>,
    close_stdin: bool,
    ended: Option<Ended>,
}

#[derive(Clone, Copy)]
enum Source {
    Signals,
    Output(usize),
    Stdin,
    Oom,
    Control,
    Client(usize),
}

impl Supervisor {
    pub fn new(signals: SignalFd, process: Pid, streams: Streams, role: Role) -> Self {
        Self {
            signals,
            process,
            streams,
            log: None,
            tail: Tail::default(),
            control: None,
            oom: OomWatch::none(),
            clients: Vec::new(),
            role,
            input: Vec::new(),
            close_stdin: false,
            ended: None,
        }
    }

    /// Returns when the process has ended and all that it wrote is in the log and queued to clients.
    pub fn run(&mut self) -> Ended {
        let mut scratch = vec![0; READ_SIZE];
        // It may have ended before its signal could be waited for.
        self.reap();
        let ended = loop {
            if let Some(ended) = self.ended {
                break ended;
            }
            for source in self.wait() {
                self.handle(source, &mut scratch);
            }
            self.settle();
        };
        self.drain_outputs(&mut scratch);
        if let Some(log) = &mut self.log {
            log.write_unfinished();
        }
        self.oom.refresh();
        ended
    }

    /// Tells the clients how it ended and gives them a bounded time to read all of it.
    pub fn say_farewell(&mut self, status: &serde_json::Value) {
        let status = status.to_string();
        self.clients
            .iter_mut()
            .for_each(|client| client.send(frames::STATUS, status.as_bytes()));
        let deadline = Instant::now() + FAREWELL;
        loop {
            self.clients
                .retain(|client| !client.is_gone() && client.unread_bytes() > 0);
            let left = deadline.saturating_duration_since(Instant::now());
            if self.clients.is_empty() || left.is_zero() {
                return;
            }
            let wants_out = |client| PollFd::new(Client::fd(client), PollFlags::POLLOUT);
            let mut polled: Vec<PollFd> = self.clients.iter().map(wants_out).collect();
            let _ = poll(&mut polled, timeout(Some(left)));
            self.clients.iter_mut().for_each(Client::flush);
        }
    }

    fn interests(&self) -> Vec<(Source, BorrowedFd<'_>, PollFlags)> {
        let mut interests = vec![(Source::Signals, self.signals.as_fd(), PollFlags::POLLIN)];
        let held_back = self.role == Role::Owner
            && self
                .clients
                .iter()
                .any(|client| client.unread_bytes() > MAX_UNREAD_BYTES);
        for (index, output) in self.streams.outputs.iter().enumerate() {
            if let (Some(output), false) = (output, held_back) {
                interests.push((Source::Output(index), output.as_fd(), PollFlags::POLLIN));
            }
        }
        if let (Some(stdin), false) = (&self.streams.stdin, self.input.is_empty()) {
            interests.push((Source::Stdin, stdin.as_fd(), PollFlags::POLLOUT));
        }
        if let Some((fd, events)) = self.oom.poll_source() {
            interests.push((Source::Oom, fd, events));
        }
        if let Some(control) = &self.control {
            interests.push((Source::Control, control.fd(), PollFlags::POLLIN));
        }
        for (index, client) in self.clients.iter().enumerate() {
            let mut events = PollFlags::empty();
            events.set(PollFlags::POLLIN, self.input.len() <= MAX_PENDING_INPUT);
            events.set(PollFlags::POLLOUT, client.unread_bytes() > 0);
            interests.push((Source::Client(index), client.fd(), events));
        }
        interests
    }

    fn wait(&self) -> Vec<Source> {
        let interests = self.interests();
        let mut polled: Vec<PollFd> = interests
            .iter()
            .map(|(_, fd, events)| PollFd::new(*fd, *events))
            .collect();
        let linger = self.log.as_ref().and_then(ContainerLog::linger_deadline);
        let left = linger.map(|at| at.saturating_duration_since(Instant::now()));
        let _ = poll(&mut polled, timeout(left));
        let happened = |(interest, polled): (&(Source, _, _), &PollFd)| {
            polled.any().unwrap_or(false).then_some(interest.0)
        };
        interests.iter().zip(&polled).filter_map(happened).collect()
    }

    fn handle(&mut self, source: Source, scratch: &mut [u8]) {
        match source {
            Source::Signals => {
                while let Ok(Some(_)) = self.signals.read_signal() {}
                self.reap();
            }
            Source::Output(index) => {
                self.read_output(index, scratch);
            }
            Source::Stdin => self.write_input(),
            Source::Oom => self.oom.refresh(),
            Source::Control => {
                let arrived = self
                    .control
                    .as_ref()
                    .and_then(|c| c.accept(self.clients.len()));
                self.clients.extend(arrived);
            }
            Source::Client(index) => {
                self.clients[index].flush();
                let wishes = self.clients[index].receive(scratch);
                wishes.into_iter().for_each(|wish| self.grant(wish));
            }
        }
    }

    fn settle(&mut self) {
        let due = |log: &ContainerLog| log.linger_deadline().is_some_and(|at| at <= Instant::now());
        if let Some(log) = self.log.as_mut().filter(|log| due(log)) {
            log.write_unfinished();
        }
        let guests = self.role == Role::Guests;
        let before = self.clients.len();
        self.clients.retain(|client| {
            let too_slow = guests && client.unread_bytes() > MAX_UNREAD_BYTES;
            !client.is_gone() && !too_slow
        });
        if self.role == Role::Owner && self.clients.len() < before && self.ended.is_none() {
            // Nobody will ever read its output or its exit code.
            let _ = kill(self.process, Signal::SIGKILL);
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Input(data) if self.streams.stdin.is_some() => {
                self.input.extend_from_slice(&data);
                self.write_input();
            }
            Wish::Input(_) => (),
            Wish::CloseStdin => {
                self.close_stdin = true;
                self.write_input();
            }
            Wish::Resize { columns, rows } => {
                if let Some(terminal) = &self.streams.terminal {
                    resize(terminal, columns, rows);
                }
            }
        }
    }

    fn write_input(&mut self) {
        let Some(stdin) = &self.streams.stdin else {
            return;
        };
        if self.close_stdin && self.streams.terminal.is_some() {
            self.input.push(END_OF_INPUT);
            self.close_stdin = false;
        }
        match nix::unistd::write(stdin, &self.input) {
            Ok(written) => drop(self.input.drain(..written)),
            Err(Errno::EAGAIN | Errno::EINTR) => (),
            Err(_) => {
                // The process has closed its stdin; more input has no reader.
                self.input = Vec::new();
                self.streams.stdin = None;
            }
        }
        if self.close_stdin && self.input.is_empty() {
            self.streams.stdin = None;
        }
    }

    /// False when there is nothing to read now.
    fn read_output(&mut self, index: usize, scratch: &mut [u8]) -> bool {
        let Some(output) = &self.streams.outputs[index] else {
            return false;
        };
        let Some(length) = read_available(output, scratch) else {
            self.streams.outputs[index] = None;
            return false;
        };
        let bytes = &scratch[..length];
        if let Some(log) = &mut self.log {
            log.append(STREAMS[index], bytes);
            self.tail.push(bytes);
        }
        if length > 0 {
            self.clients
                .iter_mut()
                .for_each(|client| client.send(CHANNELS[index], bytes));
        }
        length > 0
    }

    /// All that the process wrote is in the pipes by now; others that still hold them are not
    /// waited for.
    fn drain_outputs(&mut self, scratch: &mut [u8]) {
        const MOST_READS: usize = 1024;
        for index in 0..self.streams.outputs.len() {
            let mut reads = 0;
            while reads < MOST_READS && self.read_output(index, scratch) {
                reads += 1;
            }
        }
    }

    fn reap(&mut self) {
        while let Some((pid, ended)) = reap_any() {
            if pid == self.process {
                self.ended = Some(ended);
            }
        }
    }
}

fn timeout(left: Option<Duration>) -> PollTimeout {
    let Some(left) = left else {
        return PollTimeout::NONE;
    };
    // Rounded up: rounding down would poll without pause for the last millisecond.
    let millis = left.as_millis().saturating_add(1).min(i32::MAX as u128);
    PollTimeout::try_from(millis as i32).unwrap_or(PollTimeout::MAX)
}
