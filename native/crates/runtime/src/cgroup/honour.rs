//! Which limits the groups of this host can keep. What they cannot is refused by the property's
//! name: a limit that is silently dropped is a broken promise.

use super::Cgroup;
use crate::error::Result;
use crate::fail;
use crate::spec::{BlockIo, Cpu, Memory, Resources};

const NOT_ON_V2: &str = "cgroup v2 has no such limit; drop it";

/// Refuses what no write to a control file would.
pub fn check(cgroup: &Cgroup, resources: &Resources) -> Result<()> {
    let v2 = cgroup.v1.is_empty();
    if let Some(memory) = &resources.memory {
        check_memory(memory, v2)?;
    }
    if let Some(cpu) = resources.cpu.as_ref().filter(|_| v2) {
        check_cpu(cpu)?;
    }
    if let Some(io) = resources.block_io.as_ref().filter(|_| v2) {
        check_block_io(io)?;
    }
    if resources.network.is_some() {
        check_network(cgroup, resources)?;
    }
    if !resources.rdma.is_empty() && !cgroup.carries("rdma") {
        fail!("linux.resources.rdma: no cgroup hierarchy of this host carries rdma");
    }
    if v2 || resources.hugepage_limits.is_empty() || cgroup.carries("hugetlb") {
        return Ok(());
    }
    fail!("linux.resources.hugepageLimits: no cgroup hierarchy of this host carries hugetlb")
}

fn check_memory(memory: &Memory, v2: bool) -> Result<()> {
    if memory.kernel.is_some_and(|bytes| bytes > 0) {
        fail!("linux.resources.memory.kernel: Linux 5.16 removed this limit; use memory.limit");
    }
    if memory.use_hierarchy == Some(false) {
        fail!("linux.resources.memory.useHierarchy: groups are always counted with those below");
    }
    let v1_only = [
        (
            "kernelTCP",
            memory.kernel_tcp.is_some_and(|bytes| bytes > 0),
        ),
        ("swappiness", memory.swappiness.is_some()),
        ("disableOOMKiller", memory.disable_oom_killer == Some(true)),
    ];
    refuse_on_v2("memory", &v1_only, v2)
}

fn check_cpu(cpu: &Cpu) -> Result<()> {
    let realtime = [
        (
            "realtimeRuntime",
            cpu.realtime_runtime.is_some_and(|time| time != 0),
        ),
        (
            "realtimePeriod",
            cpu.realtime_period.is_some_and(|time| time != 0),
        ),
    ];
    refuse_on_v2("cpu", &realtime, true)
}

fn check_block_io(io: &BlockIo) -> Result<()> {
    let leaf = io.leaf_weight.is_some_and(|weight| weight > 0);
    refuse_on_v2("blockIO", &[("leafWeight", leaf)], true)
}

fn refuse_on_v2(object: &str, asked: &[(&str, bool)], v2: bool) -> Result<()> {
    match asked.iter().find(|(_, asked)| *asked && v2) {
        Some((name, _)) => fail!("linux.resources.{object}.{name}: {NOT_ON_V2}"),
        None => Ok(()),
    }
}

fn check_network(cgroup: &Cgroup, resources: &Resources) -> Result<()> {
    let Some(network) = &resources.network else {
        return Ok(());
    };
    let asked = [
        ("classID", "net_cls", network.class_id.is_some()),
        ("priorities", "net_prio", !network.priorities.is_empty()),
    ];
    for (name, controller, asked) in asked {
        if asked && !cgroup.v1.iter().any(|group| group.has(controller)) {
            fail!(
                "linux.resources.network.{name}: no cgroup v1 hierarchy of this host carries \
                 {controller}"
            );
        }
    }
    Ok(())
}

/// Which controllers the limits ask for that are the same on v1 and v2 but for one name.
pub fn controllers<'a>(resources: &Resources, block_io: &'a str) -> [(&'a str, bool); 4] {
    let (cpu, memory) = (resources.cpu.as_ref(), resources.memory.as_ref());
    let time = cpu.is_some_and(|cpu| cpu.shares.is_some() || cpu.quota.is_some());
    let set = cpu.is_some_and(|cpu| cpu.cpus.is_some() || cpu.mems.is_some());
    let bytes = memory.is_some_and(|memory| memory.limit.is_some());
    [
        ("cpu", time),
        ("cpuset", set),
        ("memory", bytes),
        (block_io, resources.block_io.is_some()),
    ]
}
