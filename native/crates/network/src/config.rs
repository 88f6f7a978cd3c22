//! What the plugin is told: the network configuration on stdin and the CNI environment. All of it
//! is checked before anything is done, and all faults name their field.

use crate::cidr::Cidr;
use crate::failure::{
    DECODE_FAILURE, Failure, INCOMPATIBLE_VERSION, INVALID_CONFIG, INVALID_ENVIRONMENT, Outcome,
};
use crate::runtime_config::RuntimeConfig;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::Read;
use std::path::PathBuf;

pub const SUPPORTED_VERSIONS: [&str; 4] = ["0.4.0", "1.0.0", "1.1.0", "0.3.1"];
const MAX_INPUT_BYTES: u64 = 1024 * 1024;
const PREFIXES: std::ops::RangeInclusive<u8> = 8..=30;
const MTUS: std::ops::RangeInclusive<u32> = 576..=65535;
const MAX_INTERFACE_NAME: usize = 15;

/// The network configuration. Unknown fields are other plugins' or the specification's own.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(rename = "cniVersion")]
    pub cni_version: String,
    pub name: String,
    pub bridge: String,
    #[serde(rename = "podCIDR")]
    pub pod_cidr: Cidr,
    #[serde(rename = "clusterCIDR")]
    pub cluster_cidr: Cidr,
    /// 0: that of the interface with the default route.
    #[serde(default)]
    pub mtu: u32,
    #[serde(rename = "dataDir")]
    pub data_dir: PathBuf,
    /// What the caller adds for this attachment.
    #[serde(rename = "runtimeConfig", default)]
    pub runtime_config: RuntimeConfig,
    #[serde(rename = "prevResult")]
    pub previous_result: Option<Value>,
    #[serde(rename = "cni.dev/valid-attachments")]
    pub valid_attachments: Option<Vec<ValidAttachment>>,
}

/// One of GC's attachments that are still in use.
#[derive(Clone, Debug, Deserialize)]
pub struct ValidAttachment {
    #[serde(rename = "containerID")]
    pub container_id: String,
    pub ifname: String,
}

impl Config {
    pub fn parse(input: &str) -> Outcome<Self> {
        let config: Self = decode(input)?;
        config.validate()?;
        Ok(config)
    }

    /// Where this network's leases are.
    pub fn lease_dir(&self) -> PathBuf {
        self.data_dir.join(&self.name)
    }

    fn validate(&self) -> Outcome<()> {
        if !SUPPORTED_VERSIONS.contains(&self.cni_version.as_str()) {
            let message = format!("cniVersion: {:?} is not supported", self.cni_version);
            let known = format!("supported are {}", SUPPORTED_VERSIONS.join(", "));
            return Err(Failure::new(INCOMPATIBLE_VERSION, message).hint(known));
        }
        let refuse = |message: String| Err(Failure::new(INVALID_CONFIG, message));
        if !is_name(&self.name) {
            return refuse(format!("name: {:?} is not a network's name", self.name));
        }
        if !is_interface_name(&self.bridge) {
            return refuse(format!(
                "bridge: {:?} is not an interface's name",
                self.bridge
            ));
        }
        if !PREFIXES.contains(&self.pod_cidr.prefix()) {
            let (least, most) = (PREFIXES.start(), PREFIXES.end());
            return refuse(format!(
                "podCIDR: {} is not from /{least} to /{most}",
                self.pod_cidr
            ));
        }
        if !self.cluster_cidr.includes(&self.pod_cidr) {
            let (pods, cluster) = (self.pod_cidr, self.cluster_cidr);
            return refuse(format!(
                "podCIDR: {pods} is not within clusterCIDR {cluster}"
            ));
        }
        if self.mtu != 0 && !MTUS.contains(&self.mtu) {
            return refuse(format!("mtu: {} is not 0 or from 576 to 65535", self.mtu));
        }
        if !self.data_dir.is_absolute() {
            return refuse(format!(
                "dataDir: {:?} is not an absolute path",
                self.data_dir
            ));
        }
        self.runtime_config.validate()
    }
}

/// Reads a JSON document whose faults name their field.
pub fn decode<T: DeserializeOwned>(input: &str) -> Outcome<T> {
    let explain = |error| Failure::new(DECODE_FAILURE, format!("read configuration: {error}"));
    serde_json::from_str(input).map_err(explain)
}

/// stdin, bounded.
pub fn read_stdin() -> Outcome<String> {
    let mut input = String::new();
    let read = std::io::stdin()
        .take(MAX_INPUT_BYTES + 1)
        .read_to_string(&mut input);
    match read {
        Ok(length) if length as u64 <= MAX_INPUT_BYTES => Ok(input),
        Ok(_) => Err(Failure::new(
            DECODE_FAILURE,
            "read configuration: it is longer than 1 MiB",
        )),
        Err(error) => Err(Failure::new(
            DECODE_FAILURE,
            format!("read configuration: {error}"),
        )),
    }
}

