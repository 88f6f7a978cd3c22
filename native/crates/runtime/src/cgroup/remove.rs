//! Removal of groups, with the groups that the container made below them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Cgroup;
use crate::error::{Result, Step};

/// A killed process leaves its groups a little after its parent learned of its end.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_micros(200);

impl Cgroup {
    /// Removes every directory, waiting for dying processes. Missing ones are no error.
    pub fn remove(&self) -> Result<()> {
        let deadline = Instant::now() + REMOVE_TIMEOUT;
        let mut outcome = Ok(());
        let dirs = self.v1.iter().map(|group| group.dir.as_path());
        for dir in dirs.chain(self.unified.as_deref()) {
            let removed = remove_dir(dir, deadline);
            outcome = outcome.and(removed.step_with(|| format!("remove cgroup {}", dir.display())));
            remove_empty_parent(dir);
        }
        outcome
    }
}

fn remove_dir(dir: &Path, deadline: Instant) -> std::io::Result<()> {
    loop {
        match fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                remove_children(dir, deadline)?;
                if Instant::now() > deadline {
                    return Err(error);
                }
                sleep(POLL);
            }
            Err(error) => return Err(error),
        }
    }
}

fn remove_children(dir: &Path, deadline: Instant) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_dir(&entry.path(), deadline)?;
        }
    }
    Ok(())
}

/// Below `/gantry` the pod's own group goes with its last container; a busy one stays.
fn remove_empty_parent(dir: &Path) {
    if let Some(parent) = dir.parent()
        && parent
            .parent()
            .is_some_and(|above| above.ends_with("gantry"))
    {
        let _ = fs::remove_dir(parent);
    }
}
