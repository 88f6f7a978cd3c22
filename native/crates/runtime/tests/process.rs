//! What config.json promises about the process and its surroundings.

mod harness;

use std::fs;
use std::io::{IoSliceMut, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use harness::Place;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::json;

#[test]
fn identity_capabilities_and_flags_are_as_asked() {
    let place = Place::new();
    let deeds: Vec<&str> = [
        "status Uid",
        "status Gid",
        "status Groups",
        "status CapEff",
        "status CapBnd",
        "status NoNewPrivs",
        "status Seccomp",
        "cwd",
        "env KEY",
    ]
    .join(" then ")
    .leak()
    .split(' ')
    .collect();
    let said = place.run("identity", &deeds, |config| {
        config["process"]["user"] =
            json!({ "uid": 1000, "gid": 1001, "umask": 0o27, "additionalGids": [7, 8] });
        config["process"]["cwd"] = json!("/etc");
        config["process"]["env"] = json!(["KEY=value"]);
        for set in [
            "effective",
            "permitted",
            "inheritable",
            "ambient",
            "bounding",
        ] {
            config["process"]["capabilities"][set] = json!(["CAP_NET_BIND_SERVICE"]);
        }
    });
    let expected = [
        "ok 1000 1000 1000 1000",
        "ok 1001 1001 1001 1001",
        "ok 7 8",
        "ok 0000000000000400",
        "ok 0000000000000400",
        "ok 1",
        "ok 2",
        "ok /etc",
        "ok value",
    ];
    assert_eq!(said.lines(), expected, "{}", said.err);
}

#[test]
fn the_tree_has_its_devices_and_restrictions() {
    let place = Place::new();
    let deeds = "ls /dev then mode /dev/null then link /dev/stdin then write /x y then \
        write /volume/x y then cat /volume/file";
    let volume = place.dir.join("volume");
    fs::create_dir(&volume).unwrap();
    fs::write(volume.join("file"), "content").unwrap();
    let deeds: Vec<&str> = deeds.split_whitespace().collect();
    let said = place.run("tree", &deeds, |config| {
        config["root"]["readonly"] = json!(true);
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.push(json!({ "destination": "/volume", "source": volume, "options": ["rbind", "rro"] }));
        config["linux"]["devices"] =
            json!([{ "type": "c", "path": "/dev/made", "major": 1, "minor": 5, "fileMode": 0o600, "uid": 3 }]);
    });
    let expected = [
        "ok fd full made mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
        "ok 20666 0:0 0x103",
        "ok /proc/self/fd/0",
        "error Read-only file system (os error 30)",
        "error Read-only file system (os error 30)",
        "ok content",
    ];
    assert_eq!(said.lines(), expected, "{}", said.err);
    assert!(!volume.join("x").exists());
}

#[test]
fn a_plain_directory_can_be_the_root() {
    let place = Place::new();
    let said = place.run("plain", &["ls", "/bin"], |config| {
        config["annotations"] = json!({});
        config["root"]["path"] = json!(place.dir.join("lower"));
    });
    assert_eq!(said.lines(), ["ok probe"], "{}", said.err);
    place.assert_gone("plain");
}

#[test]
fn namespaces_are_joined_by_path() {
    let place = Place::new();
    place.start("first", &["sleep", "60"], |_| {});
    let pid = place.pid("first");
    let kinds = [
        ("network", "net"),
        ("ipc", "ipc"),
        ("uts", "uts"),
        ("pid", "pid"),
    ];
    place.start("second", &["sleep", "60"], |config| {
        let joined = kinds
            .map(|(kind, file)| json!({ "type": kind, "path": format!("/proc/{pid}/ns/{file}") }));
        config["linux"]["namespaces"] = json!(joined);
        let list = config["linux"]["namespaces"].as_array_mut().unwrap();
        list.push(json!({ "type": "mount" }));
        list.push(json!({ "type": "cgroup" }));
        config.as_object_mut().unwrap().remove("hostname");
    });
    let other = place.pid("second");
    for (_, file) in kinds {
        let space = |pid| fs::read_link(format!("/proc/{pid}/ns/{file}")).unwrap();
        assert_eq!(space(pid), space(other), "{file}");
    }
    let said = place.runtime(&["exec", "second", "/bin/probe", "hostname"]);
    assert_eq!(said.lines(), ["ok tested"], "{}", said.err);
    place.runtime(&["delete", "--force", "second"]).assert_ok();
    assert_eq!(place.status("first"), "running");
}

#[test]
fn a_user_namespace_makes_root_nobody() {
    let place = Place::new();
    // The overlay's layers belong to the host's root, so a plain tree of the mapped user serves.
    let root = place.dir.join("lower");
    let chown = std::process::Command::new("chown")
        .arg("-R")
        .arg("100000:100000")
        .arg(&root)
        .status();
    assert!(chown.unwrap().success());
    place.start("mapped", &["sleep", "60"], |config| {
        config["annotations"] = json!({});
        config["root"]["path"] = json!(root);
        let list = config["linux"]["namespaces"].as_array_mut().unwrap();
        list.push(json!({ "type": "user" }));
        let mapping = json!([{ "containerID": 0, "hostID": 100_000, "size": 65_536 }]);
        config["linux"]["uidMappings"] = mapping.clone();
        config["linux"]["gidMappings"] = mapping;
    });
    let status = fs::read_to_string(format!("/proc/{}/status", place.pid("mapped"))).unwrap();
    assert!(
        status.contains("Uid:\t100000\t100000\t100000\t100000"),
        "{status}"
    );
    let said = place.runtime(&[
        "exec",
        "mapped",
        "/bin/probe",
        "status",
        "Uid",
        "then",
        "write",
        "/tmp/own",
        "x",
        "then",
        "cat",
        "/dev/null",
    ]);
    assert_eq!(said.lines(), ["ok 0 0 0 0", "ok ", "ok "], "{}", said.err);
}

#[test]
fn a_time_namespace_has_its_offsets() {
    let place = Place::new();
    let said = place.run("time", &["cat", "/proc/self/timens_offsets"], |config| {
        config["linux"]["namespaces"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "type": "time" }));
        config["linux"]["timeOffsets"] = json!({ "boottime": { "secs": 86400 } });
    });
    assert!(
        said.out.contains("boottime") && said.out.contains("86400"),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn sysctls_change_the_containers_namespaces_only() {
    let place = Place::new();
    let host = fs::read_to_string("/proc/sys/net/ipv4/ip_default_ttl").unwrap();
    let said = place.run(
        "sysctl",
        &["cat", "/proc/sys/net/ipv4/ip_default_ttl"],
        |config| {
            config["linux"]["sysctl"] = json!({ "net.ipv4.ip_default_ttl": "33" });
        },
    );
    assert_eq!(said.lines(), ["ok 33"], "{}", said.err);
    assert_eq!(
        fs::read_to_string("/proc/sys/net/ipv4/ip_default_ttl").unwrap(),
        host
    );
}

#[test]
fn a_terminal_reaches_the_console_socket() {
    let place = Place::new();
    let socket = place.dir.join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let bundle = place.bundle("terminal", &["terminal"], |config| {
        config["process"]["terminal"] = json!(true);
        config["process"]["consoleSize"] = json!({ "width": 91, "height": 17 });
    });
    let arguments = [
        "create",
        "-b",
        bundle.to_str().unwrap(),
        "--console-socket",
        socket.to_str().unwrap(),
        "terminal",
    ];
    place.quiet(&arguments).assert_ok();
    let (stream, _) = listener.accept().unwrap();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut text = [0; 64];
    recvmsg(
        stream.as_fd(),
        &mut [IoSliceMut::new(&mut text)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )
    .unwrap();
    let Some(RecvAncillaryMessage::ScmRights(mut fds)) = control.drain().next() else {
        panic!("no descriptor came");
    };
    let mut master = fs::File::from(fds.next().unwrap());
    place.quiet(&["start", "terminal"]).assert_ok();
    let mut said = Vec::new();
    // Reading a terminal ends with an error once its last process is gone.
    let _ = master.read_to_end(&mut said);
    assert_eq!(
        String::from_utf8_lossy(&said),
        "ok 91x17 console=true controlling=true\r\n"
    );
    let arguments = ["create", "-b", bundle.to_str().unwrap(), "without"];
    place.quiet(&arguments).assert_fails("--console-socket");
}

#[test]
fn preserved_descriptors_reach_the_program() {
    let place = Place::new();
    let bundle = place.bundle("preserve", &["descriptors"], |_| {});
    let command = format!(
        "exec 3</dev/null 4</dev/null; exec {} --root {} run --preserve-fds 1 -b {} preserve",
        env!("CARGO_BIN_EXE_gantry-runtime"),
        place.dir.join("runtime").display(),
        bundle.display(),
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &command])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok 0 1 2 3\n");
}
