//! The launcher: the node's one process that starts others. It has one thread and never waits for
//! any of them; what may take long is done by forked children that report through pipes. It keeps
//! nothing that the state directory does not say, so it can be killed at any time.

pub mod connection;
pub mod containers;
mod dispatch;
mod poller;
pub mod report;
mod runs;
mod serve;
mod watching;

use crate::failure::Outcome;
use crate::spawn::{Ended, reap_any};
use connection::Connection;
use containers::Containers;
use nix::sys::epoll::EpollFlags;
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::{getsockopt, sockopt};
use poller::{Poller, Source};
use runs::{Asker, Run};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

pub use serve::{ServeOptions, serve};

const MAX_CONNECTIONS: usize = 512;
/// Runs and forked children under way; more are refused until some have ended.
const MAX_TASKS: usize = 512;
/// exec sessions that are open at once; a process and a runtime call each.
const MAX_SESSIONS: usize = 128;
const MAX_REPORT_BYTES: usize = 256 * 1024;

/// A forked child that owes an answer.
struct Job {
    asker: Asker,
    report: OwnedFd,
    received: Vec<u8>,
    /// The container to be watched once it is there.
    container: Option<String>,
}

pub struct Launcher {
    poller: Poller,
    listener: OwnedFd,
    signals: SignalFd,
    containers: Containers,
    connections: HashMap<u64, Connection>,
    runs: HashMap<u64, Run>,
    jobs: HashMap<u64, Job>,
    sessions: HashSet<i32>,
    last_number: u64,
    stopping: bool,
}

impl Launcher {
    fn run(&mut self) -> Outcome<()> {
        while !self.stopping {
            for (source, flags) in self.poller.wait(self.time_left()) {
                self.handle(source, flags);
            }
            self.give_up_late_runs();
            self.drop_done_connections();
        }
        Ok(())
    }

    fn handle(&mut self, source: Source, flags: EpollFlags) {
        match source {
            Source::Listener => self.accept(),
            Source::Signals => {
                while let Ok(Some(_)) = self.signals.read_signal() {}
                self.reap();
            }
            Source::Connection(number) => self.hear(number, flags),
            Source::Report(number) => self.read_report(number),
            Source::RunOutput(number, index) => self.read_run(number, index),
            Source::RunInput(number) => self.feed_run(number),
            Source::Monitor(id) => self.monitor_ended(&id),
            Source::Orphan(id) => self.orphan_ended(&id),
        }
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn time_left(&self) -> Option<Duration> {
        let next = self.runs.values().map(|run| run.deadline).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn accept(&mut self) {
        let Ok(socket) = crate::stdio::accept(&self.listener) else {
            return;
        };
        // Whoever may ask here is root on the host, whatever the socket's mode became.
        let is_root = getsockopt(&socket, sockopt::PeerCredentials).is_ok_and(|c| c.uid() == 0);
        if !is_root || self.connections.len() >= MAX_CONNECTIONS {
            return;
        }
        let number = self.number();
        let added = self
            .poller
            .add(&socket, EpollFlags::EPOLLIN, Source::Connection(number));
        if added.is_ok() {
            self.connections.insert(number, Connection::new(socket));
        }
    }

    fn hear(&mut self, number: u64, flags: EpollFlags) {
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        connection.flush();
        if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR)
            && !connection.receive()
        {
            self.hang_up(number);
            return;
        }
        while let Some(line) = self
            .connections
            .get_mut(&number)
            .and_then(Connection::next_line)
        {
            self.dispatch(number, &line);
        }
        self.watch_connection(number);
    }

    fn watch_connection(&mut self, number: u64) {
        let Some(connection) = self.connections.get(&number) else {
            return;
        };
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, connection.wants_to_send());
        self.poller.change(connection.fd(), flags);
    }

    fn hang_up(&mut self, number: u64) {
        if let Some(connection) = self.connections.remove(&number) {
            self.poller.remove(connection.fd());
        }
    }

    fn drop_done_connections(&mut self) {
        let done = |(number, c): (&u64, &Connection)| c.is_done().then_some(*number);
        let numbers: Vec<u64> = self.connections.iter().filter_map(done).collect();
        numbers.into_iter().for_each(|number| self.hang_up(number));
    }

    fn answer(&mut self, asker: Asker, outcome: Outcome<Value>) {
        if let Some(connection) = self.connections.get_mut(&asker.connection) {
            connection.answer(Some(asker.id), outcome);
            self.watch_connection(asker.connection);
        }
    }

    fn read_report(&mut self, number: u64) {
        let Some(job) = self.jobs.get_mut(&number) else {
            return;
        };
        let mut chunk = [0; 4096];
        if let Some(length) = crate::stdio::read_available(&job.report, &mut chunk) {
            job.received.extend_from_slice(&chunk[..length]);
            if job.received.len() <= MAX_REPORT_BYTES {
                return;
            }
        }
        let Some(job) = self.jobs.remove(&number) else {
            return;
        };
        self.poller.remove(&job.report);
        let outcome = report::outcome(&job.received);
        if let (Some(id), true) = (&job.container, outcome.is_ok()) {
            self.watch_monitor(id);
        }
        self.answer(job.asker, outcome);
    }

    fn read_run(&mut self, number: u64, index: usize) {
        let Some(run) = self.runs.get_mut(&number) else {
            return;
        };
        if run.read_output(index).is_none()
            && let Some(ended) = run.streams.outputs[index].take()
        {
            self.poller.remove(&ended);
        }
    }

    fn feed_run(&mut self, number: u64) {
        let Some(run) = self.runs.get_mut(&number) else {
            return;
        };
        if run.write_input()
            && let Some(stdin) = run.streams.stdin.take()
        {
            self.poller.remove(&stdin);
        }
    }

    fn reap(&mut self) {
        while let Some((pid, ended)) = reap_any() {
            if self.sessions.remove(&pid.as_raw()) {
                continue;
            }
            let run = self
                .runs
                .iter()
                .find(|(_, run)| run.pid == pid)
                .map(|(number, _)| *number);
            match run {
                Some(number) => self.finish_run(number, ended),
                None => self.containers.note_orphan(pid.as_raw(), ended),
            }
        }
    }

    fn finish_run(&mut self, number: u64, ended: Ended) {
        let Some(run) = self.runs.remove(&number) else {
            return;
        };
        let asker = run.asker;
        let (streams, answer) = run.finish(ended);
        self.forget_streams(&streams);
        self.answer(asker, Ok(answer));
    }

    fn give_up_late_runs(&mut self) {
        let now = Instant::now();
        let late = |(number, run): (&u64, &Run)| (run.deadline <= now).then_some(*number);
        let numbers: Vec<u64> = self.runs.iter().filter_map(late).collect();
        for number in numbers {
            let Some(run) = self.runs.remove(&number) else {
                continue;
            };
            let failure = run.give_up();
            self.forget_streams(&run.streams);
            self.answer(run.asker, Err(failure));
        }
    }

    fn forget_streams(&mut self, streams: &crate::stdio::Streams) {
        let [stdout, stderr] = &streams.outputs;
        for fd in [&streams.stdin, stdout, stderr].into_iter().flatten() {
            self.poller.remove(fd);
        }
    }
}
