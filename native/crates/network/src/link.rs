//! Interfaces and their addresses.

use crate::cidr::Cidr;
use crate::failure::{AtStep, Outcome};
use crate::netlink::{Answer, CREATE, EXCLUSIVE, Netlink, REPLACE, Request, find_attribute};
use nix::errno::Errno;
use nix::libc;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

const IFINFO: usize = 16;
const IFADDR: usize = 8;
const VETH_INFO_PEER: u16 = 1;
const IFLA_BRPORT_MODE: u16 = 4;
const IFF_UP: u32 = libc::IFF_UP as u32;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    pub index: u32,
    pub kind: String,
    pub mtu: u32,
    pub mac: String,
    pub master: Option<u32>,
    pub up: bool,
}

/// ifinfomsg: family, type, index, flags and the flags to change.
fn ifinfo(family: u8, index: u32, flags: u32, change: u32) -> [u8; IFINFO] {
    let mut fixed = [0; IFINFO];
    fixed[0] = family;
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&flags.to_ne_bytes());
    fixed[12..16].copy_from_slice(&change.to_ne_bytes());
    fixed
}

/// The interface of that name, if there is one.
pub fn find(netlink: &mut Netlink, name: &str) -> Outcome<Option<Link>> {
    let request = Request::new(libc::RTM_GETLINK, 0, &ifinfo(0, 0, 0, 0));
    match netlink.get(request.text(libc::IFLA_IFNAME, name)) {
        Ok(answer) => Ok(answer.as_ref().map(read_link)),
        Err(Errno::ENODEV) => Ok(None),
        Err(errno) => Err(errno).at(format!("look up interface {name}")),
    }
}

/// The interface of that index, if there is one.
pub fn by_index(netlink: &mut Netlink, index: u32) -> Outcome<Option<Link>> {
    match netlink.get(Request::new(libc::RTM_GETLINK, 0, &ifinfo(0, index, 0, 0))) {
        Ok(answer) => Ok(answer.as_ref().map(read_link)),
        Err(Errno::ENODEV) => Ok(None),
        Err(errno) => Err(errno).at(format!("look up interface {index}")),
    }
}

fn read_link(answer: &Answer) -> Link {
    let info = answer
        .attribute(IFINFO, libc::IFLA_LINKINFO)
        .unwrap_or_default();
    let kind = find_attribute(info, libc::IFLA_INFO_KIND).unwrap_or_default();
    let mac = answer
        .attribute(IFINFO, libc::IFLA_ADDRESS)
        .unwrap_or_default();
    Link {
        index: u32::from_ne_bytes(answer.fixed(4)),
        kind: String::from_utf8_lossy(kind)
            .trim_end_matches('\0')
            .to_string(),
        mtu: answer.number(IFINFO, libc::IFLA_MTU).unwrap_or(0),
        mac: format_mac(mac),
        master: answer.number(IFINFO, libc::IFLA_MASTER),
        up: u32::from_ne_bytes(answer.fixed(8)) & IFF_UP != 0,
    }
}

/// A locally administered address that follows from the IP address, so that a neighbour's cache
/// stays right when an address is used again.
pub fn mac_of(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x0a, 0x58, a, b, c, d]
}

pub fn format_mac(mac: &[u8]) -> String {
    mac.iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// Makes a bridge that is up. Its MAC is fixed, since it would change with its ports otherwise.
pub fn create_bridge(netlink: &mut Netlink, name: &str, mac: [u8; 6], mtu: u32) -> Outcome<()> {
    let fixed = ifinfo(0, 0, IFF_UP, IFF_UP);
    let request = Request::new(libc::RTM_NEWLINK, CREATE | EXCLUSIVE, &fixed)
        .text(libc::IFLA_IFNAME, name)
        .number(libc::IFLA_MTU, mtu)
        .attribute(libc::IFLA_ADDRESS, &mac)
        .nested(libc::IFLA_LINKINFO, &[], |info| {
            info.text(libc::IFLA_INFO_KIND, "bridge")
        });
    netlink.change(request).at(format!("create bridge {name}"))
}

/// Both ends of a veth pair.
pub struct VethPair<'a> {
    pub host_name: &'a str,
    pub bridge_index: u32,
    pub pod_name: &'a str,
    pub pod_mac: [u8; 6],
    pub mtu: u32,
}

