//! Foreign configurations and environments: judged without a crash, and what was accepted cannot
//! name a place outside of its own.

use crate::config::{Attachment, Config, decode};
use crate::node;
use gantry_fuzz::{Fuzz, Random, mutate_bytes, mutate_document};
use serde_json::{Value, json};
use std::path::Component;

fn seed() -> Value {
    json!({
        "cniVersion": "1.1.0", "name": "gantry", "type": "gantry-network", "bridge": "gantry0",
        "podCIDR": "10.42.1.0/24", "clusterCIDR": "10.42.0.0/16", "mtu": 1450,
        "dataDir": "/var/lib/gantry/network",
        "prevResult": { "cniVersion": "1.1.0", "interfaces": [{ "name": "eth0", "mac": "0a:58:0a:2a:01:02" }],
                        "ips": [{ "address": "10.42.1.2/24", "gateway": "10.42.1.1", "interface": 0 }],
                        "routes": [{ "dst": "0.0.0.0/0" }] },
        "cni.dev/valid-attachments": [{ "containerID": "c1", "ifname": "eth0" }],
    })
}

fn is_plain(name: &str) -> bool {
    !name.contains('/') && !name.contains('\0') && name != ".." && name != "." && !name.is_empty()
}

#[test]
fn fuzz_cni_configuration() {
    let seed = seed();
    let mut accepted = 0;
    Fuzz {
        name: "cni-configuration",
        iterations: 20_000,
    }
    .run(
        |random| mutate_document(random, &seed),
        |input| {
            let Ok(text) = std::str::from_utf8(input) else {
                return;
            };
            let Ok(config) = Config::parse(text) else {
                return;
            };
            accepted += 1;
            assert!(is_plain(&config.name) && is_plain(&config.bridge));
            assert!(config.cluster_cidr.includes(&config.pod_cidr));
            let dir = config.lease_dir();
            let own = dir.strip_prefix(&config.data_dir).expect("below dataDir");
            assert!(
                own.components()
                    .all(|part| matches!(part, Component::Normal(_)))
            );
        },
    );
    assert!(
        accepted > 100,
        "only {accepted} were accepted: the seed is too poor"
    );
}

#[test]
fn fuzz_cni_environment() {
    let good = ["c1-a_b.c", "eth0", "/run/netns/x"];
    let mut accepted = 0;
    Fuzz {
        name: "cni-environment",
        iterations: 20_000,
    }
    .run(
        |random: &mut Random| {
            let part = |random: &mut Random, text: &str| match random.below(3) {
                0 => mutate_bytes(random, text.as_bytes()),
                _ => text.into(),
            };
            good.map(|text| part(random, text)).join(&b'\n')
        },
        |input| {
            let text = String::from_utf8_lossy(input).into_owned();
            let mut parts = text.splitn(3, '\n').map(str::to_string);
            let values = [parts.next(), parts.next(), parts.next()];
            let variable = |name: &str| match name {
                "CNI_CONTAINERID" => values[0].clone(),
                "CNI_IFNAME" => values[1].clone(),
                _ => values[2].clone(),
            };
            let Ok(attachment) = Attachment::parse(variable, true) else {
                return;
            };
            accepted += 1;
            assert!(is_plain(&attachment.container_id) && is_plain(&attachment.ifname));
            assert!(attachment.netns.is_some_and(|path| path.is_absolute()));
        },
    );
    assert!(
        accepted > 100,
        "only {accepted} were accepted: the seeds are too poor"
    );
}

#[test]
fn fuzz_route_requests() {
    let seed = json!({ "routes": [{ "podCIDR": "10.42.2.0/24", "via": "192.168.0.2" }],
                       "clusterCIDR": "10.42.0.0/16" });
    let mut accepted = 0;
    Fuzz {
        name: "routes",
        iterations: 10_000,
    }
    .run(
        |random| mutate_document(random, &seed),
        |input| {
            let text = String::from_utf8_lossy(input);
            let judged = decode::<node::WantedRoutes>(&text).and_then(node::validate);
            accepted += u64::from(judged.is_ok());
        },
    );
    assert!(
        accepted > 100,
        "only {accepted} were accepted: the seed is too poor"
    );
}
