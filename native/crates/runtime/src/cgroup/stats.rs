//! Statistics in the shape of runc's `events`.

use std::path::Path;

use serde_json::{Value, json};

use super::Cgroup;
use crate::files;

impl Cgroup {
    /// What the groups of this container count. What a host does not count is absent or zero.
    pub fn stats(&self) -> Value {
        if self.v1.is_empty() {
            self.stats_v2()
        } else {
            self.stats_v1()
        }
    }

    /// How many processes of these groups the OOM killer has taken.
    pub fn oom_kills(&self) -> u64 {
        let file = if self.v1.is_empty() {
            "memory.events"
        } else {
            "memory.oom_control"
        };
        let counted = |dir| table(dir, file)["oom_kill"].as_u64();
        self.dir_of("memory").and_then(counted).unwrap_or(0)
    }

    fn stats_v1(&self) -> Value {
        let dir = |controller: &str| self.dir_of(controller).unwrap_or(Path::new("/nonexistent"));
        let (cpu, account, memory) = (dir("cpu"), dir("cpuacct"), dir("memory"));
        let throttling = table(cpu, "cpu.stat");
        let usage = |prefix: &str| {
            json!({
                "limit": number(memory, &format!("{prefix}.limit_in_bytes")),
                "usage": number(memory, &format!("{prefix}.usage_in_bytes")),
                "max": number(memory, &format!("{prefix}.max_usage_in_bytes")),
                "failcnt": number(memory, &format!("{prefix}.failcnt")),
            })
        };
        let raw = table(memory, "memory.stat");
        json!({
            "cpu": {
                "usage": {
                    "total": number(account, "cpuacct.usage"),
                    "kernel": number(account, "cpuacct.usage_sys"),
                    "user": number(account, "cpuacct.usage_user"),
                },
                "throttling": {
                    "periods": throttling["nr_periods"],
                    "throttledPeriods": throttling["nr_throttled"],
                    "throttledTime": throttling["throttled_time"],
                },
            },
            "memory": {
                "usage": usage("memory"),
                "swap": usage("memory.memsw"),
                "cache": raw["cache"],
                "raw": raw,
            },
            "pids": self.pids_stats(),
        })
    }

    fn stats_v2(&self) -> Value {
        let Some(dir) = &self.unified else {
            return Value::Null;
        };
        let cpu = table(dir, "cpu.stat");
        let nanos = |key: &str| cpu[key].as_u64().unwrap_or(0) * 1000;
        let raw = table(dir, "memory.stat");
        let events = table(dir, "memory.events");
        json!({
            "cpu": {
                "usage": {
                    "total": nanos("usage_usec"),
                    "kernel": nanos("system_usec"),
                    "user": nanos("user_usec"),
                },
                "throttling": {
                    "periods": cpu["nr_periods"],
                    "throttledPeriods": cpu["nr_throttled"],
                    "throttledTime": nanos("throttled_usec"),
                },
            },
            "memory": {
                "usage": {
                    "limit": number(dir, "memory.max"),
                    "usage": number(dir, "memory.current"),
                    "max": number(dir, "memory.peak"),
                    "failcnt": events["max"],
                },
                "cache": raw["file"],
                "raw": raw,
            },
            "pids": self.pids_stats(),
        })
    }

    fn pids_stats(&self) -> Value {
        let dir = self.dir_of("pids").unwrap_or(Path::new("/nonexistent"));
        json!({ "current": number(dir, "pids.current"), "limit": number(dir, "pids.max") })
    }
}

/// Zero for a missing file and for `max`.
fn number(dir: &Path, file: &str) -> u64 {
    let text = files::read(dir.join(file)).unwrap_or_default();
    text.trim_end().parse().unwrap_or(0)
}

/// A file of `key number` lines.
fn table(dir: &Path, file: &str) -> Value {
    let text = files::read(dir.join(file)).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value.parse::<u64>().ok()?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