/// Makes the pair with one end up at the bridge and the other already in the pod's namespace.
pub fn create_veth(netlink: &mut Netlink, pair: &VethPair, netns: BorrowedFd) -> nix::Result<()> {
    let peer = |request: Request| {
        request
            .text(libc::IFLA_IFNAME, pair.pod_name)
            .number(libc::IFLA_MTU, pair.mtu)
            .attribute(libc::IFLA_ADDRESS, &pair.pod_mac)
            .number(libc::IFLA_NET_NS_FD, netns.as_raw_fd() as u32)
    };
    let request = Request::new(
        libc::RTM_NEWLINK,
        CREATE | EXCLUSIVE,
        &ifinfo(0, 0, IFF_UP, IFF_UP),
    )
    .text(libc::IFLA_IFNAME, pair.host_name)
    .number(libc::IFLA_MTU, pair.mtu)
    .number(libc::IFLA_MASTER, pair.bridge_index)
    .nested(libc::IFLA_LINKINFO, &[], |info| {
        info.text(libc::IFLA_INFO_KIND, "veth")
            .nested(libc::IFLA_INFO_DATA, &[], |data| {
                data.nested(VETH_INFO_PEER, &ifinfo(0, 0, 0, 0), peer)
            })
    });
    netlink.change(request)
}

/// Lets a bridge port send back to where a frame came from, so that a pod can reach itself through
/// an address that is translated.
pub fn set_hairpin(netlink: &mut Netlink, index: u32) -> Outcome<()> {
    let fixed = ifinfo(libc::AF_BRIDGE as u8, index, 0, 0);
    let request =
        Request::new(libc::RTM_SETLINK, 0, &fixed).nested(libc::IFLA_PROTINFO, &[], |port| {
            port.attribute(IFLA_BRPORT_MODE, &[1])
        });
    netlink.change(request).at("set hairpin mode")
}

pub fn set_up(netlink: &mut Netlink, index: u32) -> Outcome<()> {
    let fixed = ifinfo(0, index, IFF_UP, IFF_UP);
    let request = Request::new(libc::RTM_NEWLINK, 0, &fixed);
    netlink
        .change(request)
        .at(format!("set interface {index} up"))
}

/// Deletes the interface of that name; one that is gone is no error.
pub fn delete(netlink: &mut Netlink, name: &str) -> Outcome<()> {
    let request = Request::new(libc::RTM_DELLINK, 0, &ifinfo(0, 0, 0, 0));
    match netlink.change(request.text(libc::IFLA_IFNAME, name)) {
        Ok(()) | Err(Errno::ENODEV) => Ok(()),
        Err(errno) => Err(errno).at(format!("delete interface {name}")),
    }
}

/// Gives an interface an address; one that it has already is no error.
pub fn add_address(
    netlink: &mut Netlink,
    index: u32,
    address: Ipv4Addr,
    network: &Cidr,
) -> Outcome<()> {
    let mut fixed = [libc::AF_INET as u8, network.prefix(), 0, 0, 0, 0, 0, 0];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    let request = Request::new(libc::RTM_NEWADDR, CREATE | REPLACE, &fixed)
        .attribute(libc::IFA_LOCAL, &address.octets())
        .attribute(libc::IFA_ADDRESS, &address.octets());
    netlink
        .change(request)
        .at(format!("add address {address}/{}", network.prefix()))
}

/// The IPv4 addresses of an interface with their prefix lengths.
pub fn addresses(netlink: &mut Netlink, index: u32) -> Outcome<Vec<(Ipv4Addr, u8)>> {
    let fixed = [libc::AF_INET as u8, 0, 0, 0, 0, 0, 0, 0];
    let answers = netlink.dump(|| Request::new(libc::RTM_GETADDR, 0, &fixed), "addresses")?;
    let ours = answers
        .iter()
        .filter(|answer| u32::from_ne_bytes(answer.fixed(4)) == index);
    let read = |answer: &Answer| {
        let octets: [u8; 4] = answer.attribute(IFADDR, libc::IFA_LOCAL)?.try_into().ok()?;
        Some((octets.into(), answer.fixed::<1>(1)[0]))
    };
    Ok(ours.filter_map(read).collect())
}
