//! The launcher's own requests: runs, sandboxes, and what it refuses without dying.

mod support;

use nix::libc;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use support::{Client, Node, wait_until};

fn run(node: &Node, argv: &[&str], extra: Value) -> Value {
    let mut request = json!({"id": 2, "op": "run", "argv": argv, "timeoutMs": 20000});
    for (key, value) in extra.as_object().unwrap() {
        request[key] = value.clone();
    }
    node.call(request)
}

#[test]
fn run_passes_input_environment_output_and_exit_code() {
    let node = Node::new("run");
    let script = "cat; echo $NAME >&2; env | wc -l; exit 7";
    let answer = run(
        &node,
        &["/bin/sh", "-c", script],
        json!({"stdin": "in".repeat(200_000), "env": {"NAME": "value"}}),
    );
    let result = &answer["result"];
    assert_eq!(
        (&result["exitCode"], &result["stderr"]),
        (&json!(7), &json!("value\n"))
    );
    let stdout = result["stdout"].as_str().unwrap();
    assert!(stdout.starts_with(&"in".repeat(200_000)));
    // PATH, NAME and PWD of the shell itself: nothing of the launcher's environment.
    assert_eq!(stdout.trim_start_matches("in").trim(), "3");
}

#[test]
fn run_has_a_time_limit_that_takes_children_along() {
    let node = Node::new("late");
    let marker = format!("1000.{}", std::process::id());
    let script = format!("sleep {marker} & sleep {marker}");
    let answer = run(
        &node,
        &["/bin/sh", "-c", &script],
        json!({"timeoutMs": 300}),
    );
    assert_eq!(answer["error"]["reason"], json!("Timeout"), "{answer}");
    wait_until("no child is left", || {
        let found = Command::new("pgrep")
            .args(["-f", &format!("sleep {marker}")])
            .output();
        found.unwrap().stdout.is_empty()
    });
}

#[test]
fn run_bounds_output_and_says_so() {
    let node = Node::new("much");
    let answer = run(
        &node,
        &["/bin/sh", "-c", "head -c 3000000 /dev/zero"],
        json!({}),
    );
    assert_eq!(answer["result"]["truncated"], json!(true));
    assert_eq!(answer["result"]["stdout"].as_str().unwrap().len(), 1 << 20);
}

#[test]
fn run_says_what_could_not_be_started() {
    let node = Node::new("cannot");
    let table = [
        (vec!["/no/such"], "No such file"),
        (vec!["sh"], "absolute path"),
        (vec![], "must name a program"),
        (vec!["/bin/sh", "a\0b"], "argv[1]"),
    ];
    for (argv, expected) in table {
        let answer = run(&node, &argv, json!({}));
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{argv:?}: {answer}");
    }
}

#[test]
fn answers_come_as_they_are_ready() {
    let node = Node::new("order");
    let mut client = node.client();
    client.send(json!({"id": 1, "op": "run", "argv": ["/bin/sleep", "0.3"], "timeoutMs": 5000}));
    client.send(json!({"id": 2, "op": "container.list"}));
    assert_eq!(client.receive()["id"], json!(2));
    assert_eq!(client.receive()["id"], json!(1));
}

#[test]
fn hostile_bytes_are_refused_and_the_launcher_lives() {
    let node = Node::new("hostile");
    let mut client = node.client();
    for line in [
        &b"\n"[..],
        b"\xff\xfe\n",
        b"{\n",
        b"null\n",
        b"{\"id\":1e99,\"op\":\"run\"}\n",
    ] {
        client.writer.write_all(line).unwrap();
        let answer = client.receive();
        assert_eq!(answer["error"]["reason"], json!("BadRequest"), "{answer}");
    }
    assert_eq!(
        client.call(json!({"id": 1, "op": "container.list"}))["id"],
        json!(1)
    );
    let mut flooding = node.client();
    let chunk = vec![b'x'; 65536];
    while flooding.writer.write_all(&chunk).is_ok() {}
    let mut rest = Vec::new();
    let _ = flooding.reader.read_to_end(&mut rest);
    let mut half = node.client();
    half.writer.write_all(b"{\"id\":1,").unwrap();
    drop(half);
    assert_eq!(
        node.call(json!({"id": 9, "op": "container.list"}))["id"],
        json!(9)
    );
}

#[test]
fn a_session_whose_peer_breaks_the_framing_ends_alone() {
    let node = Node::new("frames");
    node.run_container("c", "exec sleep 1000");
    let mut session = node.client();
    session.call(node.exec_request("c", &["cat"], true));
    session.writer.write_all(&[0xff; 64]).unwrap();
    let mut rest = Vec::new();
    // The end may come as a reset, since not all that we sent was read.
    let _ = session.reader.read_to_end(&mut rest);
    let listed = node.call(json!({"id": 1, "op": "container.list"}));
    assert_eq!(listed["result"]["containers"][0]["running"], json!(true));
}

