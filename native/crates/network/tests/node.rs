//! The node-wide part: setup and teardown, routes to other nodes, masquerade.

mod support;

use serde_json::{Value, json};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use support::{Host, Pod, sh};

/// A network to which the host is joined as 10.99.0.1, with `other` on it as 10.99.0.2.
fn neighbour(host: &Host) -> Pod {
    let other = host.pod("other");
    sh(
        "ip link add wan type veth peer name far; ip addr add 10.99.0.1/24 dev wan; ip link set wan up",
    );
    // A link is sent to a namespace by the pid of a process in it.
    let netns = format!("nsenter --net={}", other.netns.display());
    sh(&format!(
        "{netns} sleep 30 & p=$!; want=$({netns} readlink /proc/self/ns/net); \
         until [ \"$(readlink /proc/$p/ns/net)\" = \"$want\" ]; do :; done; \
         ip link set far netns $p; kill $p"
    ));
    other.sh("ip addr add 10.99.0.2/24 dev far; ip link set far up; ip link set lo up");
    other
}

fn set_routes(host: &Host, routes: Value) -> Result<Value, Value> {
    host.node_wide(
        "routes",
        &json!({ "routes": routes, "clusterCIDR": "10.42.0.0/16" }),
    )
}

fn our_routes() -> Vec<String> {
    let listed = sh("ip route show proto 71");
    listed
        .lines()
        .map(|line| line.split(" dev").next().unwrap().to_string())
        .collect()
}

#[test]
fn setup_and_teardown_leave_the_host_as_it_was() {
    let host = Host::new("setup");
    let before = sh("sysctl -n net.ipv4.ip_forward; ip -o link; ip route; nft list ruleset");
    for _ in 0..2 {
        let done = host.node_wide("setup", &host.config()).unwrap();
        assert_eq!(done["gateway"], "10.42.1.1");
    }
    assert_eq!(sh("sysctl -n net.ipv4.ip_forward").trim(), "1");
    assert!(sh("ip -br link show gantry0").contains("0a:58:0a:2a:01:01"));
    let own = "ip saddr 10.42.1.0/24 ip daddr != 10.42.0.0/16";
    assert_eq!(sh("nft list table ip gantry").matches(own).count(), 1);
    host.add(&host.pod("p1"));
    for _ in 0..2 {
        host.node_wide("teardown", &host.config()).unwrap();
    }
    let after = sh("sysctl -n net.ipv4.ip_forward; ip -o link; ip route; nft list ruleset");
    assert_eq!(after, before);
    assert!(!support::exists(host.dir.join("data/gantry")));
}

#[test]
fn pods_leave_the_cluster_under_the_nodes_address() {
    let host = Host::new("masq");
    let other = neighbour(&host);
    host.node_wide("setup", &host.config()).unwrap();
    let pod = host.pod("p1");
    host.add(&pod);
    let (tell, told) = std::sync::mpsc::channel();
    let serving = other.inside(move || {
        let listener = TcpListener::bind("10.99.0.2:9000").unwrap();
        tell.send(()).unwrap();
        listener.accept().unwrap().1.ip().to_string()
    });
    told.recv().unwrap();
    let fetch = || drop(TcpStream::connect("10.99.0.2:9000").unwrap().read(&mut [0]));
    pod.inside(fetch).join().unwrap();
    assert_eq!(serving.join().unwrap(), "10.99.0.1");
}

#[test]
fn pods_of_two_nodes_reach_each_other_unmasked() {
    let host = Host::new("nodes");
    let other = neighbour(&host);
    host.node_wide("setup", &host.config()).unwrap();
    let pod = host.pod("p1");
    host.add(&pod);
    // The other node, by hand: a pod address of its own range and the way back.
    other.sh("ip addr add 10.42.2.5/32 dev lo; ip route add 10.42.1.0/24 via 10.99.0.1");
    set_routes(
        &host,
        json!([{ "podCIDR": "10.42.2.0/24", "via": "10.99.0.2" }]),
    )
    .unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let serving = other.inside(move || {
        let listener = TcpListener::bind("10.42.2.5:9000").unwrap();
        tell.send(()).unwrap();
        listener.accept().unwrap().1.ip().to_string()
    });
    told.recv().unwrap();
    pod.inside(|| drop(TcpStream::connect("10.42.2.5:9000").unwrap()))
        .join()
        .unwrap();
    assert_eq!(serving.join().unwrap(), "10.42.1.2");
}

