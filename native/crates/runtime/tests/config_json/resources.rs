use std::fs;

use serde_json::{Value, json};

use crate::trial::Peer::{self, Lacks, Same};
use crate::trial::{Row, is_v2, row};

pub fn rows() -> Vec<Row> {
    let mut rows = cpu();
    rows.extend(memory());
    rows.extend(block_io());
    rows.extend(others());
    rows
}

/// In the place of a v2 file.
const REFUSED: &str = "";

/// One member of one object of resources, and the files (v1, v2) with the value that they show.
fn limit(
    name: &'static str,
    runc: Peer,
    value: Value,
    v1: (&'static str, &'static str),
    v2: (&'static str, &'static str),
) -> Row {
    let shows = match v2.0 {
        REFUSED => format!("`{}` (v1); refused by name on v2", v1.0),
        file => format!("`{}` (v1) or `{file}` (v2)", v1.0),
    };
    row(
        format!("linux.resources.{name}"),
        shows,
        runc,
        move |trial| {
            let expected = if is_v2() { v2.1 } else { v1.1 };
            let object = name.split('.').next().unwrap();
            trial.limits((v1.0, v2.0), expected, json!({ object: value.clone() }));
        },
    )
}

fn cpu() -> Vec<Row> {
    let later = Lacks("of specification 1.1 and later: ignored");
    vec![
        limit(
            "cpu.shares",
            Same,
            json!({ "shares": 512 }),
            ("cpu.shares", "512"),
            ("cpu.weight", "20"),
        ),
        limit(
            "cpu.quota",
            Same,
            json!({ "quota": 20_000 }),
            ("cpu.cfs_quota_us", "20000"),
            ("cpu.max", "20000 100000"),
        ),
        limit(
            "cpu.period",
            Same,
            json!({ "quota": 20_000, "period": 50_000 }),
            ("cpu.cfs_period_us", "50000"),
            ("cpu.max", "20000 50000"),
        ),
        limit(
            "cpu.burst",
            later,
            json!({ "quota": 20_000, "burst": 10_000 }),
            ("cpu.cfs_burst_us", "10000"),
            ("cpu.max.burst", "10000"),
        ),
        limit(
            "cpu.idle",
            later,
            json!({ "idle": 1 }),
            ("cpu.idle", "1"),
            ("cpu.idle", "1"),
        ),
        limit(
            "cpu.cpus",
            Same,
            json!({ "cpus": "0" }),
            ("cpuset.cpus", "0"),
            ("cpuset.cpus", "0"),
        ),
        limit(
            "cpu.mems",
            Same,
            json!({ "mems": "0" }),
            ("cpuset.mems", "0"),
            ("cpuset.mems", "0"),
        ),
        limit(
            "cpu.realtimePeriod",
            Same,
            json!({ "realtimePeriod": 500_000 }),
            ("cpu.rt_period_us", "500000"),
            (REFUSED, ""),
        ),
        row(
            "linux.resources.cpu.realtimeRuntime",
            "reaches the kernel, which refuses it below a group without real-time share",
            Same,
            |trial| {
                trial.refuses("linux.resources.cpu", |c| {
                    c["linux"]["resources"]["cpu"] = json!({ "realtimeRuntime": 400_000 })
                });
            },
        ),
    ]
}

fn memory() -> Vec<Row> {
    let size = 64 << 20;
    let mut rows = vec![
        limit(
            "memory.limit",
            Same,
            json!({ "limit": size }),
            ("memory.limit_in_bytes", "67108864"),
            ("memory.max", "67108864"),
        ),
        limit(
            "memory.reservation",
            Same,
            json!({ "reservation": size }),
            ("memory.soft_limit_in_bytes", "67108864"),
            ("memory.low", "67108864"),
        ),
        limit(
            "memory.swap",
            Same,
            json!({ "limit": size, "swap": size * 2 }),
            ("memory.memsw.limit_in_bytes", "134217728"),
            ("memory.swap.max", "67108864"),
        ),
        limit(
            "memory.swappiness",
            Same,
            json!({ "swappiness": 30 }),
            ("memory.swappiness", "30"),
            (REFUSED, ""),
        ),
        limit(
            "memory.kernelTCP",
            Lacks("dropped"),
            json!({ "kernelTCP": size }),
            ("memory.kmem.tcp.limit_in_bytes", "67108864"),
            (REFUSED, ""),
        ),
        row(
            "linux.resources.memory.disableOOMKiller",
            "`memory.oom_control` (v1), refused on v2",
            Same,
            |trial| {
                trial.start("limited", |c| {
                    c["linux"]["resources"]["memory"] =
                        json!({ "limit": 64 << 20, "disableOOMKiller": true })
                });
                assert!(
                    trial
                        .control("limited", "memory.oom_control")
                        .contains("oom_kill_disable 1")
                );
            },
        ),
        row(
            "linux.resources.memory.checkBeforeUpdate",
            "an update below what is in use is refused",
            Lacks("of specification 1.1 and later: ignored"),
            |trial| {
                trial.start("limited", |c| {
                    c["linux"]["resources"]["memory"] = json!({ "limit": 64 << 20 })
                });
                let file = trial.place.dir.join("resources");
                fs::write(
                    &file,
                    json!({ "memory": { "limit": 4096, "checkBeforeUpdate": true } }).to_string(),
                )
                .unwrap();
                let said =
                    trial
                        .place
                        .runtime(&["update", "-r", file.to_str().unwrap(), "limited"]);
                said.assert_fails("checkBeforeUpdate");
            },
        ),
    ];
    rows.push(row(
        "linux.resources.memory.kernel",
        "refused by name: Linux 5.16 removed it",
        Lacks("ignored with a warning"),
        |trial| {
            trial.refuses("linux.resources.memory.kernel", |c| {
                c["linux"]["resources"]["memory"] = json!({ "kernel": 1 << 24 })
            });
        },
    ));
    rows.push(row(
        "linux.resources.memory.useHierarchy",
        "true is how it always is; false is refused by name",
        Lacks("ignored"),
        |trial| {
            trial.tells("cwd", &["ok /"], |c| {
                c["linux"]["resources"]["memory"] = json!({ "useHierarchy": true })
            });
            trial.refuses("linux.resources.memory.useHierarchy", |c| {
                c["linux"]["resources"]["memory"] = json!({ "useHierarchy": false })
            });
        },
    ));
    rows
}

