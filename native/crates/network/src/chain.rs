//! Our place in a chain of plugins: what those before us have made (`prevResult`) is passed on with ours
//! behind it.

use crate::config::Config;
use crate::failure::{Failure, INVALID_CONFIG, Outcome};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

/// How many interfaces the plugins before us have made.
pub fn interfaces(config: &Config) -> usize {
    let previous = config.previous_result.as_ref();
    previous
        .and_then(|result| result["interfaces"].as_array())
        .map_or(0, Vec::len)
}

/// Our result behind that of the plugins before us.
pub fn after(config: &Config, own: Value) -> Value {
    let Some(previous) = &config.previous_result else {
        return own;
    };
    let mut all = own.clone();
    for field in ["interfaces", "ips", "routes"] {
        let of = |result: &Value| result[field].as_array().cloned().unwrap_or_default();
        all[field] = json!([of(previous), of(&own)].concat());
    }
    if let Some(dns) = previous.get("dns") {
        all["dns"] = dns.clone();
    }
    all
}

/// The IPv4 addresses of prevResult; None when there is no prevResult.
pub fn addresses(config: &Config) -> Outcome<Option<Vec<Ipv4Addr>>> {
    let Some(previous) = &config.previous_result else {
        return Ok(None);
    };
    let ips = previous["ips"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for (index, ip) in ips.iter().enumerate() {
        let text = ip["address"].as_str().unwrap_or_default();
        match text.split('/').next().unwrap_or_default().parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => found.push(address),
            Ok(IpAddr::V6(_)) => (),
            Err(_) => {
                let message = format!("prevResult.ips[{index}].address: is not an address");
                return Err(Failure::new(INVALID_CONFIG, message));
            }
        }
    }
    Ok(Some(found))
}
