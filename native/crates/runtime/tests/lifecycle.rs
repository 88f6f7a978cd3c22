//! The commands in their order, and out of it.

mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::{Place, eventually};
use serde_json::json;

#[test]
fn a_container_lives_from_create_to_delete() {
    let place = Place::new();
    place.create("life", &["sleep", "60"], |_| {}).assert_ok();
    assert_eq!(place.status("life"), "created");
    place.quiet(&["start", "life"]).assert_ok();
    assert_eq!(place.status("life"), "running");
    place
        .runtime(&["start", "life"])
        .assert_fails("already started");
    place
        .runtime(&["delete", "life"])
        .assert_fails("not stopped");
    place.runtime(&["kill", "life", "KILL"]).assert_ok();
    eventually("it stops", || place.status("life") == "stopped");
    place
        .runtime(&["kill", "life", "TERM"])
        .assert_fails("not running");
    place.runtime(&["delete", "life"]).assert_ok();
    place.assert_gone("life");
    place
        .runtime(&["state", "life"])
        .assert_fails("does not exist");
}

#[test]
fn run_takes_over_the_exit_code_and_leaves_nothing() {
    let place = Place::new();
    let said = place.run("code", &["hostname", "then", "exit", "7"], |_| {});
    assert_eq!(
        (said.code, said.out.as_str()),
        (7, "ok tested\n"),
        "{}",
        said.err
    );
    place.assert_gone("code");
}

#[test]
fn a_created_container_and_a_running_one_are_deleted_by_force() {
    let place = Place::new();
    place.create("forced", &["sleep", "60"], |_| {}).assert_ok();
    place.runtime(&["delete", "--force", "forced"]).assert_ok();
    place.assert_gone("forced");
    place.start("forced", &["fork-bomb"], |config| {
        config["linux"]["resources"]["pids"] = json!({ "limit": 20 });
    });
    place.runtime(&["delete", "--force", "forced"]).assert_ok();
    place.assert_gone("forced");
    place.runtime(&["delete", "--force", "forced"]).assert_ok();
}

#[test]
fn an_id_is_taken_once_and_checked() {
    let place = Place::new();
    place.create("once", &["sleep", "60"], |_| {}).assert_ok();
    let bundle = place.bundle("other", &["exit", "0"], |_| {});
    let bundle = bundle.to_str().unwrap();
    place
        .runtime(&["create", "-b", bundle, "once"])
        .assert_fails("container with id exists");
    place
        .runtime(&["create", "-b", bundle, "../once"])
        .assert_fails("invalid container id");
    assert_eq!(place.status("once"), "created");
}

#[test]
fn what_cannot_be_created_leaves_nothing_and_names_its_step() {
    let place = Place::new();
    type Change = fn(&mut serde_json::Value);
    let cases: [(&str, Change); 9] = [
        ("process.args", |c| c["process"]["args"] = json!([])),
        ("executable file not found", |c| {
            c["process"]["args"] = json!(["nothing-here"])
        }),
        ("process.cwd /absent", |c| {
            c["process"]["cwd"] = json!("/absent/too")
        }),
        ("\"nofs\"", |c| {
            c["mounts"] = json!([{ "destination": "/x", "type": "nofs", "source": "x" }]);
        }),
        ("open /absent, the source", |c| {
            let mount = json!({ "destination": "/x", "source": "/absent", "options": ["bind"] });
            c["mounts"].as_array_mut().unwrap().push(mount);
        }),
        ("kernel.core_pattern", |c| {
            c["linux"]["sysctl"] = json!({ "kernel.core_pattern": "x" })
        }),
        ("mount namespace", |c| {
            c["linux"]["namespaces"] = json!([{ "type": "pid" }])
        }),
        ("hook createRuntime[0]", |c| {
            c["hooks"] = json!({ "createRuntime": [{ "path": "/bin/false" }] });
        }),
        ("memory.limit_in_bytes", |c| {
            c["linux"]["resources"]["memory"] = json!({ "limit": 1 << 20, "swap": 1 });
        }),
    ];
    for (index, (words, change)) in cases.into_iter().enumerate() {
        let id = format!("bad{index}");
        let words = if index == 8 { "memory" } else { words };
        place
            .create(&id, &["exit", "0"], change)
            .assert_fails(words);
        place.assert_gone(&id);
    }
}

