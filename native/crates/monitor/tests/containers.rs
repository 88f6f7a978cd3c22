//! Containers under their monitors: output, exits, limits, and who survives whom.

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::Node;

#[test]
fn logs_both_streams_and_records_the_exit_code() {
    let node = Node::new("log");
    let created = node.run_container("one", "echo hello; echo oops >&2; printf end; exit 3");
    let exit = node.wait_for_exit("one");
    assert_eq!(exit["containerId"], "one");
    assert_eq!(exit["pid"], created["pid"]);
    assert_eq!(
        (&exit["exitCode"], &exit["oomKilled"]),
        (&json!(3), &json!(false))
    );
    assert!(exit.get("signal").is_none());
    assert!(exit["startedAt"].as_str() < exit["finishedAt"].as_str());
    let mut entries = node.log_entries("one");
    entries.sort();
    assert_eq!(entries, ["stderr F oops", "stdout F hello", "stdout P end"]);
}

#[test]
fn subscribers_hear_of_exits_before_and_after() {
    let node = Node::new("subscribe");
    node.run_container("early", "exit 4");
    node.wait_for_exit("early");
    let mut client = node.client();
    assert_eq!(
        client.call(json!({"id": 5, "op": "subscribe"})),
        json!({"id": 5, "result": {}})
    );
    let told = client.receive();
    assert_eq!(
        (&told["event"], &told["containerId"]),
        (&json!("exit"), &json!("early"))
    );
    node.run_container("late", "exit 5");
    let told = client.receive();
    assert_eq!(
        (&told["containerId"], &told["exit"]["exitCode"]),
        (&json!("late"), &json!(5))
    );
}

#[test]
fn a_container_lives_through_the_launchers_death_and_is_found_again() {
    let mut node = Node::new("relaunch");
    let gate = node.dir.join("bundles/long/rootfs/tmp/gate");
    let created = node.run_container(
        "long",
        "until [ -e /tmp/gate ]; do :; done; echo done; exit 6",
    );
    node.run_container("short", "until [ -e /tmp/gate ]; do :; done; exit 8");
    node.kill_launcher();
    std::fs::write(node.dir.join("bundles/short/rootfs/tmp/gate"), "").unwrap();
    node.wait_for_exit("short");
    node.start_launcher();
    let found = node.call(json!({"id": 1, "op": "container.adopt", "containerId": "long"}));
    assert_eq!(found["result"]["pid"], created["pid"]);
    assert_eq!(found["result"]["running"], json!(true));
    let mut client = node.client();
    client.call(json!({"id": 1, "op": "subscribe"}));
    assert_eq!(client.receive()["exit"]["exitCode"], json!(8));
    std::fs::write(gate, "").unwrap();
    let told = client.receive();
    assert_eq!(
        (&told["containerId"], &told["exit"]["exitCode"]),
        (&json!("long"), &json!(6))
    );
    assert_eq!(node.log_entries("long"), ["stdout F done"]);
}

#[test]
fn a_create_goes_on_when_the_launcher_dies_in_the_middle() {
    let mut node = Node::new("middle");
    let gate = node.dir.join("gate");
    let slow = node.dir.join("slow-runtime");
    let wait = format!("until [ -e {} ]; do sleep 0.01; done", gate.display());
    let script = format!("#!/bin/sh\n{wait}\nexec {} \"$@\"\n", node.runtime);
    std::fs::write(&slow, script).unwrap();
    std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bundle = node.bundle("c", "exit 11", false);
    let mut request = node.create_request("c", &bundle);
    request["runtime"] = json!(slow);
    node.client().send(request);
    let state = node.state_dir().join("c/state.json");
    support::wait_until("the monitor has begun", || state.exists());
    node.kill_launcher();
    node.start_launcher();
    std::fs::write(gate, "").unwrap();
    let adopt = json!({"id": 1, "op": "container.adopt", "containerId": "c"});
    support::wait_until("it is created", || {
        node.call(adopt.clone())["result"]["running"] == json!(true)
    });
    let mut client = node.client();
    client.call(json!({"id": 1, "op": "subscribe"}));
    assert_eq!(node.runtime_call(&["start", "c"])["exitCode"], json!(0));
    assert_eq!(client.receive()["exit"]["exitCode"], json!(11));
}