/// Numbers of a disk of this machine.
fn disk() -> (u32, u32) {
    let mut disks: Vec<_> = fs::read_dir("/sys/block")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    disks.sort_by_key(|disk| {
        disk.to_string_lossy().contains("zram") || disk.to_string_lossy().contains("loop")
    });
    let text = fs::read_to_string(disks.first().expect("a disk").join("dev")).unwrap();
    let (major, minor) = text.trim().split_once(':').unwrap();
    (major.parse().unwrap(), minor.parse().unwrap())
}

fn block_io() -> Vec<Row> {
    let throttles = [
        (
            "throttleReadBpsDevice",
            "blkio.throttle.read_bps_device",
            "rbps",
        ),
        (
            "throttleWriteBpsDevice",
            "blkio.throttle.write_bps_device",
            "wbps",
        ),
        (
            "throttleReadIOPSDevice",
            "blkio.throttle.read_iops_device",
            "riops",
        ),
        (
            "throttleWriteIOPSDevice",
            "blkio.throttle.write_iops_device",
            "wiops",
        ),
    ];
    let mut rows: Vec<Row> = throttles.into_iter().map(|(name, v1, v2)| {
        let shows = format!("`{v1}` (v1) or {v2} in `io.max` (v2)");
        row(format!("linux.resources.blockIO.{name}"), shows, Same, move |trial| {
            let (major, minor) = disk();
            trial.start("limited", |config| {
                config["linux"]["resources"]["blockIO"] = json!({ name: [{ "major": major, "minor": minor, "rate": 1_048_576 }] });
            });
            let found = trial.control("limited", if is_v2() { "io.max" } else { v1 });
            let expected = if is_v2() { format!("{v2}=1048576") } else { format!("{major}:{minor} 1048576") };
            assert!(found.contains(&expected), "{found}");
        })
    }).collect();
    for (name, value) in [
        ("leafWeight", json!({ "leafWeight": 500 })),
        (
            "weightDevice",
            json!({ "weightDevice": [{ "major": 254, "minor": 0, "weight": 500 }] }),
        ),
    ] {
        rows.push(row(
            format!("linux.resources.blockIO.{name}"),
            "written where the kernel has weights; refused by name where it has none, as here",
            Same,
            move |trial| {
                trial.refuses("linux.resources.blockIO", |c| {
                    c["linux"]["resources"]["blockIO"] = value.clone()
                });
            },
        ));
    }
    rows
}

fn others() -> Vec<Row> {
    let weight = ("blkio.bfq.weight", "500");
    let dropped = Lacks("dropped where no v1 hierarchy carries it");
    let mut rows = vec![
        limit(
            "blockIO.weight",
            Same,
            json!({ "weight": 500 }),
            weight,
            ("io.bfq.weight", "default 500"),
        ),
        limit(
            "pids.limit",
            Same,
            json!({ "limit": 20 }),
            ("pids.max", "20"),
            ("pids.max", "20"),
        ),
        row(
            "linux.resources.hugepageLimits",
            "`hugetlb.2MB.max`, on a hybrid host in its v2 tree",
            dropped,
            |trial| {
                let limits = json!([{ "pageSize": "2MB", "limit": 4_194_304 }]);
                trial.limits(
                    ("hugetlb.2MB.max", "hugetlb.2MB.max"),
                    "4194304",
                    json!({ "hugepageLimits": limits }),
                );
            },
        ),
        row(
            "linux.resources.unified",
            "the v2 file has the value; what is no name of one is refused by name",
            Lacks("refused on a hybrid host"),
            |trial| {
                trial.limits(
                    ("cgroup.max.depth", "cgroup.max.depth"),
                    "7",
                    json!({ "unified": { "cgroup.max.depth": "7" } }),
                );
                trial.refuses("linux.resources.unified", |c| {
                    c["linux"]["resources"]["unified"] = json!({ "../x": "1" })
                });
            },
        ),
    ];
    for (name, value) in [
        (
            "network.classID",
            json!({ "network": { "classID": 1_048_577 } }),
        ),
        (
            "network.priorities",
            json!({ "network": { "priorities": [{ "name": "lo", "priority": 5 }] } }),
        ),
        (
            "rdma",
            json!({ "rdma": { "mlx5_1": { "hcaHandles": 3, "hcaObjects": 10 } } }),
        ),
    ] {
        let shows =
            "written where a hierarchy carries it; refused by name where none does, as here";
        rows.push(row(
            format!("linux.resources.{name}"),
            shows,
            dropped,
            move |trial| {
                trial.refuses(&format!("linux.resources.{name}"), |c| {
                    c["linux"]["resources"] = value.clone()
                });
            },
        ));
    }
    rows
}
