//! What is kept of a container between commands, in `ROOT/ID/`:
//! `state.json` (written before anything is made, so that a crash leaves nothing unknown),
//! `pid` (the process and its start time), `exec.fifo` (present until `start`), `notices.json`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use crate::cgroup::Cgroup;
use crate::error::{Result, Step};
use crate::fail;
use crate::files;
use crate::spec::Hooks;

pub const OCI_VERSION: &str = "1.2.0";
const ID_MAX: usize = 1024;

/// The record in `state.json`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Record {
    pub id: String,
    pub bundle: PathBuf,
    pub rootfs: PathBuf,
    pub annotations: BTreeMap<String, String>,
    /// RFC 3339.
    pub created: String,
    pub owner: String,
    pub cgroup: Cgroup,
    pub hooks: Option<Hooks>,
    /// The namespaces that `exec` has to join are those that differ from the runtime's own.
    pub terminal: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// The state of the specification, as `state` prints it and hooks receive it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OciState<'a> {
    pub oci_version: &'a str,
    pub id: &'a str,
    pub pid: i32,
    pub status: &'a str,
    pub bundle: &'a Path,
    pub rootfs: &'a Path,
    pub created: &'a str,
    pub owner: &'a str,
    pub annotations: &'a BTreeMap<String, String>,
}

/// A container by its directory.
pub struct Container {
    pub dir: PathBuf,
    pub record: Record,
}

impl Container {
    /// Reserves the id and records what will be made.
    pub fn reserve(root: &Path, record: Record, config: &[u8]) -> Result<Self> {
        check_id(&record.id)?;
        let dir = root.join(&record.id);
        let mut builder = fs::DirBuilder::new();
        builder.mode(0o700);
        let made = match builder.create(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(root)
                    .step_with(|| format!("make --root {}", root.display()))?;
                builder.create(&dir)
            }
            answer => answer,
        };
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fail!(
                    "container with id exists: {}; delete it or choose another",
                    record.id
                )
            }
            made => made.step_with(|| format!("make {}", dir.display()))?,
        }
        let container = Self { dir, record };
        if let Err(error) = container.save(config) {
            let _ = fs::remove_dir_all(&container.dir);
            return Err(error);
        }
        Ok(container)
    }

    /// The configuration is kept too: `exec` must find what `create` obeyed, not what the bundle
    /// holds by then.
    fn save(&self, config: &[u8]) -> Result<()> {
        fs::write(self.dir.join("config.json"), config).step("write the configuration")?;
        self.save_record()
    }

    /// Replaces the record as a whole, so that no reader finds half of it.
    pub fn save_record(&self) -> Result<()> {
        let text = serde_json::to_vec(&self.record).step("encode the state")?;
        let temporary = self.dir.join(".state.json");
        fs::write(&temporary, text).step("write the state")?;
        fs::rename(&temporary, self.dir.join("state.json")).step("write the state")
    }

    pub fn load(root: &Path, id: &str) -> Result<Self> {
        check_id(id)?;
        let dir = root.join(id);
        let path = dir.join("state.json");
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fail!("container does not exist: {id} (in {})", root.display())
            }
            text => text.step_with(|| format!("read {}", path.display()))?,
        };
        let record =
            serde_json::from_slice(&text).step_with(|| format!("parse {}", path.display()))?;
        Ok(Self { dir, record })
    }

    /// Records the process. The start time tells it from a later one with the same number.
    pub fn save_pid(&self, pid: Pid) -> Result<()> {
        let start = start_time(pid)?.unwrap_or(0);
        let text = format!("{} {start}\n", pid.as_raw_nonzero());
        fs::write(self.dir.join("pid"), text).step("write the pid to the state")
    }

    /// The recorded process if it still lives. A zombie does not.
    pub fn live_pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.dir.join("pid")).ok()?;
        let (pid, start) = text.trim_end().split_once(' ')?;
        let pid = Pid::from_raw(pid.parse().ok()?)?;
        (start_time(pid).ok()?? == start.parse::<u64>().ok()?).then_some(pid)
    }

    /// A handle on the live process; the second look closes the race with a reused number.
    pub fn open_process(&self) -> Result<Option<(Pid, OwnedFd)>> {
        let Some(pid) = self.live_pid() else {
            return Ok(None);
        };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            pidfd => pidfd.step("open the container's process")?,
        };
        Ok((self.live_pid() == Some(pid)).then_some((pid, pidfd)))
    }

    pub fn status(&self) -> Status {
        if self.live_pid().is_none() {
            let creating = !self.dir.join("pid").exists();
            return if creating {
                Status::Creating
            } else {
                Status::Stopped
            };
        }
        if self.fifo().exists() {
            Status::Created
        } else if self.record.cgroup.is_frozen() {
            Status::Paused
        } else {
            Status::Running
        }
    }

    /// The user of the host who made the container, by name where there is one.
    pub fn owner(&self) -> String {
        let uid = fs::metadata(&self.dir).map_or(0, |dir| dir.uid());
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let line = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
        };
        passwd
            .lines()
            .find_map(line)
            .unwrap_or_else(|| uid.to_string())
    }

    pub fn fifo(&self) -> PathBuf {
        self.dir.join("exec.fifo")
    }

    /// Where the child leaves why the program did not start, for `start` to tell.
    pub fn start_error(&self) -> PathBuf {
        self.dir.join("start-error")
    }

    pub fn save_notices(&self, notices: &[String]) -> Result<()> {
        if notices.is_empty() {
            return Ok(());
        }
        let text = serde_json::to_vec(notices).step("encode the notices")?;
        fs::write(self.dir.join("notices.json"), text).step("write the notices")
    }

    /// The state JSON of the specification.
    pub fn oci_state(&self, status: Status, pid: i32) -> OciState<'_> {
        OciState {
            oci_version: OCI_VERSION,
            id: &self.record.id,
            pid,
            status: status.name(),
            bundle: &self.record.bundle,
            rootfs: &self.record.rootfs,
            created: &self.record.created,
            owner: &self.record.owner,
            annotations: &self.record.annotations,
        }
    }

    /// Forgets the container.
    pub fn remove_dir(&self) -> Result<()> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).step_with(|| format!("remove {}", self.dir.display()))
            }
            _ => Ok(()),
        }
    }
}

