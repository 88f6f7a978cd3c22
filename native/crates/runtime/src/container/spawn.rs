//! Cloning the child role into its namespaces, and what must happen around the clone: what takes
//! effect for children only is joined here, and a user namespace is entered by way of one more
//! process.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::channel::{Channel, Kind};
use super::init::Init;
use super::namespaces::{self, Plan};
use super::rootless;
use super::undo::reap;
use crate::error::{Error, Result, Step};
use crate::spec::{Linux, NamespaceKind};
use crate::sys::{self, Cloned};

/// What a clone works from.
pub struct Spawn<'a> {
    pub plan: &'a Plan,
    pub linux: &'a Linux,
    /// The parent's end; the child must not hold it, or would not notice the parent's death.
    pub channel: Channel,
    /// Cloned into directly, where there is a v2 hierarchy.
    pub cgroup: Option<BorrowedFd<'a>>,
}

/// The child, which waits for what the parent makes next.
pub struct Spawned {
    pub pid: Pid,
    pub pidfd: OwnedFd,
    pub channel: Channel,
}

impl Spawn<'_> {
    /// Clones the child, which runs `init` and never returns. The pid is the host's.
    pub fn run(self, init: Init<'_>) -> Result<Spawned> {
        let new_time = self.plan.new_time;
        let own_time = new_time.then(|| namespaces::own(NamespaceKind::Time));
        if new_time {
            namespaces::unshare(NamespaceKind::Time)?;
            namespaces::set_time_offsets(self.linux)?;
        }
        let spawned = if self.plan.needs_intermediate() {
            self.by_intermediate(init)
        } else {
            self.directly(init)
        };
        // Hooks are children of this process too, but live in the runtime's namespaces.
        if let Some(own) = own_time {
            namespaces::setns(&own?, NamespaceKind::Time)?;
        }
        spawned
    }

    fn directly(self, init: Init<'_>) -> Result<Spawned> {
        let own_pid = self
            .plan
            .join_pid
            .as_ref()
            .map(|_| namespaces::own(NamespaceKind::Pid));
        if let Some(fd) = &self.plan.join_pid {
            namespaces::setns(fd, NamespaceKind::Pid)?;
        }
        let cloned = sys::clone3(self.plan.clone_flags, self.cgroup, false);
        if let Ok(Cloned::Child) = cloned {
            drop(self.channel);
            std::process::exit(init.run());
        }
        // Also after a failure: hooks that undo live in the runtime's namespaces.
        if let Some(own) = own_pid {
            namespaces::setns(&own?, NamespaceKind::Pid)?;
        }
        let Cloned::Parent { pid, pidfd } =
            cloned.step("clone the container's process with its namespaces")?
        else {
            unreachable!("the child has ended");
        };
        Ok(Spawned {
            pid,
            pidfd,
            channel: self.channel,
        })
    }

    fn by_intermediate(self, init: Init<'_>) -> Result<Spawned> {
        match sys::clone3(0, self.cgroup, false).step("clone the intermediate process")? {
            Cloned::Parent { pidfd, .. } => {
                let (pid, pidfd) = await_grandchild(&self.channel, &pidfd)?;
                Ok(Spawned {
                    pid,
                    pidfd,
                    channel: self.channel,
                })
            }
            Cloned::Child => {
                drop(self.channel);
                std::process::exit(intermediate(self.plan, init))
            }
        }
    }
}

/// The process that an intermediate one cloned for us. Its first word is the number, or a failure;
/// the process itself says nothing before it is spoken to.
pub fn await_grandchild(channel: &Channel, middle: &OwnedFd) -> Result<(Pid, OwnedFd)> {
    let told = channel.expect(Kind::Pid);
    reap(middle);
    let pid = told?.text.parse().ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Error::new("read the pid of the container's process"))?;
    // It is our child and not reaped, so the number is still its own.
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).step("open the container's process")?;
    Ok((pid, pidfd))
}

/// Enters the namespaces in an order in which it may: those by path while it still is the host's
/// root, whoever owns them; then the user namespace, so that the new ones belong to it. Its child
/// gets our own parent, and this process ends.
fn intermediate(plan: &Plan, init: Init<'_>) -> i32 {
    match enter_and_clone(plan) {
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

fn enter_and_clone(plan: &Plan) -> Result<Cloned> {
    let root = rootless::is_root();
    if root {
        plan.join_by_path()?;
    }
    if let Some(user) = &plan.join_user {
        // The pid namespace takes effect for children only: the child's number is still the host's.
        if let Some(fd) = plan.join_pid.as_ref().filter(|_| root) {
            namespaces::setns(fd, NamespaceKind::Pid)?;
        }
        namespaces::setns(user, NamespaceKind::User)?;
    }
    if let Some(fd) = plan
        .join_pid
        .as_ref()
        .filter(|_| !root || plan.join_user.is_none())
    {
        namespaces::setns(fd, NamespaceKind::Pid)?;
    }
    if !root {
        // Whoever is not root has no right but in the user namespace that it owns.
        plan.join_by_path()?;
    }
    sys::clone3(plan.clone_flags, None, true)
        .step("clone the container's process in its user namespace")
}

/// The user namespace that the child lives in, once there is one.
pub fn user_namespace(plan: &Plan, pid: Pid) -> Result<OwnedFd> {
    match &plan.join_user {
        Some(fd) => fd.try_clone().step("keep the user namespace"),
        None => namespaces::of_process(pid, NamespaceKind::User),
    }
}
