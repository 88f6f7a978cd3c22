//! Containers whose root is nobody outside: layers and volumes shifted by id-mapped mounts.

mod harness;

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use harness::{Place, Said};
use serde_json::{Value, json};

const RANGE: u32 = 65_536;

/// Gives the container a user namespace of its own whose root is `host` outside.
fn mapped(config: &mut Value, host: u32) {
    let mapping = json!([{ "containerID": 0, "hostID": host, "size": RANGE }]);
    config["linux"]["uidMappings"] = mapping.clone();
    config["linux"]["gidMappings"] = mapping;
    let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.push(json!({ "type": "user" }));
}

fn add_mount(config: &mut Value, mount: Value) {
    config["mounts"].as_array_mut().unwrap().push(mount);
}

/// Replaces namespaces by those of process `pid`.
fn joined(config: &mut Value, pid: i64, kinds: &[(&str, &str)]) {
    let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
    for (kind, file) in kinds {
        namespaces.retain(|namespace| namespace["type"] != *kind);
        namespaces.push(json!({ "type": kind, "path": format!("/proc/{pid}/ns/{file}") }));
    }
}

fn words(deeds: &[&str]) -> Vec<&'static str> {
    let text: &'static str = deeds.join(" then ").leak();
    text.split(' ').collect()
}

fn owner(path: &Path) -> (u32, u32) {
    let file = fs::symlink_metadata(path).unwrap();
    (file.uid(), file.gid())
}

fn host_ids(pid: i64) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .unwrap();
    line.split_whitespace()
        .skip(1)
        .collect::<Vec<_>>()
        .join(" ")
}

fn space(pid: i64, file: &str) -> std::path::PathBuf {
    fs::read_link(format!("/proc/{pid}/ns/{file}")).unwrap()
}

#[test]
fn an_overlay_root_keeps_the_containers_owners_on_disk() {
    let place = Place::new();
    let lower = place.lower("etc/of-user");
    fs::write(&lower, "lower").unwrap();
    chown(&lower, Some(1000), Some(1001)).unwrap();
    let deeds = [
        "status Uid",
        "write /tmp/own text",
        "mode /tmp/own",
        "mode /bin/probe",
        "mode /etc/of-user",
        "write /etc/of-user upper",
        "mode /etc/of-user",
    ];
    let said = place.run("first", &words(&deeds), |config| mapped(config, 100_000));
    let expected = [
        "ok 0 0 0 0",
        "ok ",
        "ok 100644 0:0 0x0",
        "ok 100755 0:0 0x0",
        "ok 100644 1000:1001 0x0",
        "ok ",
        "ok 100644 1000:1001 0x0",
    ];
    assert_eq!(said.lines(), expected, "{}", said.err);
    let upper = place.dir.join("first/upper");
    assert_eq!(owner(&upper.join("tmp/own")), (0, 0));
    assert_eq!(owner(&upper.join("etc/of-user")), (1000, 1001));
    // Another range finds what the first one left.
    place.assert_gone("first");
    let said = place.run(
        "second",
        &words(&["cat /tmp/own", "mode /etc/of-user"]),
        |config| {
            mapped(config, 400_000);
            for part in ["upper", "work"] {
                config["annotations"][format!("dev.gantry.rootfs.{part}")] =
                    json!(place.dir.join("first").join(part));
            }
        },
    );
    assert_eq!(
        said.lines(),
        ["ok text", "ok 100644 1000:1001 0x0"],
        "{}",
        said.err
    );
    assert_eq!(fs::read_to_string(&lower).unwrap(), "lower");
}

#[test]
fn a_directory_is_shifted_like_layers_are() {
    let place = Place::new();
    let copy = place.dir.join("copy");
    fs::rename(place.dir.join("lower"), &copy).unwrap();
    let at_directory = |config: &mut Value| {
        config["annotations"] = json!({ "dev.gantry.rootfs.directory": copy });
    };
    let deeds = words(&["write /tmp/own text", "mode /tmp/own", "mode /bin/probe"]);
    let expected = ["ok ", "ok 100644 0:0 0x0", "ok 100755 0:0 0x0"];
    for range in [None, Some(100_000), Some(400_000)] {
        let id = format!("from-{}", range.unwrap_or(0));
        let said = place.run(&id, &deeds, |config| {
            at_directory(config);
            if let Some(first) = range {
                mapped(config, first);
            }
        });
        assert_eq!(said.lines(), expected, "{}", said.err);
        assert_eq!(owner(&copy.join("tmp/own")), (0, 0));
        place.assert_gone(&id);
    }
}

