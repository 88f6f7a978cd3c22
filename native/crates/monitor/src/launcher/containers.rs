//! What the launcher knows of containers. The files in the state directory are the truth; this is
//! the part of them that has to be watched.

use crate::death::{Death, KILL_FILE, KillRequest};
use crate::failure::{AtStep, Failure, Outcome, Reason};
use crate::oom::{self, OomWatch};
use crate::rootfs;
use crate::spawn::Ended;
use crate::state::{ContainerState, EXIT_FILE, ExitRecord, STATE_FILE, read_record, write_record};
use nix::errno::Errno;
use nix::libc;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirBuilder};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Containers beyond this number are refused.
const MAX_CONTAINERS: usize = 4096;

pub struct Containers {
    state_dir: PathBuf,
    /// Pidfds of monitors, or of containers whose monitor was lost.
    watched: BTreeMap<String, OwnedFd>,
    /// How reaped processes ended that may be first processes of containers without a monitor.
    orphans: HashMap<i32, Ended>,
}

impl Containers {
    pub fn new(state_dir: PathBuf) -> Self {
        Self {
            state_dir,
            watched: BTreeMap::new(),
            orphans: HashMap::new(),
        }
    }

    pub fn dir(&self, id: &str) -> PathBuf {
        self.state_dir.join(id)
    }

    pub fn ids(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.state_dir)
            .into_iter()
            .flatten()
            .flatten();
        let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        dirs.filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    pub fn state(&self, id: &str) -> Option<ContainerState> {
        read_record(&self.dir(id), STATE_FILE)
    }

    pub fn exit(&self, id: &str) -> Option<ExitRecord> {
        read_record(&self.dir(id), EXIT_FILE)
    }

    /// Makes the container's state directory; its being there is what makes ids unique.
    pub fn claim(&self, id: &str) -> Outcome<PathBuf> {
        let step = "container.create";
        if self.ids().len() >= MAX_CONTAINERS {
            let message = format!("{MAX_CONTAINERS} containers exist already");
            return Err(Failure::new(Reason::ServiceUnavailable, step, message));
        }
        let dir = self.dir(id);
        match DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let message = format!("container {id} exists already");
                Err(Failure::new(Reason::AlreadyExists, step, message))
            }
            Err(error) => Err(error).at(format!("make {}", dir.display())),
        }
    }

    pub fn describe(&self, id: &str) -> Outcome<Value> {
        let state = self
            .state(id)
            .ok_or_else(|| unknown("container.adopt", id))?;
        let exit = self.exit(id);
        let running = exit.is_none() && state.process.is_some_and(|process| process.is_alive());
        Ok(json!({
            "containerId": id,
            "pid": state.process.map_or(0, |process| process.pid),
            "monitorPid": state.monitor.pid,
            "running": running,
            "bundle": state.bundle,
            "logPath": state.log_path,
            "runtime": state.runtime,
            "runtimeRoot": state.runtime_root,
            "annotations": state.annotations,
            "exit": exit,
        }))
    }

    /// The container's state, when its monitor is there to serve it.
    pub fn running(&self, op: &str, id: &str) -> Outcome<ContainerState> {
        let state = self.state(id).ok_or_else(|| unknown(op, id))?;
        if self.exit(id).is_some() || state.process.is_none() {
            let message = format!("container {id} is not running");
            return Err(Failure::new(Reason::NotFound, op, message));
        }
        Ok(state)
    }

    /// Forgets an ended container.
    pub fn remove(&mut self, id: &str) -> Outcome<()> {
        let dir = self.dir(id);
        if !dir.exists() {
            return Ok(());
        }
        if self.exit(id).is_none() && self.watched.contains_key(id) {
            let message = format!("container {id} has not ended; kill it first");
            return Err(Failure::bad_request("container.remove", message));
        }
        unmount_root(&dir)?;
        fs::remove_dir_all(&dir).at(format!("remove {}", dir.display()))
    }

    pub fn watch(&mut self, id: &str, pidfd: OwnedFd) {
        self.watched.insert(id.to_string(), pidfd);
    }

    pub fn is_watched(&self, id: &str) -> bool {
        self.watched.contains_key(id)
    }

    pub fn unwatch(&mut self, id: &str) -> Option<OwnedFd> {
        self.watched.remove(id)
    }

    /// Writes down a kill before its signal is sent, so that the death report can name it. Of a
    /// container that is unknown or has ended there is nothing to be told.
    pub fn note_kill(&self, id: &str, request: KillRequest) -> Outcome<()> {
        let Some(state) = self.state(id).filter(|_| self.exit(id).is_none()) else {
            return Ok(());
        };
        let request = KillRequest {
            oom_kills: oom::kills(&state.cgroups_path),
            ..request
        };
        write_record(&self.dir(id), KILL_FILE, &request)
    }

    /// Remembers how a child that was left to the launcher ended.
    pub fn note_orphan(&mut self, pid: i32, ended: Ended) {
        const MOST_REMEMBERED: usize = 1024;
        if self.orphans.len() >= MOST_REMEMBERED {
            self.orphans.clear();
        }
        self.orphans.insert(pid, ended);
    }

    /// Writes the record that a lost monitor could not write.
    pub fn record_orphan_exit(&mut self, state: &ContainerState) -> Outcome<ExitRecord> {
        let pid = state.process.map_or(0, |process| process.pid);
        let ended = self.orphans.remove(&pid);
        let problem = match ended {
            Some(_) => "the monitor was lost; output after that is missing",
            None => "the monitor was lost and with it the exit code",
        };
        let dir = self.dir(&state.container_id);
        let record = Death {
            state,
            pid,
            ended,
            // The counters began at zero with the container: what they show happened in it.
            oom: &OomWatch::open(&state.cgroups_path),
            last_output: None,
            problem: Some(problem.to_string()),
        }
        .record(&dir);
        write_record(&dir, EXIT_FILE, &record)?;
        Ok(record)
    }
}

pub fn unknown(op: &str, id: &str) -> Failure {
    Failure::new(Reason::NotFound, op, format!("container {id} is not known"))
}

/// A descriptor that becomes readable when the process ends; None when there is none.
pub fn pidfd_open(pid: i32) -> Option<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and returns a new descriptor or an error.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) }).ok()?;
    // SAFETY: the kernel has just made this descriptor and nothing else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Removes what a launcher or monitor that died in the middle of a create has left.
pub fn remove_unfinished(dir: &Path) {
    let _ = unmount_root(dir);
    let _ = fs::remove_dir_all(dir);
}

/// Before the state goes: nothing else knows that there is something to unmount.
fn unmount_root(dir: &Path) -> Outcome<()> {
    match read_record::<ContainerState>(dir, STATE_FILE) {
        Some(state) if state.mounted_root => rootfs::unmount(&state.bundle),
        _ => Ok(()),
    }
}
