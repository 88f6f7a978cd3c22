//! What a request's fields may hold.

use std::ops::RangeInclusive;

use super::{CreateRequest, ExecRequest, KillCall, RunRequest, SandboxRequest};
use crate::failure::{Failure, Outcome};

const MAX_ID_LENGTH: usize = 128;
const MAX_TIMEOUT_MS: u64 = 3_600_000;
const MAX_REASON_LENGTH: usize = 1024;
const SIGNALS: RangeInclusive<i32> = 1..=64;
const LOG_BYTES: RangeInclusive<u64> = 4096..=(1 << 40);
const LOG_FILES: RangeInclusive<u32> = 1..=100;

pub fn create(op: &str, request: &CreateRequest) -> Outcome<()> {
    container_id(op, &request.container_id)?;
    absolute(op, "bundle", &request.bundle)?;
    absolute(op, "runtime", &request.runtime)?;
    absolute(op, "runtimeRoot", &request.runtime_root)?;
    absolute(op, "cgroupsPath", &request.cgroups_path)?;
    absolute(op, "logPath", &request.log_path)?;
    if let Some(rootfs) = &request.rootfs {
        rootfs.check(op, absolute)?;
    }
    if !LOG_BYTES.contains(&request.log_max_bytes) {
        let message = format!(
            "logMaxBytes: must be from {} to {}",
            LOG_BYTES.start(),
            LOG_BYTES.end()
        );
        return Err(Failure::bad_request(op, message));
    }
    if !LOG_FILES.contains(&request.log_max_files) {
        let message = format!(
            "logMaxFiles: must be from {} to {}",
            LOG_FILES.start(),
            LOG_FILES.end()
        );
        return Err(Failure::bad_request(op, message));
    }
    Ok(())
}

pub fn kill(op: &str, request: &KillCall) -> Outcome<()> {
    container_id(op, &request.container_id)?;
    absolute(op, "runtime", &request.runtime)?;
    absolute(op, "runtimeRoot", &request.runtime_root)?;
    if !SIGNALS.contains(&request.signal) {
        let message = format!(
            "signal: must be from {} to {}",
            SIGNALS.start(),
            SIGNALS.end()
        );
        return Err(Failure::bad_request(op, message));
    }
    let reason = request.reason.as_deref().unwrap_or_default();
    if reason.len() > MAX_REASON_LENGTH {
        let message = format!("reason: must have at most {MAX_REASON_LENGTH} bytes");
        return Err(Failure::bad_request(op, message));
    }
    timeout(op, request.timeout_ms)
}

fn timeout(op: &str, timeout_ms: u64) -> Outcome<()> {
    if (1..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
        return Ok(());
    }
    let message = format!("timeoutMs: must be from 1 to {MAX_TIMEOUT_MS}");
    Err(Failure::bad_request(op, message))
}

pub fn run(op: &str, request: &RunRequest) -> Outcome<()> {
    timeout(op, request.timeout_ms)?;
    if let Some(name) = request
        .env
        .keys()
        .find(|name| name.is_empty() || name.contains('='))
    {
        return Err(Failure::bad_request(
            op,
            format!("env: {name:?} is not a name"),
        ));
    }
    request
        .cgroup
        .as_ref()
        .map_or(Ok(()), |path| absolute(op, "cgroup", path))
}

pub fn exec(op: &str, request: &ExecRequest) -> Outcome<()> {
    container_id(op, &request.container_id)?;
    absolute(op, "runtime", &request.runtime)?;
    absolute(op, "runtimeRoot", &request.runtime_root)
}

pub fn sandbox(op: &str, request: &SandboxRequest) -> Outcome<()> {
    absolute(op, "dir", &request.dir)?;
    if let Some(range) = &request.user_range {
        range.check(op)?;
        if request.host_network {
            let message = "userRange: the host's network belongs to the host's root";
            return Err(Failure::bad_request(op, message));
        }
    }
    if request.hostname.is_empty() || request.hostname.len() > 64 {
        return Err(Failure::bad_request(
            op,
            "hostname: must have 1 to 64 bytes",
        ));
    }
    match request
        .sysctls
        .keys()
        .find(|name| !crate::sandbox::is_namespaced_sysctl(name))
    {
        Some(name) => {
            let message = format!("sysctls: {name:?} is not a sysctl of the sandbox's namespaces");
            Err(Failure::bad_request(op, message))
        }
        None => Ok(()),
    }
}

/// Ids become directory names and socket paths: no separators, no dots alone, bounded.
pub fn container_id(op: &str, id: &str) -> Outcome<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
    let starts_well = id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && id.len() <= MAX_ID_LENGTH && id.chars().all(allowed) {
        return Ok(());
    }
    let rule = "must be 1 to 128 letters, digits or _.+- and begin with a letter or digit";
    Err(Failure::bad_request(op, format!("containerId: {rule}")))
}

pub fn absolute(op: &str, field: &str, path: &str) -> Outcome<()> {
    let climbs = path.split('/').any(|part| part == "..");
    if path.starts_with('/') && path.len() > 1 && !climbs && !path.contains('\0') {
        return Ok(());
    }
    Err(Failure::bad_request(
        op,
        format!("{field}: must be an absolute path without \"..\""),
    ))
}
