//! The requests of the launcher's socket: one JSON object on each line. Everything a request says
//! is checked (`check`) before anything is done.
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

mod check;

use crate::failure::{Failure, Outcome};
use crate::rootfs::Rootfs;
use crate::user_namespace::UserRange;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Longer lines are refused and their connection is closed.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

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
            .and_then(|r| check::create(op, &r).map(|()| Request::Create(r))),
        "container.list" => Ok(Request::List),
        "container.adopt" => container(op, fields).map(Request::Adopt),
        "container.remove" => container(op, fields).map(Request::Remove),
        "container.kill" => decode::<KillCall>(op, fields)
            .and_then(|r| check::kill(op, &r).map(|()| Request::Kill(r))),
        "run" => decode::<RunRequest>(op, fields)
            .and_then(|r| check::run(op, &r).map(|()| Request::Run(r))),
        "sandbox.create" => decode::<SandboxRequest>(op, fields)
            .and_then(|r| check::sandbox(op, &r).map(|()| Request::SandboxCreate(r))),
        "sandbox.remove" => decode::<SandboxRemoveRequest>(op, fields)
            .and_then(|r| check::absolute(op, "dir", &r.dir).map(|()| Request::SandboxRemove(r))),
        "subscribe" => Ok(Request::Subscribe),
        "exec" => decode::<ExecRequest>(op, fields)
            .and_then(|r| check::exec(op, &r).map(|()| Request::Exec(r))),
        "attach" => decode::<AttachRequest>(op, fields)
            .and_then(|r| check::container_id(op, &r.container_id).map(|()| Request::Attach(r))),
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
    check::container_id(op, &request.container_id)?;
    Ok(request)
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
