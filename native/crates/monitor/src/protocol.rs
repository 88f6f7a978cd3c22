//! The requests of the launcher's socket: one JSON object on each line. Everything a request says
//! is checked here, before anything is done.
//!
//! `{"id": N, "op": OP, …}` is answered by `{"id": N, "result": {…}}` or `{"id": N, "error": {"step",
//! "message", "reason"}}`, in whatever order things are done.
//!
//! | op | answer |
//! |---|---|
//! | `container.create` | `pid`, `monitorPid`; the container waits for the runtime's `start` |
//! | `container.list` | `containers`: all that were created and not removed, with `exit` if ended |
//! | `container.adopt` | one of them |
//! | `container.remove` | forgets an ended container; idempotent |
//! | `container.kill` | as `run`; has the runtime send a signal, with who and why on record first |
//! | `run` | `exitCode`, `stdout`, `stderr`, `truncated` |
//! | `sandbox.create`, `sandbox.remove` | the pinned namespaces' paths; nothing |
//! | `subscribe` | then `{"event": "exit", "containerId", "exit"}`, once for each exit, past ones first |
//! | `exec`, `attach` | then frames both ways (see `frames`); the only request of its connection |
//! | `shutdown` | the launcher ends; containers and monitors live on |

use crate::failure::{Failure, Outcome};
use crate::rootfs::Rootfs;
use crate::user_namespace::UserRange;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Longer lines are refused and their connection is closed.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
const MAX_ID_LENGTH: usize = 128;
const MAX_TIMEOUT_MS: u64 = 3_600_000;
const MAX_REASON_LENGTH: usize = 1024;
const SIGNALS: std::ops::RangeInclusive<i32> = 1..=64;
const LOG_BYTES: std::ops::RangeInclusive<u64> = 4096..=(1 << 40);
const LOG_FILES: std::ops::RangeInclusive<u32> = 1..=100;

