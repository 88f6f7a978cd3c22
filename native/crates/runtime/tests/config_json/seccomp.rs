use std::io::Read;
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use crate::harness::default_seccomp;
use crate::trial::Peer::{Lacks, Same};
use crate::trial::{Row, row};

/// umask(2), which fails for nobody and takes one plain number.
const UMASK: &str = "95";
const NINETY_NINE: &str = "error Cannot assign requested address (os error 99)";

fn profile(rule: Value) -> Value {
    json!({ "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [rule] })
}

fn refusing(args: Value) -> Value {
    profile(json!({ "names": ["umask"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99, "args": args }))
}

pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        row(
            "linux.seccomp.defaultAction",
            "what no rule names is refused",
            Same,
            |trial| {
                trial.tells(
                    "status Seccomp then system-call 168",
                    &["ok 2", "error Operation not permitted (os error 1)"],
                    |config| config["linux"]["seccomp"] = default_seccomp(),
                );
            },
        ),
        row(
            "linux.seccomp.defaultErrnoRet",
            "with this number",
            Same,
            |trial| {
                trial.tells("system-call 168", &[NINETY_NINE], |config| {
                    config["linux"]["seccomp"] = default_seccomp();
                    config["linux"]["seccomp"]["defaultErrnoRet"] = json!(99);
                });
            },
        ),
        row(
            "linux.seccomp.architectures",
            "one that does not exist is refused by name",
            Same,
            |trial| {
                trial.refuses("architectures", |config| {
                    config["linux"]["seccomp"] = refusing(json!([]));
                    config["linux"]["seccomp"]["architectures"] = json!(["SCMP_ARCH_NONE"]);
                });
            },
        ),
        row(
            "linux.seccomp.flags",
            "taken by the kernel; unknown ones are refused by name",
            Lacks("refused, as not yet supported"),
            |trial| {
                let with = |flag: &'static str| {
                    move |config: &mut Value| {
                        config["linux"]["seccomp"] = refusing(json!([]));
                        config["linux"]["seccomp"]["flags"] = json!([flag]);
                    }
                };
                trial.tells("status Seccomp", &["ok 2"], with("SECCOMP_FILTER_FLAG_LOG"));
                trial.refuses("linux.seccomp.flags", with("SECCOMP_FILTER_FLAG_NONE"));
            },
        ),
        row(
            "linux.seccomp.listenerPath, listenerMetadata",
            "SCMP_ACT_NOTIFY: the listener, the state and the metadata arrive",
            Same,
            |trial| {
                let socket = trial.place.dir.join("listener");
                let listener = UnixListener::bind(&socket).unwrap();
                trial.start("notified", |config| {
                    config["linux"]["seccomp"] =
                        profile(json!({ "names": ["umask"], "action": "SCMP_ACT_NOTIFY" }));
                    config["linux"]["seccomp"]["listenerPath"] = json!(socket);
                    config["linux"]["seccomp"]["listenerMetadata"] = json!("meta");
                });
                let mut text = String::new();
                listener
                    .accept()
                    .unwrap()
                    .0
                    .read_to_string(&mut text)
                    .unwrap();
                let state: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(
                    (&state["metadata"], &state["state"]["id"]),
                    (&json!("meta"), &json!("notified"))
                );
            },
        ),
        row(
            "linux.seccomp.syscalls[].names",
            "unknown names are no fault: other kernels have them",
            Same,
            |trial| {
                trial.tells(&format!("system-call {UMASK} 0"), &[NINETY_NINE], |config| {
                config["linux"]["seccomp"] = profile(json!({ "names": ["no_such_call", "umask"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99 }));
            });
            },
        ),
        row(
            "linux.seccomp.syscalls[].errnoRet",
            "the error that the program sees",
            Same,
            |trial| {
                trial.tells(
                    &format!("system-call {UMASK} 0"),
                    &[NINETY_NINE],
                    |config| config["linux"]["seccomp"] = refusing(json!([])),
                );
            },
        ),
        row(
            "linux.seccomp.syscalls[].args[].index",
            "the argument that is compared",
            Same,
            |trial| {
                trial.tells(&format!("system-call {UMASK} 7"), &["ok 18"], |config| {
                    config["linux"]["seccomp"] =
                        refusing(json!([{ "index": 1, "value": 7, "op": "SCMP_CMP_EQ" }]));
                });
            },
        ),
    ];
    rows.extend(actions());
    rows.extend(operators());
    rows
}

fn actions() -> Vec<Row> {
    let signal = 128 + 31;
    let actions = [
        ("ALLOW", 0, "ok 18"),
        ("LOG", 0, "ok 18"),
        ("ERRNO", 0, "error Operation not permitted (os error 1)"),
        ("TRACE", 0, "error Function not implemented (os error 38)"),
        ("TRAP", signal, ""),
        ("KILL", signal, ""),
        ("KILL_THREAD", signal, ""),
        ("KILL_PROCESS", signal, ""),
    ];
    let rows = actions.into_iter().map(|(action, code, line)| {
        row(
            format!("linux.seccomp.syscalls[].action: {action}"),
            "what the program meets",
            Same,
            move |trial| {
                let said = trial.run(&format!("system-call {UMASK} 0"), |config| {
                    config["linux"]["seccomp"] = profile(
                        json!({ "names": ["umask"], "action": format!("SCMP_ACT_{action}") }),
                    );
                });
                assert_eq!((said.code, said.out.trim()), (code, line), "{}", said.err);
            },
        )
    });
    rows.collect()
}

fn operators() -> Vec<Row> {
    // With value 5: an argument that matches, and one that does not.
    let operators = [
        ("NE", 6, 5),
        ("LT", 4, 5),
        ("LE", 5, 6),
        ("EQ", 5, 6),
        ("GE", 5, 4),
        ("GT", 6, 5),
    ];
    let plain = operators.into_iter().map(|(op, matches, other)| {
        row(
            format!("linux.seccomp.syscalls[].args[].value, op: {op}"),
            "arguments that match are refused, others pass",
            Same,
            move |trial| {
                trial.tells(
                    &format!("system-call {UMASK} {matches} then system-call {UMASK} {other}"),
                    &[NINETY_NINE, "ok 18"],
                    |config| {
                        config["linux"]["seccomp"] = refusing(
                            json!([{ "index": 0, "value": 5, "op": format!("SCMP_CMP_{op}") }]),
                        );
                    },
                );
            },
        )
    });
    let masked = row(
        "linux.seccomp.syscalls[].args[].valueTwo, op: MASKED_EQ",
        "the bits of the mask (value) are compared to valueTwo",
        Same,
        |trial: &crate::trial::Trial| {
            trial.tells(&format!("system-call {UMASK} 7 then system-call {UMASK} 6"), &[NINETY_NINE, "ok 18"], |config| {
            config["linux"]["seccomp"] = refusing(json!([{ "index": 0, "value": 1, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ" }]));
        });
        },
    );
    plain.chain([masked]).collect()
}