#[test]
fn sessions_have_a_bound() {
    let node = Node::new("bound");
    node.run_container("c", "exec sleep 1000");
    let open = || {
        let mut client = node.client();
        let answer = client.call(node.exec_request("c", &["sleep", "1000"], false));
        (client, answer)
    };
    let mut sessions = Vec::new();
    let refusal = loop {
        let (client, answer) = open();
        if answer.get("error").is_some() {
            break answer;
        }
        sessions.push(client);
        assert!(sessions.len() <= 128, "no bound was met");
    };
    assert_eq!(
        refusal["error"]["reason"],
        json!("ServiceUnavailable"),
        "{refusal}"
    );
    assert_eq!(sessions.len(), 128);
    sessions.truncate(120);
    wait_until("there is room again", || open().1.get("result").is_some());
}

#[test]
fn the_socket_is_roots_alone_and_there_is_one_launcher() {
    let node = Node::new("alone");
    let mode = std::fs::metadata(node.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = node.launcher_command().output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another launcher"));
    std::fs::set_permissions(node.socket(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let socket = node.socket();
    let stranger = std::thread::spawn(move || {
        const NOBODY: i32 = 65534;
        // SAFETY: three integers; the raw call changes this thread alone, which ends with the test.
        unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
        let mut client = Client::new(UnixStream::connect(socket).unwrap());
        let _ = client
            .writer
            .write_all(b"{\"id\":1,\"op\":\"container.list\"}\n");
        client.reader.read(&mut [0; 10]).unwrap_or(0)
    });
    assert_eq!(stranger.join().unwrap(), 0, "an answer to a stranger");
}

#[test]
fn detached_it_returns_when_it_answers_and_leaves_with_shutdown() {
    let mut node = Node::new("detach");
    node.kill_launcher();
    let started = node.launcher_command().arg("--detach").status().unwrap();
    assert!(started.success());
    assert_eq!(
        node.call(json!({"id": 1, "op": "shutdown"}))["result"],
        json!({})
    );
    wait_until("it has gone", || {
        UnixStream::connect(node.socket()).is_err()
    });
}

#[test]
fn a_sandbox_is_pinned_namespaces_and_goes_without_a_trace() {
    let node = Node::new("sandbox");
    let dir = node.dir.join("sandbox");
    let request = json!({
        "id": 1, "op": "sandbox.create", "dir": dir, "hostname": "pod-1",
        "sysctls": {"net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1"},
    });
    let created = node.call(request.clone());
    assert_eq!(
        created["result"]["net"],
        json!(dir.join("net")),
        "{created}"
    );
    assert_eq!(
        node.call(request)["error"]["reason"],
        json!("AlreadyExists")
    );
    let net = dir.join("net").display().to_string();
    let uts = dir.join("uts").display().to_string();
    let script = "hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ip -br addr";
    let inside = Command::new("nsenter")
        .args([
            format!("--net={net}"),
            format!("--uts={uts}"),
            "sh".into(),
            "-c".into(),
        ])
        .arg(script)
        .output()
        .unwrap();
    let inside = String::from_utf8_lossy(&inside.stdout).into_owned();
    assert!(inside.starts_with("pod-1\n80\nlo "), "{inside}");
    assert!(inside.contains("127.0.0.1"), "{inside}");
    assert_ne!(hostname(), "pod-1");
    for _ in 0..2 {
        let removed = node.call(json!({"id": 1, "op": "sandbox.remove", "dir": dir}));
        assert_eq!(removed["result"], json!({}), "{removed}");
    }
    assert!(!dir.exists());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(dir.to_str().unwrap()));
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap()
        .trim()
        .to_string()
}

#[test]
fn a_sandbox_on_the_hosts_network_has_only_ipc() {
    let node = Node::new("hostnet");
    let dir = node.dir.join("sandbox");
    let request = json!({"id": 1, "op": "sandbox.create", "dir": dir, "hostname": "x",
                         "hostNetwork": true});
    let created = node.call(request);
    assert_eq!(
        created["result"],
        json!({"dir": dir, "ipc": dir.join("ipc")})
    );
    node.call(json!({"id": 1, "op": "sandbox.remove", "dir": dir}));
    assert!(!dir.exists());
}

#[test]
fn a_sandbox_that_cannot_be_made_leaves_nothing() {
    let node = Node::new("badbox");
    let dir = node.dir.join("sandbox");
    let request = json!({"id": 1, "op": "sandbox.create", "dir": dir, "hostname": "x",
                         "sysctls": {"net.no.such": "1"}});
    let answer = node.call(request);
    assert!(
        answer["error"]["step"]
            .as_str()
            .unwrap()
            .contains("net.no.such"),
        "{answer}"
    );
    assert!(!dir.exists());
}
