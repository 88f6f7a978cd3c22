//! From a request to what is done for it. An answer that is known at once is returned; `None`
//! means that it comes later, or that the connection now belongs to a session.

use super::report::{Report, channel};
use super::runs::{Asker, Run};
use super::{Job, Launcher, MAX_SESSIONS, MAX_TASKS, Source};
use crate::death::KillRequest;
use crate::failure::{Failure, Outcome, Reason};
use crate::protocol::{
    AttachRequest, CreateRequest, ExecRequest, KillCall, Request, RunRequest, SandboxRequest, parse,
};
use crate::spawn::{close_all_but, fork_child};
use crate::{container, control, exec, sandbox};
use nix::sys::epoll::EpollFlags;
use serde_json::{Value, json};
use std::path::PathBuf;

type Answer = Outcome<Option<Value>>;

impl Launcher {
    pub(super) fn dispatch(&mut self, connection: u64, line: &[u8]) {
        let (id, request) = parse(line);
        let done = match (id, request) {
            (Some(id), Ok(request)) => self.perform(Asker { connection, id }, request),
            (_, Err(failure)) => Err(failure),
            (None, Ok(_)) => Err(Failure::bad_request("read request", "id: is missing")),
        };
        let answer = match done {
            Ok(None) => return,
            Ok(Some(result)) => Ok(result),
            Err(failure) => Err(failure),
        };
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.answer(id, answer);
        }
    }

    fn perform(&mut self, asker: Asker, request: Request) -> Answer {
        match request {
            Request::Create(request) => self.create(asker, &request),
            Request::List => {
                let ids = self.containers.ids();
                let known = ids
                    .iter()
                    .filter_map(|id| self.containers.describe(id).ok());
                Ok(Some(json!({ "containers": known.collect::<Vec<_>>() })))
            }
            Request::Adopt(request) => self.containers.describe(&request.container_id).map(Some),
            Request::Remove(request) => self
                .containers
                .remove(&request.container_id)
                .map(|()| Some(json!({}))),
            Request::Run(request) => self.start_run(asker, request),
            Request::Kill(call) => self.kill(asker, &call),
            Request::SandboxCreate(request) => self.create_sandbox(asker, &request),
            Request::SandboxRemove(request) => self.job(asker, None, |report| {
                report.send(remove_sandbox(&request.dir))
            }),
            Request::Subscribe => self.subscribe(asker),
            Request::Exec(request) => self.exec(asker, &request),
            Request::Attach(request) => self.attach(asker, &request),
            Request::Shutdown => {
                self.stopping = true;
                Ok(Some(json!({})))
            }
        }
    }

    fn create(&mut self, asker: Asker, request: &CreateRequest) -> Answer {
        let dir = self.containers.claim(&request.container_id)?;
        let forked = self.fork_job(asker, Some(request.container_id.clone()), |report| {
            container::monitor(request, &dir, report)
        });
        if forked.is_err() {
            let _ = std::fs::remove_dir(&dir);
        }
        forked
    }

    fn create_sandbox(&mut self, asker: Asker, request: &SandboxRequest) -> Answer {
        self.job(asker, None, |report| report.send(sandbox::create(request)))
    }

    fn start_run(&mut self, asker: Asker, request: RunRequest) -> Answer {
        self.check_room("run")?;
        let run = Run::start(request, asker)?;
        let number = self.number();
        for (index, output) in run.streams.outputs.iter().enumerate() {
            if let Some(output) = output {
                self.poller.add(
                    output,
                    EpollFlags::EPOLLIN,
                    Source::RunOutput(number, index),
                )?;
            }
        }
        if let Some(stdin) = &run.streams.stdin {
            self.poller
                .add(stdin, EpollFlags::EPOLLOUT, Source::RunInput(number))?;
        }
        self.runs.insert(number, run);
        Ok(None)
    }

    fn kill(&mut self, asker: Asker, call: &KillCall) -> Answer {
        self.check_room("container.kill")?;
        let request = KillRequest {
            signal: call.signal,
            at: gantry_clock::now(),
            reason: call.reason.clone(),
            ..KillRequest::default()
        };
        self.containers.note_kill(&call.container_id, request)?;
        self.start_run(asker, call.run())
    }

    /// Exits of containers that are not removed yet are told again, so that none is missed.
    fn subscribe(&mut self, asker: Asker) -> Answer {
        let Some(connection) = self.connections.get_mut(&asker.connection) else {
            return Ok(None);
        };
        connection.subscribed = true;
        connection.answer(Some(asker.id), Ok(json!({})));
        for id in self.containers.ids() {
            // While its monitor is still there, the news of its end is still to come.
            if let Some(exit) = self
                .containers
                .exit(&id)
                .filter(|_| !self.containers.is_watched(&id))
            {
                let event = json!({ "event": "exit", "containerId": id, "exit": exit });
                connection.send_line(&event);
            }
        }
        Ok(None)
    }

    fn exec(&mut self, asker: Asker, request: &ExecRequest) -> Answer {
        self.containers.running("exec", &request.container_id)?;
        self.check_fresh("exec", asker)?;
        if self.sessions.len() >= MAX_SESSIONS {
            let message =
                format!("{MAX_SESSIONS} sessions are open; close some or try again later");
            return Err(Failure::new(Reason::ServiceUnavailable, "exec", message));
        }
        let dir = self.containers.dir(&request.container_id);
        let Some(connection) = self.connections.remove(&asker.connection) else {
            return Ok(None);
        };
        self.poller.remove(connection.fd());
        let socket = connection.into_socket();
        let session = fork_child(|| exec::session(request, asker.id, &dir, socket))?;
        self.sessions.insert(session.as_raw());
        Ok(None)
    }

    fn attach(&mut self, asker: Asker, request: &AttachRequest) -> Answer {
        self.containers.running("attach", &request.container_id)?;
        self.check_fresh("attach", asker)?;
        let dir = self.containers.dir(&request.container_id);
        let Some(connection) = self.connections.get(&asker.connection) else {
            return Ok(None);
        };
        control::hand_over(&dir, asker.id, request.stdin, connection.fd())?;
        self.hang_up(asker.connection);
        Ok(None)
    }

    /// A session takes the whole connection, so nothing else may be under way on it.
    fn check_fresh(&self, op: &str, asker: Asker) -> Outcome<()> {
        let busy = self
            .jobs
            .values()
            .any(|job| job.asker.connection == asker.connection)
            || self
                .runs
                .values()
                .any(|run| run.asker.connection == asker.connection);
        let unfit = |c: &super::Connection| c.has_more() || c.wants_to_send() || c.subscribed;
        if busy || self.connections.get(&asker.connection).is_some_and(unfit) {
            let message = "must be the only request of its connection, and frames come after the \
                           answer";
            return Err(Failure::bad_request(op, message));
        }
        Ok(())
    }

    fn check_room(&self, op: &str) -> Outcome<()> {
        if self.jobs.len() + self.runs.len() < MAX_TASKS {
            return Ok(());
        }
        let message = format!("{MAX_TASKS} requests are under way; try again later");
        Err(Failure::new(Reason::ServiceUnavailable, op, message))
    }

    /// Does `body` in a forked child that closes everything else first and ends after its report.
    fn job(
        &mut self,
        asker: Asker,
        container: Option<String>,
        body: impl FnOnce(Report),
    ) -> Answer {
        self.fork_job(asker, container, |report| {
            close_all_but(&[report.fd()]);
            body(report);
            0
        })
    }

    fn fork_job(
        &mut self,
        asker: Asker,
        container: Option<String>,
        body: impl FnOnce(Report) -> i32,
    ) -> Answer {
        self.check_room("start child")?;
        let (read, report) = channel()?;
        crate::stdio::set_nonblocking(&read)?;
        fork_child(move || body(report))?;
        let number = self.number();
        self.poller
            .add(&read, EpollFlags::EPOLLIN, Source::Report(number))?;
        self.jobs.insert(
            number,
            Job {
                asker,
                report: read,
                received: Vec::new(),
                container,
            },
        );
        Ok(None)
    }
}

fn remove_sandbox(dir: &str) -> Outcome<Value> {
    sandbox::remove(&PathBuf::from(dir)).map(|()| json!({}))
}
