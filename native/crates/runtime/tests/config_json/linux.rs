use std::fs;

use serde_json::{Value, json};

use crate::trial::Peer::{Lacks, Same};
use crate::trial::{Peer, Row, push, row};

pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        row(
            "linux.maskedPaths",
            "files read as empty, directories list as empty",
            Same,
            |trial| {
                fs::write(trial.place.lower("etc/secret"), "secret").unwrap();
                fs::create_dir_all(trial.place.lower("hidden/inside")).unwrap();
                trial.tells(
                    "cat /etc/secret then ls /hidden",
                    &["ok ", "ok "],
                    |config| {
                        config["linux"]["maskedPaths"] =
                            json!(["/etc/secret", "/hidden", "/not/there"]);
                    },
                );
            },
        ),
        row(
            "linux.readonlyPaths",
            "cannot be written, though the mount could",
            Same,
            |trial| {
                trial.tells(
                    "write /tmp/x y",
                    &["error Read-only file system (os error 30)"],
                    |config| {
                        config["linux"]["readonlyPaths"] = json!(["/tmp", "/not/there"]);
                    },
                );
            },
        ),
        row(
            "linux.sysctl",
            "of the container's namespaces; one of the host is refused by name",
            Same,
            |trial| {
                trial.tells(
                    "cat /proc/sys/net/ipv4/ip_default_ttl",
                    &["ok 33"],
                    |config| {
                        config["linux"]["sysctl"] = json!({ "net.ipv4.ip_default_ttl": "33" });
                    },
                );
                trial.refuses("linux.sysctl", |config| {
                    config["linux"]["sysctl"] = json!({ "kernel.core_pattern": "x" })
                });
            },
        ),
        row("linux.cgroupsPath", "its groups are there", Same, |trial| {
            let path = format!("{}/named", trial.place.cgroup);
            let pid = trial.start("named", |config| {
                config["linux"]["cgroupsPath"] = json!(path)
            });
            let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
            assert!(groups.lines().any(|line| line.ends_with(&path)), "{groups}");
        }),
        row(
            "linux.personality.domain",
            "LINUX32, by /proc/self/personality",
            Lacks("of specification 1.0.2 and later: ignored"),
            |trial| {
                trial.tells("cat /proc/self/personality", &["ok 00000008"], |config| {
                    config["linux"]["personality"] = json!({ "domain": "LINUX32" });
                });
            },
        ),
        row(
            "linux.personality.flags",
            "refused by name: the specification defines none",
            Lacks("ignored"),
            |trial| {
                trial.refuses("linux.personality.flags", |config| {
                    config["linux"]["personality"] = json!({ "domain": "LINUX", "flags": ["x"] });
                });
            },
        ),
        row(
            "linux.intelRdt",
            "refused by name: resctrl groups are not made by this runtime",
            Same,
            |trial| {
                trial.refuses("linux.intelRdt", |config| {
                    config["linux"]["intelRdt"] = json!({ "l3CacheSchema": "L3:0=f" })
                });
            },
        ),
        row(
            "linux.mountLabel",
            "refused by name: labels of mounts are not supported",
            Lacks("ignored without SELinux"),
            |trial| {
                trial.refuses("linux.mountLabel", |config| {
                    config["linux"]["mountLabel"] = json!("system_u:object_r:svirt_file_t:s0")
                });
            },
        ),
    ];
    for (name, value) in [
        ("netDevices", json!({ "eth0": {} })),
        ("memoryPolicy", json!({ "mode": "MPOL_BIND" })),
    ] {
        rows.push(row(
            format!("linux.{name}"),
            "of specification 1.3: refused by name",
            Lacks("ignored"),
            move |trial| {
                trial.refuses(&format!("linux.{name}"), |config| {
                    config["linux"][name] = value.clone()
                });
            },
        ));
    }
    rows.extend(propagation());
    rows.extend(devices());
    rows
}

