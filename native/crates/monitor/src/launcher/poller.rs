//! What the launcher waits for: descriptors with a meaning.

use crate::failure::{AtStep, Outcome};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

/// Whose descriptor has something to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    Listener,
    Signals,
    Connection(u64),
    /// A forked child's report, by job number.
    Report(u64),
    /// stdout (0) or stderr (1) of a run, by number.
    RunOutput(u64, usize),
    RunInput(u64),
    /// The end of a monitor, or of a container that has lost its monitor.
    Monitor(String),
    Orphan(String),
}

pub struct Poller {
    epoll: Epoll,
    sources: HashMap<u64, Source>,
    tokens: HashMap<RawFd, u64>,
    next_token: u64,
}

impl Poller {
    pub fn new() -> Outcome<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).at("make epoll")?;
        Ok(Self {
            epoll,
            sources: HashMap::new(),
            tokens: HashMap::new(),
            next_token: 0,
        })
    }

    pub fn add(&mut self, fd: impl AsFd, flags: EpollFlags, source: Source) -> Outcome<()> {
        let token = self.next_token;
        self.next_token += 1;
        self.epoll
            .add(fd.as_fd(), EpollEvent::new(flags, token))
            .at("watch descriptor")?;
        self.sources.insert(token, source);
        self.tokens.insert(fd.as_fd().as_raw_fd(), token);
        Ok(())
    }

    pub fn change(&mut self, fd: impl AsFd, flags: EpollFlags) {
        if let Some(token) = self.tokens.get(&fd.as_fd().as_raw_fd()) {
            let _ = self
                .epoll
                .modify(fd.as_fd(), &mut EpollEvent::new(flags, *token));
        }
    }

    /// Call it before the descriptor is closed: a forked child may still hold a copy, for which
    /// epoll would go on reporting.
    pub fn remove(&mut self, fd: impl AsFd) {
        let _ = self.epoll.delete(fd.as_fd());
        if let Some(token) = self.tokens.remove(&fd.as_fd().as_raw_fd()) {
            self.sources.remove(&token);
        }
    }

    pub fn wait(&self, limit: Option<Duration>) -> Vec<(Source, EpollFlags)> {
        let mut events = [EpollEvent::empty(); 64];
        let millis = limit.map(|limit| limit.as_millis().saturating_add(1).min(60_000) as u16);
        let timeout = millis.map_or(EpollTimeout::NONE, EpollTimeout::from);
        let count = self.epoll.wait(&mut events, timeout).unwrap_or(0);
        let known = |event: &EpollEvent| {
            self.sources
                .get(&event.data())
                .map(|source| (source.clone(), event.events()))
        };
        events[..count].iter().filter_map(known).collect()
    }
}
