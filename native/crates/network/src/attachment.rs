//! ADD, DEL, CHECK and GC: a pod's interface on the node's bridge.

use crate::config::{Attachment, Config};
use crate::failure::{
    ALREADY_ADDED, AtStep, Failure, INVALID_ENVIRONMENT, KERNEL_REFUSED, NOT_AS_ADDED, Outcome,
    PORT_TAKEN,
};
use crate::leases::{Lease, Leases};
use crate::link::{self, Link, VethPair, format_mac, mac_of};
use crate::netlink::Netlink;
use crate::netns::Netns;
use crate::runtime_config::PortMapping;
use crate::{chain, host_ports, limit, node, route};
use nix::errno::Errno;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;

/// The name of the pair's end on the host: the same for every call about an attachment, so that
/// DEL finds it with nothing stored.
pub fn host_interface(container_id: &str, ifname: &str) -> String {
    // FNV-1a, 44 bits of it: all that 15 characters leave room for.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in container_id.bytes().chain([0]).chain(ifname.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("veth{:011x}", hash & 0xfff_ffff_ffff)
}

/// Connects a pod; when a step fails, the steps before it are undone.
pub fn add(config: &Config, attachment: &Attachment) -> Outcome<Value> {
    let (path, netns) = open_netns(attachment)?;
    let host_name = host_interface(&attachment.container_id, &attachment.ifname);
    let mut host = Netlink::open()?;
    let mut leases = Leases::open(&config.lease_dir())?;
    // Still under the lock: an attachment that stands is not ours to undo.
    if link::find(&mut host, &host_name)?.is_some() {
        let message = format!("{} is attached already", attachment.container_id);
        return Err(Failure::new(ALREADY_ADDED, message).hint("call DEL first"));
    }
    let bridge = node::ensure_bridge(&mut host, config)?;
    // What a call that was killed has leased is leased anew, with this namespace.
    release(
        config,
        &mut leases,
        &attachment.container_id,
        &attachment.ifname,
    )?;
    let ports = &config.runtime_config.port_mappings;
    refuse_taken_ports(config, &mut leases, ports)?;
    let lease = Lease::new(&attachment.container_id, &attachment.ifname, path)?.with_ports(ports);
    let address = leases.allocate(&config.pod_cidr, &lease)?;
    // Others may allocate while this one goes on.
    drop(leases);
    connect(config, attachment, &netns, &mut host, &bridge, address)
        .and_then(|()| open_ports(config))
        .and_then(|()| result(config, attachment, &mut host, address))
        .inspect_err(|_| {
            let _ = remove(config, &attachment.container_id, &attachment.ifname);
        })
}

/// A holder whose network namespace is gone has lost its right; one DEL that never came must not
/// keep a port for ever.
fn refuse_taken_ports(config: &Config, leases: &mut Leases, ports: &[PortMapping]) -> Outcome<()> {
    while let Some((port, holder)) = leases.clash(ports) {
        if !holder.namespace_is_gone() {
            let message = format!("port {port} of the host leads to {}", holder.container_id);
            return Err(Failure::new(PORT_TAKEN, message).hint("choose another hostPort"));
        }
        let (id, ifname) = (holder.container_id.clone(), holder.ifname.clone());
        release(config, leases, &id, &ifname)?;
    }
    Ok(())
}

/// Last, so that nobody is sent to a pod that is not there yet.
fn open_ports(config: &Config) -> Outcome<()> {
    if config.runtime_config.port_mappings.is_empty() {
        return Ok(());
    }
    let leases = Leases::open(&config.lease_dir())?;
    host_ports::publish(config, leases.ports(None))
}

/// Frees an address. First its ports, or they would lead to the next pod that gets the address.
fn release(config: &Config, leases: &mut Leases, id: &str, ifname: &str) -> Outcome<()> {
    let lease = leases.lease_of(id, ifname);
    if lease.is_some_and(|(_, lease)| !lease.ports.is_empty()) {
        host_ports::publish(config, leases.ports(Some((id, ifname))))?;
    }
    leases.release(id, ifname)
}