fn propagates(name: &str) -> Peer {
    match name {
        "shared" => Lacks("leaves the root itself private"),
        "unbindable" => Lacks("fails to bind the root"),
        _ => Same,
    }
}

fn propagation() -> Vec<Row> {
    let names = [
        ("private", ""),
        ("slave", ""),
        ("shared", "shared:"),
        ("unbindable", "unbindable"),
    ];
    let rows = names.into_iter().map(|(name, mark)| {
        row(
            format!("linux.rootfsPropagation: {name}"),
            "the kernel's propagation of the root",
            propagates(name),
            move |trial| {
                let said = trial.run("mount-of /", |config| {
                    config["linux"]["rootfsPropagation"] = json!(name)
                });
                let told = ["shared:", "unbindable"]
                    .into_iter()
                    .find(|mark| said.out.contains(mark));
                assert_eq!(told.unwrap_or(""), mark, "{}{}", said.out, said.err);
            },
        )
    });
    rows.collect()
}

fn device(kind: &str, member: &str, value: Value) -> Value {
    let mut device = json!({ "type": kind, "path": "/dev/made", "major": 1, "minor": 5 });
    device[member] = value;
    device
}

fn devices() -> Vec<Row> {
    let kinds = [
        ("c", "ok 20666 0:0 0x105"),
        ("u", "ok 20666 0:0 0x105"),
        ("b", "ok 60666 0:0 0x105"),
        ("p", "ok 10666 0:0 0x0"),
    ];
    let kinds = kinds.into_iter().map(|(kind, expected)| {
        row(
            format!("linux.devices[].type: {kind}"),
            "the node with its path, major and minor",
            Same,
            move |trial| {
                trial.tells("mode /dev/made", &[expected], |config| {
                    config["linux"]["devices"] = json!([device(kind, "fileMode", json!(0o666))]);
                });
            },
        )
    });
    let members = [
        ("fileMode", json!(0o600), "ok 20600 0:0 0x105"),
        ("uid", json!(3), "ok 20666 3:0 0x105"),
        ("gid", json!(4), "ok 20666 0:4 0x105"),
    ];
    let members = members.into_iter().map(|(member, value, expected)| {
        row(
            format!("linux.devices[].{member}"),
            "of the node",
            Same,
            move |trial| {
                trial.tells("mode /dev/made", &[expected], |config| {
                    let mut made = device("c", "fileMode", json!(0o666));
                    made[member] = value.clone();
                    config["linux"]["devices"] = json!([made]);
                });
            },
        )
    });
    let rules = row(
        "linux.resources.devices[].allow, type, major, minor, access",
        "the node of a device is used only after a rule that allows it",
        Same,
        |trial: &crate::trial::Trial| {
            let kmsg = json!([{ "type": "c", "path": "/dev/kmsg", "major": 1, "minor": 11, "fileMode": 0o666 }]);
            let deny = json!({ "allow": false, "access": "rwm" });
            let allow =
                json!({ "allow": true, "type": "c", "major": 1, "minor": 11, "access": "r" });
            for (rules, expected) in [
                (
                    json!([deny.clone()]),
                    [
                        "error Operation not permitted (os error 1)",
                        "error Operation not permitted (os error 1)",
                    ],
                ),
                (
                    json!([deny, allow]),
                    ["ok ", "error Operation not permitted (os error 1)"],
                ),
            ] {
                trial.tells(
                    "open r /dev/kmsg then open w /dev/kmsg",
                    &expected,
                    |config| {
                        config["linux"]["devices"] = kmsg.clone();
                        config["linux"]["resources"]["devices"] = rules;
                        // Its own check must not be what refuses.
                        for set in ["bounding", "effective", "permitted"] {
                            push(
                                config,
                                &format!("/process/capabilities/{set}"),
                                json!("CAP_SYSLOG"),
                            );
                        }
                    },
                );
            }
        },
    );
    kinds.chain(members).chain([rules]).collect()
}
