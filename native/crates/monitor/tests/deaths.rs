//! Death reports: who ended a container, by which limit, with what figures and last words.

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::Node;

const MIB: u64 = 1 << 20;

fn pid_of(created: &Value) -> Pid {
    Pid::from_raw(created["pid"].as_i64().unwrap() as i32)
}

fn kill_request(node: &Node, id: &str, changes: Value) -> Value {
    let mut request = json!({
        "id": 1, "op": "container.kill", "containerId": id, "runtime": node.runtime,
        "runtimeRoot": node.dir.join("runtime"), "signal": 9, "timeoutMs": 20000,
    });
    for (key, value) in changes.as_object().unwrap() {
        request[key] = value.clone();
    }
    node.call(request)
}

#[test]
fn a_kill_through_the_launcher_is_told_with_its_reason() {
    let node = Node::new("asked");
    node.run_container("c", "exec sleep 1000");
    let killed = kill_request(&node, "c", json!({"reason": "the pod is deleted"}));
    assert_eq!(killed["result"]["exitCode"], json!(0), "{killed}");
    let exit = node.wait_for_exit("c");
    assert_eq!(
        (&exit["signal"], &exit["exitCode"]),
        (&json!(9), &json!(137))
    );
    assert_eq!(exit["killedBy"]["culprit"], json!("request"), "{exit}");
    let request = &exit["killedBy"]["request"];
    assert_eq!(request["reason"], json!("the pod is deleted"));
    assert_eq!(request["signal"], json!(9));
    assert!(request["at"].as_str() < exit["finishedAt"].as_str());
    assert_eq!(exit["oomKilled"], json!(false));
}

#[test]
fn a_handled_signal_is_told_although_the_code_is_the_programs_own() {
    let node = Node::new("handled");
    node.run_container(
        "c",
        "trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done",
    );
    support::wait_until("its trap is set", || node.log("c").contains("ready"));
    kill_request(&node, "c", json!({"signal": 15, "reason": "drained"}));
    let exit = node.wait_for_exit("c");
    assert_eq!(exit["exitCode"], json!(4));
    assert_eq!(exit["killedBy"]["request"]["reason"], json!("drained"));
}

#[test]
fn a_kill_by_the_runtime_alone_is_told_with_its_caller() {
    let node = Node::new("byhand");
    node.run_container("c", "exec sleep 1000");
    let root = node.dir.join("runtime");
    let status = std::process::Command::new(&node.runtime)
        .arg("--root")
        .arg(root)
        .args(["kill", "c", "KILL"])
        .status();
    assert!(status.unwrap().success());
    let exit = node.wait_for_exit("c");
    let sender = &exit["killedBy"]["request"]["sender"];
    assert_eq!(sender["pid"], json!(std::process::id()), "{exit}");
    assert!(sender["name"].as_str().is_some_and(|name| !name.is_empty()));
}

#[test]
fn a_kill_that_asked_nobody_came_from_outside() {
    let node = Node::new("outside");
    let created = node.run_container("c", "kill -KILL $$; echo deaf to itself; exec sleep 1000");
    support::wait_until("it is deaf", || node.log("c").contains("deaf"));
    kill(pid_of(&created), Signal::SIGKILL).unwrap();
    let exit = node.wait_for_exit("c");
    assert_eq!(exit["killedBy"], json!({"culprit": "outside"}), "{exit}");
}

#[test]
fn a_bad_access_is_the_containers_own_doing() {
    let node = Node::new("fault");
    let script = "exec perl -e 'unpack \"p\", pack(\"Q\", 8)'";
    node.run_container("c", script);
    let exit = node.wait_for_exit("c");
    assert_eq!(exit["signal"], json!(11), "{exit}");
    assert_eq!(exit["killedBy"], json!({"culprit": "fault"}));
}

#[test]
fn an_oom_kill_is_told_with_the_limit_and_the_peak() {
    let node = Node::new("oom");
    let script = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}";
    node.run_container("big", script);
    let exit = node.wait_for_exit("big");
    assert_eq!(exit["oomKilled"], json!(true), "{exit}");
    assert_eq!(exit["killedBy"], json!({"culprit": "oom"}));
    assert_eq!(exit["memoryLimitBytes"], json!(64 * MIB), "{exit}");
    let peak = exit["memoryPeakBytes"].as_u64().unwrap();
    assert!(peak > 32 * MIB && peak <= 64 * MIB, "{exit}");
}