#[test]
fn routes_become_exactly_the_wanted_ones_and_others_stay() {
    let host = Host::new("routes");
    let _other = neighbour(&host);
    sh("ip route add 10.42.200.0/24 via 10.99.0.9; ip route add 192.0.2.0/24 via 10.99.0.9");
    let both = json!([{ "podCIDR": "10.42.2.0/24", "via": "10.99.0.2" },
                      { "podCIDR": "10.42.3.0/24", "via": "10.99.0.3" }]);
    let done = set_routes(&host, both.clone()).unwrap();
    assert_eq!(done["added"], json!(["10.42.2.0/24", "10.42.3.0/24"]));
    assert_eq!(
        our_routes(),
        ["10.42.2.0/24 via 10.99.0.2", "10.42.3.0/24 via 10.99.0.3"]
    );
    let again = set_routes(&host, both).unwrap();
    assert_eq!(again, json!({ "added": [], "changed": [], "removed": [] }));
    let moved = json!([{ "podCIDR": "10.42.3.0/24", "via": "10.99.0.4" }]);
    let done = set_routes(&host, moved).unwrap();
    assert_eq!(
        (&done["changed"], &done["removed"]),
        (&json!(["10.42.3.0/24"]), &json!(["10.42.2.0/24"]))
    );
    assert_eq!(our_routes(), ["10.42.3.0/24 via 10.99.0.4"]);
    set_routes(&host, json!([])).unwrap();
    assert!(our_routes().is_empty());
    let others = sh("ip route");
    assert!(
        others.contains("10.42.200.0/24") && others.contains("192.0.2.0/24"),
        "{others}"
    );
}

#[test]
fn a_node_out_of_reach_is_named_and_does_not_stop_the_others() {
    let host = Host::new("far");
    let _other = neighbour(&host);
    let routes = json!([{ "podCIDR": "10.42.2.0/24", "via": "172.31.0.2" },
                        { "podCIDR": "10.42.3.0/24", "via": "10.99.0.3" }]);
    let error = set_routes(&host, routes).unwrap_err();
    let message = error["msg"].as_str().unwrap();
    assert!(message.contains("10.42.2.0/24 via 172.31.0.2"), "{message}");
    assert_eq!(our_routes(), ["10.42.3.0/24 via 10.99.0.3"]);
}

#[test]
fn wrong_routes_are_refused_before_any_is_set() {
    let host = Host::new("wrong");
    let _other = neighbour(&host);
    let good = json!({ "podCIDR": "10.42.2.0/24", "via": "10.99.0.2" });
    let table = [
        (json!([good, good]), "overlaps"),
        (
            json!([good, { "podCIDR": "10.43.0.0/24", "via": "10.99.0.3" }]),
            "routes[1].podCIDR",
        ),
        (
            json!([good, { "podCIDR": "10.42.0.0/16", "via": "10.99.0.3" }]),
            "overlaps",
        ),
        (
            json!([good, { "podCIDR": "10.42.3.0/24", "via": "0.0.0.0" }]),
            "routes[1].via",
        ),
        (
            json!([good, { "podCIDR": "10.42.3.0/24", "via": "x" }]),
            "invalid",
        ),
        (json!([good, { "podCIDR": "10.42.3.0/24" }]), "via"),
        (json!(null), "null"),
    ];
    for (routes, expected) in table {
        let error = set_routes(&host, routes).unwrap_err();
        assert!(
            error["msg"].as_str().unwrap().contains(expected),
            "{expected}: {error}"
        );
        assert!(our_routes().is_empty());
    }
}
