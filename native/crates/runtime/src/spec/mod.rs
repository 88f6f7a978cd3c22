//! `config.json` of the OCI runtime specification 1.2, as far as Linux goes. Unknown properties are
//! ignored, as the specification asks; wrong types are refused with their place.

mod linux;
mod process;
mod resources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use linux::{Device, IdMapping, Linux, Namespace, NamespaceKind, Personality, TimeOffset};
pub use process::{
    Capabilities, ConsoleSize, CpuAffinity, IoPriority, Process, Rlimit, Scheduler, User,
};
pub use resources::{
    BlockIo, Cpu, DeviceRule, HugepageLimit, Memory, Network, NetworkPriority, Pids, Rdma,
    Resources, ThrottleDevice, WeightDevice,
};

use crate::error::{Result, Step};

/// The whole document.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    pub oci_version: String,
    pub root: Option<Root>,
    pub mounts: Vec<Mount>,
    pub process: Option<Process>,
    pub hostname: Option<String>,
    pub domainname: Option<String>,
    pub hooks: Option<Hooks>,
    pub linux: Option<Linux>,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Root {
    pub path: PathBuf,
    pub readonly: bool,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Mount {
    pub destination: String,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub source: Option<String>,
    pub options: Vec<String>,
    pub uid_mappings: Vec<IdMapping>,
    pub gid_mappings: Vec<IdMapping>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Hooks {
    pub prestart: Vec<Hook>,
    pub create_runtime: Vec<Hook>,
    pub create_container: Vec<Hook>,
    pub start_container: Vec<Hook>,
    pub poststart: Vec<Hook>,
    pub poststop: Vec<Hook>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Hook {
    pub path: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<String>,
    /// Seconds.
    pub timeout: Option<u64>,
}

impl Spec {
    /// Reads and parses `config.json` of a directory.
    pub fn load(dir: &Path) -> Result<Self> {
        Self::load_with_text(dir).map(|(spec, _)| spec)
    }

    /// As [`Spec::load`], with the text, for whoever keeps a copy.
    pub fn load_with_text(dir: &Path) -> Result<(Self, Vec<u8>)> {
        let path = dir.join("config.json");
        let text = std::fs::read(&path).step_with(|| format!("read {}", path.display()))?;
        let spec =
            serde_json::from_slice(&text).step_with(|| format!("parse {}", path.display()))?;
        Ok((spec, text))
    }
}