/// The ids of all containers below `root`, sorted.
pub fn list_ids(root: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.step_with(|| format!("read {}", root.display()))?,
    };
    let mut ids: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| check_id(name).is_ok() && root.join(name).join("state.json").exists())
        .collect();
    ids.sort();
    Ok(ids)
}

/// An id is a file name: letters, digits and `_+-.`, as runc has it.
fn check_id(id: &str) -> Result<()> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+-.".contains(letter);
    if id.is_empty() || id.len() > ID_MAX || id.starts_with('.') || !id.chars().all(allowed) {
        fail!("invalid container id {id:?}: use letters, digits and _ + - . (not first)");
    }
    Ok(())
}

/// Clock ticks after boot at which the process started. None when it is gone or a zombie.
fn start_time(pid: Pid) -> Result<Option<u64>> {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let Ok(text) = files::read(&path) else {
        return Ok(None);
    };
    // The name in parentheses may contain anything, so count from its end.
    let Some((_, fields)) = text.rsplit_once(") ") else {
        return Ok(None);
    };
    let fields: Vec<&str> = fields.split(' ').collect();
    if matches!(fields.first(), Some(&("Z" | "X" | "x"))) {
        return Ok(None);
    }
    Ok(fields.get(19).and_then(|field| field.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_file_names() {
        for id in ["", "..", ".hidden", "a/b", "a b", "ü"] {
            assert!(check_id(id).is_err(), "{id:?}");
        }
        check_id("web-1_a+b.c").unwrap();
    }

    #[test]
    fn knows_its_own_start_time() {
        let own = rustix::process::getpid();
        assert!(start_time(own).unwrap().unwrap() > 0);
    }
}
