use std::io::Write;

use serde_json::json;

use crate::cli::{Arguments, Flag, Global};
use crate::error::{Result, Step};

pub const FLAGS: &[Flag] = &[("bundle", Some('b'), true), ("rootless", None, false)];

/// Ours by default: Docker's fourteen without the three that a web service never needs.
const CAPABILITIES: [&str; 11] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

const MASKED: [&str; 9] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/timer_list",
    "/sys/firmware",
];

const READONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

pub fn run(_: &Global, arguments: &Arguments) -> Result<i32> {
    let path = arguments
        .path("bundle")
        .unwrap_or_else(|| ".".into())
        .join("config.json");
    let mut template = template();
    if arguments.is_set("rootless") {
        make_rootless(&mut template);
    }
    let text = serde_json::to_string_pretty(&template).step("encode the template")?;
    let mut file = std::fs::File::create_new(&path)
        .step_with(|| format!("make {} (an existing one is kept)", path.display()))?;
    file.write_all(text.as_bytes())
        .step_with(|| format!("write {}", path.display()))?;
    Ok(0)
}

fn template() -> serde_json::Value {
    let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"];
    json!({
        "ociVersion": crate::container::state::OCI_VERSION,
        "process": {
            "terminal": true,
            "user": { "uid": 0, "gid": 0 },
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
                "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES,
            },
            "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 }],
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": true },
        "hostname": "gantry",
        "mounts": mounts(),
        "linux": {
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            "namespaces": namespaces.map(|kind| json!({ "type": kind })),
            "maskedPaths": MASKED,
            "readonlyPaths": READONLY,
        },
    })
}

/// What an ordinary user can be given: the host's network, a user namespace of which its own id is
/// root, no limits, and no owners but itself.
fn make_rootless(template: &mut serde_json::Value) {
    let ids = [
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    ];
    let [uids, gids] = ids.map(|id| json!([{ "containerID": 0, "hostID": id, "size": 1 }]));
    let kinds = ["pid", "ipc", "uts", "mount", "cgroup", "user"];
    template["linux"]["namespaces"] = json!(kinds.map(|kind| json!({ "type": kind })));
    template["linux"]["uidMappings"] = uids;
    template["linux"]["gidMappings"] = gids;
    if let Some(linux) = template["linux"].as_object_mut() {
        linux.remove("resources");
    }
    let Some(mounts) = template["mounts"].as_array_mut() else {
        return;
    };
    // A sysfs belongs to the network namespace, which stays the host's.
    mounts.retain(|mount| mount["type"] != "cgroup" && mount["type"] != "sysfs");
    mounts.push(
        json!({ "destination": "/sys", "type": "none", "source": "/sys",
        "options": ["rbind", "nosuid", "noexec", "nodev", "rro"] }),
    );
    for options in mounts
        .iter_mut()
        .filter_map(|mount| mount["options"].as_array_mut())
    {
        let names_an_owner = |option: &serde_json::Value| {
            option
                .as_str()
                .is_some_and(|text| text.starts_with("gid=") || text.starts_with("uid="))
        };
        options.retain(|option| !names_an_owner(option));
    }
}

fn mounts() -> serde_json::Value {
    let mount = |destination: &str, kind: &str, options: &str| {
        let options: Vec<&str> = options.split(' ').collect();
        json!({ "destination": destination, "type": kind, "source": kind, "options": options })
    };
    json!([
        mount("/proc", "proc", "nosuid noexec nodev"),
        mount(
            "/dev",
            "tmpfs",
            "nosuid noexec strictatime mode=755 size=65536k"
        ),
        mount(
            "/dev/pts",
            "devpts",
            "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"
        ),
        mount(
            "/dev/shm",
            "tmpfs",
            "nosuid noexec nodev mode=1777 size=65536k"
        ),
        mount("/dev/mqueue", "mqueue", "nosuid noexec nodev"),
        mount("/sys", "sysfs", "nosuid noexec nodev ro"),
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            "nosuid noexec nodev relatime ro"
        ),
    ])
}
