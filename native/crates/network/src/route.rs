//! IPv4 routes of the main table.

use crate::cidr::Cidr;
use crate::failure::Outcome;
use crate::netlink::{Answer, CREATE, Netlink, REPLACE, Request};
use nix::libc;
use std::net::Ipv4Addr;

/// The rtm_protocol that marks routes as Gantry's: "G". Only such routes are ever changed.
pub const PROTOCOL: u8 = b'G';
const RTMSG: usize = 12;
const MAIN: u8 = libc::RT_TABLE_MAIN;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Route {
    pub destination: Cidr,
    pub via: Ipv4Addr,
}

struct Listed {
    destination: Cidr,
    via: Option<Ipv4Addr>,
    interface: Option<u32>,
    protocol: u8,
}

/// rtmsg: a unicast route of the main table.
fn rtmsg(prefix: u8, protocol: u8) -> [u8; RTMSG] {
    let family = libc::AF_INET as u8;
    let (universe, unicast) = (libc::RT_SCOPE_UNIVERSE, libc::RTN_UNICAST);
    [
        family, prefix, 0, 0, MAIN, protocol, universe, unicast, 0, 0, 0, 0,
    ]
}

fn change(netlink: &mut Netlink, kind: u16, flags: u16, route: &Route, by: u8) -> nix::Result<()> {
    let destination = route.destination;
    let request = Request::new(kind, flags, &rtmsg(destination.prefix(), by))
        .attribute(libc::RTA_DST, &destination.network().octets())
        .attribute(libc::RTA_GATEWAY, &route.via.octets());
    netlink.change(request)
}

/// Adds the route or replaces the one to the same destination.
pub fn replace(netlink: &mut Netlink, route: &Route) -> nix::Result<()> {
    change(
        netlink,
        libc::RTM_NEWROUTE,
        CREATE | REPLACE,
        route,
        PROTOCOL,
    )
}

pub fn delete(netlink: &mut Netlink, route: &Route) -> nix::Result<()> {
    change(netlink, libc::RTM_DELROUTE, 0, route, PROTOCOL)
}

/// The default route of a pod.
pub fn add_default(netlink: &mut Netlink, via: Ipv4Addr) -> nix::Result<()> {
    let destination = Cidr::new(Ipv4Addr::UNSPECIFIED, 0).unwrap_or_else(|_| unreachable!());
    let route = Route { destination, via };
    change(
        netlink,
        libc::RTM_NEWROUTE,
        CREATE | REPLACE,
        &route,
        libc::RTPROT_BOOT,
    )
}

fn list(netlink: &mut Netlink) -> Outcome<Vec<Listed>> {
    let answers = netlink.dump(
        || Request::new(libc::RTM_GETROUTE, 0, &rtmsg(0, 0)),
        "routes",
    )?;
    Ok(answers.iter().filter_map(read).collect())
}

fn read(answer: &Answer) -> Option<Listed> {
    let [_, prefix, _, _, table, protocol, _, kind] = answer.fixed::<8>(0);
    if table != MAIN || kind != libc::RTN_UNICAST {
        return None;
    }
    let address = |kind| -> Option<Ipv4Addr> {
        let octets: [u8; 4] = answer.attribute(RTMSG, kind)?.try_into().ok()?;
        Some(octets.into())
    };
    let network = address(libc::RTA_DST).unwrap_or(Ipv4Addr::UNSPECIFIED);
    Some(Listed {
        destination: Cidr::new(network, prefix).ok()?,
        via: address(libc::RTA_GATEWAY),
        interface: answer.number(RTMSG, libc::RTA_OIF),
        protocol,
    })
}

/// The routes that carry our protocol number.
pub fn ours(netlink: &mut Netlink) -> Outcome<Vec<Route>> {
    let listed = list(netlink)?;
    let ours = listed
        .into_iter()
        .filter(|route| route.protocol == PROTOCOL);
    Ok(ours
        .filter_map(|r| {
            Some(Route {
                destination: r.destination,
                via: r.via?,
            })
        })
        .collect())
}

/// Where the default route goes: gateway and interface.
pub fn default_route(netlink: &mut Netlink) -> Outcome<Option<(Option<Ipv4Addr>, u32)>> {
    let listed = list(netlink)?;
    let default = listed
        .into_iter()
        .find(|route| route.destination.prefix() == 0);
    Ok(default.and_then(|route| Some((route.via, route.interface?))))
}
