//! What the kernel has counted for a container's cgroup, read once at its end: CPU time, throttling
//! and the memory limit that it ran into. Read by path, so that a monitor holds no file for it.

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

const CGROUP_ROOT: &str = "/sys/fs/cgroup";
/// cgroup v1 spells "no limit" as the largest page-aligned number.
const NO_LIMIT_FROM: u64 = 1 << 62;
/// The kernel charges ahead in steps of 64 pages; a larger one that fails is tried page by page.
const CHARGE_BYTES: u64 = 64 * 4096;

/// CPU time and throttling; a figure is absent when no cgroup counts it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Accounts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_micros: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_micros: Option<u64>,
    /// Enforcement periods in which the container was throttled, of `cpu_periods`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_periods: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_periods: Option<u64>,
}

impl Accounts {
    /// The figures of the cgroup at `cgroups_path`, on cgroup v1 or v2.
    pub fn read(cgroups_path: &str) -> Self {
        Self::read_below(Path::new(CGROUP_ROOT), cgroups_path)
    }

    fn read_below(root: &Path, cgroups_path: &str) -> Self {
        let below = cgroups_path.trim_start_matches('/');
        let v1 = fs::read_to_string(root.join("cpu").join(below).join("cpu.stat"));
        let stat = v1.or_else(|_| fs::read_to_string(root.join(below).join("cpu.stat")));
        let stat = stat.unwrap_or_default();
        let nanos = number(&root.join("cpuacct").join(below).join("cpuacct.usage"));
        let throttled_nanos = field(&stat, "throttled_time");
        Self {
            cpu_micros: field(&stat, "usage_usec").or(nanos.map(|n| n / 1000)),
            throttled_micros: field(&stat, "throttled_usec")
                .or(throttled_nanos.map(|nanos| nanos / 1000)),
            throttled_periods: field(&stat, "nr_throttled"),
            cpu_periods: field(&stat, "nr_periods"),
        }
    }
}

/// The memory limit in bytes that an OOM kill was for: the container's own or the nearest one above
/// that was run into. None when no cgroup was at its limit, which means that the host was.
pub fn limit_reached(cgroups_path: &str) -> Option<u64> {
    limit_reached_below(Path::new(CGROUP_ROOT), cgroups_path)
}

fn limit_reached_below(root: &Path, cgroups_path: &str) -> Option<u64> {
    let below = Path::new(cgroups_path.trim_start_matches('/'));
    let levels = below
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty());
    let mut groups = levels.flat_map(|path| [root.join("memory").join(path), root.join(path)]);
    groups.find_map(|group| reached_limit_of(&group))
}

fn reached_limit_of(group: &Path) -> Option<u64> {
    let limit = number(&group.join("memory.limit_in_bytes"))
        .or_else(|| number(&group.join("memory.max")))
        .filter(|limit| *limit < NO_LIMIT_FROM)?;
    let events = fs::read_to_string(group.join("memory.events")).unwrap_or_default();
    // Version 1 counts no failures when swap is limited too; its peak then stands at the limit.
    let at_limit = number(&group.join("memory.max_usage_in_bytes")).map_or_else(
        || field(&events, "oom") > Some(0),
        |peak| peak + CHARGE_BYTES > limit,
    );
    at_limit.then_some(limit)
}

fn number(path: &PathBuf) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The value of `name` in a file of `name value` lines.
pub fn field(text: &str, name: &str) -> Option<u64> {
    let value = |line: &str| {
        line.strip_prefix(name)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let dir = format!("gantry-accounts-{}-{name}", std::process::id());
            let tree = Self(std::env::temp_dir().join(dir));
            for (path, text) in files {
                let path = tree.0.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            tree
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn reads_a_counter_and_not_one_that_begins_alike() {
        let text = "oom 3\noom_kill_disable 0\noom_kill 2\noom_group_kill 9\n";
        assert_eq!(field(text, "oom_kill"), Some(2));
        assert_eq!(field("under_oom 1\n", "oom_kill"), None);
    }

    #[test]
    fn counts_alike_on_both_versions() {
        let v1 = "nr_periods 9\nnr_throttled 4\nthrottled_time 5000000\n";
        let v2 = "usage_usec 7000\nnr_periods 9\nnr_throttled 4\nthrottled_usec 5000\n";
        let v1 = Tree::new(
            "v1",
            &[
                ("cpu/a/cpu.stat", v1),
                ("cpuacct/a/cpuacct.usage", "7000000"),
            ],
        );
        let v2 = Tree::new("v2", &[("a/cpu.stat", v2)]);
        let expected = Accounts {
            cpu_micros: Some(7000),
            throttled_micros: Some(5000),
            throttled_periods: Some(4),
            cpu_periods: Some(9),
        };
        assert_eq!(Accounts::read_below(&v1.0, "/a"), expected);
        assert_eq!(Accounts::read_below(&v2.0, "/a"), expected);
        assert_eq!(Accounts::read_below(&v2.0, "/b"), Accounts::default());
    }

    #[test]
    fn finds_the_limit_that_was_reached() {
        let own = Tree::new(
            "own",
            &[
                ("memory/pod/c/memory.limit_in_bytes", "67108864\n"),
                ("memory/pod/c/memory.max_usage_in_bytes", "67104768\n"),
                ("memory/pod/memory.limit_in_bytes", "134217728\n"),
                ("memory/pod/memory.max_usage_in_bytes", "67104768\n"),
            ],
        );
        let parents = Tree::new(
            "parent",
            &[
                ("pod/c/memory.max", "64\n"),
                ("pod/c/memory.events", "oom 0\noom_kill 1\n"),
                ("pod/memory.max", "128\n"),
                ("pod/memory.events", "oom 1\noom_kill 1\n"),
            ],
        );
        let host = Tree::new(
            "host",
            &[
                ("memory/c/memory.limit_in_bytes", "9223372036854771712\n"),
                ("memory/c/memory.max_usage_in_bytes", "67104768\n"),
            ],
        );
        assert_eq!(limit_reached_below(&own.0, "/pod/c"), Some(64 << 20));
        assert_eq!(limit_reached_below(&parents.0, "/pod/c"), Some(128));
        assert_eq!(limit_reached_below(&host.0, "/c"), None);
    }
}
