//! Limits on v1 hierarchies.

use std::path::Path;

use super::{V1Group, block_io, device_rules, honour, read, v2, write};
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{Cpu, Memory, Network, NetworkPriority, Resources};

/// Applies what `resources` names and this hierarchy carries.
pub fn apply(group: &V1Group, resources: &Resources, fresh: bool) -> Result<()> {
    let dir = group.dir.as_path();
    if group.has("cpu")
        && let Some(cpu) = &resources.cpu
    {
        apply_cpu(dir, cpu).step("linux.resources.cpu")?;
    }
    if group.has("cpuset")
        && let Some(cpu) = &resources.cpu
    {
        apply_cpuset(dir, cpu).step("linux.resources.cpu")?;
    }
    if group.has("memory")
        && let Some(memory) = &resources.memory
    {
        apply_memory(dir, memory, fresh).step("linux.resources.memory")?;
    }
    if group.has("pids")
        && let Some(limit) = resources.pids.as_ref().and_then(|pids| pids.limit)
    {
        let value = if limit > 0 {
            limit.to_string()
        } else {
            "max".to_owned()
        };
        write(dir, "pids.max", &value)?;
    }
    if group.has("devices") {
        device_rules::apply_v1(dir, &resources.devices)?;
    }
    if group.has("blkio")
        && let Some(block_io) = &resources.block_io
    {
        block_io::apply_v1(dir, block_io).step("linux.resources.blockIO")?;
    }
    if let Some(network) = &resources.network {
        apply_network(group, network)?;
    }
    if group.has("rdma") {
        v2::apply_rdma(dir, resources)?;
    }
    if group.has("hugetlb") {
        for limit in &resources.hugepage_limits {
            let file = format!("hugetlb.{}.limit_in_bytes", limit.page_size);
            write(dir, &file, &limit.limit.to_string())?;
        }
    }
    Ok(())
}

/// Whether `resources` names a limit of a hierarchy that is not joined in any case.
pub fn is_wanted(group: &V1Group, resources: &Resources) -> bool {
    let cpu = resources.cpu.as_ref();
    (group.has("cpuset") && cpu.is_some_and(|cpu| cpu.cpus.is_some() || cpu.mems.is_some()))
        || (group.has("blkio") && resources.block_io.is_some())
        || (group.has("hugetlb") && !resources.hugepage_limits.is_empty())
        || (group.has("rdma") && !resources.rdma.is_empty())
        || ((group.has("net_cls") || group.has("net_prio")) && resources.network.is_some())
}

/// Refuses limits whose controller is not mounted: an ignored limit is a broken promise.
pub fn check_controllers(groups: &[V1Group], resources: &Resources) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let pids = resources.pids.as_ref().and_then(|pids| pids.limit);
    let pids = ("pids", pids.is_some_and(|limit| limit > 0));
    let wanted = honour::controllers(resources, "blkio");
    for (controller, wanted) in wanted.into_iter().chain([pids]) {
        if wanted && !groups.iter().any(|group| group.has(controller)) {
            fail!(
                "linux.resources asks for the {controller} controller, which no cgroup v1 hierarchy \
                 of this host carries; mount it or drop the limit"
            );
        }
    }
    Ok(())
}

/// Copies cpus and mems from the parent where empty, without which no process may enter.
pub fn inherit_cpuset(dir: &Path) -> Result<()> {
    let parent = dir.parent().unwrap_or(dir);
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if read(dir, file)?.is_empty() {
            write(dir, file, &read(parent, file)?)?;
        }
    }
    Ok(())
}