#[test]
fn an_exit_is_recorded_even_when_the_monitor_was_killed() {
    let node = Node::new("lost");
    let created = node.run_container("orphan", "until [ -e /tmp/gate ]; do :; done; exit 9");
    let monitor = created["monitorPid"].as_i64().unwrap() as i32;
    kill(Pid::from_raw(monitor), Signal::SIGKILL).unwrap();
    let mut client = node.client();
    client.call(json!({"id": 1, "op": "subscribe"}));
    std::fs::write(node.dir.join("bundles/orphan/rootfs/tmp/gate"), "").unwrap();
    let told = client.receive();
    assert_eq!(told["exit"]["exitCode"], json!(9), "{told}");
    assert!(
        told["exit"]["problem"]
            .as_str()
            .unwrap()
            .contains("monitor was lost")
    );
    assert_eq!(node.exit_record("orphan").unwrap()["exitCode"], json!(9));
}

#[test]
fn a_state_file_that_names_a_later_process_is_not_believed() {
    let mut node = Node::new("reuse");
    node.kill_launcher();
    let dir = node.state_dir().join("ghost");
    std::fs::create_dir_all(&dir).unwrap();
    let us = json!({ "pid": std::process::id(), "startTime": 1 });
    let state = json!({
        "containerId": "ghost", "monitor": us, "process": us, "bundle": "/b", "runtime": "/r",
        "runtimeRoot": "/rr", "cgroupsPath": "/c", "logPath": "/l", "annotations": {},
        "startedAt": "2026-01-01T00:00:00.000000000Z",
    });
    std::fs::write(dir.join("state.json"), state.to_string()).unwrap();
    node.start_launcher();
    let exit = node.wait_for_exit("ghost");
    assert_eq!(exit["exitCode"], json!(255));
}

#[test]
fn a_failed_create_says_why_and_leaves_nothing() {
    let node = Node::new("failed");
    let bundle = node.bundle("bad", "true", false);
    let config = std::fs::read_to_string(bundle.join("config.json")).unwrap();
    std::fs::write(
        bundle.join("config.json"),
        config.replace("/bin/bash", "/no/such/program"),
    )
    .unwrap();
    let created = node.call(node.create_request("bad", &bundle));
    // A runtime may find out at create or at start.
    if created.get("error").is_some() {
        let message = created["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("no such") || message.contains("No such"),
            "{created}"
        );
        assert!(!node.state_dir().join("bad").exists());
    }
    std::fs::remove_file(node.bundle("none", "true", false).join("config.json")).unwrap();
    let missing = node.dir.join("bundles/none");
    let created = node.call(node.create_request("none", &missing));
    assert!(
        created["error"]["message"]
            .as_str()
            .unwrap()
            .contains("config.json"),
        "{created}"
    );
    assert!(!node.state_dir().join("none").exists());
}

#[test]
fn an_id_is_given_once_until_it_is_removed() {
    let node = Node::new("twice");
    node.run_container("same", "exit 0");
    node.wait_for_exit("same");
    let again = node.call(node.create_request("same", Path::new("/nowhere")));
    assert_eq!(again["error"]["reason"], json!("AlreadyExists"));
    node.runtime_call(&["delete", "--force", "same"]);
    for _ in 0..2 {
        let removed = node.call(json!({"id": 1, "op": "container.remove", "containerId": "same"}));
        assert_eq!(removed["result"], json!({}));
    }
    node.run_container("same", "exit 1");
    assert_eq!(node.wait_for_exit("same")["exitCode"], json!(1));
}

