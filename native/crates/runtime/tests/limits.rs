//! Resource limits, on the real kernel.

mod harness;

use std::fs;

use harness::{Place, eventually};
use serde_json::json;

#[test]
fn memory_over_the_limit_kills_that_container_alone() {
    let place = Place::new();
    place.start("beside", &["sleep", "60"], |_| {});
    let said = place.run("hungry", &["eat-memory", "200"], |config| {
        let limit = 32 << 20;
        config["linux"]["resources"]["memory"] = json!({ "limit": limit, "swap": limit });
    });
    assert_eq!(said.code, 128 + 9, "{}{}", said.out, said.err);
    assert_eq!(place.status("beside"), "running");
    let said = place.run("modest", &["eat-memory", "8"], |config| {
        config["linux"]["resources"]["memory"] = json!({ "limit": 32 << 20 });
    });
    assert_eq!(said.out, "ok 8\n", "{}", said.err);
}

#[test]
fn a_busy_loop_stays_within_its_quota() {
    let place = Place::new();
    let said = place.run("busy", &["spin", "1000"], |config| {
        config["linux"]["resources"]["cpu"] = json!({ "quota": 20_000, "period": 100_000 });
    });
    let milliseconds: u64 = said.out.trim_start_matches("ok ").trim().parse().unwrap();
    // A fifth of a second, and at most one period's share more.
    assert!(
        (1..=260).contains(&milliseconds),
        "it got {milliseconds} ms"
    );
}

#[test]
fn a_fork_bomb_hits_pids_max() {
    let place = Place::new();
    let said = place.run("bomb", &["fork-bomb"], |config| {
        config["linux"]["resources"]["pids"] = json!({ "limit": 12 });
    });
    assert_eq!(
        said.out,
        format!("ok 11 {}\n", libc::EAGAIN),
        "{}",
        said.err
    );
}

/// Hierarchies in which nothing was asked for are not joined.
const LEFT_OUT: [&str; 6] = [
    "cpuset",
    "blkio",
    "freezer",
    "hugetlb",
    "net_cls",
    "perf_event",
];

fn groups_of(pid: i64) -> Vec<(String, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let fields = text
        .lines()
        .map(|line| line.splitn(3, ':').skip(1).collect::<Vec<_>>());
    fields
        .map(|fields| (fields[0].to_owned(), fields[1].to_owned()))
        .collect()
}

#[test]
fn every_process_is_in_the_containers_groups() {
    let place = Place::new();
    place.start("grouped", &["sleep", "60"], |_| {});
    let path = format!("{}/grouped", place.cgroup);
    let groups = groups_of(place.pid("grouped"));
    for (controllers, group) in &groups {
        if !LEFT_OUT.contains(&controllers.as_str()) {
            assert_eq!(*group, path, "{controllers}");
        }
    }
    let said = place.runtime(&["exec", "grouped", "/bin/probe", "cat", "/proc/self/cgroup"]);
    // Its cgroup namespace shows the groups as roots.
    assert!(
        said.out.trim().split('|').all(|line| line.ends_with(":/")),
        "{}",
        said.out
    );
}

#[test]
fn a_hierarchy_is_joined_when_a_limit_names_it() {
    let place = Place::new();
    place.start("pinned", &["sleep", "60"], |config| {
        config["linux"]["resources"]["cpu"] = json!({ "cpus": "0" });
    });
    let read = |id: &str| {
        let file = fs::read_to_string(place.cgroup_file(id, "cpuset.cpus")).unwrap();
        file.trim().to_owned()
    };
    assert_eq!(read("pinned"), "0");
    place.start("later", &["sleep", "60"], |_| {});
    place
        .runtime(&["update", "--cpuset-cpus", "0", "later"])
        .assert_ok();
    assert_eq!(read("later"), "0");
    let allowed = fs::read_to_string(format!("/proc/{}/status", place.pid("later"))).unwrap();
    assert!(allowed.contains("Cpus_allowed_list:\t0\n"), "{allowed}");
    place.runtime(&["delete", "--force", "later"]).assert_ok();
    place.assert_gone("later");
}

#[test]
fn update_changes_limits_of_a_running_container() {
    let place = Place::new();
    place.start("updated", &["sleep", "60"], |config| {
        config["linux"]["resources"]["memory"] = json!({ "limit": 64 << 20, "swap": 64 << 20 });
        config["linux"]["resources"]["pids"] = json!({ "limit": 20 });
    });
    let read = |file: &str| {
        fs::read_to_string(place.cgroup_file("updated", file))
            .unwrap()
            .trim()
            .to_owned()
    };
    assert_eq!(read("pids.max"), "20");
    let arguments = [
        "update",
        "--memory",
        "128M",
        "--memory-swap",
        "128M",
        "--pids-limit",
        "30",
        "updated",
    ];
    place.runtime(&arguments).assert_ok();
    assert_eq!(read("pids.max"), "30");
    let v2 = std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let memory = if v2 {
        "memory.max"
    } else {
        "memory.limit_in_bytes"
    };
    assert_eq!(read(memory), (128 << 20).to_string());
    place
        .runtime(&[
            "update",
            "--memory",
            "32M",
            "--memory-swap",
            "32M",
            "updated",
        ])
        .assert_ok();
    assert_eq!(read(memory), (32 << 20).to_string());
    place
        .runtime(&["update", "--memory", "much", "updated"])
        .assert_fails("--memory");
}

#[test]
fn rlimits_are_set_and_clamped_with_a_notice() {
    let place = Place::new();
    let limits = |hard: u64| {
        move |config: &mut serde_json::Value| {
            config["process"]["rlimits"] =
                json!([{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": hard }]);
        }
    };
    let said = place.run("low", &["limit", "Max open files"], limits(200));
    assert_eq!(
        said.lines(),
        ["ok Max open files 100 200 files"],
        "{}",
        said.err
    );
    // One more than the host allows: set where it may be raised, else clamped and told.
    let host = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .maximum
        .unwrap();
    place.start("high", &["sleep", "60"], limits(host + 1));
    let said = place.runtime(&["exec", "high", "/bin/probe", "limit", "Max open files"]);
    let notices = place.dir.join("runtime/high/notices.json");
    if said.out.contains(&format!(" {} files", host + 1)) {
        assert!(!notices.exists());
    } else {
        assert!(said.out.contains(&format!(" {host} files")), "{}", said.out);
        assert!(
            fs::read_to_string(notices)
                .unwrap()
                .contains("RLIMIT_NOFILE")
        );
    }
}

#[test]
fn kill_all_reaches_every_process() {
    let place = Place::new();
    place.start("many", &["fork-bomb"], |config| {
        config["linux"]["resources"]["pids"] = json!({ "limit": 10 });
    });
    place
        .runtime(&["kill", "--all", "many", "KILL"])
        .assert_ok();
    eventually("it stops", || place.status("many") == "stopped");
    place.runtime(&["delete", "many"]).assert_ok();
    place.assert_gone("many");
}
