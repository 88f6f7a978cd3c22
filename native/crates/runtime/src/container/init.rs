//! The child role: from a fresh clone to the container's first program. Single-threaded, linked
//! statically: nothing of the container's files is ever loaded into it.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::Mode;

use super::channel::{Channel, Kind};
use super::namespaces::{self, Plan};
use super::{hooks, rootless, state::Container, state::Status};
use crate::cgroup;
use crate::error::{Result, Step};
use crate::process::capabilities::Sets;
use crate::process::exec::{self, Program};
use crate::process::terminal::Terminal;
use crate::process::{credentials, labels, limits, scheduling, sysctl};
use crate::rootfs::{self, Builder, Devices};
use crate::seccomp::Filter;
use crate::spec::{Capabilities, Hook, Linux, NamespaceKind, Process, Spec};
use crate::sys;

/// How the child learns that it may run the program.
pub enum Gate {
    /// By `start`: a byte through the fifo; a failure is left in the file.
    Fifo { fifo: OwnedFd, error: File },
    /// By the parent that still waits (`run`).
    Channel,
}

/// Everything the child works from; all of it was made before the clone.
pub struct Init<'a> {
    pub spec: &'a Spec,
    pub linux: &'a Linux,
    pub process: &'a Process,
    pub container: &'a Container,
    pub bundle: &'a Path,
    pub plan: &'a Plan,
    pub channel: Channel,
    pub gate: Gate,
    pub console: Option<OwnedFd>,
    pub filter: Option<Filter>,
    pub preserve_fds: u32,
    pub keep_keyring: bool,
    /// Opened by the parent when the child may lack the right to.
    pub sources: Option<&'a [Option<OwnedFd>]>,
    /// Filled by the parent when the child may make no device nodes.
    pub device_nodes: Option<BorrowedFd<'a>>,
}

impl Init<'_> {
    /// Becomes the container. Returns only after a failure, which is then told.
    pub fn run(mut self) -> i32 {
        let failure = match self.prepare() {
            Ok(program) => return self.start(&program),
            Err(error) => error,
        };
        let _ = self.channel.send(Kind::Failed, &failure.to_string());
        1
    }

    fn prepare(&mut self) -> Result<Program> {
        rustix::process::setsid().step("start a session")?;
        if !self.keep_keyring {
            credentials::join_keyring(&self.container.record.id)?;
        }
        rustix::process::umask(Mode::empty());
        let mut notices = Vec::new();
        // Before a user namespace takes away the right to write to our own, untraceable, /proc.
        limits::apply_oom_score(self.process.oom_score_adj, &mut notices)?;
        let made = self.enter_namespaces()?;
        for notice in &notices {
            self.channel.send(Kind::Notice, notice)?;
        }
        let root = self.build(made)?;
        self.set_names()?;
        sysctl::apply(&self.linux.sysctl)?;
        let terminal = self.open_terminal(root.as_fd())?;
        self.run_create_hooks()?;
        rootfs::pivot(root.as_fd())?;
        rootfs::seal_root(root.as_fd(), self.spec)?;
        drop(root);
        if let Some(terminal) = terminal {
            terminal.adopt(self.process.user.uid)?;
        }
        become_process(
            self.process,
            self.linux,
            self.filter.as_ref(),
            &self.channel,
        )
    }

    /// Returns the root's mount when it takes the parent's rights to make it.
    fn enter_namespaces(&self) -> Result<Option<OwnedFd>> {
        if !self.plan.in_user_namespace() {
            self.plan.join_rest()?;
            return Ok(None);
        }
        let mapped = self.channel.expect(Kind::Mapped)?;
        if !rootless::is_root() {
            rootless::allow_tracing(false)?;
        }
        let root = crate::spec::User::default();
        credentials::apply(&root, None).step("become root of the user namespace")?;
        self.plan.join_rest()?;
        Ok(mapped.fds.into_iter().next())
    }

    fn build(&self, root: Option<OwnedFd>) -> Result<OwnedFd> {
        let opened;
        let sources = match self.sources {
            Some(sources) => sources,
            None => {
                opened = rootfs::open_sources(&self.spec.mounts, self.bundle)?;
                &opened
            }
        };
        let builder = Builder {
            spec: self.spec,
            bundle: self.bundle,
            cgroup: &self.container.record.cgroup,
            cgroup_namespace: self.plan.new_cgroup,
            in_user_namespace: self.plan.in_user_namespace(),
            devices: match self.plan.in_user_namespace() {
                true => Devices::Bind(self.device_nodes),
                false => Devices::Make,
            },
            root,
        };
        builder.build(sources, || self.join_cgroups())
    }

    /// The parent makes the v1 groups while this process mounts; here the two meet.
    fn join_cgroups(&self) -> Result<()> {
        let groups = self.channel.expect(Kind::Cgroups)?;
        cgroup::join(&groups.fds)?;
        if self.plan.new_cgroup {
            namespaces::unshare(NamespaceKind::Cgroup)?;
        }
        Ok(())
    }

    fn set_names(&self) -> Result<()> {
        let own = self
            .linux
            .namespaces
            .iter()
            .any(|ns| ns.kind == NamespaceKind::Uts);
        if let Some(name) = self
            .spec
            .hostname
            .as_deref()
            .filter(|name| !name.is_empty())
        {
            if !own {
                crate::fail!("hostname needs a uts namespace in linux.namespaces");
            }
            rustix::system::sethostname(name.as_bytes()).step("set hostname")?;
        }
        if let Some(name) = self
            .spec
            .domainname
            .as_deref()
            .filter(|name| !name.is_empty())
        {
            if !own {
                crate::fail!("domainname needs a uts namespace in linux.namespaces");
            }
            rustix::system::setdomainname(name.as_bytes()).step("set domainname")?;
        }
        Ok(())
    }

    fn open_terminal(&mut self, root: BorrowedFd<'_>) -> Result<Option<Terminal>> {
        if !self.process.terminal {
            return Ok(None);
        }
        let Some(socket) = self.console.take() else {
            crate::fail!("process.terminal is set: give --console-socket");
        };
        let terminal = Terminal::open(root, self.process.console_size)?;
        terminal.mount_console(root)?;
        terminal.send(socket.as_fd())?;
        Ok(Some(terminal))
    }

    /// Hooks of the runtime's namespaces run in the parent, those of the container's here; both
    /// before pivot_root, while the host's paths are still known.
    fn run_create_hooks(&self) -> Result<()> {
        let Some(hooks) = &self.spec.hooks else {
            return Ok(());
        };
        let in_parent = !hooks.prestart.is_empty() || !hooks.create_runtime.is_empty();
        if in_parent || !hooks.create_container.is_empty() {
            let pid = self.built()?;
            self.run_hooks(
                "createContainer",
                &hooks.create_container,
                Status::Creating,
                pid,
            )?;
        }
        Ok(())
    }

    /// Tells the parent that the tree stands; its answer is our pid as the host has it.
    fn built(&self) -> Result<i32> {
        self.channel.send(Kind::Built, "")?;
        let answer = self.channel.expect(Kind::Continue)?;
        answer.text.parse().step("read own pid")
    }

    fn run_hooks(&self, point: &str, hooks: &[Hook], status: Status, pid: i32) -> Result<()> {
        let state = self.container.oci_state(status, pid);
        let state = serde_json::to_string(&state).step("encode the state")?;
        hooks::run(point, hooks, &state)
    }

    /// Waits at the gate, then becomes the program.
    fn start(mut self, program: &Program) -> i32 {
        let failure = match self.pass_gate() {
            Ok(()) => program.exec(),
            Err(error) => error,
        };
        match &mut self.gate {
            Gate::Fifo { error, .. } => drop(error.write_all(failure.to_string().as_bytes())),
            Gate::Channel => drop(self.channel.send(Kind::Failed, &failure.to_string())),
        }
        127
    }

    fn pass_gate(&mut self) -> Result<()> {
        // What must survive exec is decided here; everything else closes with it.
        sys::cloexec_from(3 + self.preserve_fds).step("mark descriptors close-on-exec")?;
        self.channel.send(Kind::Ready, "")?;
        match &self.gate {
            Gate::Fifo { fifo, .. } => wait_for_byte(fifo)?,
            Gate::Channel => drop(self.channel.expect(Kind::Continue)?),
        }
        if let Some(hooks) = self
            .spec
            .hooks
            .as_ref()
            .filter(|h| !h.start_container.is_empty())
        {
            self.run_hooks("startContainer", &hooks.start_container, Status::Created, 1)?;
        }
        sys::reset_signals();
        install_last(self.process, self.filter.as_ref(), &self.channel)
    }
}

