//! What an attachment asks for beyond its interface: ports of the host, limits, a place in a chain.

mod support;

use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::{Host, Pod, call, sh};

fn address(result: &Value) -> String {
    let ips = result["ips"].as_array().unwrap();
    let cidr = ips.last().unwrap()["address"].as_str().unwrap();
    cidr.split('/').next().unwrap().to_string()
}

fn with_runtime_config(host: &Host, runtime_config: Value) -> Value {
    let mut config = host.config();
    config["runtimeConfig"] = runtime_config;
    config
}

fn with_ports(host: &Host, ports: Value) -> Value {
    with_runtime_config(host, json!({ "portMappings": ports }))
}

/// A listener of an earlier part of the test may live on for a moment, in the child that another test's thread has
/// forked and that has not come to its exec yet.
fn listen() -> TcpListener {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind("0.0.0.0:8080") {
            Err(e) if e.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            bound => return bound.unwrap(),
        }
    }
}

/// Answers so many connections on port 8080 with the pod's name.
fn serve(pod: &Pod, connections: usize) -> JoinHandle<()> {
    let (tell, told) = std::sync::mpsc::channel();
    let name = pod.name.clone();
    let serving = pod.inside(move || {
        let listener = listen();
        tell.send(()).unwrap();
        for stream in listener.incoming().take(connections) {
            stream.unwrap().write_all(name.as_bytes()).unwrap();
        }
    });
    told.recv().unwrap();
    serving
}