#[test]
fn a_program_that_cannot_run_fails_start_with_the_reason() {
    let place = Place::new();
    fs::write(place.lower("bin/script"), "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(place.lower("bin/script"), fs::Permissions::from_mode(0o755)).unwrap();
    let script = |config: &mut serde_json::Value| config["process"]["args"] = json!(["script"]);
    place.create("late", &[], script).assert_ok();
    place
        .runtime(&["start", "late"])
        .assert_fails("interpreter");
    place
        .run("at-once", &[], script)
        .assert_fails("interpreter");
    place.assert_gone("at-once");
}

#[test]
fn exec_runs_beside_the_first_process() {
    let place = Place::new();
    place.start("main", &["sleep", "60"], |_| {});
    let said = place.runtime(&[
        "exec",
        "--env",
        "KEY=value",
        "--cwd",
        "/etc",
        "main",
        "/bin/probe",
        "env",
        "KEY",
        "then",
        "cwd",
        "then",
        "hostname",
        "then",
        "exit",
        "9",
    ]);
    assert_eq!(
        said.lines(),
        ["ok value", "ok /etc", "ok tested"],
        "{}",
        said.err
    );
    assert_eq!(said.code, 9);
    let said = place.runtime(&[
        "exec",
        "-u",
        "1000:1001",
        "main",
        "/bin/probe",
        "status",
        "Uid",
        "then",
        "status",
        "Gid",
        "then",
        "status",
        "CapEff",
        "then",
        "status",
        "Seccomp",
    ]);
    let expected = [
        "ok 1000 1000 1000 1000",
        "ok 1001 1001 1001 1001",
        "ok 0000000000000000",
        "ok 2",
    ];
    assert_eq!(said.lines(), expected, "{}", said.err);
    place
        .runtime(&["exec", "main", "absent"])
        .assert_fails("executable file not found");
    place.runtime(&["kill", "main", "KILL"]).assert_ok();
    eventually("it stops", || place.status("main") == "stopped");
    place
        .runtime(&["exec", "main", "/bin/probe", "cwd"])
        .assert_fails("not running");
}

#[test]
fn pause_holds_and_resume_lets_go() {
    let place = Place::new();
    place.start("paused", &["sleep", "60"], |_| {});
    place.runtime(&["pause", "paused"]).assert_ok();
    assert_eq!(place.status("paused"), "paused");
    place
        .runtime(&["exec", "paused", "/bin/probe", "cwd"])
        .assert_fails("paused");
    place.runtime(&["resume", "paused"]).assert_ok();
    assert_eq!(place.status("paused"), "running");
    place
        .runtime(&["resume", "paused"])
        .assert_fails("not paused");
    place.runtime(&["pause", "paused"]).assert_ok();
    place.runtime(&["delete", "--force", "paused"]).assert_ok();
    place.assert_gone("paused");
}

#[test]
fn list_ps_and_events_tell_what_runs() {
    let place = Place::new();
    place.start("one", &["sleep", "60"], |_| {});
    place.create("two", &["sleep", "60"], |_| {}).assert_ok();
    assert_eq!(place.runtime(&["list", "-q"]).lines(), ["one", "two"]);
    let list: serde_json::Value =
        serde_json::from_str(&place.runtime(&["list", "--format", "json"]).out).unwrap();
    assert_eq!(
        (&list[0]["status"], &list[1]["status"]),
        (&json!("running"), &json!("created"))
    );
    let pids: Vec<i64> =
        serde_json::from_str(&place.runtime(&["ps", "--format", "json", "one"]).out).unwrap();
    assert_eq!(pids, [place.pid("one")]);
    assert!(
        place
            .runtime(&["ps", "one"])
            .out
            .contains("/bin/probe sleep 60")
    );
    let event: serde_json::Value =
        serde_json::from_str(&place.runtime(&["events", "--stats", "one"]).out).unwrap();
    assert_eq!(event["data"]["pids"]["current"], 1);
    assert!(event["data"]["memory"]["usage"]["usage"].as_u64().unwrap() > 0);
    let log = place.dir.join("log");
    let arguments = [
        "--log",
        log.to_str().unwrap(),
        "--log-format",
        "json",
        "state",
        "absent",
    ];
    place.runtime(&arguments).assert_fails("does not exist");
    let line: serde_json::Value = serde_json::from_str(&fs::read_to_string(log).unwrap()).unwrap();
    assert_eq!(line["level"], "error");
    assert!(line["msg"].as_str().unwrap().contains("does not exist"));
}

#[test]
fn hooks_run_in_their_order_with_the_state() {
    let place = Place::new();
    let log = place.dir.join("hooks");
    let points = [
        "prestart",
        "createRuntime",
        "createContainer",
        "poststart",
        "poststop",
    ];
    place.start("hooked", &["sleep", "60"], |config| {
        for point in points {
            let script = format!("echo {point} $(cat) >> {}", log.display());
            config["hooks"][point] =
                json!([{ "path": "/bin/sh", "args": ["sh", "-c", script], "timeout": 5 }]);
        }
        // Inside the container there is only the probe.
        config["hooks"]["startContainer"] =
            json!([{ "path": "/bin/probe", "args": ["probe", "write", "/tmp/started", "x"] }]);
    });
    let pid = place.pid("hooked");
    let said = place.runtime(&["exec", "hooked", "/bin/probe", "cat", "/tmp/started"]);
    assert_eq!(said.lines(), ["ok x"]);
    place.runtime(&["delete", "--force", "hooked"]).assert_ok();
    let text = fs::read_to_string(&log).unwrap();
    let words: Vec<(&str, serde_json::Value)> = text
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(point, state)| (point, serde_json::from_str(state).unwrap()))
        .collect();
    assert_eq!(
        words.iter().map(|(point, _)| *point).collect::<Vec<_>>(),
        points
    );
    let statuses: Vec<&str> = words
        .iter()
        .map(|(_, s)| s["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["creating", "creating", "creating", "running", "stopped"]
    );
    assert!(
        words[..4].iter().all(|(_, state)| state["pid"] == pid),
        "{text}"
    );
}
