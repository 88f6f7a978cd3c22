//! The CNI verbs, each in a host's network namespace that the test has made.

mod support;

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use support::{Host, call, sh};

fn address(result: &Value) -> String {
    let cidr = result["ips"][0]["address"].as_str().unwrap();
    cidr.split('/').next().unwrap().to_string()
}

#[test]
fn add_gives_an_interface_an_address_and_a_way_out() {
    let host = Host::new("add");
    let pod = host.pod("p1");
    let result = host.add(&pod);
    assert_eq!(result["ips"][0]["address"], "10.42.1.2/24");
    assert_eq!(result["ips"][0]["gateway"], "10.42.1.1");
    assert_eq!(result["interfaces"][2]["name"], "eth0");
    assert_eq!(result["interfaces"][2]["sandbox"], json!(pod.netns));
    let inside = pod.sh("ip -br addr; ip route");
    assert!(inside.contains("10.42.1.2/24"), "{inside}");
    assert!(inside.contains("lo               UNKNOWN"), "{inside}");
    assert!(
        inside.contains("default via 10.42.1.1 dev eth0"),
        "{inside}"
    );
    let mac = result["interfaces"][2]["mac"].as_str().unwrap();
    assert!(pod.sh("ip link show eth0").contains(mac));
    let veth = result["interfaces"][1]["name"].as_str().unwrap();
    assert!(sh(&format!("bridge -d link show dev {veth}")).contains("hairpin on"));
    assert!(sh("ip -br addr show gantry0").contains("10.42.1.1/24"));
}