/// The host's device nodes cover the place of the root before it is mounted there.
#[test]
fn a_plain_root_has_its_devices_too() {
    let place = Place::new();
    let root = place.dir.join("lower");
    let chown = std::process::Command::new("chown")
        .args(["-R", "100000:100000"])
        .arg(&root)
        .status();
    assert!(chown.unwrap().success());
    let deeds = ["status Uid", "mode /dev/made", "ls /bin"];
    let said = place.run("plain", &words(&deeds), |config| {
        config["annotations"] = json!({});
        config["root"]["path"] = json!(root);
        mapped(config, 100_000);
        config["linux"]["devices"] =
            json!([{ "type": "c", "path": "/dev/made", "major": 1, "minor": 5, "fileMode": 0o640 }]);
    });
    let expected = ["ok 0 0 0 0", "ok 20640 0:0 0x105", "ok probe"];
    assert_eq!(said.lines(), expected, "{}", said.err);
}

#[test]
fn root_is_nobody_outside_and_has_all_a_container_has() {
    let place = Place::new();
    place.start("mapped", &["sleep", "60"], |config| {
        mapped(config, 100_000);
        config["linux"]["resources"]["pids"] = json!({ "limit": 20 });
        config["linux"]["sysctl"] = json!({ "net.ipv4.ip_default_ttl": "33", "kernel.msgmax": "4096" });
        config["linux"]["devices"] =
            json!([{ "type": "c", "path": "/dev/made", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 3, "gid": 4 }]);
    });
    assert_eq!(host_ids(place.pid("mapped")), "100000 100000 100000 100000");
    assert_ne!(
        space(place.pid("mapped"), "user"),
        space(std::process::id().into(), "user")
    );
    let deeds = [
        "status Uid",
        "status Seccomp",
        "hostname",
        "ls /dev",
        "mode /dev/made",
        "mode /dev/null",
        "cat /proc/sys/net/ipv4/ip_default_ttl",
        "cat /proc/sys/kernel/msgmax",
        "cat /dev/null",
        "ls /dev/mqueue",
        "write /proc/sys/kernel/msgmax 1",
    ];
    let exec = [&["exec", "mapped", "/bin/probe"][..], &words(&deeds)].concat();
    let said = place.runtime(&exec);
    let expected = [
        "ok 0 0 0 0",
        "ok 2",
        "ok tested",
        "ok fd full made mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
        "ok 20640 3:4 0x105",
        "ok 20666 65534:65534 0x103",
        "ok 33",
        "ok 4096",
        "ok ",
        "ok ",
        "error Read-only file system (os error 30)",
    ];
    assert_eq!(said.lines(), expected, "{}", said.err);
    place.runtime(&["delete", "--force", "mapped"]).assert_ok();
    place.assert_gone("mapped");
}

#[test]
fn volumes_are_shifted_when_they_ask_for_it() {
    let place = Place::new();
    let volume = place.dir.join("volume");
    fs::create_dir_all(volume.join("below")).unwrap();
    fs::write(volume.join("file"), "content").unwrap();
    let deeds = [
        "mode /shifted/file",
        "write /shifted/made x",
        "mode /plain/file",
    ];
    let said = place.run("volumes", &words(&deeds), |config| {
        mapped(config, 100_000);
        for (place, options) in [
            ("/shifted", json!(["bind", "idmap"])),
            ("/plain", json!(["bind"])),
        ] {
            add_mount(
                config,
                json!({ "destination": place, "source": volume, "options": options }),
            );
        }
    });
    let expected = ["ok 100644 0:0 0x0", "ok ", "ok 100644 65534:65534 0x0"];
    assert_eq!(said.lines(), expected, "{}", said.err);
    assert_eq!(owner(&volume.join("made")), (0, 0));
}

#[test]
fn mappings_of_their_own_need_no_user_namespace() {
    let place = Place::new();
    let volume = place.dir.join("volume");
    fs::create_dir_all(&volume).unwrap();
    fs::write(volume.join("file"), "content").unwrap();
    let uids = json!([{ "containerID": 0, "hostID": 1000, "size": 1 }]);
    let gids = json!([{ "containerID": 0, "hostID": 2000, "size": 1 }]);
    let mount = json!({ "destination": "/volume", "source": volume, "options": ["rbind", "ridmap"],
        "uidMappings": uids, "gidMappings": gids });
    let deeds = ["mode /volume/file"];
    let said = place.run("own", &words(&deeds), |config| {
        add_mount(config, mount.clone())
    });
    assert_eq!(said.lines(), ["ok 100644 1000:2000 0x0"], "{}", said.err);
    place.assert_gone("own");
    let said = place.run("none", &words(&deeds), |config| {
        add_mount(
            config,
            json!({ "destination": "/v", "source": volume, "options": ["bind", "idmap"] }),
        );
    });
    said.assert_fails("user namespace");
}

