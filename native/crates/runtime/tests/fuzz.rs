//! config.json by strangers: whatever it says, it is parsed and judged without a crash, and what
//! was accepted says the same when it is written and read again.

use gantry_fuzz::{Fuzz, mutate_document};
use gantry_runtime::container::validate;
use gantry_runtime::spec::Spec;
use serde_json::{Value, json};

fn seeds() -> Vec<Value> {
    let mut rich = json!({
        "ociVersion": "1.2.0",
        "root": { "path": "rootfs", "readonly": true },
        "hostname": "h", "domainname": "d", "annotations": { "a": "b" },
        "process": {
            "terminal": false, "cwd": "/", "args": ["/bin/sh", "-c", "true"], "env": ["A=b"],
            "user": { "uid": 1, "gid": 2, "additionalGids": [3], "umask": 18 },
            "consoleSize": { "height": 24, "width": 80 },
            "capabilities": { "bounding": ["CAP_KILL"], "effective": ["CAP_KILL"],
                              "permitted": ["CAP_KILL"], "inheritable": [], "ambient": [] },
            "rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 10, "hard": 20 }],
            "noNewPrivileges": true, "oomScoreAdj": 100,
            "scheduler": { "policy": "SCHED_OTHER", "nice": 1, "flags": [] },
            "ioPriority": { "class": "IOPRIO_CLASS_BE", "priority": 4 },
        },
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/data", "type": "bind", "source": "/srv",
              "options": ["rbind", "rro", "rprivate"] },
            { "destination": "/t", "type": "tmpfs", "source": "t", "options": ["size=1m", "mode=1777"] },
            { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup" },
        ],
        "hooks": { "prestart": [{ "path": "/bin/true", "args": ["true"], "timeout": 3 }] },
    });
    rich["linux"] = json!({
        "cgroupsPath": "/a/b",
        "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "user" },
                       { "type": "time" }, { "type": "cgroup" }, { "type": "network" }],
        "uidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }],
        "gidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }],
        "timeOffsets": { "boottime": { "secs": 7, "nanosecs": 1 } },
        "devices": [{ "path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438 }],
        "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
        "sysctl": { "net.ipv4.ip_forward": "1", "kernel.shmmax": "9" },
        "rootfsPropagation": "private", "personality": { "domain": "LINUX" },
        "resources": {
            "devices": [{ "allow": true, "type": "c", "major": 1, "minor": 5, "access": "rwm" }],
            "memory": { "limit": 1000000, "swap": 2000000, "reservation": 5 },
            "cpu": { "shares": 5, "quota": 10000, "period": 100000, "cpus": "0-1" },
            "pids": { "limit": 10 },
            "blockIO": { "weight": 10, "throttleReadBpsDevice": [{ "major": 8, "minor": 0, "rate": 9 }] },
            "hugepageLimits": [{ "pageSize": "2MB", "limit": 0 }],
            "unified": { "memory.high": "max" },
        },
        "seccomp": { "defaultAction": "SCMP_ACT_ALLOW" },
    });
    let plain = json!({ "ociVersion": "1.0.0", "process": { "cwd": "/", "args": ["sh"] },
                        "root": { "path": "/" }, "linux": { "namespaces": [{ "type": "mount" }] } });
    vec![rich, plain]
}

#[test]
fn fuzz_config_json() {
    let seeds = seeds();
    let mut accepted = 0;
    Fuzz {
        name: "config-json",
        iterations: 20_000,
    }
    .run(
        |random| {
            let seed = random.pick(&seeds).clone();
            mutate_document(random, &seed)
        },
        |input| {
            let Ok(spec) = serde_json::from_slice::<Spec>(input) else {
                return;
            };
            let verdict = validate::check(&spec).map_err(|error| error.to_string());
            let again = serde_json::to_vec(&spec).expect("what was read can be written");
            let again: Spec = serde_json::from_slice(&again).expect("and read again");
            let repeated = validate::check(&again).map_err(|error| error.to_string());
            assert_eq!(verdict, repeated);
            accepted += u64::from(verdict.is_ok());
        },
    );
    assert!(
        accepted > 100,
        "only {accepted} documents came through: the seeds are too poor"
    );
}
