use std::fs;

use serde_json::{Value, json};

use crate::trial::Peer::{Lacks, Same};
use crate::trial::{Peer, Row, Trial, push, row};

const IDMAP: Peer = Lacks("of specification 1.2: ignored or refused");

pub fn rows() -> Vec<Row> {
    let mut rows = places();
    rows.extend(attributes());
    rows.extend(recursive());
    rows.extend(propagation());
    rows.extend(filesystems());
    rows.extend(id_mapped());
    rows
}

fn tmpfs(options: &[&str]) -> Value {
    json!({ "destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": options })
}

/// What the kernel tells of the mount at `path` in a container with this one more.
#[track_caller]
fn mounted(trial: &Trial, path: &str, mount: Value) -> String {
    let said = trial.run(&format!("mount-of {path}"), |config| {
        push(config, "/mounts", mount)
    });
    said.assert_ok();
    said.out.trim().to_owned()
}

fn option(name: &'static str, shows: &'static str, check: fn(&[&str]) -> bool) -> Row {
    row(
        format!("mounts[].options: {name}"),
        shows,
        Same,
        move |trial| {
            let line = mounted(trial, "/m", tmpfs(&[name]));
            let options: Vec<&str> = line.split(' ').nth(2).unwrap().split(',').collect();
            assert!(check(&options), "{line}");
        },
    )
}

fn attributes() -> Vec<Row> {
    let has = "the mount has it";
    let hasnt = "the mount has no opposite";
    let mut rows = vec![
        option("ro", has, |o| o.contains(&"ro")),
        option("rw", has, |o| o.contains(&"rw")),
        option("nosuid", has, |o| o.contains(&"nosuid")),
        option("suid", hasnt, |o| !o.contains(&"nosuid")),
        option("nodev", has, |o| o.contains(&"nodev")),
        option("dev", hasnt, |o| !o.contains(&"nodev")),
        option("noexec", has, |o| o.contains(&"noexec")),
        option("exec", hasnt, |o| !o.contains(&"noexec")),
        option("noatime", has, |o| o.contains(&"noatime")),
        option("nodiratime", has, |o| o.contains(&"nodiratime")),
        option("diratime", hasnt, |o| !o.contains(&"nodiratime")),
        option("relatime", has, |o| o.contains(&"relatime")),
        option("strictatime", "neither noatime nor relatime", |o| {
            !o.contains(&"relatime") && !o.contains(&"noatime")
        }),
    ];
    rows.push(row(
        "mounts[].options: defaults",
        "read-write, nothing forbidden",
        Lacks("hands it to the file system, which refuses it"),
        |trial| {
            let line = mounted(trial, "/m", tmpfs(&["defaults"]));
            assert!(line.starts_with("ok /m rw,relatime"), "{line}");
        },
    ));
    rows.push(row(
        "mounts[].options: nosymfollow",
        "links on it are not followed",
        Lacks("takes it for an option of the file system"),
        |trial| {
            assert!(mounted(trial, "/m", tmpfs(&["nosymfollow"])).contains("nosymfollow"));
        },
    ));
    rows.push(row(
        "mounts[].options: sync, dirsync",
        "flags of the file system itself",
        Same,
        |trial| {
            let line = mounted(trial, "/m", tmpfs(&["sync", "dirsync"]));
            assert!(line.contains("sync") && line.contains("dirsync"), "{line}");
        },
    ));
    rows.push(row(
        "mounts[].options: size=, mode=",
        "the file system's own options reach it",
        Same,
        |trial| {
            let line = mounted(trial, "/m", tmpfs(&["size=64k", "mode=700"]));
            assert!(
                line.contains("size=64k") && line.contains("mode=700"),
                "{line}"
            );
        },
    ));
    rows.push(row("mounts[].options: tmpcopyup", "a tmpfs begins with what the image has there", Same, |trial| {
        fs::write(trial.place.lower("etc/file"), "content").unwrap();
        trial.tells("cat /etc/file", &["ok content"], |config| {
            push(config, "/mounts", json!({ "destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"] }));
        });
    }));
    rows.push(row(
        "mounts[].options: unknown ones",
        "a bind mount with an option that nobody knows is refused by name",
        Lacks("ignores them on bind mounts"),
        |trial| {
            trial.refuses("nosiud", |config| {
                push(
                    config,
                    "/mounts",
                    json!({ "destination": "/m", "source": "/tmp", "options": ["bind", "nosiud"] }),
                );
            });
        },
    ));
    rows
}