#[derive(Debug)]
pub enum Request {
    Create(CreateRequest),
    List,
    Adopt(ContainerRequest),
    Remove(ContainerRequest),
    Kill(KillCall),
    Run(RunRequest),
    SandboxCreate(SandboxRequest),
    SandboxRemove(SandboxRemoveRequest),
    Subscribe,
    Exec(ExecRequest),
    Attach(AttachRequest),
    Shutdown,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateRequest {
    pub container_id: String,
    pub bundle: String,
    pub runtime: String,
    pub runtime_root: String,
    pub cgroups_path: String,
    pub log_path: String,
    pub log_max_bytes: u64,
    pub log_max_files: u32,
    pub stdin: bool,
    pub terminal: bool,
    /// For a runtime that finds its root mounted: any but ours.
    pub rootfs: Option<Rootfs>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerRequest {
    pub container_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KillCall {
    pub container_id: String,
    pub runtime: String,
    pub runtime_root: String,
    /// By its number.
    pub signal: i32,
    /// To every process of the container, not only the first.
    #[serde(default)]
    pub all: bool,
    /// Why the container is to end.
    pub reason: Option<String>,
    pub timeout_ms: u64,
}

impl KillCall {
    /// The runtime's call.
    pub fn run(&self) -> RunRequest {
        let mut argv = vec![
            self.runtime.clone(),
            "--root".into(),
            self.runtime_root.clone(),
        ];
        argv.push("kill".into());
        argv.extend(self.all.then(|| "--all".to_string()));
        argv.extend([self.container_id.clone(), self.signal.to_string()]);
        RunRequest {
            argv,
            env: BTreeMap::new(),
            stdin: String::new(),
            timeout_ms: self.timeout_ms,
            cgroup: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunRequest {
    pub argv: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub stdin: String,
    pub timeout_ms: u64,
    pub cgroup: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SandboxRequest {
    pub dir: String,
    pub hostname: String,
    #[serde(default)]
    pub sysctls: BTreeMap<String, String>,
    #[serde(default)]
    pub host_network: bool,
    /// Then a pid namespace with a first process of its own is pinned too.
    #[serde(default)]
    pub share_processes: bool,
    /// Then a user namespace with these ids owns the others.
    pub user_range: Option<UserRange>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SandboxRemoveRequest {
    pub dir: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecRequest {
    pub container_id: String,
    pub runtime: String,
    pub runtime_root: String,
    /// An OCI process object, handed to the runtime as it is.
    pub process: Map<String, Value>,
    pub stdin: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachRequest {
    pub container_id: String,
    #[serde(default)]
    pub stdin: bool,
}

/// Takes a line apart: the request's id as far as there is one (for the answer), and the request.
pub fn parse(line: &[u8]) -> (Option<u64>, Outcome<Request>) {
    let mut fields = match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(fields) => fields,
        Err(error) => {
            let message = format!("not a JSON object: {error}");
            return (None, Err(Failure::bad_request("read request", message)));
        }
    };
    let id = fields.remove("id").and_then(|id| id.as_u64());
    let Some(id) = id else {
        let message = "id: must be a number that is not negative";
        return (None, Err(Failure::bad_request("read request", message)));
    };
    let Some(Value::String(op)) = fields.remove("op") else {
        return (
            Some(id),
            Err(Failure::bad_request("read request", "op: must be a string")),
        );
    };
    (Some(id), request(&op, fields))
}

fn request(op: &str, fields: Map<String, Value>) -> Outcome<Request> {
    match op {
        "container.create" => decode::<CreateRequest>(op, fields)
            .and_then(|r| check_create(op, &r).map(|()| Request::Create(r))),
        "container.list" => Ok(Request::List),
        "container.adopt" => container(op, fields).map(Request::Adopt),
        "container.remove" => container(op, fields).map(Request::Remove),
        "container.kill" => decode::<KillCall>(op, fields)
            .and_then(|r| check_kill(op, &r).map(|()| Request::Kill(r))),
        "run" => decode::<RunRequest>(op, fields)
            .and_then(|r| check_run(op, &r).map(|()| Request::Run(r))),
        "sandbox.create" => decode::<SandboxRequest>(op, fields)
            .and_then(|r| check_sandbox(op, &r).map(|()| Request::SandboxCreate(r))),
        "sandbox.remove" => decode::<SandboxRemoveRequest>(op, fields)
            .and_then(|r| absolute(op, "dir", &r.dir).map(|()| Request::SandboxRemove(r))),
        "subscribe" => Ok(Request::Subscribe),
        "exec" => decode::<ExecRequest>(op, fields)
            .and_then(|r| check_exec(op, &r).map(|()| Request::Exec(r))),
        "attach" => decode::<AttachRequest>(op, fields)
            .and_then(|r| container_id(op, &r.container_id).map(|()| Request::Attach(r))),
        "shutdown" => Ok(Request::Shutdown),
        _ => Err(Failure::bad_request(
            "read request",
            format!("op: {op:?} is not known"),
        )),
    }
}

fn decode<T: DeserializeOwned>(op: &str, fields: Map<String, Value>) -> Outcome<T> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| Failure::bad_request(op, error))
}

fn container(op: &str, fields: Map<String, Value>) -> Outcome<ContainerRequest> {
    let request: ContainerRequest = decode(op, fields)?;
    container_id(op, &request.container_id)?;
    Ok(request)
}

fn check_create(op: &str, request: &CreateRequest) -> Outcome<()> {
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

fn check_kill(op: &str, request: &KillCall) -> Outcome<()> {
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
    check_timeout(op, request.timeout_ms)
}

fn check_timeout(op: &str, timeout_ms: u64) -> Outcome<()> {
    if (1..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
        return Ok(());
    }
    let message = format!("timeoutMs: must be from 1 to {MAX_TIMEOUT_MS}");
    Err(Failure::bad_request(op, message))
}

fn check_run(op: &str, request: &RunRequest) -> Outcome<()> {
    check_timeout(op, request.timeout_ms)?;
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

fn check_exec(op: &str, request: &ExecRequest) -> Outcome<()> {
    container_id(op, &request.container_id)?;
    absolute(op, "runtime", &request.runtime)?;
    absolute(op, "runtimeRoot", &request.runtime_root)
}

fn check_sandbox(op: &str, request: &SandboxRequest) -> Outcome<()> {
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
fn container_id(op: &str, id: &str) -> Outcome<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
    let starts_well = id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && id.len() <= MAX_ID_LENGTH && id.chars().all(allowed) {
        return Ok(());
    }
    let rule = "must be 1 to 128 letters, digits or _.+- and begin with a letter or digit";
    Err(Failure::bad_request(op, format!("containerId: {rule}")))
}

fn absolute(op: &str, field: &str, path: &str) -> Outcome<()> {
    let climbs = path.split('/').any(|part| part == "..");
    if path.starts_with('/') && path.len() > 1 && !climbs && !path.contains('\0') {
        return Ok(());
    }
    Err(Failure::bad_request(
        op,
        format!("{field}: must be an absolute path without \"..\""),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        parse(line.as_bytes())
            .1
            .expect_err("must be refused")
            .message
    }

    #[test]
    fn refuses_what_is_not_a_request_and_says_which_field() {
        let table = [
            ("", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("{\"op\":\"run\"}", "id:"),
            ("{\"id\":-1,\"op\":\"run\"}", "id:"),
            ("{\"id\":1}", "op:"),
            ("{\"id\":1,\"op\":7}", "op:"),
            ("{\"id\":1,\"op\":\"nonsense\"}", "is not known"),
            ("{\"id\":1,\"op\":\"run\"}", "argv"),
            (
                "{\"id\":1,\"op\":\"run\",\"argv\":null,\"timeoutMs\":1}",
                "invalid type",
            ),
            (
                "{\"id\":1,\"op\":\"run\",\"argv\":[],\"timeoutMs\":0}",
                "timeoutMs",
            ),
            (
                "{\"id\":1,\"op\":\"run\",\"argv\":[],\"timeoutMs\":1,\"x\":1}",
                "unknown field `x`",
            ),
            (
                "{\"id\":1,\"op\":\"attach\",\"containerId\":\"../x\"}",
                "containerId",
            ),
            (
                "{\"id\":1,\"op\":\"attach\",\"containerId\":\"..\"}",
                "containerId",
            ),
            (
                "{\"id\":1,\"op\":\"attach\",\"containerId\":\"\"}",
                "containerId",
            ),
            ("{\"id\":1,\"op\":\"sandbox.remove\",\"dir\":\"x\"}", "dir"),
            (
                "{\"id\":1,\"op\":\"sandbox.remove\",\"dir\":\"/a/../b\"}",
                "dir",
            ),
            (
                "{\"id\":1,\"op\":\"sandbox.create\",\"dir\":\"/a\",\"hostname\":\"h\",\
                 \"sysctls\":{\"kernel.core_pattern\":\"x\"}}",
                "kernel.core_pattern",
            ),
        ];
        for (line, expected) in table {
            let message = refusal(line);
            assert!(message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn survives_deep_nesting() {
        let deep = format!("{{\"id\":1,\"op\":{}", "[".repeat(500_000));
        assert!(refusal(&deep).contains("recursion"));
    }
}
