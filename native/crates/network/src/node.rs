//! What a node has once, whatever its pods: the bridge, forwarding, masquerade, and the routes to
//! other nodes' pods.

use crate::cidr::Cidr;
use crate::config::{Config, decode};
use crate::failure::{AtStep, Failure, INVALID_CONFIG, KERNEL_REFUSED, NOT_AVAILABLE, Outcome};
use crate::link::{self, Link, mac_of};
use crate::masquerade;
use crate::netlink::Netlink;
use crate::route::{self, Route};
use nix::errno::Errno;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
const DEFAULT_MTU: u32 = 1500;

/// The bridge, made when missing, up and with the gateway's address.
pub fn ensure_bridge(netlink: &mut Netlink, config: &Config) -> Outcome<Link> {
    let gateway = config.pod_cidr.gateway();
    let bridge = match link::find(netlink, &config.bridge)? {
        Some(bridge) => bridge,
        None => {
            let mtu = choose_mtu(netlink, config)?;
            link::create_bridge(netlink, &config.bridge, mac_of(gateway), mtu)?;
            let missing = || Failure::new(KERNEL_REFUSED, "the bridge vanished");
            link::find(netlink, &config.bridge)?.ok_or_else(missing)?
        }
    };
    if bridge.kind != "bridge" {
        let message = format!(
            "bridge: interface {} exists and is no bridge",
            config.bridge
        );
        return Err(Failure::new(INVALID_CONFIG, message).hint("choose another name"));
    }
    let addresses = link::addresses(netlink, bridge.index)?;
    if !addresses.contains(&(gateway, config.pod_cidr.prefix())) {
        link::add_address(netlink, bridge.index, gateway, &config.pod_cidr)?;
    }
    if !bridge.up {
        link::set_up(netlink, bridge.index)?;
    }
    Ok(bridge)
}

fn choose_mtu(netlink: &mut Netlink, config: &Config) -> Outcome<u32> {
    if config.mtu != 0 {
        return Ok(config.mtu);
    }
    let Some((_, interface)) = route::default_route(netlink)? else {
        return Ok(DEFAULT_MTU);
    };
    Ok(link::by_index(netlink, interface)?.map_or(DEFAULT_MTU, |link| link.mtu))
}

/// Makes the node ready for pods; can be repeated. What it was before is kept for `teardown`.
pub fn setup(input: &str) -> Outcome<Value> {
    let config = Config::parse(input)?;
    masquerade::find_nft()?;
    let mut netlink = Netlink::open()?;
    ensure_bridge(&mut netlink, &config)?;
    enable_forwarding(&config)?;
    masquerade::install(&config)?;
    Ok(json!({ "bridge": config.bridge, "gateway": config.pod_cidr.gateway() }))
}

/// Removes all that `setup`, `routes` and ADD have made on this node; can be repeated.
pub fn teardown(input: &str) -> Outcome<Value> {
    let config = Config::parse(input)?;
    let mut netlink = Netlink::open()?;
    for route in route::ours(&mut netlink)? {
        route::delete(&mut netlink, &route).at(format!("remove route {}", route.destination))?;
    }
    for lease in crate::leases::Leases::open(&config.lease_dir())?.holders() {
        let name = crate::attachment::host_interface(&lease.container_id, &lease.ifname);
        link::delete(&mut netlink, &name)?;
    }
    link::delete(&mut netlink, &config.bridge)?;
    masquerade::remove()?;
    restore_forwarding(&config)?;
    match fs::remove_dir_all(config.lease_dir()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).at("remove leases")
        }
        _ => Ok(json!({})),
    }
}

fn forwarding_before(config: &Config) -> PathBuf {
    config.lease_dir().join("ip_forward.before")
}

fn enable_forwarding(config: &Config) -> Outcome<()> {
    let before = fs::read_to_string(FORWARDING).at("read ip_forward")?;
    if before.trim() == "1" {
        return Ok(());
    }
    fs::create_dir_all(config.lease_dir()).at("make data directory")?;
    fs::write(forwarding_before(config), before).at("remember ip_forward")?;
    fs::write(FORWARDING, "1").at("enable ip_forward")
}