/// Of the host's /dev with what is mounted below it: the option reaches those, too.
fn recursive() -> Vec<Row> {
    let options = [
        ("rro", "ro"),
        ("rnosuid", "nosuid"),
        ("rnodev", "nodev"),
        ("rnoexec", "noexec"),
        ("rnoatime", "noatime"),
        ("rnodiratime", "nodiratime"),
        ("rrelatime", "relatime"),
    ];
    let rows = options.into_iter().map(|(name, expected)| {
        row(format!("mounts[].options: {name}"), "mounts below a recursive bind mount have it", Same, move |trial| {
            let mount = json!({ "destination": "/m", "type": "bind", "source": "/dev", "options": ["rbind", name] });
            let line = mounted(trial, "/m/pts", mount);
            assert!(line.split(' ').nth(2).unwrap().split(',').any(|o| o == expected), "{line}");
        })
    });
    rows.collect()
}

fn propagation() -> Vec<Row> {
    let names = [
        ("private", ""),
        ("slave", ""),
        ("shared", "shared:"),
        ("unbindable", "unbindable"),
        ("rprivate", ""),
        ("rslave", ""),
        ("rshared", "shared:"),
        ("runbindable", "unbindable"),
    ];
    let rows = names.into_iter().map(|(name, mark)| {
        row(format!("mounts[].options: {name}"), "the kernel's propagation of the mount", Same, move |trial| {
            let mount = json!({ "destination": "/m", "type": "bind", "source": trial.place.dir.join("runtime"),
                "options": ["rbind", name] });
            let line = mounted(trial, "/m", mount);
            let told = ["shared:", "unbindable"].into_iter().find(|mark| line.contains(mark));
            assert_eq!(told.unwrap_or(""), mark, "{line}");
        })
    });
    rows.collect()
}

fn places() -> Vec<Row> {
    vec![
        row(
            "mounts[].destination",
            "made when it is missing, as a directory or a file",
            Same,
            |trial| {
                let file = trial.place.dir.join("file");
                fs::write(&file, "content").unwrap();
                trial.tells("cat /deep/down/file then ls /deep/beside", &["ok content", "ok "], |config| {
                push(config, "/mounts", json!({ "destination": "/deep/down/file", "type": "bind", "source": file, "options": ["bind"] }));
                push(config, "/mounts", json!({ "destination": "/deep/beside", "type": "tmpfs", "source": "tmpfs" }));
            });
            },
        ),
        row("mounts[].source", "relative to the bundle", Same, |trial| {
            fs::create_dir_all(trial.place.dir.join("row/beside")).unwrap();
            fs::write(trial.place.dir.join("row/beside/file"), "content").unwrap();
            trial.tells("cat /m/file", &["ok content"], |config| {
                push(config, "/mounts", json!({ "destination": "/m", "type": "bind", "source": "beside", "options": ["bind"] }));
            });
        }),
        row("mounts[].options: bind", "one mount alone", Same, |trial| {
            trial.tells("ls /m/pts", &["ok "], |config| {
                push(config, "/mounts", json!({ "destination": "/m", "type": "bind", "source": "/dev", "options": ["bind"] }));
            });
        }),
        row(
            "mounts[].options: rbind",
            "with those below it",
            Same,
            |trial| {
                let line = mounted(
                    trial,
                    "/m/pts",
                    json!({ "destination": "/m", "type": "bind", "source": "/dev", "options": ["rbind"] }),
                );
                assert!(line.ends_with("devpts"), "{line}");
            },
        ),
    ]
}

