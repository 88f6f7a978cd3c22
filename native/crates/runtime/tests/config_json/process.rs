use std::fs;
use std::io::{IoSliceMut, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::{Value, json};

use crate::harness::CAPABILITIES;
use crate::trial::Peer::{Lacks, Same};
use crate::trial::{Row, Trial, row};

/// Sets one member of `process` and compares what one deed tells.
fn simple(
    property: &'static str,
    shows: &'static str,
    value: Value,
    deed: &'static str,
    expected: &'static str,
) -> Row {
    let pointer = format!("/{}", property.replace('.', "/"));
    row(property, shows, Same, move |trial| {
        trial.tells(deed, &[expected], |config| {
            set(config, &pointer, value.clone())
        });
    })
}

pub fn set(config: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap()[name] = value;
}

pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        simple(
            "ociVersion",
            "any 1.x is taken",
            json!("1.0.2"),
            "cwd",
            "ok /",
        ),
        simple(
            "process.cwd",
            "the program starts there",
            json!("/etc"),
            "cwd",
            "ok /etc",
        ),
        simple(
            "process.env",
            "the environment",
            json!(["KEY=value"]),
            "env KEY",
            "ok value",
        ),
        simple(
            "process.args",
            "the program and its arguments",
            json!(["/bin/probe", "cwd"]),
            "none",
            "ok /",
        ),
        simple(
            "process.user.uid",
            "all four user ids",
            json!(1000),
            "status Uid",
            "ok 1000 1000 1000 1000",
        ),
        simple(
            "process.user.gid",
            "all four group ids",
            json!(1001),
            "status Gid",
            "ok 1001 1001 1001 1001",
        ),
        simple(
            "process.user.umask",
            "the file mode mask",
            json!(0o27),
            "status Umask",
            "ok 0027",
        ),
        simple(
            "process.user.additionalGids",
            "supplementary groups",
            json!([7, 8]),
            "status Groups",
            "ok 7 8",
        ),
        simple(
            "process.noNewPrivileges",
            "the kernel's flag",
            json!(true),
            "status NoNewPrivs",
            "ok 1",
        ),
        simple(
            "process.oomScoreAdj",
            "the kernel's value",
            json!(500),
            "cat /proc/self/oom_score_adj",
            "ok 500",
        ),
        simple(
            "process.rlimits",
            "soft and hard limit",
            json!([{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 }]),
            "limit Max open files",
            "ok Max open files 100 200 files",
        ),
        simple(
            "root.readonly",
            "nothing can be written",
            json!(true),
            "write /x y",
            "error Read-only file system (os error 30)",
        ),
        simple(
            "hostname",
            "the name in the uts namespace",
            json!("named"),
            "hostname",
            "ok named",
        ),
    ];
    rows.extend(capabilities());
    rows.extend(labels());
    rows.extend(scheduling());
    rows.extend(surroundings());
    rows
}

fn capabilities() -> Vec<Row> {
    let sets = [
        ("effective", "CapEff"),
        ("permitted", "CapPrm"),
        ("bounding", "CapBnd"),
        ("inheritable", "CapInh"),
        ("ambient", "CapAmb"),
    ];
    let rows = sets.into_iter().map(|(set, field)| {
        row(
            format!("process.capabilities.{set}"),
            "the set in /proc/self/status",
            Same,
            move |trial| {
                let without_inheritable = matches!(set, "effective" | "permitted" | "bounding");
                trial.tells(
                    &format!("status {field}"),
                    &["ok 0000000000000400"],
                    |config| {
                        let all = json!(["CAP_NET_BIND_SERVICE"]);
                        let names: &[&str] = if without_inheritable {
                            &["effective", "permitted", "bounding"]
                        } else {
                            &[
                                "effective",
                                "permitted",
                                "bounding",
                                "inheritable",
                                "ambient",
                            ]
                        };
                        config["process"]["capabilities"] = json!({});
                        for name in names {
                            config["process"]["capabilities"][name] = all.clone();
                        }
                        // A user other than root keeps what is in none but the ambient set.
                        config["process"]["user"]["uid"] =
                            json!(if without_inheritable { 0 } else { 1000 });
                    },
                );
            },
        )
    });
    rows.collect()
}

fn labels() -> Vec<Row> {
    vec![
        row(
            "process.apparmorProfile",
            "refused by name: this kernel has no AppArmor",
            Same,
            |trial| {
                trial.refuses("process.apparmorProfile", |c| {
                    c["process"]["apparmorProfile"] = json!("strict")
                });
            },
        ),
        row(
            "process.selinuxLabel",
            "refused by name: this kernel has no SELinux",
            Same,
            |trial| {
                trial.refuses("process.selinuxLabel", |c| {
                    c["process"]["selinuxLabel"] =
                        json!("system_u:system_r:svirt_lxc_net_t:s0:c1,c2");
                });
            },
        ),
    ]
}

