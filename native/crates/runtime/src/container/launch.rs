//! The parent role of `create` and `run`: validates everything, records what will be made, clones
//! the child, makes the cgroups while the child mounts, and undoes all of it when a step fails.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, waitid};

use super::channel::{Channel, Kind};
use super::hooks;
use super::init::{Gate, Init};
use super::namespaces::{self, Plan};
use super::state::{Container, Record, Status};
use crate::cgroup::{self, Cgroup};
use crate::error::{Error, Result, Step};
use crate::process::{exec, labels, limits, sysctl, terminal};
use crate::seccomp::Filter;
use crate::spec::{Hooks, Linux, NamespaceKind, Process, Resources, Spec};
use crate::sys::{self, Cloned};
use crate::{clock, fail, rootfs};

/// What the command line says.
pub struct Request<'a> {
    pub root: &'a Path,
    pub id: &'a str,
    pub bundle: PathBuf,
    pub console_socket: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    pub preserve_fds: u32,
    /// Leaves the caller's session keyring in place.
    pub keep_keyring: bool,
    /// A fifo for a later `start`; otherwise the caller passes the gate itself.
    pub for_later_start: bool,
}

/// A container whose process waits at the gate.
pub struct Launched {
    pub container: Container,
    pub pid: Pid,
    pub pidfd: OwnedFd,
    pub channel: Channel,
    pub hooks: Hooks,
}

/// Makes a container up to the moment before its program runs.
pub fn launch(request: &Request<'_>) -> Result<Launched> {
    sys::cloexec_from(3 + request.preserve_fds).step("mark descriptors close-on-exec")?;
    let (spec, config) = Spec::load_with_text(&request.bundle)?;
    let linux = spec
        .linux
        .as_ref()
        .ok_or_else(|| Error::new("linux is missing in config.json"))?;
    let process = spec
        .process
        .as_ref()
        .ok_or_else(|| Error::new("process is missing in config.json"))?;
    validate(&spec, linux, process)?;
    let plan = Plan::of(linux)?;
    let filter = Filter::of(linux, request.root)?;
    let console = request
        .console_socket
        .as_deref()
        .map(terminal::connect)
        .transpose()?;
    if console.is_some() != process.terminal {
        fail!("--console-socket and process.terminal belong together; give both or none");
    }
    let resources = resources(linux);
    let record = record(request, &spec, linux, &resources)?;
    let container = Container::reserve(request.root, record, &config)?;
    let mut undo = Undo {
        container: Some(container),
        child: None,
    };
    let launched = Launch {
        request,
        spec: &spec,
        linux,
        process,
        plan: &plan,
        resources: &resources,
    }
    .run(&mut undo, filter, console);
    launched.inspect_err(|_| undo.undo(&spec))
}

/// Judges a whole `config.json` as `create` does before it makes anything.
pub fn check(spec: &Spec) -> Result<()> {
    let linux = spec.linux.as_ref();
    let linux = linux.ok_or_else(|| Error::new("linux is missing in config.json"))?;
    let process = spec.process.as_ref();
    let process = process.ok_or_else(|| Error::new("process is missing in config.json"))?;
    validate(spec, linux, process)?;
    Plan::of(linux).map(drop)
}

fn validate(spec: &Spec, linux: &Linux, process: &Process) -> Result<()> {
    rootfs::validate(spec)?;
    exec::validate(process)?;
    limits::validate(&process.rlimits)?;
    labels::validate(process)?;
    sysctl::validate(linux)?;
    if linux.intel_rdt.is_some() {
        fail!("linux.intelRdt is not supported; make the resctrl group outside and drop it here");
    }
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

fn record(
    request: &Request<'_>,
    spec: &Spec,
    linux: &Linux,
    resources: &Resources,
) -> Result<Record> {
    let path = match linux
        .cgroups_path
        .as_deref()
        .filter(|path| !path.is_empty())
    {
        Some(path) if path.starts_with('/') => path.to_owned(),
        Some(path) => format!("/{path}"),
        None => format!("/gantry/{}", request.id),
    };
    let rootfs = spec
        .root
        .as_ref()
        .map(|root| request.bundle.join(&root.path));
    Ok(Record {
        id: request.id.to_owned(),
        bundle: request.bundle.clone(),
        rootfs: rootfs.unwrap_or_default(),
        annotations: spec.annotations.clone(),
        created: clock::now(),
        owner: String::new(),
        cgroup: Cgroup::locate(&path)?.only_for(resources),
        hooks: spec.hooks.clone(),
        terminal: spec
            .process
            .as_ref()
            .is_some_and(|process| process.terminal),
    })
}

/// The limits, with denial of all devices before the given rules and the default ones after.
fn resources(linux: &Linux) -> Resources {
    let mut resources = linux.resources.clone().unwrap_or_default();
    resources
        .devices
        .insert(0, crate::spec::DeviceRule::default());
    resources
        .devices
        .extend(cgroup::default_rules(&linux.devices));
    resources
}

struct Launch<'a> {
    request: &'a Request<'a>,
    spec: &'a Spec,
    linux: &'a Linux,
    process: &'a Process,
    plan: &'a Plan,
    resources: &'a Resources,
}

