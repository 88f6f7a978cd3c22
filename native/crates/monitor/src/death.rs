//! Who ended a container, as far as that can be known. The kernel tells a parent the signal and
//! never its sender, so this is put together from what else is certain: a kill is recorded before
//! its signal is sent, the OOM killer counts what it does, and the first process of a pid namespace
//! is deaf to every signal from inside that it has no handler for.

use crate::accounts::Accounts;
use crate::oom::OomWatch;
use crate::spawn::Ended;
use crate::state::{ContainerState, ExitRecord, read_record};
use nix::libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGINT, SIGKILL, SIGQUIT, SIGSEGV, SIGSYS};
use nix::libc::{SIGTERM, SIGTRAP};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Beside the container's records: the last kill that was asked for. The launcher and our runtime
/// both write it, each into its own directory of the container.
pub const KILL_FILE: &str = "kill.json";

/// What the kernel sends to a process for its own doing.
const FAULTS: [i32; 7] = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT];
/// What asks a process to return by itself, whoever sends it. SIGHUP does not: to most servers it
/// means "read your configuration", and their end may come days later.
const ENDINGS: [i32; 3] = [SIGTERM, SIGINT, SIGQUIT];

/// A signal that somebody has asked for, written down before it was sent.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KillRequest {
    pub signal: i32,
    /// RFC 3339.
    pub at: String,
    /// Why; only who wants the container to end gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The program that called the runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
    /// How many processes of the container the OOM killer had taken by then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub oom_kills: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sender {
    pub pid: i32,
    pub name: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Culprit {
    /// The kernel, because memory ran out.
    Oom,
    /// Somebody who asked the launcher or the runtime.
    Request,
    /// The container itself: a bad access, a forbidden system call.
    Fault,
    /// A process outside of the container that asked neither launcher nor runtime.
    Outside,
    /// Somebody in a pid namespace that the container shares.
    Unknown,
}

/// Who ended a container; absent from its record when it simply returned.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KilledBy {
    pub culprit: Culprit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<KillRequest>,
}

/// The end of a container, for its record.
pub struct Death<'a> {
    pub state: &'a ContainerState,
    pub pid: i32,
    /// None when nobody was there to see it.
    pub ended: Option<Ended>,
    pub oom: &'a OomWatch,
    pub last_output: Option<String>,
    /// Why something of it is not known.
    pub problem: Option<String>,
}

impl Death<'_> {
    /// The record; call it while the cgroup is still there. `dir` is the state directory.
    pub fn record(self, dir: &Path) -> ExitRecord {
        const UNKNOWN_CODE: i32 = 255;
        let state = self.state;
        let verdict = |ended| self.evidence(ended, dir).verdict();
        let killed_by = self.ended.and_then(verdict);
        let is_oom = |killed: &KilledBy| killed.culprit == Culprit::Oom;
        let oom_killed = killed_by.as_ref().is_some_and(is_oom);
        let mut accounts = Accounts::read(&state.cgroups_path);
        let own_cpu = self.ended.map(|ended| ended.cpu_micros);
        accounts.cpu_micros = accounts.cpu_micros.or(own_cpu);
        ExitRecord {
            container_id: state.container_id.clone(),
            pid: self.pid,
            exit_code: self.ended.map_or(UNKNOWN_CODE, |ended| ended.exit_code),
            signal: self.ended.and_then(|ended| ended.signal),
            oom_killed,
            killed_by,
            started_at: state.started_at.clone(),
            finished_at: gantry_clock::now(),
            memory_peak_bytes: self.oom.peak_bytes(),
            memory_limit_bytes: self.oom.limit_bytes().filter(|_| oom_killed),
            accounts,
            last_output: self.last_output,
            problem: self.problem,
        }
    }

    fn evidence(&self, ended: Ended, dir: &Path) -> Evidence {
        let state = self.state;
        Evidence {
            ended,
            oom_kills: self.oom.kills(),
            is_init: state.is_init,
            requests: requests(dir, &state.runtime_root, &state.container_id),
        }
    }
}

/// What is known when a container has ended.
pub struct Evidence {
    pub ended: Ended,
    /// How many processes of the container the OOM killer has taken.
    pub oom_kills: u64,
    /// It was the first process of its own pid namespace.
    pub is_init: bool,
    /// The kills that were asked for, the one with a reason first.
    pub requests: Vec<KillRequest>,
}

impl Evidence {
    /// The verdict; None when the container returned without being made to.
    pub fn verdict(&self) -> Option<KilledBy> {
        let request = self.requests.iter().find(|request| self.explains(request));
        if self.is_oom(request) {
            return Some(of(Culprit::Oom));
        }
        if let Some(request) = request {
            let request = Some(request.clone());
            return Some(KilledBy {
                request,
                ..of(Culprit::Request)
            });
        }
        let signal = self.ended.signal?;
        Some(of(match signal {
            signal if FAULTS.contains(&signal) => Culprit::Fault,
            _ if self.is_init => Culprit::Outside,
            _ => Culprit::Unknown,
        }))
    }

    /// A process that handles a signal returns a code of its choice.
    fn explains(&self, request: &KillRequest) -> bool {
        match self.ended.signal {
            Some(signal) => signal == request.signal,
            None => request.reason.is_some() || ENDINGS.contains(&request.signal),
        }
    }

    /// A shell whose child was killed fails itself; one that succeeds all the same did cope, and
    /// so did one that lived on until somebody ended it. Counts tell which came first where times
    /// cannot: the kernel counts before it kills, and whoever watches may see it late.
    fn is_oom(&self, request: Option<&KillRequest>) -> bool {
        let died = self.ended.signal == Some(SIGKILL)
            || self.ended.signal.is_none() && self.ended.exit_code != 0;
        died && self.oom_kills > request.map_or(0, |request| request.oom_kills)
    }
}

fn of(culprit: Culprit) -> KilledBy {
    KilledBy {
        culprit,
        request: None,
    }
}

/// The kills that were asked for: of the launcher (`dir`), then of the runtime.
fn requests(dir: &Path, runtime_root: &str, container_id: &str) -> Vec<KillRequest> {
    let of_runtime = Path::new(runtime_root).join(container_id);
    let found = [dir, &of_runtime].map(|dir| read_record(dir, KILL_FILE));
    found.into_iter().flatten().collect()
}

/// The process is the first of a pid namespace other than ours.
pub fn is_init(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let numbers: Vec<&str> = numbers.unwrap_or_default().split_whitespace().collect();
    numbers.len() > 1 && numbers.last() == Some(&"1")
}

#[cfg(test)]
#[path = "death_tests.rs"]
mod tests;
