//! The parent role of `create` and `run`: validates everything, records what will be made, clones
//! the child, makes the cgroups while the child mounts, and undoes all of it when a step fails.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;

use super::channel::{Channel, Kind};
use super::hooks;
use super::init::{Gate, Init};
use super::namespaces::{self, Plan};
use super::rootless;
use super::spawn::{self, Spawn, Spawned};
use super::state::{Container, Record, Status};
use super::undo::Undo;
use super::validate;
use crate::cgroup::{self, Cgroup};
use crate::error::{Error, Result, Step};
use crate::process::credentials;
use crate::process::relay;
use crate::process::terminal::Console;
use crate::rootfs::{self, Overlay, Tree};
use crate::seccomp::Filter;
use crate::spec::{Hooks, Linux, Process, Resources, Spec};
use crate::{fail, sys};

/// What the command line says.
pub struct Request<'a> {
    pub root: &'a Path,
    pub id: &'a str,
    pub bundle: PathBuf,
    pub console_socket: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    pub preserve_fds: u32,
    /// How many of them are sockets of systemd, of which the program is told as systemd does.
    pub listening: u32,
    /// Leaves the caller's session keyring in place.
    pub keep_keyring: bool,
    /// A fifo for a later `start`; otherwise the caller passes the gate itself.
    pub for_later_start: bool,
    /// The caller stays and relays a terminal.
    pub foreground: bool,
    /// Goes on without cgroups that the caller may not make.
    pub rootless: bool,
}

/// A container whose process waits at the gate.
pub struct Launched {
    pub container: Container,
    pub pid: Pid,
    pub pidfd: OwnedFd,
    pub channel: Channel,
    pub hooks: Hooks,
    /// Where the terminal of a container in the foreground arrives.
    pub console: Option<OwnedFd>,
}

/// Makes a container up to the moment before its program runs.
pub fn launch(request: &Request<'_>) -> Result<Launched> {
    sys::cloexec_from(3 + request.preserve_fds).step("mark descriptors close-on-exec")?;
    let (mut spec, config) = Spec::load_with_text(&request.bundle)?;
    if let Some(process) = &mut spec.process {
        adapt(process, request);
    }
    let (linux, process) = validate::parts(&spec)?;
    validate::whole(&spec, linux, process)?;
    let plan = Plan::of(linux)?;
    if !rootless::is_root() {
        rootless::check(linux, plan.in_user_namespace())?;
    }
    let filter = Filter::of(linux, request.root)?;
    let socket = request.console_socket.as_deref();
    let (console, own_console) = Console::of(process.terminal, socket, request.foreground)?.ends();
    let resources = resources(linux);
    let mut record = record(request, &spec, linux, &resources)?;
    let mut notices = Vec::new();
    if request.rootless {
        record.cgroup = rootless::permitted_groups(record.cgroup, linux, &mut notices)?;
    }
    record.cgroup.check(&resources)?;
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
        notices,
    }
    .run(&mut undo, filter, console);
    let launched = launched.inspect_err(|_| undo.undo(&spec))?;
    Ok(Launched {
        console: own_console,
        ..launched
    })
}

/// What the surroundings of the command add to the process.
fn adapt(process: &mut Process, request: &Request<'_>) {
    if request.listening > 0 {
        let listening = format!("LISTEN_FDS={}", request.listening);
        process.env.extend([listening, "LISTEN_PID=1".to_owned()]);
    }
    if request.foreground && process.terminal {
        process.console_size = process.console_size.or_else(relay::caller_size);
    }
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
        created: gantry_clock::now(),
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
    notices: Vec<String>,
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
        let sources = self.open_sources()?;
        let nodes = self.device_nodes()?;
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
            sources: sources.as_deref(),
            device_nodes: nodes.as_ref().map(AsFd::as_fd),
        };
        if !rootless::is_root() {
            rootless::allow_tracing(true)?;
        }
        let spawn = Spawn {
            plan: self.plan,
            linux: self.linux,
            channel,
            cgroup: unified.as_ref().map(AsFd::as_fd),
        };
        let Spawned {
            pid,
            pidfd,
            channel,
        } = spawn.run(init)?;
        let pidfd = undo
            .child
            .insert(pidfd)
            .try_clone()
            .step("keep the child's descriptor")?;
        let container = undo.container()?;
        container.save_pid(pid)?;
        if self.plan.in_user_namespace() {
            let sources = sources.as_deref().unwrap_or_default();
            self.enter_user_namespace(&channel, pid, sources, nodes)?;
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
            console: None,
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

    /// Opens the bind mounts here when the child may lack the right to, or to map their owners.
    fn open_sources(&self) -> Result<Option<Vec<Option<OwnedFd>>>> {
        let mounts = &self.spec.mounts;
        let in_userns = self.plan.in_user_namespace();
        let wanted = rootfs::wants_idmaps(mounts);
        if !rootless::is_root() {
            if wanted {
                fail!("mounts: only root may id-map them; drop idmap, uidMappings and gidMappings");
            }
            return Ok(None);
        }
        if !in_userns && !wanted {
            return Ok(None);
        }
        let sources = rootfs::open_sources(mounts, &self.request.bundle)?;
        if !in_userns {
            rootfs::apply_idmaps(mounts, &sources, None)?;
        }
        Ok(Some(sources))
    }

    fn device_nodes(&self) -> Result<Option<OwnedFd>> {
        let wanted = rootless::is_root()
            && self.plan.in_user_namespace()
            && rootfs::wants_device_nodes(&self.linux.devices);
        wanted.then(rootfs::make_device_nodes).transpose()
    }

    /// Maps the child's users, and makes what only the host's root can: id-mapped mounts.
    fn enter_user_namespace(
        &self,
        channel: &Channel,
        pid: Pid,
        sources: &[Option<OwnedFd>],
        nodes: Option<OwnedFd>,
    ) -> Result<()> {
        if self.plan.new_user {
            let (uids, gids) = (&self.linux.uid_mappings, &self.linux.gid_mappings);
            namespaces::map_users(pid, uids, gids)?;
        }
        if !rootless::is_root() {
            rootless::allow_tracing(false)?;
            return channel.send(Kind::Mapped, "");
        }
        let namespace = spawn::user_namespace(self.plan, pid)?;
        rootfs::apply_idmaps(&self.spec.mounts, sources, Some(namespace.as_fd()))?;
        if let Some(nodes) = nodes {
            rootfs::fill_device_nodes(nodes.as_fd(), &self.linux.devices, namespace.as_fd())?;
        }
        let root = match Overlay::of(self.spec)? {
            Some(overlay) => {
                // The overlay makes files of its own, which must have an owner on disk as well.
                let (uid, gid) = namespaces::root_of(pid)?;
                let make = || overlay.shifted(namespace.as_fd());
                Some(credentials::with_filesystem_ids(uid, gid, make)?)
            }
            None => {
                let tree = Tree::of(self.spec)?;
                tree.map(|tree| tree.shifted(namespace.as_fd()))
                    .transpose()?
            }
        };
        let fds: Vec<_> = root.iter().map(AsFd::as_fd).collect();
        channel.send_with(Kind::Mapped, "", &fds)
    }

    /// Answers the child until it is ready.
    fn follow(&self, channel: &Channel, container: &Container, pid: Pid) -> Result<()> {
        let mut notices = self.notices.clone();
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
                Kind::Listener => {
                    let state = container.oci_state(Status::Creating, pid.as_raw_nonzero().get());
                    Filter::hand_over(self.linux, message.fds, &state, pid)?;
                }
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