fn filesystems() -> Vec<Row> {
    let standard = [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("mqueue", "/dev/mqueue"),
        ("devpts", "/dev/pts"),
        ("tmpfs", "/dev/shm"),
    ];
    let mut rows: Vec<Row> = standard
        .into_iter()
        .map(|(kind, place)| {
            row(
                format!("mounts[].type: {kind}"),
                "its file system is there",
                Same,
                move |trial| {
                    let said = trial.run(&format!("mount-of {place}"), |_| {});
                    assert!(said.out.trim().ends_with(kind), "{}{}", said.out, said.err);
                },
            )
        })
        .collect();
    rows.push(row(
        "mounts[].type: cgroup",
        "the container's own groups, read-only when asked",
        Lacks("leaves the directory of hierarchies writable"),
        |trial| {
            let said = trial.run("write /sys/fs/cgroup/x y then ls /sys/fs/cgroup", |_| {});
            assert!(
                said.lines()[0].starts_with("error"),
                "{}{}",
                said.out,
                said.err
            );
            assert!(said.lines()[1].contains("pids"), "{}", said.out);
        },
    ));
    rows.push(row("mounts[].type: overlay", "layers by the file system's own options", Same, |trial| {
        for (dir, text) in [("one", "first"), ("two", "second")] {
            fs::create_dir(trial.place.dir.join(dir)).unwrap();
            fs::write(trial.place.dir.join(dir).join("file"), text).unwrap();
        }
        let layer = |name: &str| trial.place.dir.join(name).display().to_string();
        let lower = format!("lowerdir={}:{}", layer("one"), layer("two"));
        trial.tells("cat /m/file", &["ok first"], |config| {
            push(config, "/mounts", json!({ "destination": "/m", "type": "overlay", "source": "overlay", "options": [lower] }));
        });
    }));
    rows
}

fn id_mapped() -> Vec<Row> {
    let mapping = |id: u32| json!([{ "containerID": 0, "hostID": id, "size": 1 }]);
    vec![
        row(
            "mounts[].uidMappings, gidMappings",
            "owners are shifted by them",
            IDMAP,
            move |trial| {
                trial.tells("mode /m/bin/probe", &["ok 100755 1000:2000 0x0"], |config| {
                push(config, "/mounts", json!({ "destination": "/m", "type": "bind", "source": trial.place.dir.join("lower"),
                    "options": ["bind"], "uidMappings": mapping(1000), "gidMappings": mapping(2000) }));
            });
            },
        ),
        row(
            "mounts[].options: idmap",
            "owners are shifted by the container's user namespace; without one it is refused by name",
            IDMAP,
            |trial| {
                let mount = json!({ "destination": "/m", "type": "bind", "source": "/tmp", "options": ["bind", "idmap"] });
                trial.refuses("user namespace", |config| {
                    push(config, "/mounts", mount.clone())
                });
                let source = trial.place.dir.join("volume");
                fs::create_dir(&source).unwrap();
                fs::write(source.join("file"), "").unwrap();
                trial.tells("mode /m/file", &["ok 100644 0:0 0x0"], |config| {
                crate::trial::map_users(trial, config);
                push(config, "/mounts", json!({ "destination": "/m", "type": "bind", "source": source, "options": ["bind", "idmap"] }));
            });
            },
        ),
        row(
            "mounts[].options: ridmap",
            "the mounts below follow; a file system that takes no mapping is refused by name",
            IDMAP,
            |trial| {
                trial.refuses("takes no id mapping", |config| {
                crate::trial::map_users(trial, config);
                push(config, "/mounts", json!({ "destination": "/m", "type": "bind", "source": "/dev", "options": ["rbind", "ridmap"] }));
            });
            },
        ),
    ]
}
