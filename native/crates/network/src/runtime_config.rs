//! What the caller adds to the configuration for one attachment (CNI's `runtimeConfig`): ports of the
//! host that lead to the pod, and limits of its traffic.

use crate::failure::{Failure, INVALID_CONFIG, Outcome};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt::{Display, Formatter};
use std::net::Ipv4Addr;

const MAX_PORT_MAPPINGS: usize = 1024;
/// Bits per second; the bounds of Kubernetes' annotations.
const RATES: std::ops::RangeInclusive<u64> = 1000..=1_000_000_000_000_000;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeConfig {
    #[serde(default)]
    pub port_mappings: Vec<PortMapping>,
    #[serde(default)]
    pub bandwidth: Bandwidth,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

/// A port of the host whose connections go to a port of the pod.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    pub host_port: u16,
    pub container_port: u16,
    #[serde(default)]
    pub protocol: Protocol,
    /// None: every address of the host.
    #[serde(
        default,
        rename = "hostIP",
        deserialize_with = "host_address",
        skip_serializing_if = "Option::is_none"
    )]
    pub host_ip: Option<Ipv4Addr>,
}

/// Bits per second and bits; a rate of 0 is no limit. Ingress is what the pod receives.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Bandwidth {
    pub ingress_rate: u64,
    pub ingress_burst: u64,
    pub egress_rate: u64,
    pub egress_burst: u64,
}

/// "", 0.0.0.0 and absence all mean every address.
fn host_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Ipv4Addr>, D::Error> {
    let text = Option::<String>::deserialize(from)?.unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let address: Ipv4Addr = text
        .parse()
        .map_err(|_| serde::de::Error::custom(format!("hostIP {text:?} is no IPv4 address")))?;
    Ok(Some(address).filter(|address| !address.is_unspecified()))
}

impl RuntimeConfig {
    pub fn validate(&self) -> Outcome<()> {
        let refuse = |message: String| Err(Failure::new(INVALID_CONFIG, message));
        if self.port_mappings.len() > MAX_PORT_MAPPINGS {
            return refuse(format!("portMappings: more than {MAX_PORT_MAPPINGS}"));
        }
        for (index, one) in self.port_mappings.iter().enumerate() {
            if one.host_port == 0 || one.container_port == 0 {
                return refuse(format!("portMappings[{index}]: ports are from 1 to 65535"));
            }
            if self.port_mappings[..index].iter().any(|o| o.clashes(one)) {
                return refuse(format!("portMappings[{index}]: {one} is there twice"));
            }
        }
        let Bandwidth {
            ingress_rate,
            egress_rate,
            ..
        } = self.bandwidth;
        for (name, rate) in [("ingressRate", ingress_rate), ("egressRate", egress_rate)] {
            if rate != 0 && !RATES.contains(&rate) {
                let (least, most) = (RATES.start(), RATES.end());
                return refuse(format!(
                    "bandwidth.{name}: {rate} is not from {least} to {most} bits/s"
                ));
            }
        }
        Ok(())
    }
}

impl Protocol {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl PortMapping {
    /// Both want the same port of the same address.
    pub fn clashes(&self, other: &Self) -> bool {
        let everywhere = self.host_ip.is_none() || other.host_ip.is_none();
        self.host_port == other.host_port
            && self.protocol == other.protocol
            && (everywhere || self.host_ip == other.host_ip)
    }
}

impl Display for PortMapping {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        if let Some(address) = self.host_ip {
            write!(f, "{address}:")?;
        }
        write!(f, "{}/{}", self.host_port, self.protocol.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn fault(value: Value) -> String {
        match serde_json::from_value::<RuntimeConfig>(value) {
            Ok(config) => config.validate().expect_err("must be refused").message,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn refuses_what_cannot_be_and_names_it() {
        let port = |host: Value, pod: Value| json!({ "hostPort": host, "containerPort": pod });
        let table = [
            (
                json!({ "portMappings": [port(json!(0), json!(1))] }),
                "portMappings[0]",
            ),
            (
                json!({ "portMappings": [port(json!(70000), json!(1))] }),
                "u16",
            ),
            (json!({ "portMappings": 1 }), "invalid type"),
            (
                json!({ "portMappings": [{ "hostPort": 1, "containerPort": 1, "hostIP": "::1" }] }),
                "hostIP \"::1\"",
            ),
            (
                json!({ "portMappings": [{ "hostPort": 1, "containerPort": 1, "protocol": "x" }] }),
                "unknown variant",
            ),
            (
                json!({ "portMappings": [port(json!(5), json!(1)), port(json!(5), json!(2))] }),
                "5/tcp is there twice",
            ),
            (
                json!({ "bandwidth": { "ingressRate": 5 } }),
                "bandwidth.ingressRate",
            ),
            (
                json!({ "bandwidth": { "egressRate": -1 } }),
                "invalid value",
            ),
        ];
        for (value, expected) in table {
            let message = fault(value.clone());
            assert!(message.contains(expected), "{value}: {message}");
        }
    }

    #[test]
    fn a_port_of_one_address_clashes_with_that_of_all() {
        let of = |ip: &str| {
            let value = json!({ "hostPort": 80, "containerPort": 1, "hostIP": ip });
            serde_json::from_value::<PortMapping>(value).unwrap()
        };
        assert!(of("").clashes(&of("127.0.0.1")));
        assert!(of("0.0.0.0").clashes(&of("")));
        assert!(!of("127.0.0.1").clashes(&of("127.0.0.2")));
    }
}
