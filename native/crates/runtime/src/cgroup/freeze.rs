//! Pause, resume and kill of a whole group.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Cgroup, read, write};
use crate::error::{Result, Step};
use crate::fail;

const FREEZE_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_micros(500);

impl Cgroup {
    /// Freezes every process and returns when all are frozen.
    pub fn freeze(&self) -> Result<()> {
        self.set_frozen(true)
    }

    pub fn thaw(&self) -> Result<()> {
        self.set_frozen(false)
    }

    pub fn is_frozen(&self) -> bool {
        match (&self.unified, self.dir_of("freezer")) {
            (Some(dir), _) => read(dir, "cgroup.freeze").is_ok_and(|text| text == "1"),
            (None, Some(dir)) => read(dir, "freezer.state").is_ok_and(|text| text != "THAWED"),
            (None, None) => false,
        }
    }

    /// Sends SIGKILL to every process of the group and its descendants.
    pub fn kill(&self) -> Result<()> {
        if let Some(dir) = &self.unified {
            let file = dir.join("cgroup.kill");
            if file.exists() {
                return fs::write(&file, "1").step_with(|| format!("write {}", file.display()));
            }
        }
        self.signal_all(Signal::KILL)
    }

    /// Sends one signal to every process. New ones may escape it, except for KILL, which repeats.
    pub fn signal_all(&self, signal: Signal) -> Result<()> {
        const ROUNDS: usize = 100;
        // A process that v1 froze dies only after it was thawed.
        let thaw = self.unified.is_none() && self.is_frozen();
        for _ in 0..ROUNDS {
            let pids = self.pids()?;
            for pid in pids.iter().filter_map(|&pid| Pid::from_raw(pid)) {
                match kill_process(pid, signal) {
                    Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                    Err(error) => fail!("send {signal:?} to process {pid:?}: {error}"),
                }
            }
            if thaw {
                self.thaw()?;
            }
            if pids.is_empty() || signal != Signal::KILL {
                return Ok(());
            }
            sleep(POLL);
        }
        fail!("processes of the cgroup keep forking faster than they are killed")
    }

    fn set_frozen(&self, frozen: bool) -> Result<()> {
        if let Some(dir) = &self.unified {
            write(dir, "cgroup.freeze", if frozen { "1" } else { "0" })?;
            return wait(|| has_event(dir, if frozen { "frozen 1" } else { "frozen 0" }));
        }
        let Some(dir) = self.dir_of("freezer") else {
            fail!("this host mounts no freezer: pause and resume need cgroup v2 or the v1 freezer");
        };
        let state = if frozen { "FROZEN" } else { "THAWED" };
        write(dir, "freezer.state", state)?;
        wait(|| read(dir, "freezer.state").is_ok_and(|text| text == state))
    }
}

fn has_event(dir: &Path, event: &str) -> bool {
    read(dir, "cgroup.events").is_ok_and(|text| text.lines().any(|line| line == event))
}

fn wait(done: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > FREEZE_TIMEOUT {
            fail!("the cgroup did not change its freezer state within {FREEZE_TIMEOUT:?}");
        }
        sleep(POLL);
    }
    Ok(())
}