fn apply_cpu(dir: &Path, cpu: &Cpu) -> Result<()> {
    if let Some(shares) = cpu.shares.filter(|&shares| shares > 0) {
        write(dir, "cpu.shares", &shares.to_string())?;
    }
    if let Some(period) = cpu.period.filter(|&period| period > 0) {
        write(dir, "cpu.cfs_period_us", &period.to_string())?;
    }
    if let Some(quota) = cpu.quota.filter(|&quota| quota != 0) {
        write(dir, "cpu.cfs_quota_us", &quota.max(-1).to_string())?;
    }
    if let Some(burst) = cpu.burst {
        write(dir, "cpu.cfs_burst_us", &burst.to_string())?;
    }
    if let Some(idle) = cpu.idle {
        write(dir, "cpu.idle", &idle.to_string())?;
    }
    if let Some(period) = cpu.realtime_period.filter(|&period| period > 0) {
        write(dir, "cpu.rt_period_us", &period.to_string())?;
    }
    if let Some(runtime) = cpu.realtime_runtime.filter(|&runtime| runtime != 0) {
        write(dir, "cpu.rt_runtime_us", &runtime.to_string())?;
    }
    Ok(())
}

fn apply_network(group: &V1Group, network: &Network) -> Result<()> {
    if group.has("net_cls")
        && let Some(class) = network.class_id
    {
        write(&group.dir, "net_cls.classid", &class.to_string())
            .step("linux.resources.network.classID")?;
    }
    if group.has("net_prio") {
        for NetworkPriority { name, priority } in &network.priorities {
            write(
                &group.dir,
                "net_prio.ifpriomap",
                &format!("{name} {priority}"),
            )
            .step("linux.resources.network.priorities")?;
        }
    }
    Ok(())
}

fn apply_cpuset(dir: &Path, cpu: &Cpu) -> Result<()> {
    for (file, value) in [("cpuset.cpus", &cpu.cpus), ("cpuset.mems", &cpu.mems)] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            write(dir, file, value)?;
        }
    }
    Ok(())
}

fn apply_memory(dir: &Path, memory: &Memory, fresh: bool) -> Result<()> {
    if memory.check_before_update == Some(true) && !fresh {
        check_usage(dir, memory)?;
    }
    apply_memory_limit(dir, memory, fresh)?;
    if let Some(reservation) = memory.reservation.filter(|&bytes| bytes != 0) {
        write(dir, "memory.soft_limit_in_bytes", &reservation.to_string())?;
    }
    if let Some(swappiness) = memory.swappiness.filter(|&value| value <= 100) {
        write(dir, "memory.swappiness", &swappiness.to_string())?;
    }
    if let Some(bytes) = memory.kernel_tcp.filter(|&bytes| bytes > 0) {
        write(dir, "memory.kmem.tcp.limit_in_bytes", &bytes.to_string())?;
    }
    if memory.disable_oom_killer == Some(true) {
        write(dir, "memory.oom_control", "1")?;
    }
    Ok(())
}

/// The kernel keeps limit <= memory+swap limit at every moment, so the order of the two writes
/// depends on the direction: try limit first, and when refused, the other first.
fn apply_memory_limit(dir: &Path, memory: &Memory, fresh: bool) -> Result<()> {
    let limit = memory
        .limit
        .filter(|&bytes| bytes != 0)
        .map(|bytes| bytes.to_string());
    let swap = memory
        .swap
        .filter(|&bytes| bytes != 0)
        .map(|bytes| bytes.to_string());
    let swap_file = "memory.memsw.limit_in_bytes";
    let Some(limit) = limit else {
        return swap.map_or(Ok(()), |swap| write(dir, swap_file, &swap));
    };
    let limit_file = "memory.limit_in_bytes";
    match swap {
        // Without swap accounting the file is missing, and without swap the limit says it all.
        Some(swap) if dir.join(swap_file).exists() => {
            if fresh || write(dir, limit_file, &limit).is_ok() {
                write(dir, limit_file, &limit)?;
                return write(dir, swap_file, &swap);
            }
            write(dir, swap_file, &swap)?;
            write(dir, limit_file, &limit)
        }
        _ => write(dir, limit_file, &limit),
    }
}

fn check_usage(dir: &Path, memory: &Memory) -> Result<()> {
    let Some(limit) = memory.limit.filter(|&bytes| bytes > 0) else {
        return Ok(());
    };
    let usage: i64 = read(dir, "memory.usage_in_bytes")?
        .parse()
        .step("read memory usage")?;
    if usage > limit {
        fail!(
            "memory.limit {limit} is below the {usage} bytes in use, and checkBeforeUpdate is set"
        );
    }
    Ok(())
}
