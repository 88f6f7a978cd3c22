//! Judges a `config.json` before anything is made from it.

use super::hooks;
use super::namespaces::Plan;
use crate::error::{Error, Result};
use crate::process::{exec, labels, limits, scheduling, sysctl};
use crate::spec::{Linux, Process, Spec};
use crate::{fail, rootfs};

/// Judges a whole `config.json` as `create` does before it makes anything.
pub fn check(spec: &Spec) -> Result<()> {
    let (linux, process) = parts(spec)?;
    whole(spec, linux, process)?;
    Plan::of(linux).map(drop)
}

/// The members without which there is no container.
pub fn parts(spec: &Spec) -> Result<(&Linux, &Process)> {
    let missing = |name| Error::new(format!("{name} is missing in config.json"));
    let linux = spec.linux.as_ref().ok_or_else(|| missing("linux"))?;
    let process = spec.process.as_ref().ok_or_else(|| missing("process"))?;
    Ok((linux, process))
}

/// Refuses by its name what is wrong, or what this runtime does not keep.
pub fn whole(spec: &Spec, linux: &Linux, process: &Process) -> Result<()> {
    rootfs::validate(spec)?;
    exec::validate(process)?;
    limits::validate(&process.rlimits)?;
    labels::validate(process)?;
    sysctl::validate(linux)?;
    refuse_unsupported(linux)?;
    refuse_systemd_path(linux.cgroups_path.as_deref())?;
    scheduling::validate(process)?;
    let Some(points) = &spec.hooks else {
        return Ok(());
    };
    hooks::validate("prestart", &points.prestart)?;
    hooks::validate("createRuntime", &points.create_runtime)?;
    hooks::validate("createContainer", &points.create_container)?;
    hooks::validate("startContainer", &points.start_container)?;
    hooks::validate("poststart", &points.poststart)?;
    hooks::validate("poststop", &points.poststop)
}

/// `slice:prefix:name` is an order to systemd, and would be a strange name to the kernel.
fn refuse_systemd_path(path: Option<&str>) -> Result<()> {
    match path.filter(|path| path.split(':').count() == 3) {
        Some(path) => fail!(
            "linux.cgroupsPath {path:?} has the form of the systemd driver, which this runtime is \
             not; use the cgroupfs driver, below systemd in a unit with Delegate=yes"
        ),
        None => Ok(()),
    }
}

/// What this runtime cannot keep is refused by its name.
fn refuse_unsupported(linux: &Linux) -> Result<()> {
    if linux.intel_rdt.is_some() {
        fail!("linux.intelRdt is not supported; make the resctrl group outside and drop it here");
    }
    if linux.net_devices.is_some() {
        fail!("linux.netDevices is not supported; move the interfaces into the network namespace");
    }
    if linux.memory_policy.is_some() {
        fail!("linux.memoryPolicy is not supported; use linux.resources.cpu.mems");
    }
    match linux
        .mount_label
        .as_deref()
        .filter(|label| !label.is_empty())
    {
        Some(label) => fail!("linux.mountLabel {label:?}: labels of mounts are not supported"),
        None => Ok(()),
    }
}
