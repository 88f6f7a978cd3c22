//! Limits of an interface's traffic: a token bucket (tbf) at its root, set by netlink.

use crate::failure::{AtStep, Failure, NOT_AS_ADDED, Outcome};
use crate::netlink::{CREATE, Netlink, REPLACE, Request, find_attribute};
use nix::libc;

const TCMSG: usize = 20;
const TC_H_ROOT: u32 = 0xffff_ffff;
const LINKLAYER_ETHERNET: u8 = 1;
const TCA_TBF_PARMS: u16 = 1;
const TCA_TBF_RATE64: u16 = 4;
const TCA_TBF_BURST: u16 = 6;
const TBF_QOPT: usize = 36;
/// How long a packet may wait for tokens before it is dropped.
const LATENCY_SECONDS_INVERSE: u64 = 40;
/// A frame of the largest MTU must pass at once.
const LEAST_BURST_BYTES: u64 = 65_536 + 64;
const MOST_BURST_BYTES: u64 = u32::MAX as u64 / 2;

fn tcmsg(index: u32) -> [u8; TCMSG] {
    let mut fixed = [0; TCMSG];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[12..16].copy_from_slice(&TC_H_ROOT.to_ne_bytes());
    fixed
}

/// Limits what leaves through the interface, in bits per second; `burst_bits` of 0 is a tenth of a
/// second's worth.
pub fn set(netlink: &mut Netlink, index: u32, rate_bits: u64, burst_bits: u64) -> Outcome<()> {
    let rate = (rate_bits / 8).max(1);
    let wanted = if burst_bits == 0 {
        rate / 10
    } else {
        burst_bits / 8
    };
    let burst = wanted.clamp(LEAST_BURST_BYTES, MOST_BURST_BYTES);
    let queue = (burst + rate / LATENCY_SECONDS_INVERSE).min(MOST_BURST_BYTES);
    let mut options = [0; TBF_QOPT];
    options[1] = LINKLAYER_ETHERNET;
    options[8..12].copy_from_slice(&u32::try_from(rate).unwrap_or(u32::MAX).to_ne_bytes());
    options[24..28].copy_from_slice(&(queue as u32).to_ne_bytes());
    let request = Request::new(libc::RTM_NEWQDISC, CREATE | REPLACE, &tcmsg(index))
        .text(libc::TCA_KIND, "tbf")
        .nested(libc::TCA_OPTIONS, &[], |tbf| {
            tbf.attribute(TCA_TBF_PARMS, &options)
                .attribute(TCA_TBF_RATE64, &rate.to_ne_bytes())
                .number(TCA_TBF_BURST, burst as u32)
        });
    netlink
        .change(request)
        .at(format!("limit interface {index} to {rate_bits} bits/s"))
}

/// Fails when the interface is not limited to this rate, in bits per second.
pub fn check(netlink: &mut Netlink, index: u32, rate_bits: u64) -> Outcome<()> {
    let dump = || Request::new(libc::RTM_GETQDISC, 0, &tcmsg(index));
    let found = netlink
        .dump(dump, "queueing disciplines")?
        .iter()
        .find_map(|answer| {
            let own = u32::from_ne_bytes(answer.fixed(4)) == index;
            let options = answer.attribute(TCMSG, libc::TCA_OPTIONS)?;
            let kind = answer.attribute(TCMSG, libc::TCA_KIND)?;
            (own && kind == b"tbf\0").then(|| rate_in(options))?
        });
    if found == Some((rate_bits / 8).max(1)) {
        return Ok(());
    }
    let message = format!("interface {index} is not limited to {rate_bits} bits/s");
    Err(Failure::new(NOT_AS_ADDED, message))
}

fn rate_in(options: &[u8]) -> Option<u64> {
    if let Some(rate) = find_attribute(options, TCA_TBF_RATE64) {
        return Some(u64::from_ne_bytes(rate.try_into().ok()?));
    }
    let parameters = find_attribute(options, TCA_TBF_PARMS)?;
    let rate = parameters.get(8..12)?.try_into().ok()?;
    Some(u64::from(u32::from_ne_bytes(rate)))
}