impl Launch<'_> {
    fn run(
        &self,
        undo: &mut Undo,
        filter: Option<Filter>,
        console: Option<OwnedFd>,
    ) -> Result<Launched> {
        let container = undo.container()?;
        let cgroup = container.record.cgroup.clone();
        let unified = cgroup.create_unified(self.resources)?;
        let gate = self.make_gate(container)?;
        let (channel, child_channel) = Channel::pair()?;
        let in_userns = self.plan.new_user || self.plan.join_user.is_some();
        let sources = in_userns
            .then(|| rootfs::open_sources(&self.spec.mounts, &self.request.bundle))
            .transpose()?;
        let init = Init {
            spec: self.spec,
            linux: self.linux,
            process: self.process,
            container,
            bundle: &self.request.bundle,
            plan: self.plan,
            channel: child_channel,
            gate,
            console,
            filter,
            preserve_fds: self.request.preserve_fds,
            keep_keyring: self.request.keep_keyring,
            sources,
        };
        let (pid, pidfd) = self.clone_child(init, &channel, unified)?;
        let pidfd = undo
            .child
            .insert(pidfd)
            .try_clone()
            .step("keep the child's descriptor")?;
        let container = undo.container()?;
        container.save_pid(pid)?;
        if self.plan.new_user {
            channel.expect(Kind::MapUsers)?;
            namespaces::map_users(pid, self.linux)?;
            channel.send(Kind::Continue, "")?;
        }
        // The child mounts meanwhile; it needs these only before its cgroup mount.
        let tasks = cgroup.create_v1(self.resources)?;
        let tasks: Vec<_> = tasks.iter().map(AsFd::as_fd).collect();
        channel
            .send_with(Kind::Cgroups, "", &tasks)
            .map_err(|error| channel.explain(error))?;
        self.follow(&channel, container, pid)?;
        self.write_pid_file(pid)?;
        let container = undo
            .container
            .take()
            .ok_or_else(|| Error::new("no container"))?;
        let hooks = self.spec.hooks.clone().unwrap_or_default();
        Ok(Launched {
            container,
            pid,
            pidfd,
            channel,
            hooks,
        })
    }

    fn make_gate(&self, container: &Container) -> Result<Gate> {
        if !self.request.for_later_start {
            return Ok(Gate::Channel);
        }
        let path = container.fifo();
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::from_raw_mode(0o600))
            .step("make the start fifo")?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fifo = rustix::fs::open(&path, flags, Mode::empty()).step("open the start fifo")?;
        let error = File::create(container.start_error()).step("make the start error file")?;
        Ok(Gate::Fifo { fifo, error })
    }

    /// Clones the child into its new namespaces, with what must happen in this process around it.
    fn clone_child(
        &self,
        init: Init<'_>,
        channel: &Channel,
        cgroup: Option<OwnedFd>,
    ) -> Result<(Pid, OwnedFd)> {
        let own_pid = self
            .plan
            .join_pid
            .as_ref()
            .map(|_| namespaces::own(NamespaceKind::Pid));
        if let Some(fd) = &self.plan.join_pid {
            namespaces::setns(fd, NamespaceKind::Pid)?;
        }
        let own_time = self
            .plan
            .new_time
            .then(|| namespaces::own(NamespaceKind::Time));
        if self.plan.new_time {
            namespaces::unshare(NamespaceKind::Time)?;
            namespaces::set_time_offsets(self.linux)?;
        }
        let cloned = self.clone_into(init, channel, cgroup);
        // Hooks are children of this process too, but live in the runtime's namespaces.
        if let Some(own) = own_pid {
            namespaces::setns(&own?, NamespaceKind::Pid)?;
        }
        if let Some(own) = own_time {
            namespaces::setns(&own?, NamespaceKind::Time)?;
        }
        cloned
    }

    fn clone_into(
        &self,
        init: Init<'_>,
        channel: &Channel,
        cgroup: Option<OwnedFd>,
    ) -> Result<(Pid, OwnedFd)> {
        let flags = if self.plan.join_user.is_some() {
            0
        } else {
            self.plan.clone_flags
        };
        let cloned = sys::clone3(flags, cgroup.as_ref().map(AsFd::as_fd), false)
            .step("clone the container's process with its namespaces")?;
        match cloned {
            Cloned::Parent { pid, pidfd } if self.plan.join_user.is_none() => Ok((pid, pidfd)),
            Cloned::Parent { pidfd, .. } => self.await_grandchild(channel, &pidfd),
            Cloned::Child => match &self.plan.join_user {
                None => std::process::exit(init.run()),
                Some(user) => std::process::exit(self.intermediate(init, user)),
            },
        }
    }

    /// Joins the user namespace first, so that the new namespaces belong to it; its child gets our
    /// own parent, and this process ends.
    fn intermediate(&self, init: Init<'_>, user: &OwnedFd) -> i32 {
        let cloned = namespaces::setns(user, NamespaceKind::User).and_then(|()| {
            sys::clone3(self.plan.clone_flags, None, true)
                .step("clone the container's process in its user namespace")
        });
        match cloned {
            Ok(Cloned::Child) => init.run(),
            Ok(Cloned::Parent { pid, .. }) => {
                let text = pid.as_raw_nonzero().to_string();
                i32::from(init.channel.send(Kind::Pid, &text).is_err())
            }
            Err(error) => {
                let _ = init.channel.send(Kind::Failed, &error.to_string());
                1
            }
        }
    }

    fn await_grandchild(&self, channel: &Channel, middle: &OwnedFd) -> Result<(Pid, OwnedFd)> {
        let text = channel.expect(Kind::Pid)?.text;
        let pid = text.parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Error::new("read the pid of the container's process"))?;
        // It is our child and not reaped, so the number is still its own.
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).step("open the container's process")?;
        reap(middle);
        Ok((pid, pidfd))
    }

    /// Answers the child until it is ready.
    fn follow(&self, channel: &Channel, container: &Container, pid: Pid) -> Result<()> {
        let mut notices = Vec::new();
        loop {
            let message = channel.receive()?.ok_or_else(|| {
                Error::new("the container's process was killed before it was ready")
            })?;
            match message.kind {
                Kind::Failed => return Err(Error::new(message.text)),
                Kind::Notice => notices.push(message.text),
                Kind::Built => {
                    self.run_runtime_hooks(container, pid)?;
                    channel.send(Kind::Continue, &pid.as_raw_nonzero().to_string())?;
                }
                Kind::Listener => Filter::hand_over(self.linux, message.fds, container, pid)?,
                Kind::Ready => return container.save_notices(&notices),
                other => fail!("received {other:?} from the container's process"),
            }
        }
    }

    fn run_runtime_hooks(&self, container: &Container, pid: Pid) -> Result<()> {
        let Some(points) = &self.spec.hooks else {
            return Ok(());
        };
        let state = container.oci_state(Status::Creating, pid.as_raw_nonzero().get());
        let state = serde_json::to_string(&state).step("encode the state")?;
        hooks::run("prestart", &points.prestart, &state)?;
        hooks::run("createRuntime", &points.create_runtime, &state)
    }

    fn write_pid_file(&self, pid: Pid) -> Result<()> {
        let Some(path) = &self.request.pid_file else {
            return Ok(());
        };
        write_pid_file(path, pid)
    }
}