#[test]
fn mounts_below_are_shifted_by_ridmap_alone() {
    let place = Place::new();
    let volume = place.dir.join("volume");
    let below = volume.join("below");
    fs::create_dir_all(&below).unwrap();
    let shell = format!(
        "mount -t tmpfs below {below} && touch {below}/file && exec {runtime} --root {root} run -b {bundle} below",
        below = below.display(),
        runtime = env!("CARGO_BIN_EXE_gantry-runtime"),
        root = place.dir.join("runtime").display(),
        bundle = place.dir.join("below").display(),
    );
    for (option, expected) in [
        ("ridmap", "ok 100644 0:0 0x0\n"),
        ("idmap", "ok 100644 65534:65534 0x0\n"),
    ] {
        place.bundle("below", &words(&["mode /volume/below/file"]), |config| {
            mapped(config, 100_000);
            add_mount(
                config,
                json!({ "destination": "/volume", "source": volume, "options": ["rbind", option] }),
            );
        });
        let argv = ["-m", "--propagation", "private", "sh", "-c", &shell];
        let said: Said = std::process::Command::new("unshare")
            .args(argv)
            .output()
            .unwrap()
            .into();
        assert_eq!(said.out, expected, "{option}: {}", said.err);
    }
}

const POD: [(&str, &str); 4] = [
    ("user", "user"),
    ("network", "net"),
    ("ipc", "ipc"),
    ("uts", "uts"),
];

#[test]
fn the_containers_of_a_pod_share_one_user_namespace() {
    let place = Place::new();
    place.start("sandbox", &["sleep", "60"], |config| {
        mapped(config, 100_000)
    });
    let sandbox = place.pid("sandbox");
    place.start("member", &["sleep", "60"], |config| {
        joined(config, sandbox, &POD);
        config.as_object_mut().unwrap().remove("hostname");
        config["linux"]["sysctl"] =
            json!({ "net.ipv4.ip_default_ttl": "34", "net.ipv4.ip_unprivileged_port_start": "0" });
        // As given by an engine that repeats them; the namespace has its own already.
        config["linux"]["uidMappings"] =
            json!([{ "containerID": 0, "hostID": 100_000, "size": RANGE }]);
        config["linux"]["gidMappings"] = config["linux"]["uidMappings"].clone();
    });
    let member = place.pid("member");
    for (_, file) in POD {
        assert_eq!(space(sandbox, file), space(member, file), "{file}");
    }
    assert_eq!(host_ids(member), "100000 100000 100000 100000");
    let deeds = [
        "hostname",
        "cat /proc/sys/net/ipv4/ip_default_ttl",
        "write /tmp/x y",
        "mode /tmp/x",
    ];
    let said = place.runtime(&[&["exec", "member", "/bin/probe"][..], &words(&deeds)].concat());
    assert_eq!(
        said.lines(),
        ["ok tested", "ok 34", "ok ", "ok 100644 0:0 0x0"],
        "{}",
        said.err
    );
    assert_eq!(owner(&place.dir.join("member/upper/tmp/x")), (0, 0));
    // Sharing processes too: the number in the state must be the host's.
    place.start("third", &["sleep", "60"], |config| {
        joined(config, sandbox, &[&POD[..], &[("pid", "pid")]].concat());
        config.as_object_mut().unwrap().remove("hostname");
    });
    assert_eq!(space(place.pid("third"), "pid"), space(sandbox, "pid"));
    assert_eq!(host_ids(place.pid("third")), "100000 100000 100000 100000");
}

#[test]
fn namespaces_of_the_hosts_root_can_be_joined_but_not_ruled() {
    let place = Place::new();
    place.start("outside", &["sleep", "60"], |_| {});
    let outside = place.pid("outside");
    let kinds = &POD[1..];
    let change = |config: &mut Value| {
        mapped(config, 100_000);
        joined(config, outside, kinds);
        config.as_object_mut().unwrap().remove("hostname");
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| mount["type"] != "sysfs" && mount["type"] != "mqueue");
        mounts.retain(|mount| mount["destination"] != "/sys/fs/cgroup");
    };
    place.start("inside", &["sleep", "60"], change);
    for (_, file) in kinds {
        assert_eq!(
            space(outside, file),
            space(place.pid("inside"), file),
            "{file}"
        );
    }
    let said = place.run("ruler", &["cwd"], |config| {
        change(config);
        config["linux"]["sysctl"] = json!({ "net.ipv4.ip_default_ttl": "35" });
    });
    said.assert_fails("must belong to the container's user namespace");
    let said = place.run("viewer", &["cwd"], |config| {
        mapped(config, 100_000);
        joined(config, outside, kinds);
        config.as_object_mut().unwrap().remove("hostname");
    });
    said.assert_fails("must belong to the container's user namespace");
    place.assert_gone("viewer");
}
