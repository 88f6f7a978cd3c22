//! The memory cgroup of a container: how often the kernel killed in it and its peak. The counter
//! is read on every event, since the cgroup may be removed as soon as the container has ended.

use crate::accounts::{field, limit_reached};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const COUNTERS_V1: &str = "memory.oom_control";
const COUNTERS_V2: &str = "memory.events";

pub struct OomWatch {
    source: Option<Source>,
    cgroups_path: String,
    kills: u64,
    limit: Option<u64>,
    peak: Option<u64>,
}

enum Source {
    /// cgroup v1: an eventfd that the kernel signals on OOM and when the cgroup goes.
    V1 {
        event: EventFd,
        control: File,
        peak: Option<File>,
    },
    /// cgroup v2: `memory.events` itself polls as changed.
    V2 { events: File, peak: Option<File> },
}

/// How many processes of the memory cgroup at `cgroups_path` the kernel has killed so far; none
/// where there is no such cgroup.
pub fn kills(cgroups_path: &str) -> u64 {
    let below = cgroups_path.trim_start_matches('/');
    let root = Path::new("/sys/fs/cgroup");
    let v1 = fs::read_to_string(root.join("memory").join(below).join(COUNTERS_V1));
    let text = v1.or_else(|_| fs::read_to_string(root.join(below).join(COUNTERS_V2)));
    text.ok()
        .and_then(|text| field(&text, "oom_kill"))
        .unwrap_or(0)
}

impl OomWatch {
    /// Watches the memory cgroup at `cgroups_path`; without one there are simply no kills.
    pub fn open(cgroups_path: &str) -> Self {
        let below = cgroups_path.trim_start_matches('/');
        let root = Path::new("/sys/fs/cgroup");
        let source =
            open_v1(root.join("memory").join(below)).or_else(|| open_v2(&root.join(below)));
        let mut watch = Self {
            source,
            cgroups_path: cgroups_path.to_string(),
            ..Self::none()
        };
        watch.refresh();
        watch
    }

    /// Watches nothing.
    pub fn none() -> Self {
        Self {
            source: None,
            cgroups_path: String::new(),
            kills: 0,
            limit: None,
            peak: None,
        }
    }

    /// What to poll: an eventfd for reading (v1) or a file for exceptions (v2).
    pub fn poll_source(&self) -> Option<(BorrowedFd<'_>, nix::poll::PollFlags)> {
        match self.source.as_ref()? {
            Source::V1 { event, .. } => Some((event.as_fd(), nix::poll::PollFlags::POLLIN)),
            Source::V2 { events, .. } => Some((events.as_fd(), nix::poll::PollFlags::POLLPRI)),
        }
    }

    /// Reads the counters again; call it on every event and at the end.
    pub fn refresh(&mut self) {
        let Some(source) = &self.source else { return };
        let (counters, peak) = match source {
            Source::V1 {
                event,
                control,
                peak,
            } => {
                let _ = event.read();
                (control, peak)
            }
            Source::V2 { events, peak } => (events, peak),
        };
        let Some(kills) = read_at_start(counters).and_then(|text| field(&text, "oom_kill")) else {
            // The cgroup is gone; its files would poll as ready for ever.
            self.source = None;
            return;
        };
        let is_new = kills > self.kills;
        self.kills = self.kills.max(kills);
        let peak = peak
            .as_ref()
            .and_then(read_at_start)
            .and_then(|t| t.trim().parse().ok());
        self.peak = peak.or(self.peak);
        if is_new {
            // Now, because the cgroup may be gone before the container's end is told.
            self.limit = limit_reached(&self.cgroups_path);
        }
    }

    /// How many processes of the container the kernel has killed, as of the last look.
    pub fn kills(&self) -> u64 {
        self.kills
    }

    /// The limit in bytes that the last kill was for; None when the host itself was out of memory.
    pub fn limit_bytes(&self) -> Option<u64> {
        self.limit
    }

    pub fn peak_bytes(&self) -> Option<u64> {
        self.peak
    }
}

fn open_v1(dir: PathBuf) -> Option<Source> {
    let control = File::open(dir.join(COUNTERS_V1)).ok()?;
    let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).ok()?;
    let registration = format!("{} {}", event.as_fd().as_raw_fd(), control.as_raw_fd());
    fs::write(dir.join("cgroup.event_control"), registration).ok()?;
    Some(Source::V1 {
        event,
        control,
        peak: File::open(dir.join("memory.max_usage_in_bytes")).ok(),
    })
}

fn open_v2(dir: &Path) -> Option<Source> {
    let events = File::open(dir.join(COUNTERS_V2)).ok()?;
    Some(Source::V2 {
        events,
        peak: File::open(dir.join("memory.peak")).ok(),
    })
}

fn read_at_start(file: &File) -> Option<String> {
    let mut text = [0; 512];
    let length = file.read_at(&mut text, 0).ok()?;
    String::from_utf8(text[..length].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_cgroup_has_no_kills() {
        let watch = OomWatch::open("/gantry-no-such-cgroup");
        assert!(watch.poll_source().is_none());
        assert_eq!((watch.kills(), watch.peak_bytes()), (0, None));
        assert_eq!(kills("/gantry-no-such-cgroup"), 0);
    }
}
