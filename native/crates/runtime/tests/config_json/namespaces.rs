use std::fs;

use serde_json::json;

use crate::trial::Peer::{Lacks, Same};
use crate::trial::{Peer, Row, Trial, map_users, push, row};

const KINDS: [(&str, &str); 8] = [
    ("pid", "pid"),
    ("network", "net"),
    ("mount", "mnt"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("user", "user"),
    ("cgroup", "cgroup"),
    ("time", "time"),
];

fn peer(kind: &str) -> Peer {
    match kind {
        "time" => Lacks("of specification 1.1 and later: refused"),
        _ => Same,
    }
}

fn space(pid: impl std::fmt::Display, file: &str) -> String {
    let link = fs::read_link(format!("/proc/{pid}/ns/{file}")).unwrap();
    link.display().to_string()
}

pub fn rows() -> Vec<Row> {
    let made = KINDS.into_iter().map(|(kind, file)| {
        row(
            format!("linux.namespaces: {kind}"),
            "a new one",
            peer(kind),
            move |trial| {
                let pid = trial.start("new", |config| wish(trial, config, kind));
                assert_ne!(space(pid, file), space("self", file));
            },
        )
    });
    let joined = KINDS
        .into_iter()
        .filter(|(kind, _)| *kind != "mount")
        .map(|(kind, file)| {
            row(
                format!("linux.namespaces: {kind} with path"),
                "that of another container is joined",
                peer(kind),
                move |trial| {
                    let first = trial.start("first", |config| wish(trial, config, kind));
                    let second = trial.start("second", |config| {
                        let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
                        namespaces.retain(|namespace| namespace["type"] != kind);
                        let path = format!("/proc/{first}/ns/{file}");
                        namespaces.push(json!({ "type": kind, "path": path }));
                        if kind == "user" {
                            // runc wants them repeated.
                            let mapping =
                                json!([{ "containerID": 0, "hostID": 100_000, "size": 65_536 }]);
                            config["linux"]["uidMappings"] = mapping.clone();
                            config["linux"]["gidMappings"] = mapping;
                        }
                        if kind == "uts" {
                            config.as_object_mut().unwrap().remove("hostname");
                        }
                        if kind == "cgroup" {
                            // A group must be below the root of the namespace that shows it.
                            config["mounts"]
                                .as_array_mut()
                                .unwrap()
                                .retain(|mount| mount["type"] != "cgroup");
                        }
                    });
                    assert_eq!(space(first, file), space(second, file));
                },
            )
        });
    let mount = row(
        "linux.namespaces: mount with path",
        "that of another process is joined",
        Lacks("takes the root for lost"),
        |trial: &Trial| {
            let first = trial.start("first", |_| {});
            trial.refuses("root", |config| {
                let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
                namespaces.retain(|namespace| namespace["type"] != "mount");
                namespaces
                    .push(json!({ "type": "mount", "path": format!("/proc/{first}/ns/mnt") }));
            });
        },
    );
    let own = row(
        "linux.namespaces: no mount namespace",
        "refused by name: the host's mounts would be changed",
        Same,
        |trial: &Trial| {
            trial.refuses("linux.namespaces", |config| {
                config["linux"]["namespaces"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|namespace| namespace["type"] != "mount");
            });
        },
    );
    made.chain(joined)
        .chain([mount, own])
        .chain(mappings())
        .collect()
}

fn wish(trial: &Trial, config: &mut serde_json::Value, kind: &str) {
    match kind {
        "user" => map_users(trial, config),
        "time" => push(config, "/linux/namespaces", json!({ "type": "time" })),
        _ => {}
    }
}

fn mappings() -> Vec<Row> {
    let names = [("uidMappings", "Uid"), ("gidMappings", "Gid")];
    let rows = names.into_iter().map(|(name, field)| {
        row(
            format!("linux.{name}"),
            "root is another user outside",
            Same,
            move |trial| {
                let pid = trial.start("mapped", |config| map_users(trial, config));
                let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
                assert!(
                    status.contains(&format!("{field}:\t100000\t100000")),
                    "{status}"
                );
            },
        )
    });
    let offsets = row(
        "linux.timeOffsets",
        "the clocks of the time namespace",
        peer("time"),
        |trial: &Trial| {
            let said = trial.run("cat /proc/self/timens_offsets", |config| {
                push(config, "/linux/namespaces", json!({ "type": "time" }));
                config["linux"]["timeOffsets"] =
                    json!({ "boottime": { "secs": 86400, "nanosecs": 5 } });
            });
            let words: Vec<&str> = said
                .out
                .split(['|', ' '])
                .filter(|word| !word.is_empty())
                .collect();
            assert!(
                words
                    .windows(3)
                    .any(|w| w[0] == "boottime" && w[1] == "86400"),
                "{}{}",
                said.out,
                said.err
            );
        },
    );
    rows.chain([offsets]).collect()
}
