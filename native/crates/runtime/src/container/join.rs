//! `exec`: one more process in a container that exists.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, setsid};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::channel::{Channel, Kind};
use super::init::{become_process, install};
use super::launch::reap;
use super::state::{Container, Status};
use crate::cgroup;
use crate::error::{Error, Result, Step};
use crate::fail;
use crate::process::exec::{self, Program};
use crate::process::terminal::{self, Terminal};
use crate::process::{credentials, labels, limits};
use crate::seccomp::Filter;
use crate::spec::{Linux, Process};
use crate::sys::{self, Cloned};

/// What the command line says.
pub struct Request {
    pub process: Process,
    pub console_socket: Option<PathBuf>,
    pub preserve_fds: u32,
    pub ignore_paused: bool,
}

/// A process that runs its program in the container.
pub struct Joined {
    pub pid: Pid,
    pub pidfd: OwnedFd,
    pub notices: Vec<String>,
}

/// Starts `request.process` in the container; returns once its program runs.
pub fn join(
    container: &Container,
    linux: &Linux,
    filter: Option<Filter>,
    request: &Request,
) -> Result<Joined> {
    sys::cloexec_from(3 + request.preserve_fds).step("mark descriptors close-on-exec")?;
    exec::validate(&request.process)?;
    limits::validate(&request.process.rlimits)?;
    labels::validate(&request.process)?;
    let init = open_init(container, request)?;
    let console = request
        .console_socket
        .as_deref()
        .map(terminal::connect)
        .transpose()?;
    if console.is_some() != request.process.terminal {
        fail!("--console-socket and process.terminal belong together; give both or none");
    }
    let spaces = differing_namespaces(init.0)?;
    let unified = container.record.cgroup.open_unified()?;
    let tasks = container.record.cgroup.open_v1_tasks()?;
    // It takes effect for children only, so this process itself stays outside.
    move_into_thread_name_spaces(init.1.as_fd(), ThreadNameSpaceType::PROCESS_ID)
        .step("join the container's pid namespace")?;
    let (channel, child_channel) = Channel::pair()?;
    let cloned = sys::clone3(0, unified.as_ref().map(AsFd::as_fd), false)
        .step("clone a process into the container's cgroup")?;
    match cloned {
        Cloned::Parent { pid, pidfd } => {
            drop(child_channel);
            follow(&channel, pid, pidfd)
        }
        Cloned::Child => {
            let child = Child {
                id: &container.record.id,
                linux,
                filter,
                request,
                init: init.1,
                spaces,
                tasks,
                console,
            };
            std::process::exit(child.run(&child_channel))
        }
    }
}

fn open_init(container: &Container, request: &Request) -> Result<(Pid, OwnedFd)> {
    let id = &container.record.id;
    let Some(init) = container.open_process()? else {
        fail!("container {id} is not running");
    };
    if !request.ignore_paused && container.status() == Status::Paused {
        fail!("container {id} is paused; resume it first, or give --ignore-paused");
    }
    Ok(init)
}

/// The user namespace may only be joined when it is another one; time likewise costs a check.
fn differing_namespaces(init: Pid) -> Result<ThreadNameSpaceType> {
    let mut spaces = ThreadNameSpaceType::MOUNT
        | ThreadNameSpaceType::NETWORK
        | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
        | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME
        | ThreadNameSpaceType::CONTROL_GROUP;
    for (name, flag) in [
        ("user", ThreadNameSpaceType::USER),
        ("time", ThreadNameSpaceType::TIME),
    ] {
        let number = |process: &str| match fs::metadata(format!("/proc/{process}/ns/{name}")) {
            // A kernel without this kind of namespace has none to differ.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            file => file
                .map(|file| file.ino())
                .step("look at the container's namespaces"),
        };
        if number(&init.as_raw_nonzero().to_string())? != number("self")? {
            spaces |= flag;
        }
    }
    Ok(spaces)
}

/// The end of the channel without a word of failure is the success of exec.
fn follow(channel: &Channel, pid: Pid, pidfd: OwnedFd) -> Result<Joined> {
    let mut notices = Vec::new();
    while let Some(message) = channel.receive()? {
        match message.kind {
            Kind::Notice => notices.push(message.text),
            Kind::Failed => {
                reap(&pidfd);
                return Err(Error::new(message.text));
            }
            other => fail!("received {other:?} from the process"),
        }
    }
    Ok(Joined {
        pid,
        pidfd,
        notices,
    })
}

struct Child<'a> {
    id: &'a str,
    linux: &'a Linux,
    filter: Option<Filter>,
    request: &'a Request,
    init: OwnedFd,
    spaces: ThreadNameSpaceType,
    tasks: Vec<OwnedFd>,
    console: Option<OwnedFd>,
}

impl Child<'_> {
    fn run(&self, channel: &Channel) -> i32 {
        let failure = match self.prepare(channel) {
            Ok(program) => program.exec(),
            Err(error) => error,
        };
        let _ = channel.send(Kind::Failed, &failure.to_string());
        255
    }

    fn prepare(&self, channel: &Channel) -> Result<Program> {
        setsid().step("start a session")?;
        credentials::join_keyring(self.id)?;
        let process = &self.request.process;
        let mut notices = Vec::new();
        limits::apply_oom_score(process.oom_score_adj, &mut notices)?;
        cgroup::join(&self.tasks)?;
        move_into_thread_name_spaces(self.init.as_fd(), self.spaces)
            .step("join the container's namespaces")?;
        if self.spaces.contains(ThreadNameSpaceType::USER) {
            let root = crate::spec::User::default();
            credentials::apply(&root, None).step("become root of the user namespace")?;
        }
        if process.terminal {
            self.open_terminal()?.adopt(process.user.uid)?;
        }
        let program = become_process(process, self.linux, self.filter.as_ref(), channel)?;
        sys::cloexec_from(3 + self.request.preserve_fds).step("mark descriptors close-on-exec")?;
        sys::reset_signals();
        if process.no_new_privileges {
            install(self.filter.as_ref(), channel)?;
        }
        Ok(program)
    }

    fn open_terminal(&self) -> Result<Terminal> {
        let root = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .step("open the container's root")?;
        let terminal = Terminal::open(root.as_fd(), self.request.process.console_size)?;
        match &self.console {
            Some(socket) => terminal.send(socket.as_fd())?,
            None => fail!("process.terminal is set: give --console-socket"),
        }
        Ok(terminal)
    }
}
