//! Waiting for the ends of monitors, and of containers that have lost theirs.

use super::connection::Connection;
use super::containers::{self, pidfd_open};
use super::{Launcher, Source};
use crate::failure::{self, Failure};
use crate::state::ExitRecord;
use nix::sys::epoll::EpollFlags;
use serde_json::json;
use std::os::fd::OwnedFd;

impl Launcher {
    /// Begins to wait for the end of a container's monitor, or takes note that it has ended.
    pub(super) fn watch_monitor(&mut self, id: &str) {
        let Some(state) = self.containers.state(id) else {
            return;
        };
        // Opened first and checked then: the identity cannot change under an open pidfd.
        match pidfd_open(state.monitor.pid).filter(|_| state.monitor.is_alive()) {
            Some(pidfd) => self.watch(id, pidfd, Source::Monitor(id.to_string())),
            None => self.monitor_ended(id),
        }
    }

    fn watch(&mut self, id: &str, pidfd: OwnedFd, source: Source) {
        if let Err(failure) = self.poller.add(&pidfd, EpollFlags::EPOLLIN, source) {
            complain(id, &failure);
        }
        self.containers.watch(id, pidfd);
    }

    fn unwatch(&mut self, id: &str) {
        if let Some(pidfd) = self.containers.unwatch(id) {
            self.poller.remove(&pidfd);
        }
    }

    pub(super) fn monitor_ended(&mut self, id: &str) {
        self.unwatch(id);
        if let Some(record) = self.containers.exit(id) {
            self.announce(&record);
            return;
        }
        let Some(state) = self.containers.state(id) else {
            return;
        };
        let Some(process) = state.process else {
            // It died before the runtime had made the container.
            containers::remove_unfinished(&self.containers.dir(id));
            return;
        };
        match pidfd_open(process.pid).filter(|_| process.is_alive()) {
            Some(pidfd) => self.watch(id, pidfd, Source::Orphan(id.to_string())),
            None => self.orphan_ended(id),
        }
    }

    pub(super) fn orphan_ended(&mut self, id: &str) {
        // A container that came to us as a subreaper has left its exit code with us.
        self.reap();
        self.unwatch(id);
        let Some(state) = self.containers.state(id) else {
            return;
        };
        match self.containers.record_orphan_exit(&state) {
            Ok(record) => self.announce(&record),
            Err(failure) => complain(id, &failure),
        }
    }

    fn announce(&mut self, record: &ExitRecord) {
        let event = json!({ "event": "exit", "containerId": record.container_id, "exit": record });
        let subscribed = |(number, c): (&u64, &Connection)| c.subscribed.then_some(*number);
        let numbers: Vec<u64> = self.connections.iter().filter_map(subscribed).collect();
        for number in numbers {
            if let Some(connection) = self.connections.get_mut(&number) {
                connection.send_line(&event);
            }
            self.watch_connection(number);
        }
    }
}

fn complain(id: &str, failure: &Failure) {
    failure::complain(format_args!("container {id}: {failure}"));
}