fn fetch(target: &str) -> std::io::Result<String> {
    let mut text = String::new();
    TcpStream::connect(target)?.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn a_port_of_the_host_leads_to_the_pod_from_everywhere_and_is_closed_again() {
    let host = Host::new("ports");
    let (web, other) = (host.pod("web"), host.pod("other"));
    sh("ip addr add 192.0.2.7/32 dev lo");
    host.node_wide("setup", &host.config()).unwrap();
    let config = with_ports(&host, json!([{ "hostPort": 80, "containerPort": 8080 }]));
    let result = host.cni("ADD", &web, &config).unwrap();
    host.add(&other);
    let serving = serve(&web, 5);
    assert_eq!(fetch("127.0.0.1:80").unwrap(), "web", "loopback");
    assert_eq!(
        fetch("192.0.2.7:80").unwrap(),
        "web",
        "another address of the host"
    );
    let from = |pod: &Pod, target: &'static str| pod.inside(move || fetch(target)).join().unwrap();
    assert_eq!(from(&other, "10.42.1.1:80").unwrap(), "web", "a neighbour");
    assert_eq!(from(&web, "192.0.2.7:80").unwrap(), "web", "the pod itself");
    let direct = format!("{}:8080", address(&result));
    assert_eq!(fetch(&direct).unwrap(), "web");
    serving.join().unwrap();
    let mut check = config.clone();
    check["prevResult"] = result;
    assert_eq!(host.cni("CHECK", &web, &check), Ok(Value::Null));
    sh("nft flush map ip gantry host-ports");
    let error = host.cni("CHECK", &web, &check).unwrap_err();
    assert!(error["msg"].as_str().unwrap().contains("80/tcp"), "{error}");
    host.cni("DEL", &web, &config).unwrap();
    assert!(fetch("127.0.0.1:80").is_err());
    assert!(!sh("nft list table ip gantry").contains("10.42.1.2"));
}

#[test]
fn the_hosts_loopback_stays_closed_to_pods() {
    let host = Host::new("guard");
    let pod = host.pod("web");
    let config = with_ports(&host, json!([{ "hostPort": 80, "containerPort": 8080 }]));
    host.cni("ADD", &pod, &config).unwrap();
    let private = TcpListener::bind("127.0.0.1:9999").unwrap();
    private.set_nonblocking(true).unwrap();
    pod.sh("ip link set lo down; ip addr flush dev lo; ip route del table local 127.0.0.0/8 2>/dev/null; \
            ip route add 127.0.0.1 via 10.42.1.1; sysctl -qw net.ipv4.conf.all.route_localnet=1");
    let reached = pod.sh(
        "timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/9999' 2>/dev/null && echo reached || true",
    );
    assert_eq!(reached, "");
    assert!(private.accept().is_err(), "nobody came");
    assert!(sh("nft list chain ip gantry guard").contains("drop"));
}

#[test]
fn a_port_that_is_taken_is_refused_and_harms_nothing() {
    let host = Host::new("taken");
    let (one, two) = (host.pod("one"), host.pod("two"));
    let ports = json!([{ "hostPort": 53, "containerPort": 8080, "protocol": "udp" }]);
    let config = with_ports(&host, ports);
    host.cni("ADD", &one, &config).unwrap();
    let error = host.cni("ADD", &two, &config).unwrap_err();
    assert_eq!(error["msg"], "port 53/udp of the host leads to one");
    assert_eq!((host.leases(), host.veths()), (1, 1));
    let other = json!([{ "hostPort": 53, "containerPort": 8080, "protocol": "tcp",
                         "hostIP": "127.0.0.1" }]);
    host.cni("ADD", &two, &with_ports(&host, other)).unwrap();
    let listed = sh("nft list table ip gantry");
    assert!(
        listed.contains("127.0.0.1 . tcp . 53 : 10.42.1."),
        "{listed}"
    );
    let mut gc = host.config();
    gc["cni.dev/valid-attachments"] = json!([]);
    call(
        &[],
        &[("CNI_COMMAND", "GC"), ("CNI_PATH", "/x")],
        &gc.to_string(),
    )
    .unwrap();
    let listed = sh("nft list table ip gantry");
    assert!(!listed.contains(": 10.42.1."), "{listed}");
}

#[test]
fn a_port_of_a_pod_that_vanished_without_a_word_is_free_again() {
    let host = Host::new("vanished");
    let (one, two) = (host.pod("one"), host.pod("two"));
    let ports = json!([{ "hostPort": 54, "containerPort": 8080, "protocol": "udp" }]);
    let config = with_ports(&host, ports);
    host.cni("ADD", &one, &config).unwrap();
    one.vanish();
    let result = host.cni("ADD", &two, &config).unwrap();
    assert_eq!(host.leases(), 1);
    let listed = sh("nft list table ip gantry");
    let leads = format!("udp . 54 : {} . 8080", address(&result));
    assert!(listed.contains(&leads), "{leads} in {listed}");
}

/// Bytes per second of one connection to the pod's sink, or from its source.
fn measure(pod: &Pod, at: &str, bytes: usize, towards_pod: bool) -> f64 {
    let (tell, told) = std::sync::mpsc::channel();
    let serving = pod.inside(move || {
        let listener = listen();
        tell.send(()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        move_bytes(&mut stream, bytes, towards_pod)
    });
    told.recv().unwrap();
    let mut stream = TcpStream::connect(at).unwrap();
    let theirs = !towards_pod;
    let ours = std::thread::spawn(move || move_bytes(&mut stream, bytes, theirs));
    let (pod_took, we_took) = (serving.join().unwrap(), ours.join().unwrap());
    bytes as f64 / if towards_pod { pod_took } else { we_took }
}

/// Reads or writes so much; how long it took, in seconds.
fn move_bytes(stream: &mut TcpStream, bytes: usize, reading: bool) -> f64 {
    let began = Instant::now();
    let mut left = bytes;
    let mut chunk = vec![0; 64 * 1024];
    while left > 0 {
        let size = left.min(chunk.len());
        left -= if reading {
            stream.read(&mut chunk[..size]).unwrap()
        } else {
            stream.write(&chunk[..size]).unwrap()
        };
    }
    began.elapsed().as_secs_f64()
}

#[test]
fn bandwidth_limits_bind_in_both_directions() {
    let host = Host::new("bandwidth");
    let (slow, free) = (host.pod("slow"), host.pod("free"));
    let (ingress, egress) = (16_000_000, 8_000_000);
    let limits = json!({ "bandwidth": { "ingressRate": ingress, "egressRate": egress } });
    let config = with_runtime_config(&host, limits);
    let result = host.cni("ADD", &slow, &config).unwrap();
    let at = format!("{}:8080", address(&result));
    let bytes = 2_000_000;
    for (rate, towards_pod) in [(ingress, true), (egress, false)] {
        let seen = measure(&slow, &at, bytes, towards_pod);
        let limit = f64::from(rate) / 8.0;
        // The burst passes at once, so somewhat more than the rate is seen at first.
        assert!(
            seen < 1.35 * limit,
            "{seen} B/s with a limit of {limit} B/s"
        );
        // Bits taken for bytes would be an eighth; how near it comes is up to the machine.
        assert!(seen > 0.2 * limit, "{seen} B/s with a limit of {limit} B/s");
    }
    let unlimited = host.add(&free);
    let fast = measure(&free, &format!("{}:8080", address(&unlimited)), bytes, true);
    assert!(
        fast > 1.5 * f64::from(ingress) / 8.0,
        "without a limit: {fast} B/s"
    );
    let mut check = config.clone();
    check["prevResult"] = result;
    assert_eq!(host.cni("CHECK", &slow, &check), Ok(Value::Null));
    slow.sh("tc qdisc del dev eth0 root");
    let error = host.cni("CHECK", &slow, &check).unwrap_err();
    assert!(
        error["msg"].as_str().unwrap().contains("not limited"),
        "{error}"
    );
}

#[test]
fn what_earlier_plugins_made_is_passed_on() {
    let host = Host::new("chain");
    let pod = host.pod("p1");
    let mut config = host.config();
    config["prevResult"] = json!({
        "cniVersion": "1.1.0",
        "interfaces": [{ "name": "net1", "sandbox": pod.netns }],
        "ips": [{ "address": "192.0.2.9/24", "interface": 0 }],
        "routes": [{ "dst": "192.0.2.0/24" }],
        "dns": { "nameservers": ["192.0.2.1"] },
    });
    let result = host.cni("ADD", &pod, &config).unwrap();
    let names = result["interfaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["name"].clone());
    assert_eq!(
        names.collect::<Vec<_>>()[..2],
        [json!("net1"), json!("gantry0")]
    );
    assert_eq!(result["ips"][0]["address"], "192.0.2.9/24");
    assert_eq!(result["ips"][1]["address"], "10.42.1.2/24");
    assert_eq!(result["ips"][1]["interface"], 3);
    assert_eq!(result["interfaces"][3]["name"], "eth0");
    assert_eq!(result["routes"].as_array().unwrap().len(), 2);
    assert_eq!(result["dns"]["nameservers"][0], "192.0.2.1");
    config["prevResult"] = result;
    assert_eq!(host.cni("CHECK", &pod, &config), Ok(Value::Null));
    config["prevResult"]["ips"] = json!([{ "address": "192.0.2.9/24" }]);
    assert!(host.cni("CHECK", &pod, &config).is_err());
}

#[test]
fn an_add_of_which_any_step_fails_is_undone() {
    let host = Host::new("inject");
    host.add(&host.pod("first"));
    let ports = json!([{ "hostPort": 80, "containerPort": 8080 }]);
    let mut config = with_ports(&host, ports);
    config["runtimeConfig"]["bandwidth"] = json!({ "ingressRate": 8000, "egressRate": 8000 });
    let before = sh("nft list ruleset; ip -o link | wc -l");
    let mut failures = 0;
    for calls in 1..100 {
        let pod = host.pod(&format!("f{calls}"));
        if fails_at(&host, &pod, &config, calls) {
            failures += 1;
            assert_eq!(
                (host.leases(), host.veths()),
                (1, 1),
                "failed at call {calls}"
            );
            assert!(
                !sh("nft list ruleset").contains(": 10.42.1."),
                "failed at call {calls}"
            );
        } else {
            host.cni("DEL", &pod, &config).unwrap();
        }
    }
    assert!(failures >= 10, "only {failures} steps failed");
    assert!(before.lines().last() == sh("ip -o link | wc -l").lines().last());
}

/// Runs ADD with one system call failing; whether ADD failed.
fn fails_at(host: &Host, pod: &Pod, config: &Value, call: usize) -> bool {
    let inject = format!("inject=sendto,rename,setns,clone,fork,vfork:error=EPERM:when={call}");
    let file = host.dir.join("config.json");
    std::fs::write(&file, config.to_string()).unwrap();
    let mut command = std::process::Command::new("strace");
    command.args(["-qq", "-o", "/dev/null", "-e", &inject]);
    command.arg(env!("CARGO_BIN_EXE_gantry-network"));
    command.envs([("CNI_COMMAND", "ADD"), ("CNI_IFNAME", "eth0")]);
    command
        .env("CNI_CONTAINERID", &pod.name)
        .env("CNI_NETNS", &pod.netns);
    command.stdin(std::fs::File::open(file).unwrap());
    let quiet = || std::process::Stdio::null();
    !command
        .stdout(quiet())
        .stderr(quiet())
        .status()
        .unwrap()
        .success()
}