#[test]
fn a_limit_that_was_changed_is_told_as_it_was_in_force() {
    let node = Node::new("update");
    node.run_container_with(
        "c",
        "read go; x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}",
        json!({"stdin": true}),
    );
    let limit = (40 * MIB).to_string();
    let updated = node.runtime_call(&["update", "--memory", &limit, "c"]);
    assert_eq!(updated["exitCode"], json!(0), "{updated}");
    let mut client = node.client();
    client.call(json!({"id": 3, "op": "attach", "containerId": "c", "stdin": true}));
    client.send_frame(0, b"go\n");
    let exit = node.wait_for_exit("c");
    assert_eq!(exit["memoryLimitBytes"], json!(40 * MIB), "{exit}");
}

#[test]
fn a_survived_oom_kill_is_not_what_ended_it() {
    let node = Node::new("coped");
    let script = "(x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}) ; echo coped; \
                  exec sleep 1000";
    node.run_container("c", script);
    support::wait_until("its child was killed", || node.log("c").contains("coped"));
    kill_request(&node, "c", json!({"reason": "done"}));
    let exit = node.wait_for_exit("c");
    assert_eq!(
        exit["killedBy"]["request"]["reason"],
        json!("done"),
        "{exit}"
    );
    assert_eq!(exit["oomKilled"], json!(false));
}

#[test]
fn a_throttled_container_says_for_how_long() {
    let node = Node::new("slow");
    let bundle = node.bundle(
        "c",
        "for i in {1..60000}; do :; done; echo last words",
        false,
    );
    let path = bundle.join("config.json");
    let mut spec: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    spec["linux"]["resources"]["cpu"] = json!({"quota": 10_000, "period": 100_000});
    std::fs::write(&path, spec.to_string()).unwrap();
    let created = node.call(node.create_request("c", &bundle));
    assert!(created["result"]["pid"].is_number(), "{created}");
    node.runtime_call(&["start", "c"]);
    let exit = node.wait_for_exit("c");
    let figure = |name: &str| exit[name].as_u64().unwrap_or_default();
    assert!(figure("cpuMicros") > 10_000, "{exit}");
    assert!(figure("throttledMicros") > 10_000, "{exit}");
    assert!(
        (1..=figure("cpuPeriods")).contains(&figure("throttledPeriods")),
        "{exit}"
    );
    assert_eq!(exit["lastOutput"], json!("last words\n"));
}

#[test]
fn the_last_words_are_bounded() {
    let node = Node::new("words");
    node.run_container("brief", "echo no >&2; exit 3");
    let exit = node.wait_for_exit("brief");
    assert_eq!(exit["lastOutput"], json!("no\n"), "{exit}");
    assert!(exit.get("killedBy").is_none(), "{exit}");
    node.run_container("c", "seq 1 100000; exit 3");
    let exit = node.wait_for_exit("c");
    let words = exit["lastOutput"].as_str().unwrap();
    assert!(words.len() <= 2048 && words.contains("100000\n"), "{words}");
    assert!(words.starts_with("99"), "{words}");
}

#[test]
fn a_lost_monitor_costs_the_words_and_not_the_verdict() {
    let node = Node::new("lostoom");
    let created = node.run_container_with(
        "c",
        "read go; x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}; exit 1",
        json!({"stdin": true}),
    );
    let monitor = created["monitorPid"].as_i64().unwrap() as i32;
    // Its end of the container's stdin goes with it, which ends the read.
    kill(Pid::from_raw(monitor), Signal::SIGKILL).unwrap();
    let exit = node.wait_for_exit("c");
    assert_eq!(exit["killedBy"]["culprit"], json!("oom"), "{exit}");
    assert_eq!(exit["memoryLimitBytes"], json!(64 * MIB), "{exit}");
    assert!(
        exit["problem"]
            .as_str()
            .unwrap()
            .contains("monitor was lost")
    );
}

#[test]
fn wrong_kills_are_refused_and_unknown_containers_are_the_runtimes_to_name() {
    let node = Node::new("wrong");
    for (changes, expected) in [
        (json!({"signal": 0}), "signal"),
        (json!({"signal": 65}), "signal"),
        (json!({"reason": "x".repeat(2000)}), "reason"),
        (json!({"timeoutMs": 0}), "timeoutMs"),
        (json!({"runtime": "runc"}), "runtime"),
    ] {
        let answer = kill_request(&node, "c", changes);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{answer}");
    }
    let unknown = kill_request(&node, "c", json!({}));
    assert_ne!(unknown["result"]["exitCode"], json!(0), "{unknown}");
    assert!(!node.state_dir().join("c").exists());
}
