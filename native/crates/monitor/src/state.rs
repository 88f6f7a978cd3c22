//! What is on disk of each container: `STATE_DIR/ID/state.json` while its monitor lives and
//! `exit.json` afterwards. Both are renamed into place, so a reader sees all of one or nothing.

use crate::accounts::Accounts;
use crate::death::KilledBy;
use crate::failure::{AtStep, Outcome};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub const STATE_FILE: &str = "state.json";
pub const EXIT_FILE: &str = "exit.json";

/// A process that cannot be mistaken for a later one with the same pid.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessIdentity {
    pub pid: i32,
    /// Clock ticks since boot, from /proc/PID/stat.
    pub start_time: u64,
}

impl ProcessIdentity {
    /// None when there is no such process.
    pub fn of(pid: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, so fields are counted after its end.
        let after_name = &stat[stat.rfind(')')? + 1..];
        let mut fields = after_name.split_ascii_whitespace();
        let state = fields.next()?;
        let start_time = fields.nth(18)?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Self {
            pid: pid.as_raw(),
            start_time,
        })
    }

    /// The very process runs (a zombie does not).
    pub fn is_alive(&self) -> bool {
        Self::of(Pid::from_raw(self.pid)).as_ref() == Some(self)
    }
}

/// What a launcher needs to find a container and its monitor again.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerState {
    pub container_id: String,
    pub monitor: ProcessIdentity,
    /// None until `runtime create` is done.
    pub process: Option<ProcessIdentity>,
    pub bundle: String,
    pub runtime: String,
    pub runtime_root: String,
    pub cgroups_path: String,
    pub log_path: String,
    /// The root was mounted for the runtime, and is to be unmounted.
    #[serde(default)]
    pub mounted_root: bool,
    pub annotations: BTreeMap<String, String>,
    pub started_at: String,
    /// The process is the first of a pid namespace of its own.
    #[serde(default)]
    pub is_init: bool,
}

/// How a container ended, by whom, and what it had used: its death report.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitRecord {
    pub container_id: String,
    pub pid: i32,
    pub exit_code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    pub oom_killed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub killed_by: Option<KilledBy>,
    pub started_at: String,
    pub finished_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak_bytes: Option<u64>,
    /// The limit that an OOM kill was for; absent when the host itself ran out of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    #[serde(default, flatten)]
    pub accounts: Accounts,
    /// The end of its output, both streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_output: Option<String>,
    /// Why the true exit is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Replaces `DIR/NAME` by the record.
pub fn write_record<T: Serialize>(dir: &Path, name: &str, record: &T) -> Outcome<()> {
    let temporary = dir.join(format!("{name}.new"));
    let step = || format!("write {}", dir.join(name).display());
    let text = serde_json::to_vec(record).at(step())?;
    let mut file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .at(step())?;
    file.write_all(&text).at(step())?;
    fs::rename(&temporary, dir.join(name)).at(step())
}

/// Reads `DIR/NAME`; None when it is missing or not a record.
pub fn read_record<T: DeserializeOwned>(dir: &Path, name: &str) -> Option<T> {
    serde_json::from_slice(&fs::read(dir.join(name)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_process_from_a_later_one_with_its_pid() {
        let ours = ProcessIdentity::of(nix::unistd::getpid()).unwrap();
        assert!(ours.is_alive());
        assert!(
            !ProcessIdentity {
                start_time: ours.start_time + 1,
                ..ours
            }
            .is_alive()
        );
        assert!(ProcessIdentity::of(Pid::from_raw(i32::MAX)).is_none());
    }
}