fn restore_forwarding(config: &Config) -> Outcome<()> {
    match fs::read_to_string(forwarding_before(config)) {
        Ok(before) => fs::write(FORWARDING, before).at("restore ip_forward"),
        Err(_) => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedRoutes {
    routes: Vec<WantedRoute>,
    #[serde(rename = "clusterCIDR")]
    cluster_cidr: Cidr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedRoute {
    #[serde(rename = "podCIDR")]
    pod_cidr: Cidr,
    via: Ipv4Addr,
}

/// Makes the kernel's routes of our protocol number exactly the wanted ones. A route that the
/// kernel refuses does not stop the others; all such are reported together.
pub fn routes(input: &str) -> Outcome<Value> {
    let wanted = validate(decode(input)?)?;
    let mut netlink = Netlink::open()?;
    let present: BTreeMap<Cidr, Ipv4Addr> = route::ours(&mut netlink)?
        .into_iter()
        .map(|r| (r.destination, r.via))
        .collect();
    let (mut added, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut problems = Vec::new();
    for (&destination, &via) in present
        .iter()
        .filter(|(cidr, _)| !wanted.contains_key(*cidr))
    {
        match route::delete(&mut netlink, &Route { destination, via }) {
            Ok(()) | Err(Errno::ESRCH) => removed.push(destination.to_string()),
            Err(errno) => problems.push(format!("remove {destination}: {}", errno.desc())),
        }
    }
    for (&destination, &via) in wanted
        .iter()
        .filter(|(cidr, via)| present.get(*cidr) != Some(*via))
    {
        match route::replace(&mut netlink, &Route { destination, via }) {
            Ok(()) if present.contains_key(&destination) => changed.push(destination.to_string()),
            Ok(()) => added.push(destination.to_string()),
            Err(errno) => problems.push(format!("{destination} via {via}: {}", explain(errno))),
        }
    }
    if !problems.is_empty() {
        let message = format!("set routes: {}", problems.join("; "));
        return Err(Failure::new(KERNEL_REFUSED, message));
    }
    Ok(json!({ "added": added, "changed": changed, "removed": removed }))
}

fn explain(errno: Errno) -> String {
    match errno {
        Errno::ENETUNREACH => "the node is on no network of this host".into(),
        errno => errno.desc().into(),
    }
}

pub fn validate(wanted: WantedRoutes) -> Outcome<BTreeMap<Cidr, Ipv4Addr>> {
    let mut routes: BTreeMap<Cidr, Ipv4Addr> = BTreeMap::new();
    let refuse = |index: usize, problem: String| {
        Err(Failure::new(
            INVALID_CONFIG,
            format!("routes[{index}].{problem}"),
        ))
    };
    for (index, route) in wanted.routes.iter().enumerate() {
        let cidr = route.pod_cidr;
        if !wanted.cluster_cidr.includes(&cidr) {
            let cluster = wanted.cluster_cidr;
            return refuse(
                index,
                format!("podCIDR: {cidr} is not within clusterCIDR {cluster}"),
            );
        }
        if let Some(other) = routes.keys().find(|other| other.overlaps(&cidr)) {
            return refuse(index, format!("podCIDR: {cidr} overlaps {other}"));
        }
        if route.via.is_unspecified() || route.via.is_multicast() || route.via.is_broadcast() {
            return refuse(index, format!("via: {} is not a node's address", route.via));
        }
        routes.insert(cidr, route.via);
    }
    Ok(routes)
}

/// Whether ADD would work: the kernel's side is there and leases can be written.
pub fn status(config: &Config) -> Outcome<()> {
    let unavailable = |f: Failure| Failure {
        code: NOT_AVAILABLE,
        ..f
    };
    let mut netlink = Netlink::open().map_err(unavailable)?;
    let bridge = link::find(&mut netlink, &config.bridge).map_err(unavailable)?;
    if bridge.is_none() {
        let message = format!("bridge {} is not there", config.bridge);
        return Err(Failure::new(NOT_AVAILABLE, message).hint("run gantry-network setup"));
    }
    crate::leases::Leases::open(&config.lease_dir())
        .map(drop)
        .map_err(unavailable)
}
