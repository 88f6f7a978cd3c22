//! Limits on the v2 hierarchy.

use std::fs;
use std::path::Path;

use super::{V1Group, block_io, create_dir, device_rules, honour, read, write};
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{Cpu, Memory, Resources};

/// Enables every available controller for `dir` in each of its ancestors, making those missing.
pub fn enable_controllers(dir: &Path) -> Result<()> {
    let Some(parent) = dir.parent() else {
        return Ok(());
    };
    if !parent.starts_with("/sys/fs/cgroup") {
        return Ok(());
    }
    if !parent.exists() {
        enable_controllers(parent)?;
        create_dir(parent)?;
    }
    let available = read(parent, "cgroup.controllers")?;
    let enabled = read(parent, "cgroup.subtree_control")?;
    for controller in available.split(' ').filter(|name| !name.is_empty()) {
        if !enabled.split(' ').any(|name| name == controller) {
            // Best effort here; a limit whose controller stays off fails by its own name below.
            let _ = fs::write(
                parent.join("cgroup.subtree_control"),
                format!("+{controller}"),
            );
        }
    }
    Ok(())
}

/// Refuses limits whose controller this group does not have: they would be files that do not exist.
fn check_controllers(dir: &Path, resources: &Resources) -> Result<()> {
    let available = read(dir, "cgroup.controllers")?;
    let pids = resources.pids.as_ref();
    let own = [
        ("pids", pids.is_some_and(|pids| pids.limit.is_some())),
        ("hugetlb", !resources.hugepage_limits.is_empty()),
    ];
    let wanted = honour::controllers(resources, "io");
    for (controller, wanted) in wanted.into_iter().chain(own) {
        if wanted && !available.split(' ').any(|name| name == controller) {
            fail!(
                "linux.resources asks for the {controller} controller, which the cgroup {} does \
                 not have; enable it in the cgroup.subtree_control files above, or drop the limit",
                dir.display()
            );
        }
    }
    Ok(())
}

/// Applies what `resources` names. Device rules are attached to a fresh group only.
pub fn apply(dir: &Path, resources: &Resources, fresh: bool) -> Result<()> {
    check_controllers(dir, resources)?;
    if let Some(cpu) = &resources.cpu {
        apply_cpu(dir, cpu).step("linux.resources.cpu")?;
    }
    if let Some(memory) = &resources.memory {
        apply_memory(dir, memory, fresh).step("linux.resources.memory")?;
    }
    if let Some(limit) = resources.pids.as_ref().and_then(|pids| pids.limit) {
        let value = if limit > 0 {
            limit.to_string()
        } else {
            "max".to_owned()
        };
        write(dir, "pids.max", &value)?;
    }
    if let Some(block_io) = &resources.block_io {
        block_io::apply_v2(dir, block_io).step("linux.resources.blockIO")?;
    }
    apply_hugepages(dir, resources)?;
    apply_rdma(dir, resources)?;
    if fresh || !resources.devices.is_empty() {
        device_rules::apply_v2(dir, &resources.devices)?;
    }
    apply_unified(dir, resources)
}

fn apply_hugepages(dir: &Path, resources: &Resources) -> Result<()> {
    for limit in &resources.hugepage_limits {
        let file = format!("hugetlb.{}.max", limit.page_size);
        write(dir, &file, &limit.limit.to_string()).step("linux.resources.hugepageLimits")?;
    }
    Ok(())
}

/// `rdma.max`, which v1 has by the same name.
pub fn apply_rdma(dir: &Path, resources: &Resources) -> Result<()> {
    for (device, limit) in &resources.rdma {
        let mut line = device.clone();
        for (key, value) in [
            ("hca_handle", limit.hca_handles),
            ("hca_object", limit.hca_objects),
        ] {
            if let Some(value) = value {
                line += &format!(" {key}={value}");
            }
        }
        write(dir, "rdma.max", &line).step("linux.resources.rdma")?;
    }
    Ok(())
}

/// What the v2 tree carries on a host whose limits are v1's.
pub fn apply_beside_v1(dir: &Path, resources: &Resources, v1: &[V1Group]) -> Result<()> {
    if !v1.iter().any(|group| group.has("hugetlb")) {
        apply_hugepages(dir, resources)?;
    }
    apply_unified(dir, resources)
}

/// Writes `linux.resources.unified`.
fn apply_unified(dir: &Path, resources: &Resources) -> Result<()> {
    for (file, value) in &resources.unified {
        if file.contains('/') || !file.contains('.') {
            fail!("linux.resources.unified: {file:?} is not the name of a cgroup file");
        }
        write(dir, file, value).step("linux.resources.unified")?;
    }
    Ok(())
}

fn apply_cpu(dir: &Path, cpu: &Cpu) -> Result<()> {
    if let Some(shares) = cpu.shares.filter(|&shares| shares > 0) {
        write(dir, "cpu.weight", &weight_of_shares(shares).to_string())?;
    }
    if cpu.quota.is_some() || cpu.period.is_some() {
        let quota = match cpu.quota {
            Some(quota) if quota > 0 => quota.to_string(),
            _ => "max".to_owned(),
        };
        let value = match cpu.period.filter(|&period| period > 0) {
            Some(period) => format!("{quota} {period}"),
            None => quota,
        };
        write(dir, "cpu.max", &value)?;
    }
    if let Some(burst) = cpu.burst {
        write(dir, "cpu.max.burst", &burst.to_string())?;
    }
    if let Some(idle) = cpu.idle {
        write(dir, "cpu.idle", &idle.to_string())?;
    }
    for (file, value) in [("cpuset.cpus", &cpu.cpus), ("cpuset.mems", &cpu.mems)] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            write(dir, file, value)?;
        }
    }
    Ok(())
}

/// Shares 2–262144 onto weights 1–10000, as Kubernetes maps them (KEP-2254).
fn weight_of_shares(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

fn apply_memory(dir: &Path, memory: &Memory, fresh: bool) -> Result<()> {
    let limit = memory.limit.filter(|&bytes| bytes != 0);
    if memory.check_before_update == Some(true)
        && !fresh
        && let Some(limit) = limit.filter(|&bytes| bytes > 0)
    {
        let usage: i64 = read(dir, "memory.current")?.parse().unwrap_or(0);
        if usage > limit {
            fail!(
                "memory.limit {limit} is below the {usage} bytes in use, and checkBeforeUpdate is set"
            );
        }
    }
    // v2 counts swap alone, the specification memory and swap together.
    if let Some(swap) = memory.swap.filter(|&bytes| bytes != 0) {
        let alone = match limit {
            Some(limit) if swap >= 0 && limit >= 0 && swap >= limit => swap - limit,
            Some(_) if swap >= 0 => fail!("memory.swap {swap} is below memory.limit"),
            _ => -1,
        };
        write(dir, "memory.swap.max", &or_max(alone))?;
    }
    if let Some(limit) = limit {
        write(dir, "memory.max", &or_max(limit))?;
    }
    if let Some(reservation) = memory.reservation.filter(|&bytes| bytes != 0) {
        write(dir, "memory.low", &or_max(reservation))?;
    }
    Ok(())
}

fn or_max(bytes: i64) -> String {
    if bytes < 0 {
        "max".to_owned()
    } else {
        bytes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_map_onto_the_whole_weight_range() {
        for (shares, weight) in [
            (0, 1),
            (2, 1),
            (1024, 39),
            (262_144, 10_000),
            (u64::MAX, 10_000),
        ] {
            assert_eq!(weight_of_shares(shares), weight, "shares {shares}");
        }
    }
}