/// The byte of `start`. The parent may be long gone by then.
fn wait_for_byte(fifo: &OwnedFd) -> Result<()> {
    let mut byte = [0];
    loop {
        match poll(&mut [PollFd::new(fifo, PollFlags::IN)], None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => crate::fail!("wait for start: {error}"),
        }
        match rustix::io::read(fifo, &mut byte) {
            Ok(1..) => return Ok(()),
            Ok(0) => crate::fail!("start went away before it spoke"),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => crate::fail!("wait for start: {error}"),
        }
    }
}

/// Everything between being in the container and running the program: labels, limits, identity.
/// A filter without no_new_privs needs CAP_SYS_ADMIN, so it is installed before that goes; with it,
/// the caller installs it last.
pub fn become_process(
    process: &Process,
    linux: &Linux,
    filter: Option<&Filter>,
    channel: &Channel,
) -> Result<Program> {
    let mut notices = Vec::new();
    labels::apply(process)?;
    limits::apply(&process.rlimits, &mut notices)?;
    if let Some(scheduler) = &process.scheduler {
        scheduling::apply_scheduler(scheduler)?;
    }
    if let Some(priority) = &process.io_priority {
        scheduling::apply_io_priority(priority)?;
    }
    if let Some(personality) = &linux.personality {
        scheduling::apply_personality(personality)?;
    }
    let none = Capabilities::default();
    let sets = Sets::resolve(process.capabilities.as_ref().unwrap_or(&none), &mut notices)?;
    if !process.no_new_privileges {
        install(filter, channel)?;
    }
    credentials::apply(&process.user, Some(&sets))?;
    rustix::process::umask(Mode::from_raw_mode(process.user.umask.unwrap_or(0o022)));
    if process.no_new_privileges {
        credentials::no_new_privileges()?;
        // Its listener is taken over by a parent that does not stay.
        if filter.is_some_and(Filter::notifies) {
            install(filter, channel)?;
        }
    }
    for notice in &notices {
        channel.send(Kind::Notice, notice)?;
    }
    exec::enter_cwd(&process.cwd)?;
    Program::find(process)
}

/// Installs a filter as close to the program as can be, unless [`become_process`] did.
pub fn install_last(process: &Process, filter: Option<&Filter>, channel: &Channel) -> Result<()> {
    let waits = process.no_new_privileges && !filter.is_some_and(Filter::notifies);
    if waits {
        install(filter, channel)
    } else {
        Ok(())
    }
}

/// Installs the filter; a listener goes to the parent.
fn install(filter: Option<&Filter>, channel: &Channel) -> Result<()> {
    if let Some(listener) = filter.map(Filter::install).transpose()?.flatten() {
        channel.send_with(Kind::Listener, "", &[listener.as_fd()])?;
    }
    Ok(())
}