#[test]
fn pods_reach_each_other_and_the_node() {
    let host = Host::new("reach");
    let (one, two) = (host.pod("p1"), host.pod("p2"));
    let (first, second) = (address(&host.add(&one)), address(&host.add(&two)));
    assert_ne!(first, second);
    let (tell, told) = std::sync::mpsc::channel();
    let serving = one.inside(move || {
        let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
        tell.send(()).unwrap();
        for stream in listener.incoming().take(2) {
            stream.unwrap().write_all(b"page").unwrap();
        }
    });
    told.recv().unwrap();
    let target = format!("{first}:8080");
    let fetch = move || {
        let mut text = String::new();
        TcpStream::connect(&target)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    assert_eq!(two.inside(fetch.clone()).join().unwrap(), "page");
    assert_eq!(fetch(), "page", "from the node itself");
    serving.join().unwrap();
}

#[test]
fn del_frees_everything_and_can_be_repeated() {
    let host = Host::new("del");
    let pod = host.pod("p1");
    host.add(&pod);
    assert_eq!((host.leases(), host.veths()), (1, 1));
    for _ in 0..2 {
        assert_eq!(host.cni("DEL", &pod, &host.config()), Ok(Value::Null));
        assert_eq!((host.leases(), host.veths()), (0, 0));
    }
    assert_eq!(
        address(&host.add(&pod)),
        "10.42.1.3",
        "the address before it rests"
    );
    pod.vanish();
    assert_eq!(host.cni("DEL", &pod, &host.config()), Ok(Value::Null));
    assert_eq!((host.leases(), host.veths()), (0, 0));
}

#[test]
fn a_second_add_is_refused_and_harms_nothing() {
    let host = Host::new("again");
    let pod = host.pod("p1");
    let result = host.add(&pod);
    let error = host.cni("ADD", &pod, &host.config()).unwrap_err();
    assert!(
        error["details"].as_str().unwrap().contains("DEL"),
        "{error}"
    );
    let mut config = host.config();
    config["prevResult"] = result;
    assert_eq!(host.cni("CHECK", &pod, &config), Ok(Value::Null));
}

#[test]
fn a_failed_add_is_undone() {
    let host = Host::new("undo");
    let taken = host.pod("taken");
    taken.sh("ip link add eth0 type veth peer name other");
    let error = host.cni("ADD", &taken, &host.config()).unwrap_err();
    assert!(error["msg"].as_str().unwrap().contains("eth0"), "{error}");
    assert_eq!((host.leases(), host.veths()), (0, 0));
    let mut config = host.config();
    config["bridge"] = json!("lo");
    let error = host.cni("ADD", &host.pod("p2"), &config).unwrap_err();
    assert!(
        error["msg"].as_str().unwrap().contains("no bridge"),
        "{error}"
    );
    assert_eq!((host.leases(), host.veths()), (0, 0));
    let file = support::Pod {
        name: "file".into(),
        netns: host.dir.join("file"),
    };
    std::fs::write(&file.netns, "").unwrap();
    let error = host.cni("ADD", &file, &host.config()).unwrap_err();
    assert!(
        error["msg"].as_str().unwrap().contains("not a namespace"),
        "{error}"
    );
    assert_eq!(host.leases(), 0);
}

#[test]
fn check_sees_each_difference() {
    let damages = [
        ("pod", "ip addr flush dev eth0"),
        ("pod", "ip link set eth0 down"),
        ("pod", "ip route del default"),
        (
            "host",
            "ip link set $(ip -o link show type veth | cut -d: -f2 | cut -d@ -f1) nomaster",
        ),
        ("host", "ip link del gantry0"),
    ];
    let host = Host::new("check");
    for (index, (place, damage)) in damages.iter().enumerate() {
        let pod = host.pod(&format!("p{index}"));
        let mut config = host.config();
        config["prevResult"] = host.add(&pod);
        assert_eq!(host.cni("CHECK", &pod, &config), Ok(Value::Null));
        if *place == "pod" {
            pod.sh(damage)
        } else {
            sh(damage)
        };
        let error = host.cni("CHECK", &pod, &config).expect_err(damage);
        assert!(error["code"].as_u64().unwrap() >= 100, "{error}");
        host.cni("DEL", &pod, &config).unwrap();
    }
}

#[test]
fn gc_removes_what_is_not_valid_any_more() {
    let host = Host::new("gc");
    let pods: Vec<_> = (0..3).map(|n| host.pod(&format!("p{n}"))).collect();
    pods.iter().for_each(|pod| drop(host.add(pod)));
    pods[2].vanish();
    let mut config = host.config();
    config["cni.dev/valid-attachments"] = json!([{ "containerID": "p1", "ifname": "eth0" }]);
    let gc = call(
        &[],
        &[("CNI_COMMAND", "GC"), ("CNI_PATH", "/x")],
        &config.to_string(),
    );
    assert_eq!(gc, Ok(Value::Null));
    assert_eq!((host.leases(), host.veths()), (1, 1));
    assert_eq!(host.cni("CHECK", &pods[1], &host.config()), Ok(Value::Null));
}

#[test]
fn many_adds_at_once_share_nothing() {
    let host = Host::new("many");
    let pods: Vec<_> = (0..24).map(|n| host.pod(&format!("p{n}"))).collect();
    // Scoped threads inherit the host's network namespace from this one.
    let mut addresses = std::thread::scope(|scope| {
        let host = &host;
        let add = |pod| scope.spawn(move || address(&host.add(pod)));
        let threads: Vec<_> = pods.iter().map(add).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    addresses.sort();
    addresses.dedup();
    assert_eq!((addresses.len(), host.leases(), host.veths()), (24, 24, 24));
}

#[test]
fn a_call_that_was_killed_anywhere_can_be_cleaned_up_and_done_again() {
    let host = Host::new("killed");
    host.add(&host.pod("first"));
    for calls in 1.. {
        let pod = host.pod(&format!("k{calls}"));
        if !killed_at(&host, &pod, calls) {
            assert!(calls > 20, "the call was killed at {calls} places only");
            break;
        }
        host.cni("DEL", &pod, &host.config()).expect("DEL");
        assert_eq!(
            (host.leases(), host.veths()),
            (1, 1),
            "killed at system call {calls}"
        );
        host.add(&pod);
        host.cni("DEL", &pod, &host.config()).expect("DEL");
    }
}

/// Runs ADD under strace, which kills it at the given netlink or file change; false when the call
/// ended before.
fn killed_at(host: &Host, pod: &support::Pod, calls: usize) -> bool {
    let inject = format!("inject=sendto,rename,openat,setns,close:signal=KILL:when={calls}");
    let config = host.dir.join("config.json");
    std::fs::write(&config, host.config().to_string()).unwrap();
    let status = std::process::Command::new("strace")
        .args([
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &inject,
            env!("CARGO_BIN_EXE_gantry-network"),
        ])
        .envs([
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", &pod.name),
            ("CNI_IFNAME", "eth0"),
        ])
        .env("CNI_NETNS", &pod.netns)
        .stdin(std::fs::File::open(config).unwrap())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

#[test]
fn version_and_status() {
    let host = Host::new("status");
    let version = call(&[], &[("CNI_COMMAND", "VERSION")], "").unwrap();
    assert!(
        version["supportedVersions"]
            .as_array()
            .unwrap()
            .contains(&json!("1.1.0"))
    );
    let status = || {
        call(
            &[],
            &[("CNI_COMMAND", "STATUS")],
            &host.config().to_string(),
        )
    };
    assert_eq!(status().unwrap_err()["code"], json!(50));
    host.add(&host.pod("p1"));
    assert_eq!(status(), Ok(Value::Null));
}

#[test]
fn hostile_input_is_refused_with_cni_errors() {
    let host = Host::new("hostile");
    let variables = |id: &'static str| {
        [
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", id),
            ("CNI_IFNAME", "eth0"),
            ("CNI_NETNS", "/run/x"),
        ]
    };
    let good = host.config().to_string();
    let mut old = host.config();
    old["cniVersion"] = json!("9.0.0");
    let table = [
        (variables("c"), "".to_string(), 6),
        (variables("c"), "[".repeat(100_000), 6),
        (
            variables("c"),
            format!("{}{}", good, " ".repeat(2 << 20)),
            6,
        ),
        (variables("c"), old.to_string(), 1),
        (variables("../c"), good.clone(), 4),
        (variables("c"), good, 5),
    ];
    for (variables, input, code) in table {
        let error = call(&[], &variables, &input).unwrap_err();
        assert_eq!(error["code"], json!(code), "{error}");
        assert!(error["cniVersion"].is_string() && error["msg"].is_string());
    }
    assert_eq!(call(&[], &[], "").unwrap_err()["code"], json!(4));
    assert_eq!((host.leases(), host.veths()), (0, 0));
}
