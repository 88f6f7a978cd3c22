//! The nftables table `gantry`: pods that leave the cluster's network take the node's address.

use crate::config::Config;
use crate::failure::{AtStep, Failure, KERNEL_REFUSED, Outcome, PROGRAM_MISSING};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin"];

/// Where nft is; by fixed directories, since a root program must not trust PATH.
pub fn find_nft() -> Outcome<PathBuf> {
    let paths = DIRECTORIES
        .iter()
        .map(|directory| PathBuf::from(directory).join("nft"));
    paths.into_iter().find(|path| path.exists()).ok_or_else(|| {
        let message = "masquerade: the program nft is missing";
        Failure::new(PROGRAM_MISSING, message).hint("install it: apt-get install nftables")
    })
}

/// Replaces our chain in one transaction; the table may hold chains of others of our parts.
pub fn install(config: &Config) -> Outcome<()> {
    nft(&find_nft()?, &rules(config))
}

/// The chain of what leaves: out of the cluster under the node's address, and under the gateway's what was
/// sent on to a pod from the host's loopback or from a neighbour, whose answers would miss us otherwise.
pub fn rules(config: &Config) -> String {
    let (pods, cluster, bridge) = (config.pod_cidr, config.cluster_cidr, &config.bridge);
    let chain = "ip gantry leaving";
    format!(
        "add table ip gantry\n\
         add chain {chain} {{ type nat hook postrouting priority 100; policy accept; }}\n\
         flush chain {chain}\n\
         add rule {chain} ip saddr 127.0.0.0/8 oifname \"{bridge}\" masquerade\n\
         add rule {chain} ct status dnat ip saddr {pods} ip daddr {pods} masquerade\n\
         add rule {chain} ip saddr {pods} ip daddr != {cluster} ip daddr != 224.0.0.0/4 masquerade\n"
    )
}

/// Removes the table. Without nft there can be none of ours.
pub fn remove() -> Outcome<()> {
    let Ok(program) = find_nft() else {
        return Ok(());
    };
    // Adding first makes deleting succeed whether it was there or not.
    nft(&program, "add table ip gantry\ndelete table ip gantry\n")
}

/// Has nft make one transaction of the rules.
pub fn nft(program: &PathBuf, rules: &str) -> Outcome<()> {
    let step = "run nft";
    let mut child = Command::new(program)
        .args(["-f", "-"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .at(step)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(rules.as_bytes()).at(step)?;
    }
    let output = child.wait_with_output().at(step)?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(
        KERNEL_REFUSED,
        format!("{step}: {}", words.trim()),
    ))
}
