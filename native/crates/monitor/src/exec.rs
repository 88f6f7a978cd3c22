//! An exec session: forked from the launcher for one client, whose connection it takes over. It
//! has the runtime start a further process in a container and frames that process's streams.

use crate::client::Client;
use crate::failure::{AtStep, Failure, Outcome};
use crate::protocol::ExecRequest;
use crate::runtime::{RuntimeCall, child_signals};
use crate::spawn::close_all_but;
use crate::stdio::memory_file;
use crate::supervisor::{Role, Supervisor};
use nix::sys::prctl::set_child_subreaper;
use nix::unistd::{chdir, getpid};
use serde_json::{Value, json};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// The whole life of a session, in a forked child that has `connection` for itself.
pub fn session(request: &ExecRequest, id: u64, dir: &Path, connection: OwnedFd) -> i32 {
    close_all_but(&[connection.as_fd()]);
    let mut client = Client::new(connection, request.stdin);
    match start(request, dir) {
        Ok(mut supervisor) => {
            client.send_raw(answer(id, Ok(json!({}))).as_bytes());
            supervisor.clients.push(client);
            let ended = supervisor.run();
            supervisor.say_farewell(&json!({ "exitCode": ended.exit_code }));
        }
        Err(failure) => client.send_raw(answer(id, Err(failure)).as_bytes()),
    }
    0
}

fn start(request: &ExecRequest, dir: &Path) -> Outcome<Supervisor> {
    let signals = child_signals()?;
    // The process comes to us, and so does its exit code, when the runtime that made it ends.
    set_child_subreaper(true).at("become subreaper")?;
    chdir(dir).at("enter state directory")?;
    let terminal = match request.process.get("terminal") {
        None => false,
        Some(Value::Bool(terminal)) => *terminal,
        Some(_) => {
            return Err(Failure::bad_request(
                "exec",
                "process.terminal: must be a boolean",
            ));
        }
    };
    // In memory, because its environment may hold secrets.
    let process = serde_json::to_vec(&request.process).at("write process")?;
    let (_memory, process_path) = memory_file(&process)?;
    let (pid, streams) = RuntimeCall {
        runtime: &request.runtime,
        root: &request.runtime_root,
        dir,
        tag: format!("exec-{}", getpid()),
        verb: vec![
            "exec".into(),
            "--detach".into(),
            "--process".into(),
            process_path,
        ],
        container_id: &request.container_id,
        stdin: request.stdin,
        terminal,
    }
    .run(&signals)?;
    Ok(Supervisor::new(signals, pid, streams, Role::Owner))
}

fn answer(id: u64, outcome: Outcome<Value>) -> String {
    let answer = match outcome {
        Ok(result) => json!({ "id": id, "result": result }),
        Err(failure) => json!({ "id": id, "error": failure }),
    };
    format!("{answer}\n")
}