/// Writes a pid file so that no reader sees half of it.
pub fn write_pid_file(path: &Path, pid: Pid) -> Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    std::fs::write(&temporary, pid.as_raw_nonzero().to_string())
        .and_then(|()| std::fs::rename(&temporary, path))
        .step_with(|| format!("write --pid-file {}", path.display()))
}

/// Waits for a child and takes its status.
pub fn reap(pidfd: &OwnedFd) {
    while let Err(rustix::io::Errno::INTR) =
        waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
    {}
}

/// What has to go when launching fails: the child, its groups, its record.
struct Undo {
    container: Option<Container>,
    child: Option<OwnedFd>,
}

impl Undo {
    fn container(&self) -> Result<&Container> {
        self.container
            .as_ref()
            .ok_or_else(|| Error::new("the container was handed over"))
    }

    /// Best effort by nature: the first error is the one to tell.
    fn undo(&mut self, spec: &Spec) {
        if let Some(child) = self.child.take() {
            let _ = rustix::process::pidfd_send_signal(&child, Signal::KILL);
            reap(&child);
        }
        let Some(container) = self.container.take() else {
            return;
        };
        let _ = container.record.cgroup.kill();
        let _ = container.record.cgroup.remove();
        if let Some(points) = &spec.hooks {
            let state = serde_json::to_string(&container.oci_state(Status::Stopped, 0));
            let _ = hooks::run("poststop", &points.poststop, &state.unwrap_or_default());
        }
        let _ = container.remove_dir();
    }
}
