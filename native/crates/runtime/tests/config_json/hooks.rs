use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::trial::Peer::Same;
use crate::trial::{Row, Trial, row};

const POINTS: [(&str, &str); 6] = [
    (
        "prestart",
        "runs in the host's namespaces before the program, with the state on stdin",
    ),
    (
        "createRuntime",
        "runs in the host's namespaces before the program, with the state on stdin",
    ),
    (
        "createContainer",
        "runs in the container's namespaces and the host's tree",
    ),
    (
        "startContainer",
        "runs in the container's tree before the program",
    ),
    ("poststart", "runs after the program started"),
    ("poststop", "runs after the container was deleted"),
];

pub fn rows() -> Vec<Row> {
    let points = POINTS.into_iter().map(|(point, shows)| {
        row(format!("hooks.{point}"), shows, Same, move |trial| {
            runs(trial, point)
        })
    });
    let members = [
        row(
            "hooks.*.path, args, env",
            "the program, its arguments and nothing but its environment",
            Same,
            |trial: &Trial| {
                let file = trial.place.dir.join("hook");
                let script = format!("echo $1 $KEY ${{HOME-none}} > {}", file.display());
                let hook = json!({ "path": "/bin/sh", "args": ["sh", "-c", script, "sh", "argument"], "env": ["KEY=value"] });
                trial.tells("cwd", &["ok /"], |config| {
                    config["hooks"]["createRuntime"] = json!([hook])
                });
                assert_eq!(fs::read_to_string(file).unwrap(), "argument value none\n");
            },
        ),
        row(
            "hooks.*.timeout",
            "a hook that takes longer is killed, and the container not made",
            Same,
            |trial: &Trial| {
                let hook = json!({ "path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1 });
                trial.refuses("timeout", |config| {
                    config["hooks"]["createRuntime"] = json!([hook])
                });
            },
        ),
    ];
    points.chain(members).collect()
}

fn runs(trial: &Trial, point: &str) {
    if point == "startContainer" {
        let hook = json!({ "path": "/bin/probe", "args": ["probe", "write", "/hook", "text"] });
        let said = trial.run("cat /hook", |config| config["hooks"][point] = json!([hook]));
        // What the hook itself says may come before.
        assert_eq!(said.lines().last(), Some(&"ok text"), "{}", said.err);
        return;
    }
    let file = trial.place.dir.join("hook");
    let script = trial.place.dir.join("hook.sh");
    fs::write(
        &script,
        format!(
            "#!/bin/sh\nreadlink /proc/self/ns/uts > {0}\ncat >> {0}\n",
            file.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    trial.tells("hostname", &["ok tested"], |config| {
        config["hooks"][point] = json!([{ "path": script, "env": ["PATH=/bin:/usr/bin"] }]);
    });
    let said = fs::read_to_string(file).unwrap();
    let (name, state) = said.split_once('\n').unwrap();
    let state: Value = serde_json::from_str(state).unwrap();
    assert_eq!(state["id"], "row");
    let host = fs::read_link("/proc/self/ns/uts").unwrap();
    let inside = host.to_str() != Some(name);
    assert_eq!(inside, point == "createContainer", "it ran in {name}");
}
