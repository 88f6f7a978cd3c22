//! Being started by somebody who is not root: what such a caller may not, and the ways around it.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use rustix::process::{DumpableBehavior, Pid, getegid, geteuid, set_dumpable_behavior};

use crate::cgroup::Cgroup;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{IdMapping, Linux, Resources};

/// Whether the caller has root's rights, at least in its own user namespace.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Writes the mappings of a child as far as an ordinary user may: its own id by itself, ranges of
/// /etc/subuid and /etc/subgid by the programs that are trusted with them.
pub fn map_users(pid: Pid, uids: &[IdMapping], gids: &[IdMapping]) -> Result<()> {
    let own = |mappings: &[IdMapping], id: u32| matches!(mappings, [only] if only.size == 1 && only.host_id == id);
    let dir = format!("/proc/{}", pid.as_raw_nonzero());
    if own(uids, geteuid().as_raw()) {
        fs::write(format!("{dir}/uid_map"), line(&uids[0])).step("write uid_map")?;
    } else {
        run_mapper("newuidmap", pid, uids)?;
    }
    if own(gids, getegid().as_raw()) {
        // Without it, a group that denies its members something could be left.
        fs::write(format!("{dir}/setgroups"), "deny").step("write setgroups")?;
        return fs::write(format!("{dir}/gid_map"), line(&gids[0])).step("write gid_map");
    }
    run_mapper("newgidmap", pid, gids)
}

fn line(mapping: &IdMapping) -> String {
    format!(
        "{} {} {}",
        mapping.container_id, mapping.host_id, mapping.size
    )
}

fn run_mapper(program: &str, pid: Pid, mappings: &[IdMapping]) -> Result<()> {
    let mut command = Command::new(program);
    command.arg(pid.as_raw_nonzero().to_string());
    for mapping in mappings {
        command.args(line(mapping).split(' '));
    }
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => fail!(
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => fail!(
            "{program} is not installed (Debian: uidmap), without which an ordinary user can map \
             its own id only: give one mapping of size 1 in linux.uidMappings and gidMappings"
        ),
        Err(error) => fail!("start {program}: {error}"),
    }
}

/// The files of a process that forbids tracing belong to root, and so do the maps of its children.
/// Until they are written, a child of an ordinary user must be traceable by that user; it is alone
/// in its namespaces until then.
pub fn allow_tracing(allowed: bool) -> Result<()> {
    let behavior = if allowed {
        DumpableBehavior::Dumpable
    } else {
        DumpableBehavior::NotDumpable
    };
    set_dumpable_behavior(behavior).step("change whether tracing is allowed")
}

/// Refuses what only root can have made.
pub fn check(linux: &Linux, in_user_namespace: bool) -> Result<()> {
    if !in_user_namespace {
        fail!(
            "user {} is not root: linux.namespaces must contain a user namespace ('spec --rootless' \
             writes such a config.json)",
            geteuid().as_raw()
        );
    }
    if linux.time_offsets.is_empty() {
        return Ok(());
    }
    fail!("linux.timeOffsets: only root may set them")
}

/// The groups, or none where the caller may make none and nothing is limited by them.
pub fn permitted_groups(
    cgroup: Cgroup,
    linux: &Linux,
    notices: &mut Vec<String>,
) -> Result<Cgroup> {
    if cgroup.may_be_made() {
        return Ok(cgroup);
    }
    if let Some(name) = linux.resources.as_ref().and_then(limited) {
        fail!(
            "linux.resources.{name}: user {} may not make cgroup {}; have it delegated, or drop \
             the limit",
            geteuid().as_raw(),
            cgroup.path
        );
    }
    notices.push(format!(
        "cgroup {} may not be made by user {}: the container is in that of its caller",
        cgroup.path,
        geteuid().as_raw()
    ));
    Ok(Cgroup {
        path: cgroup.path,
        ..Cgroup::default()
    })
}

/// The first property that asks for a limit. Device rules do not count: in a user namespace no
/// device node can be made.
fn limited(resources: &Resources) -> Option<&'static str> {
    let asked = [
        ("memory", resources.memory.is_some()),
        ("cpu", resources.cpu.is_some()),
        ("pids", resources.pids.is_some()),
        ("blockIO", resources.block_io.is_some()),
        ("hugepageLimits", !resources.hugepage_limits.is_empty()),
        ("network", resources.network.is_some()),
        ("rdma", !resources.rdma.is_empty()),
        ("unified", !resources.unified.is_empty()),
    ];
    asked
        .iter()
        .find(|(_, asked)| *asked)
        .map(|(name, _)| *name)
}
