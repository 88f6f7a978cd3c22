//! Ports of the host that lead to pods: maps in the nftables table `gantry`, rewritten as a whole from
//! the leases each time, so that what is there is always what is leased.

use crate::config::Config;
use crate::failure::{AtStep, Failure, NOT_AS_ADDED, Outcome};
use crate::masquerade;
use crate::runtime_config::PortMapping;
use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;

const EVERYWHERE: &str = "ip gantry host-ports";
const BY_ADDRESS: &str = "ip gantry host-address-ports";

fn rules(config: &Config) -> String {
    let bridge = &config.bridge;
    let to_port = "meta l4proto . th dport";
    // A packet from a pod to the host's loopback could pass now that the bridge may route it: never.
    let guard = format!("iifname \"{bridge}\" ip daddr 127.0.0.0/8 drop");
    format!(
        "add map {EVERYWHERE} {{ type inet_proto . inet_service : ipv4_addr . inet_service ; }}\n\
         add map {BY_ADDRESS} {{ type ipv4_addr . inet_proto . inet_service : \
         ipv4_addr . inet_service ; }}\n\
         add chain ip gantry ports\n\
         add chain ip gantry arriving {{ type nat hook prerouting priority -100 ; }}\n\
         add chain ip gantry local {{ type nat hook output priority -100 ; }}\n\
         add chain ip gantry guard {{ type filter hook prerouting priority -300 ; }}\n\
         flush chain ip gantry ports\n\
         flush chain ip gantry arriving\n\
         flush chain ip gantry local\n\
         flush chain ip gantry guard\n\
         add rule ip gantry ports dnat ip to ip daddr . {to_port} map @host-address-ports\n\
         add rule ip gantry ports dnat ip to {to_port} map @host-ports\n\
         add rule ip gantry arriving fib daddr type local jump ports\n\
         add rule ip gantry local fib daddr type local jump ports\n\
         add rule ip gantry guard {guard}\n"
    )
}

fn element(address: Ipv4Addr, mapping: &PortMapping) -> (&'static str, String) {
    let (port, to) = (mapping.host_port, mapping.container_port);
    let rest = format!("{} . {port} : {address} . {to}", mapping.protocol.name());
    match mapping.host_ip {
        None => (EVERYWHERE, rest),
        Some(host) => (BY_ADDRESS, format!("{host} . {rest}")),
    }
}

/// Makes the ports that lead to pods exactly these, in one transaction.
pub fn publish<'a>(
    config: &Config,
    mappings: impl Iterator<Item = (Ipv4Addr, &'a PortMapping)>,
) -> Outcome<()> {
    let mut text = masquerade::rules(config) + &rules(config);
    let _ = write!(text, "flush map {EVERYWHERE}\nflush map {BY_ADDRESS}\n");
    for (address, mapping) in mappings {
        let (map, element) = element(address, mapping);
        let _ = writeln!(text, "add element {map} {{ {element} }}");
    }
    masquerade::nft(&masquerade::find_nft()?, &text)?;
    // So that a connection to the host's loopback may be sent on to a pod.
    let path = format!("/proc/sys/net/ipv4/conf/{}/route_localnet", config.bridge);
    fs::write(&path, "1").at(format!("write {path}"))
}

/// Fails when a port does not lead to the pod.
pub fn check(address: Ipv4Addr, mappings: &[PortMapping]) -> Outcome<()> {
    let program = masquerade::find_nft()?;
    for mapping in mappings {
        let (map, element) = element(address, mapping);
        masquerade::nft(&program, &format!("get element {map} {{ {element} }}\n")).map_err(
            |_| {
                let message = format!("port {mapping} of the host does not lead to {address}");
                Failure::new(NOT_AS_ADDED, message)
            },
        )?;
    }
    Ok(())
}