fn open_netns(attachment: &Attachment) -> Outcome<(&Path, Netns)> {
    let missing = || Failure::new(INVALID_ENVIRONMENT, "CNI_NETNS is not set");
    let path = attachment.netns.as_deref().ok_or_else(missing)?;
    Ok((path, Netns::open(path)?))
}

fn connect(
    config: &Config,
    attachment: &Attachment,
    netns: &Netns,
    host: &mut Netlink,
    bridge: &Link,
    address: Ipv4Addr,
) -> Outcome<()> {
    let pair = VethPair {
        host_name: &host_interface(&attachment.container_id, &attachment.ifname),
        bridge_index: bridge.index,
        pod_name: &attachment.ifname,
        pod_mac: mac_of(address),
        mtu: bridge.mtu,
    };
    link::create_veth(host, &pair, netns.fd()).map_err(|errno| match errno {
        Errno::EEXIST => {
            let message = format!("interface {} is in CNI_NETNS already", attachment.ifname);
            Failure::new(ALREADY_ADDED, message)
        }
        _ => Failure::new(
            KERNEL_REFUSED,
            format!("create veth pair: {}", errno.desc()),
        ),
    })?;
    let host_end = need(host, pair.host_name)?;
    link::set_hairpin(host, host_end.index)?;
    let mut pod = netns.netlink()?;
    let loopback = need(&mut pod, "lo")?;
    link::set_up(&mut pod, loopback.index)?;
    let pod_end = need(&mut pod, &attachment.ifname)?;
    link::add_address(&mut pod, pod_end.index, address, &config.pod_cidr)?;
    link::set_up(&mut pod, pod_end.index)?;
    let limits = config.runtime_config.bandwidth;
    // What the pod receives leaves through our end of the pair, what it sends through its own.
    if limits.ingress_rate > 0 {
        limit::set(
            host,
            host_end.index,
            limits.ingress_rate,
            limits.ingress_burst,
        )?;
    }
    if limits.egress_rate > 0 {
        limit::set(
            &mut pod,
            pod_end.index,
            limits.egress_rate,
            limits.egress_burst,
        )?;
    }
    route::add_default(&mut pod, config.pod_cidr.gateway()).at("add default route")
}

fn need(netlink: &mut Netlink, name: &str) -> Outcome<Link> {
    let missing = || Failure::new(NOT_AS_ADDED, format!("interface {name} is missing"));
    link::find(netlink, name)?.ok_or_else(missing)
}

fn result(
    config: &Config,
    attachment: &Attachment,
    host: &mut Netlink,
    address: Ipv4Addr,
) -> Outcome<Value> {
    let host_end = need(
        host,
        &host_interface(&attachment.container_id, &attachment.ifname),
    )?;
    let host_name = host_interface(&attachment.container_id, &attachment.ifname);
    let bridge = need(host, &config.bridge)?;
    let mut ip = json!({
        "address": format!("{address}/{}", config.pod_cidr.prefix()),
        "gateway": config.pod_cidr.gateway(),
        "interface": chain::interfaces(config) + 2,
    });
    if config.cni_version.starts_with("0.") {
        ip["version"] = json!("4");
    }
    let own = json!({
        "cniVersion": config.cni_version,
        "interfaces": [
            { "name": config.bridge, "mac": bridge.mac },
            { "name": host_name, "mac": host_end.mac },
            { "name": attachment.ifname, "mac": format_mac(&mac_of(address)),
              "sandbox": attachment.netns },
        ],
        "ips": [ip],
        "routes": [{ "dst": "0.0.0.0/0", "gw": config.pod_cidr.gateway() }],
        "dns": {},
    });
    Ok(chain::after(config, own))
}

