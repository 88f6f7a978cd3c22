//! IPv4 networks in CIDR notation.

use serde::{Deserialize, Deserializer, de::Error};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A network address with its prefix length; host bits are zero.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Cidr {
    network: u32,
    prefix: u8,
}

impl Cidr {
    pub fn new(network: Ipv4Addr, prefix: u8) -> Result<Self, String> {
        let network = u32::from(network);
        if prefix > 32 {
            return Err(format!("prefix length {prefix} is more than 32"));
        }
        let cidr = Self {
            network: network & mask(prefix),
            prefix,
        };
        if cidr.network != network {
            return Err(format!("host bits are set; did you mean {cidr}?"));
        }
        Ok(cidr)
    }

    pub fn network(&self) -> Ipv4Addr {
        self.network.into()
    }

    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    pub fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.prefix) == self.network
    }

    pub fn includes(&self, other: &Cidr) -> bool {
        self.prefix <= other.prefix && self.contains(other.network())
    }

    pub fn overlaps(&self, other: &Cidr) -> bool {
        self.includes(other) || other.includes(self)
    }

    /// The first address, which is the bridge's own and the pods' gateway.
    pub fn gateway(&self) -> Ipv4Addr {
        self.network.wrapping_add(1).into()
    }

    /// The addresses for pods: all but network, gateway and broadcast.
    pub fn pod_addresses(&self) -> std::ops::RangeInclusive<u32> {
        self.network + 2..=self.broadcast() - 1
    }

    fn broadcast(&self) -> u32 {
        self.network | !mask(self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("{text:?} is not an IPv4 network such as 10.42.1.0/24");
        let (address, prefix) = text.split_once('/').ok_or_else(problem)?;
        let address = address.parse().map_err(|_| problem())?;
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| digits).ok_or_else(problem)?;
        Self::new(address, prefix).map_err(|why| format!("{text:?}: {why}"))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network(), self.prefix)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_refuses() {
        let good = ["10.42.1.0/24", "0.0.0.0/0", "10.0.0.1/32"];
        for text in good {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "10.42.1.0",
            "10.42.1.5/24",
            "10.42.1.0/33",
            "a/8",
            "::/64",
            "1.2.3.0/+24",
        ] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn knows_its_addresses() {
        let cidr: Cidr = "10.42.1.0/29".parse().unwrap();
        assert_eq!(cidr.gateway(), Ipv4Addr::new(10, 42, 1, 1));
        assert_eq!(cidr.pod_addresses().count(), 5);
        assert!("10.42.0.0/16".parse::<Cidr>().unwrap().includes(&cidr));
        assert!(!cidr.includes(&"10.42.0.0/16".parse().unwrap()));
        assert!(!cidr.overlaps(&"10.42.1.8/29".parse().unwrap()));
    }
}