fn scheduling() -> Vec<Row> {
    let later = Lacks("of specification 1.1 and later: ignored");
    let mut rows = vec![
        row(
            "process.ioPriority",
            "class and priority, by ioprio_get(2)",
            later,
            |trial| {
                let said = trial.run("scheduling", |config| {
                    config["process"]["ioPriority"] =
                        json!({ "class": "IOPRIO_CLASS_BE", "priority": 5 });
                });
                assert!(said.out.ends_with("io 2:5\n"), "{}{}", said.out, said.err);
                trial.refuses("process.ioPriority.class", |config| {
                    config["process"]["ioPriority"] =
                        json!({ "class": "IOPRIO_CLASS_NONE_SUCH", "priority": 5 });
                });
            },
        ),
        row(
            "process.execCPUAffinity",
            "the processor of a program that exec runs, initial and final",
            later,
            |trial| {
                trial.start("pinned", |config| {
                    config["process"]["execCPUAffinity"] = json!({ "initial": "0", "final": "0" });
                });
                let said = trial.place.runtime(&[
                    "exec",
                    "pinned",
                    "/bin/probe",
                    "status",
                    "Cpus_allowed_list",
                ]);
                assert_eq!(said.lines(), ["ok 0"], "{}", said.err);
                trial.refuses("process.execCPUAffinity", |config| {
                    config["process"]["execCPUAffinity"] = json!({ "initial": "all" });
                });
            },
        ),
    ];
    let policies = [
        (
            "policy",
            json!({ "policy": "SCHED_BATCH", "nice": 3 }),
            "ok policy 3 nice 3 io 0:0",
        ),
        (
            "nice",
            json!({ "policy": "SCHED_OTHER", "nice": 7 }),
            "ok policy 0 nice 7 io 0:0",
        ),
        (
            "flags",
            json!({ "policy": "SCHED_OTHER", "nice": 0, "flags": ["SCHED_FLAG_RESET_ON_FORK"] }),
            "ok policy 0 nice 0 io 0:0",
        ),
    ];
    for (member, value, expected) in policies {
        rows.push(row(
            format!("process.scheduler.{member}"),
            "as the kernel tells it",
            later,
            move |trial| {
                trial.tells("scheduling", &[expected], |c| {
                    c["process"]["scheduler"] = value.clone()
                });
            },
        ));
    }
    // What a group without real-time share refuses is refused by the kernel, and told by name.
    let realtime = [
        (
            "priority",
            json!({ "policy": "SCHED_FIFO", "priority": 200 }),
        ),
        (
            "runtime, deadline, period",
            json!({ "policy": "SCHED_DEADLINE", "runtime": 5, "deadline": 3, "period": 2 }),
        ),
    ];
    for (member, value) in realtime {
        rows.push(row(
            format!("process.scheduler.{member}"),
            "reaches the kernel, which refuses values without sense",
            later,
            move |trial| {
                trial.refuses("process.scheduler", |c| {
                    c["process"]["scheduler"] = value.clone()
                });
            },
        ));
    }
    rows
}

fn surroundings() -> Vec<Row> {
    vec![
        row("root.path", "the directory is the root", Same, |trial| {
            fs::write(trial.place.lower("mark"), "here").unwrap();
            trial.tells("cat /mark", &["ok here"], |_| {});
        }),
        row(
            "domainname",
            "the name in the uts namespace",
            Lacks("of specification 1.1 and later: ignored"),
            |trial| {
                trial.tells("cat /proc/sys/kernel/domainname", &["ok a.domain"], |c| {
                    c["domainname"] = json!("a.domain")
                });
            },
        ),
        row("annotations", "state tells them", Same, |trial| {
            trial.start("noted", |config| {
                config["annotations"]["org.example.key"] = json!("value")
            });
            assert_eq!(
                trial.place.state("noted")["annotations"]["org.example.key"],
                "value"
            );
        }),
        row(
            "process.terminal",
            "a terminal of the container's devpts goes to the console socket, and is /dev/console",
            Same,
            |trial| {
                assert!(terminal(trial).contains("console=true controlling=true"));
            },
        ),
        row("process.consoleSize", "its window size", Same, |trial| {
            assert!(terminal(trial).starts_with("ok 91x17 "));
        }),
    ]
}

/// What a program tells of its terminal, read from the master that the console socket received.
fn terminal(trial: &Trial) -> String {
    let place = &trial.place;
    let socket = place.dir.join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let bundle = place.bundle("row", &["terminal"], |config| {
        config["annotations"] = json!({});
        config["root"]["path"] = json!(place.dir.join("lower"));
        config["process"]["terminal"] = json!(true);
        config["process"]["consoleSize"] = json!({ "width": 91, "height": 17 });
        config["process"]["capabilities"]["effective"] = json!(CAPABILITIES);
        config["linux"].as_object_mut().unwrap().remove("seccomp");
    });
    let (bundle, socket) = (bundle.to_str().unwrap(), socket.to_str().unwrap());
    place
        .quiet(&["create", "-b", bundle, "--console-socket", socket, "row"])
        .assert_ok();
    let (stream, _) = listener.accept().unwrap();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut text = [0; 64];
    let flags = RecvFlags::CMSG_CLOEXEC;
    recvmsg(
        stream.as_fd(),
        &mut [IoSliceMut::new(&mut text)],
        &mut control,
        flags,
    )
    .unwrap();
    let Some(RecvAncillaryMessage::ScmRights(mut fds)) = control.drain().next() else {
        panic!("no descriptor came");
    };
    let mut master = fs::File::from(fds.next().unwrap());
    place.quiet(&["start", "row"]).assert_ok();
    let mut said = Vec::new();
    // Reading a terminal ends with an error once its last process is gone.
    let _ = master.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}