/// Private memory of a process in KiB. Clean pages are the program's file, which all monitors share.
fn private_kilobytes(pid: i64) -> u64 {
    let smaps = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let value = |line: &str| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok();
    let private = smaps
        .lines()
        .filter(|line| line.starts_with("Private_Dirty"));
    private.filter_map(value).sum()
}

#[test]
fn a_monitor_is_tiny_and_holds_nothing_of_the_launcher() {
    let mut node = Node::new("tiny");
    let connections: Vec<_> = (0..20).map(|_| node.client()).collect();
    // What the launcher once needed for a large answer must not weigh on every monitor.
    let script = "head -c 1000000 /dev/zero";
    let run = json!({"id": 1, "op": "run", "argv": ["/bin/sh", "-c", script], "timeoutMs": 9000});
    assert_eq!(node.call(run)["result"]["exitCode"], json!(0));
    let created = node.run_container("idle", "exec sleep 1000");
    let monitor = created["monitorPid"].as_i64().unwrap();
    let sockets = std::fs::read_dir(format!("/proc/{monitor}/fd"))
        .unwrap()
        .flatten();
    let sockets = sockets.filter(|fd| {
        std::fs::read_link(fd.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    });
    assert_eq!(sockets.count(), 1, "only its control socket");
    let beside = private_kilobytes(monitor);
    drop(connections);
    node.kill_launcher();
    let alone = private_kilobytes(monitor);
    println!("private memory of a monitor: {beside} KiB, {alone} KiB without the launcher");
    assert!(beside < 512 && alone < 512, "{beside} KiB, {alone} KiB");
}

struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: std::path::PathBuf) -> Self {
        std::fs::create_dir_all(&at).unwrap();
        let (kind, size) = (Some("tmpfs"), Some("size=64k"));
        nix::mount::mount(kind, &at, kind, nix::mount::MsFlags::empty(), size).unwrap();
        Self(at)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = nix::mount::umount2(&self.0, nix::mount::MntFlags::MNT_DETACH);
    }
}

#[test]
fn a_full_disk_costs_lines_and_not_the_container() {
    let node = Node::new("full");
    let disk = SmallDisk::mount(node.dir.join("small"));
    let log = disk.0.join("c.log");
    let filler = disk.0.join("filler");
    std::fs::write(&filler, vec![0; 40_000]).unwrap();
    let script = "read go; seq 1 1000; echo full; read go; echo after; exit 5";
    let changes = json!({"logPath": log, "logMaxBytes": 1 << 20, "stdin": true});
    node.run_container_with("c", script, changes);
    let mut client = node.client();
    client.call(json!({"id": 3, "op": "attach", "containerId": "c", "stdin": true}));
    client.send_frame(0, b"go\n");
    // Clients are sent what has gone to the log, or was lost.
    client.expect("full\n");
    std::fs::remove_file(&filler).unwrap();
    client.send_frame(0, b"go\n");
    assert_eq!(node.wait_for_exit("c")["exitCode"], json!(5));
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("bytes of log could not be written"), "{text}");
    assert!(
        text.lines()
            .all(|line| line.get(29..38).is_some_and(|s| s.starts_with("Z std")))
    );
    assert!(text.ends_with("stdout F after\n"));
}

#[test]
fn a_log_is_rotated_by_size_and_count_while_the_container_writes() {
    let node = Node::new("rotate");
    let changes = json!({"logMaxBytes": 4096, "logMaxFiles": 3});
    node.run_container_with("c", "seq 1 5000", changes);
    assert_eq!(node.wait_for_exit("c")["exitCode"], json!(0));
    let path = node.log_path("c");
    let file = |number: u32| format!("{}.{number}", path.display());
    for kept in [path.display().to_string(), file(1), file(2)] {
        assert!(std::fs::metadata(&kept).unwrap().len() <= 4096, "{kept}");
    }
    assert!(!Path::new(&file(3)).exists());
    assert!(node.log("c").ends_with(" stdout F 5000\n"));
}