/// Disconnects a pod. What is gone already is no error, so that DEL can be repeated.
pub fn del(config: &Config, attachment: &Attachment) -> Outcome<()> {
    remove(config, &attachment.container_id, &attachment.ifname)
}

fn remove(config: &Config, container_id: &str, ifname: &str) -> Outcome<()> {
    let mut host = Netlink::open()?;
    // First the interface: an address must not be leased while somebody still answers to it.
    link::delete(&mut host, &host_interface(container_id, ifname))?;
    let mut leases = Leases::open(&config.lease_dir())?;
    release(config, &mut leases, container_id, ifname)
}

/// Compares what is there with what ADD said.
pub fn check(config: &Config, attachment: &Attachment) -> Outcome<()> {
    let differs = |what: String| Failure::new(NOT_AS_ADDED, what);
    let (_, netns) = open_netns(attachment)?;
    let leases = Leases::open(&config.lease_dir())?;
    let leased = leases.lease_of(&attachment.container_id, &attachment.ifname);
    let (address, lease) = leased.ok_or_else(|| differs("no address is leased".into()))?;
    let expected = chain::addresses(config)?;
    if expected.as_ref().is_some_and(|all| !all.contains(&address)) {
        return Err(differs(format!(
            "{address} is leased, which prevResult has not"
        )));
    }
    host_ports::check(address, &lease.ports)?;
    let mut host = Netlink::open()?;
    let bridge = need(&mut host, &config.bridge)?;
    let host_end = need(
        &mut host,
        &host_interface(&attachment.container_id, &attachment.ifname),
    )?;
    if host_end.master != Some(bridge.index) || !host_end.up {
        return Err(differs(format!(
            "the pod's link is not up at bridge {}",
            config.bridge
        )));
    }
    let mut pod = netns.netlink()?;
    let pod_end = need(&mut pod, &attachment.ifname)?;
    let addresses = link::addresses(&mut pod, pod_end.index)?;
    if !addresses.contains(&(address, config.pod_cidr.prefix())) || !pod_end.up {
        return Err(differs(format!(
            "{} is not up with {address}",
            attachment.ifname
        )));
    }
    let limits = config.runtime_config.bandwidth;
    if limits.ingress_rate > 0 {
        limit::check(&mut host, host_end.index, limits.ingress_rate)?;
    }
    if limits.egress_rate > 0 {
        limit::check(&mut pod, pod_end.index, limits.egress_rate)?;
    }
    let gateway = config.pod_cidr.gateway();
    match route::default_route(&mut pod)? {
        Some((Some(via), _)) if via == gateway => Ok(()),
        _ => Err(differs(format!(
            "the default route does not go via {gateway}"
        ))),
    }
}

/// Removes every attachment that is not in the configuration's list of valid ones; goes on after
/// a failure and reports the first.
pub fn collect_garbage(config: &Config) -> Outcome<()> {
    let valid: BTreeSet<(&str, &str)> = config
        .valid_attachments
        .iter()
        .flatten()
        .map(|valid| (valid.container_id.as_str(), valid.ifname.as_str()))
        .collect();
    let stale: Vec<(String, String)> = Leases::open(&config.lease_dir())?
        .holders()
        .map(|lease| (lease.container_id.clone(), lease.ifname.clone()))
        .filter(|(id, ifname)| !valid.contains(&(id.as_str(), ifname.as_str())))
        .collect();
    let mut first_failure = Ok(());
    for (id, ifname) in &stale {
        let removed = remove(config, id, ifname);
        first_failure = first_failure.and(removed);
    }
    first_failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_fit_the_kernel_and_differ() {
        let names: BTreeSet<_> = (0..1000)
            .map(|n| host_interface(&format!("container-{n}"), "eth0"))
            .collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| name.len() == 15));
        assert_ne!(host_interface("a", "bc"), host_interface("ab", "c"));
    }
}
