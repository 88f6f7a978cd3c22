//! `exec`: one more process in a container that exists.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, setsid};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::channel::{Channel, Kind};
use super::init::{become_process, install_last};
use super::state::{Container, Status};
use super::undo::reap;
use super::{rootless, spawn};
use crate::cgroup;
use crate::error::{Error, Result, Step};
use crate::fail;
use crate::process::exec::{self, Program};
use crate::process::terminal::{Console, Terminal};
use crate::process::{credentials, labels, limits, scheduling};
use crate::seccomp::Filter;
use crate::spec::{Linux, Process};
use crate::sys::{self, Cloned};

/// What the command line says.
pub struct Request {
    pub process: Process,
    pub console_socket: Option<PathBuf>,
    pub preserve_fds: u32,
    pub ignore_paused: bool,
    /// The caller stays and relays a terminal.
    pub foreground: bool,
    /// Groups below the container's own, as `--cgroup` names them.
    pub cgroups: Vec<String>,
}

/// A process that runs its program in the container.
pub struct Joined {
    pub pid: Pid,
    pub pidfd: OwnedFd,
    pub notices: Vec<String>,
    /// Where the terminal of a process in the foreground arrives.
    pub console: Option<OwnedFd>,
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
    scheduling::validate(&request.process)?;
    let init = open_init(container, request)?;
    let (terminal, socket) = (request.process.terminal, request.console_socket.as_deref());
    let (console, own_console) = Console::of(terminal, socket, request.foreground)?.ends();
    let spaces = differing_namespaces(init.0)?;
    let cgroup = container.record.cgroup.below(&request.cgroups)?;
    let unified = cgroup.open_unified()?;
    let tasks = cgroup.open_v1_tasks()?;
    let (channel, child_channel) = Channel::pair()?;
    let root = rootless::is_root();
    if root {
        // It takes effect for children only, so this process itself stays outside.
        move_into_thread_name_spaces(init.1.as_fd(), ThreadNameSpaceType::PROCESS_ID)
            .step("join the container's pid namespace")?;
    }
    let cloned = sys::clone3(0, unified.as_ref().map(AsFd::as_fd), false)
        .step("clone a process into the container's cgroup")?;
    match cloned {
        Cloned::Parent { pid, pidfd } => {
            // The process's end: if it dies, we must notice.
            drop((child_channel, console));
            let follow = Follow {
                container,
                linux,
                init: init.0,
            };
            let (pid, pidfd) = if root {
                (pid, pidfd)
            } else {
                spawn::await_grandchild(&channel, &pidfd)?
            };
            let notices = follow.run(&channel, pid).inspect_err(|_| {
                // Whoever is told that it failed must not have it run on.
                let _ = sys::pidfd_kill(pidfd.as_fd(), libc::SIGKILL);
                reap(&pidfd);
            })?;
            Ok(Joined {
                pid,
                pidfd,
                notices,
                console: own_console,
            })
        }
        Cloned::Child => {
            drop((channel, own_console));
            let child = Child {
                id: &container.record.id,
                linux,
                filter,
                request,
                init: init.1,
                spaces,
                tasks,
                console,
                is_within: !root,
            };
            std::process::exit(if root {
                child.run(&child_channel)
            } else {
                child.run_within(&child_channel)
            })
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

/// For root these can be joined whether they differ or not.
const ALWAYS: [(&str, ThreadNameSpaceType); 5] = [
    ("mnt", ThreadNameSpaceType::MOUNT),
    ("net", ThreadNameSpaceType::NETWORK),
    ("ipc", ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION),
    ("uts", ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME),
    ("cgroup", ThreadNameSpaceType::CONTROL_GROUP),
];

/// The user namespace may only be joined when it is another one; so may the time namespace, which
/// costs the rest of the process nothing.
const DIFFERING: [(&str, ThreadNameSpaceType); 2] = [
    ("user", ThreadNameSpaceType::USER),
    ("time", ThreadNameSpaceType::TIME),
];

fn differing_namespaces(init: Pid) -> Result<ThreadNameSpaceType> {
    let mut spaces = ThreadNameSpaceType::empty();
    let differing = DIFFERING.iter();
    let mut add = |name: &str, space: ThreadNameSpaceType| -> Result<()> {
        if namespace_number(&init.as_raw_nonzero().to_string(), name)?
            != namespace_number("self", name)?
        {
            spaces |= space;
        }
        Ok(())
    };
    differing
        .into_iter()
        .try_for_each(|(name, space)| add(name, *space))?;
    if rootless::is_root() {
        return Ok(ALWAYS.iter().fold(spaces, |all, (_, space)| all | *space));
    }
    // Those of the host cannot be joined by an ordinary user, who is in them already.
    ALWAYS
        .iter()
        .try_for_each(|(name, space)| add(name, *space))?;
    Ok(spaces)
}

fn namespace_number(process: &str, name: &str) -> Result<u64> {
    match fs::metadata(format!("/proc/{process}/ns/{name}")) {
        // A kernel without this kind of namespace has none to differ.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        file => file
            .map(|file| file.ino())
            .step("look at the container's namespaces"),
    }
}

/// The parent's part: to hear what the process tells.
struct Follow<'a> {
    container: &'a Container,
    linux: &'a Linux,
    init: Pid,
}

impl Follow<'_> {
    /// The end of the channel without a word of failure is the success of exec.
    fn run(&self, channel: &Channel, pid: Pid) -> Result<Vec<String>> {
        let mut notices = Vec::new();
        while let Some(message) = channel.receive()? {
            match message.kind {
                Kind::Notice => notices.push(message.text),
                Kind::Listener => {
                    let init = self.init.as_raw_nonzero().get();
                    let state = self.container.oci_state(Status::Running, init);
                    Filter::hand_over(self.linux, message.fds, &state, pid)?;
                }
                Kind::Failed => return Err(Error::new(message.text)),
                other => fail!("received {other:?} from the process"),
            }
        }
        Ok(notices)
    }
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
    /// The namespaces were joined before this process was cloned.
    is_within: bool,
}

impl Child<'_> {
    /// Whoever is not root has no right to a pid namespace before it is in the user namespace that
    /// owns it: this process joins all, and its child, which our parent gets, runs the program.
    fn run_within(&self, channel: &Channel) -> i32 {
        let spaces = self.spaces | ThreadNameSpaceType::PROCESS_ID;
        let cloned = move_into_thread_name_spaces(self.init.as_fd(), spaces)
            .step("join the container's namespaces")
            .and_then(|()| sys::clone3(0, None, true).step("clone a process in the container"));
        match cloned {
            Ok(Cloned::Child) => self.run(channel),
            Ok(Cloned::Parent { pid, .. }) => {
                let text = pid.as_raw_nonzero().to_string();
                i32::from(channel.send(Kind::Pid, &text).is_err())
            }
            Err(error) => {
                let _ = channel.send(Kind::Failed, &error.to_string());
                1
            }
        }
    }

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
        let affinity = process.exec_cpu_affinity.clone().unwrap_or_default();
        // Before it joins a group, whose processors would narrow the choice.
        scheduling::bind_to(affinity.initial.as_deref())?;
        let mut notices = Vec::new();
        limits::apply_oom_score(process.oom_score_adj, &mut notices)?;
        cgroup::join(&self.tasks)?;
        if !self.is_within {
            move_into_thread_name_spaces(self.init.as_fd(), self.spaces)
                .step("join the container's namespaces")?;
        }
        if self.spaces.contains(ThreadNameSpaceType::USER) {
            let root = crate::spec::User::default();
            credentials::apply(&root, None).step("become root of the user namespace")?;
        }
        if process.terminal {
            self.open_terminal()?.adopt(process.user.uid)?;
        }
        scheduling::bind_to(affinity.last.as_deref())?;
        let program = become_process(process, self.linux, self.filter.as_ref(), channel)?;
        sys::cloexec_from(3 + self.request.preserve_fds).step("mark descriptors close-on-exec")?;
        sys::reset_signals();
        install_last(process, self.filter.as_ref(), channel)?;
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