/// Which interface of which container a call is about.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub container_id: String,
    pub ifname: String,
    /// Absent only with DEL, when the namespace is gone.
    pub netns: Option<PathBuf>,
}

impl Attachment {
    /// Reads CNI_CONTAINERID, CNI_IFNAME and CNI_NETNS through `variable`.
    pub fn parse(variable: impl Fn(&str) -> Option<String>, needs_netns: bool) -> Outcome<Self> {
        let need = |name: &str| {
            let missing = || Failure::new(INVALID_ENVIRONMENT, format!("{name} is not set"));
            variable(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(missing)
        };
        let container_id = need("CNI_CONTAINERID")?;
        if !is_name(&container_id) {
            let rule = "CNI_CONTAINERID must be up to 128 letters, digits or _.- and begin with \
                        a letter or digit";
            return Err(Failure::new(INVALID_ENVIRONMENT, rule));
        }
        let ifname = need("CNI_IFNAME")?;
        if !is_interface_name(&ifname) || ifname == "lo" {
            let message = format!("CNI_IFNAME {ifname:?} is not an interface's name");
            return Err(Failure::new(INVALID_ENVIRONMENT, message));
        }
        let netns = if needs_netns {
            Some(need("CNI_NETNS")?)
        } else {
            variable("CNI_NETNS")
        };
        let netns = netns.filter(|path| !path.is_empty()).map(PathBuf::from);
        if netns.as_ref().is_some_and(|path| !path.is_absolute()) {
            let message = "CNI_NETNS must be an absolute path";
            return Err(Failure::new(INVALID_ENVIRONMENT, message));
        }
        Ok(Self {
            container_id,
            ifname,
            netns,
        })
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 128
        && name.chars().all(allowed)
}

fn is_interface_name(name: &str) -> bool {
    let odd = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    !name.is_empty()
        && name.len() <= MAX_INTERFACE_NAME
        && name != "."
        && name != ".."
        && !name.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "cniVersion": "1.1.0", "name": "gantry", "type": "gantry-network",
            "bridge": "gantry0", "podCIDR": "10.42.1.0/24", "clusterCIDR": "10.42.0.0/16",
            "mtu": 0, "dataDir": "/var/lib/gantry/network",
        })
    }

    #[test]
    fn accepts_the_contracts_example() {
        assert!(Config::parse(&good().to_string()).is_ok());
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let table = [
            ("cniVersion", json!("9.9.9"), "cniVersion"),
            ("cniVersion", json!(1), "invalid type"),
            ("name", json!("../x"), "name"),
            ("name", json!(""), "name"),
            ("bridge", json!("a/b"), "bridge"),
            ("bridge", json!("sixteen-letters-"), "bridge"),
            ("podCIDR", json!("10.42.1.7/24"), "host bits"),
            ("podCIDR", json!("10.42.1.0/31"), "podCIDR"),
            ("podCIDR", json!("10.43.1.0/24"), "within clusterCIDR"),
            ("podCIDR", json!(null), "invalid type"),
            ("mtu", json!(100), "mtu"),
            ("mtu", json!(-1), "invalid value"),
            ("dataDir", json!("here"), "dataDir"),
        ];
        for (field, value, expected) in table {
            let mut config = good();
            config[field] = value;
            let failure = Config::parse(&config.to_string()).expect_err(field);
            assert!(failure.message.contains(expected), "{field}: {failure}");
        }
        let mut config = good();
        config.as_object_mut().unwrap().remove("podCIDR");
        let failure = Config::parse(&config.to_string()).expect_err("podCIDR is missing");
        assert!(
            failure.message.contains("missing field `podCIDR`"),
            "{failure}"
        );
    }

    #[test]
    fn refuses_a_hostile_environment() {
        let table = [
            ("CNI_CONTAINERID", "../../etc"),
            ("CNI_CONTAINERID", ""),
            ("CNI_IFNAME", "eth0/../x"),
            ("CNI_IFNAME", "lo"),
            ("CNI_IFNAME", "a-name-that-is-too-long"),
            ("CNI_NETNS", "relative"),
            ("CNI_NETNS", ""),
        ];
        for (name, value) in table {
            let variable = |asked: &str| {
                let good = match asked {
                    "CNI_CONTAINERID" => "c1",
                    "CNI_IFNAME" => "eth0",
                    _ => "/run/netns/x",
                };
                Some(if asked == name {
                    value.to_string()
                } else {
                    good.to_string()
                })
            };
            let failure = Attachment::parse(variable, true).expect_err(name);
            assert_eq!(failure.code, INVALID_ENVIRONMENT);
        }
    }
}
