//! A container's monitor: forked from the launcher, it has the runtime create the container, keeps
//! its streams, and writes its exit record. It outlives launcher and agent.

use crate::control::Control;
use crate::death::{self, Death};
use crate::failure::{AtStep, Outcome, complain};
use crate::launcher::containers::remove_unfinished;
use crate::launcher::report::Report;
use crate::log::{ContainerLog, LogOptions};
use crate::memory;
use crate::protocol::CreateRequest;
use crate::runtime::{RuntimeCall, child_signals};
use crate::spawn::{close_all_but, fork_child};
use crate::state::{ContainerState, EXIT_FILE, ProcessIdentity, STATE_FILE, write_record};
use crate::supervisor::{Role, Supervisor};
use nix::sys::prctl::set_child_subreaper;
use nix::unistd::{chdir, getpid};
use serde_json::json;
use std::path::Path;

/// The whole life of a monitor, in a forked child. `dir` is the container's state directory, made
/// by the launcher. The first answer goes to `report`.
pub fn monitor(request: &CreateRequest, dir: &Path, report: Report) -> i32 {
    close_all_but(&[report.fd()]);
    match create(request, dir) {
        Ok((supervisor, state)) => {
            report.send(Ok(json!({
                "pid": supervisor.process.as_raw(),
                "monitorPid": state.monitor.pid,
            })));
            supervise(supervisor, &state, dir);
            0
        }
        Err(failure) => {
            // First the directory, so that the same id can be tried again after the answer.
            remove_unfinished(dir);
            report.send(Err(failure));
            1
        }
    }
}

fn create(request: &CreateRequest, dir: &Path) -> Outcome<(Supervisor, ContainerState)> {
    let signals = child_signals()?;
    // The container's first process comes to us when the runtime that made it ends.
    set_child_subreaper(true).at("become subreaper")?;
    chdir(dir).at("enter state directory")?;
    let mut state = state_of(request)?;
    write_record(dir, STATE_FILE, &state)?;
    let log = ContainerLog::open(LogOptions {
        path: request.log_path.clone().into(),
        max_bytes: request.log_max_bytes,
        max_files: request.log_max_files,
    })?;
    let control = Control::listen()?;
    if let Some(rootfs) = &request.rootfs {
        rootfs.mount(&request.bundle)?;
    }
    let (pid, streams) = RuntimeCall {
        runtime: &request.runtime,
        root: &request.runtime_root,
        dir,
        tag: "create".into(),
        verb: vec!["create".into(), "--bundle".into(), request.bundle.clone()],
        container_id: &request.container_id,
        stdin: request.stdin,
        terminal: request.terminal,
    }
    .run(&signals)?;
    state.process = ProcessIdentity::of(pid);
    state.is_init = death::is_init(pid);
    state.started_at = gantry_clock::now();
    let mut supervisor = Supervisor::new(signals, pid, streams, Role::Guests);
    supervisor.log = Some(log);
    supervisor.control = Some(control);
    supervisor.oom = crate::oom::OomWatch::open(&request.cgroups_path);
    write_record(dir, STATE_FILE, &state)?;
    Ok((supervisor, state))
}

fn state_of(request: &CreateRequest) -> Outcome<ContainerState> {
    let monitor = ProcessIdentity::of(getpid())
        .ok_or("/proc is not readable")
        .at("find self")?;
    Ok(ContainerState {
        container_id: request.container_id.clone(),
        monitor,
        process: None,
        bundle: request.bundle.clone(),
        runtime: request.runtime.clone(),
        runtime_root: request.runtime_root.clone(),
        cgroups_path: request.cgroups_path.clone(),
        log_path: request.log_path.clone(),
        mounted_root: request.rootfs.is_some(),
        annotations: request.annotations.clone(),
        started_at: gantry_clock::now(),
        is_init: false,
    })
}

fn supervise(mut supervisor: Supervisor, state: &ContainerState, dir: &Path) {
    memory::trim();
    let ended = supervisor.run();
    let record = Death {
        state,
        pid: supervisor.process.as_raw(),
        ended: Some(ended),
        oom: &supervisor.oom,
        last_output: supervisor.tail.text(),
        problem: None,
    }
    .record(dir);
    if let Err(failure) = write_record(dir, EXIT_FILE, &record) {
        complain(format_args!("container {}: {failure}", state.container_id));
    }
    let status = json!({ "exitCode": ended.exit_code });
    if supervisor.clients.is_empty() {
        return;
    }
    // Clients may be slow to read the rest. Our end is the news that the launcher waits for, so a
    // child stays for them in our place.
    let staying = fork_child(|| {
        supervisor.say_farewell(&status);
        0
    });
    if staying.is_err() {
        complain(format_args!(
            "container {}: clients cut off",
            state.container_id
        ));
    }
}
