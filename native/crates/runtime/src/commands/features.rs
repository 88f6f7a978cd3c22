use serde_json::json;

use crate::cli::{Arguments, Global};
use crate::error::{Result, Step};
use crate::process::{capabilities, labels};
use crate::seccomp;

/// Every mount option that is not passed to the file system as it is.
const MOUNT_OPTIONS: [&str; 45] = [
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "exec",
    "idmap",
    "loud",
    "mand",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "private",
    "ratime",
    "rbind",
    "rdev",
    "relatime",
    "rexec",
    "ridmap",
    "rnodev",
    "rnoexec",
    "rnosuid",
    "ro",
    "rprivate",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "runbindable",
    "rw",
    "shared",
    "silent",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "tmpcopyup",
    "unbindable",
];

const HOOKS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

const NAMESPACES: [&str; 8] = [
    "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts",
];

/// Prints what the runtime supports, in the form of the specification's features document.
pub fn run(_: &Global, _: &Arguments) -> Result<i32> {
    let flags: Vec<&str> = seccomp::FLAGS.iter().map(|(name, _)| *name).collect();
    let features = json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": crate::container::state::OCI_VERSION,
        "hooks": HOOKS,
        "mountOptions": MOUNT_OPTIONS.as_slice(),
        "linux": {
            "namespaces": NAMESPACES,
            "capabilities": capabilities::names().collect::<Vec<_>>(),
            "cgroup": { "v1": true, "v2": true, "systemd": false, "systemdUser": false, "rdma": false },
            "seccomp": {
                "enabled": true,
                "actions": seccomp::ACTIONS,
                "operators": seccomp::OPERATORS,
                "archs": seccomp::ARCHITECTURES,
                "knownFlags": flags,
                "supportedFlags": flags,
            },
            "apparmor": { "enabled": labels::has_apparmor() },
            "selinux": { "enabled": labels::has_selinux() },
            "intelRdt": { "enabled": false },
            "mountExtensions": { "idmap": { "enabled": true } },
        },
        "annotations": { "dev.gantry.runtime.version": env!("CARGO_PKG_VERSION") },
        "potentiallyUnsafeConfigAnnotations": [
            "dev.gantry.rootfs.lower", "dev.gantry.rootfs.upper", "dev.gantry.rootfs.work",
            "dev.gantry.rootfs.directory"
        ],
    });
    println!(
        "{}",
        serde_json::to_string_pretty(&features).step("encode the features")?
    );
    Ok(0)
}
