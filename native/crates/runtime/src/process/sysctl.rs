//! `linux.sysctl`: only what belongs to a namespace of the container itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::fail;
use crate::spec::{Linux, NamespaceKind};

const IPC: [&str; 11] = [
    "kernel.auto_msgmni",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.shm_next_id",
    "kernel.sem_next_id",
];

const FOREIGN_NAMESPACE: &str = "; its namespace must belong to the container's user namespace: \
    make the user namespace first, and the others within it";

/// Refuses a sysctl that would change the host, or a namespace that the container does not have.
pub fn validate(linux: &Linux) -> Result<()> {
    for name in linux.sysctl.keys() {
        let Some(kind) = namespace_of(name) else {
            fail!("linux.sysctl: {name} belongs to no namespace and would change the host");
        };
        if !linux
            .namespaces
            .iter()
            .any(|namespace| namespace.kind == kind)
        {
            fail!("linux.sysctl: {name} needs a {kind:?} namespace in linux.namespaces");
        }
    }
    Ok(())
}

/// Writes through the host's /proc, before the container's own is reachable: an image cannot put
/// another file there (CVE-2019-16884). The values land in the caller's namespaces.
pub fn apply(sysctls: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in sysctls {
        fs::write(path(name), value).map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::PermissionDenied => FOREIGN_NAMESPACE,
                _ => "",
            };
            Error::new(format!("set sysctl {name}: {error}{hint}"))
        })?;
    }
    Ok(())
}

fn namespace_of(name: &str) -> Option<NamespaceKind> {
    let dotted = name.replace('/', ".");
    if dotted.split('.').any(str::is_empty) {
        return None;
    }
    match dotted.as_str() {
        "kernel.domainname" | "kernel.hostname" => Some(NamespaceKind::Uts),
        name if IPC.contains(&name) || name.starts_with("fs.mqueue.") => Some(NamespaceKind::Ipc),
        name if name.starts_with("net.") => Some(NamespaceKind::Network),
        _ => None,
    }
}

/// As sysctl(8): whichever of `.` and `/` comes first separates, the other is part of a name
/// (`net.ipv4.conf.eth0/100.forwarding` and `net/ipv4/conf/eth0.100/forwarding`).
fn path(name: &str) -> PathBuf {
    let slashes = name
        .find('/')
        .is_some_and(|slash| name.find('.').is_none_or(|dot| slash < dot));
    let relative: String = if slashes {
        name.to_owned()
    } else {
        let swap = |letter| match letter {
            '.' => '/',
            '/' => '.',
            other => other,
        };
        name.chars().map(swap).collect()
    };
    PathBuf::from("/proc/sys").join(relative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Namespace;

    fn linux(name: &str) -> Linux {
        let namespaces = vec![Namespace {
            kind: NamespaceKind::Network,
            path: None,
        }];
        let sysctl = [(name.to_owned(), "1".to_owned())].into();
        Linux {
            namespaces,
            sysctl,
            ..Linux::default()
        }
    }

    #[test]
    fn only_namespaced_ones_are_allowed() {
        for (name, allowed) in [
            ("net.ipv4.ip_forward", true),
            ("net/ipv4/conf/eth0.100/forwarding", true),
            ("kernel.sem", false),
            ("kernel.core_pattern", false),
            ("vm.overcommit_memory", false),
            ("net.../../kernel/core_pattern", false),
            ("net/../kernel/core_pattern", false),
        ] {
            assert_eq!(validate(&linux(name)).is_ok(), allowed, "{name}");
        }
    }

    #[test]
    fn separators_follow_sysctl() {
        for (name, expected) in [
            ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            (
                "net.ipv4.conf.eth0/100.rp_filter",
                "/proc/sys/net/ipv4/conf/eth0.100/rp_filter",
            ),
            (
                "net/ipv4/conf/eth0.100/rp_filter",
                "/proc/sys/net/ipv4/conf/eth0.100/rp_filter",
            ),
        ] {
            assert_eq!(path(name), PathBuf::from(expected));
        }
    }
}
