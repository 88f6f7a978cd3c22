//! Which namespaces are made at clone, and which are joined by path.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use super::rootless;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{IdMapping, Linux, Namespace, NamespaceKind};

/// The plan: everything that can be checked is, before the first process is made.
pub struct Plan {
    /// `CLONE_NEW*` for clone3. Cgroup and time namespaces are not among them.
    pub clone_flags: u64,
    pub new_user: bool,
    pub new_cgroup: bool,
    pub new_time: bool,
    /// Joined by the child, or by the intermediate process when there is a user namespace.
    pub joins: Vec<(NamespaceKind, OwnedFd)>,
    /// Joined by the parent, because it takes effect at fork only.
    pub join_pid: Option<OwnedFd>,
    /// Joined by an intermediate process, because the others must then belong to it.
    pub join_user: Option<OwnedFd>,
}

impl Plan {
    pub fn of(linux: &Linux) -> Result<Self> {
        let mut plan = Self {
            clone_flags: 0,
            new_user: false,
            new_cgroup: false,
            new_time: false,
            joins: Vec::new(),
            join_pid: None,
            join_user: None,
        };
        for (index, namespace) in linux.namespaces.iter().enumerate() {
            let twice = linux.namespaces[..index]
                .iter()
                .any(|other| other.kind == namespace.kind);
            if twice {
                fail!("linux.namespaces: {:?} is given twice", namespace.kind);
            }
            match namespace
                .path
                .as_deref()
                .filter(|path| !path.as_os_str().is_empty())
            {
                Some(path) => plan.join(namespace.kind, path)?,
                None => plan.make(namespace.kind),
            }
        }
        plan.check(linux)?;
        Ok(plan)
    }

    fn make(&mut self, kind: NamespaceKind) {
        match kind {
            // Its root is the cgroup at the time, so it is unshared after joining one.
            NamespaceKind::Cgroup => self.new_cgroup = true,
            // Its offsets must be written before a process is in it.
            NamespaceKind::Time => self.new_time = true,
            kind => {
                self.new_user |= kind == NamespaceKind::User;
                self.clone_flags |= clone_flag(kind);
            }
        }
    }

    fn join(&mut self, kind: NamespaceKind, path: &Path) -> Result<()> {
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .step_with(|| format!("open {kind:?} namespace {}", path.display()))?;
        match kind {
            NamespaceKind::Pid => self.join_pid = Some(fd),
            // The kernel refuses to enter the namespace that one is in: there is nothing to do.
            NamespaceKind::User if is_own_user(&fd)? => {}
            NamespaceKind::User => self.join_user = Some(fd),
            kind => self.joins.push((kind, fd)),
        }
        Ok(())
    }

    fn check(&self, linux: &Linux) -> Result<()> {
        let has_mount = linux
            .namespaces
            .iter()
            .any(|ns| ns.kind == NamespaceKind::Mount);
        if !has_mount {
            fail!("linux.namespaces must contain a mount namespace: the host's would be changed");
        }
        if self.new_user && (linux.uid_mappings.is_empty() || linux.gid_mappings.is_empty()) {
            fail!("a new user namespace needs linux.uidMappings and linux.gidMappings");
        }
        let has_user = |ns: &Namespace| ns.kind == NamespaceKind::User;
        let mapped = !linux.uid_mappings.is_empty() || !linux.gid_mappings.is_empty();
        if mapped && !linux.namespaces.iter().any(has_user) {
            fail!("linux.uidMappings and gidMappings need a user namespace in linux.namespaces");
        }
        if !linux.time_offsets.is_empty() && !self.new_time {
            fail!("linux.timeOffsets needs a new time namespace in linux.namespaces");
        }
        Ok(())
    }

    /// The process is in a user namespace of its own and has no right to what the host's root owns.
    pub fn in_user_namespace(&self) -> bool {
        self.new_user || self.join_user.is_some()
    }

    /// Whether namespaces must be joined before a user namespace takes away the right to: those
    /// made outside may belong to the host's.
    pub fn needs_intermediate(&self) -> bool {
        self.join_user.is_some() || (self.new_user && self.joins.iter().any(|(k, _)| !is_mount(*k)))
    }

    /// The intermediate process's part: all but mount, user and pid.
    pub fn join_by_path(&self) -> Result<()> {
        let others = self.joins.iter().filter(|(kind, _)| !is_mount(*kind));
        others
            .into_iter()
            .try_for_each(|(kind, fd)| setns(fd, *kind))
    }

    /// The child's part. The mount namespace last: the others' descriptors are open, its paths are
    /// not ours.
    pub fn join_rest(&self) -> Result<()> {
        if !self.needs_intermediate() {
            self.join_by_path()?;
        }
        let mount = self.joins.iter().filter(|(kind, _)| is_mount(*kind));
        mount
            .into_iter()
            .try_for_each(|(kind, fd)| setns(fd, *kind))
    }
}

fn is_mount(kind: NamespaceKind) -> bool {
    kind == NamespaceKind::Mount
}

fn is_own_user(fd: &OwnedFd) -> Result<bool> {
    let own = rustix::fs::stat("/proc/self/ns/user").step("look at the own user namespace")?;
    let other = rustix::fs::fstat(fd).step("look at the user namespace")?;
    Ok((own.st_dev, own.st_ino) == (other.st_dev, other.st_ino))
}

/// Opens the namespace of another process.
pub fn of_process(pid: Pid, kind: NamespaceKind) -> Result<OwnedFd> {
    let name = match kind {
        NamespaceKind::Network => "net",
        NamespaceKind::Mount => "mnt",
        NamespaceKind::Pid => "pid",
        NamespaceKind::Ipc => "ipc",
        NamespaceKind::Uts => "uts",
        NamespaceKind::User => "user",
        NamespaceKind::Cgroup => "cgroup",
        NamespaceKind::Time => "time",
    };
    let path = format!("/proc/{}/ns/{name}", pid.as_raw_nonzero());
    rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .step_with(|| format!("open {path}"))
}

/// Moves the caller (for pid and time: its children) into the namespace behind `fd`.
pub fn setns(fd: &OwnedFd, kind: NamespaceKind) -> Result<()> {
    let link = match kind {
        NamespaceKind::Pid => LinkNameSpaceType::ProcessID,
        NamespaceKind::Network => LinkNameSpaceType::Network,
        NamespaceKind::Mount => LinkNameSpaceType::Mount,
        NamespaceKind::Ipc => LinkNameSpaceType::InterProcessCommunication,
        NamespaceKind::Uts => LinkNameSpaceType::HostNameAndNISDomainName,
        NamespaceKind::User => LinkNameSpaceType::User,
        NamespaceKind::Cgroup => LinkNameSpaceType::ControlGroup,
        NamespaceKind::Time => LinkNameSpaceType::Time,
    };
    move_into_link_name_space(fd.as_fd(), Some(link))
        .step_with(|| format!("join the {kind:?} namespace"))
}

/// The calling process moves alone; it has one thread and shares nothing with another.
pub fn unshare(kind: NamespaceKind) -> Result<()> {
    let flags = UnshareFlags::from_bits_retain(clone_flag(kind) as u32);
    // SAFETY: none of the namespace flags unshares file descriptors, the only case in which other
    // code could lose a descriptor that it owns.
    unsafe { unshare_unsafe(flags) }.step_with(|| format!("make a {kind:?} namespace"))
}

/// Opens the caller's own namespace, to come back to it.
pub fn own(kind: NamespaceKind) -> Result<OwnedFd> {
    let path = match kind {
        NamespaceKind::Pid => "/proc/self/ns/pid",
        _ => "/proc/self/ns/time",
    };
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .step("open own namespace")
}

/// Writes the mappings of a child's new user namespace.
pub fn map_users(pid: Pid, uids: &[IdMapping], gids: &[IdMapping]) -> Result<()> {
    if !rootless::is_root() {
        return rootless::map_users(pid, uids, gids);
    }
    for (file, mappings) in [("uid_map", uids), ("gid_map", gids)] {
        let path = format!("/proc/{}/{file}", pid.as_raw_nonzero());
        fs::write(&path, map_lines(mappings)).step_with(|| format!("write {file}"))?;
    }
    Ok(())
}

/// The user and group of the host that a process's user namespace calls root.
pub fn root_of(pid: Pid) -> Result<(u32, u32)> {
    let root = |file: &str| {
        let path = format!("/proc/{}/{file}", pid.as_raw_nonzero());
        let text = crate::files::read(&path).step_with(|| format!("read {path}"))?;
        match text.lines().find_map(root_in) {
            Some(id) => Ok(id),
            None => fail!("the user namespace maps no root: {file} has no line for id 0"),
        }
    };
    Ok((root("uid_map")?, root("gid_map")?))
}

/// The second number of a line of a map that begins with id 0.
fn root_in(line: &str) -> Option<u32> {
    let mut numbers = line.split_whitespace();
    (numbers.next()? == "0").then(|| numbers.next()?.parse().ok())?
}

/// Writes `linux.timeOffsets` for the namespace that the caller's children will be in.
pub fn set_time_offsets(linux: &Linux) -> Result<()> {
    let lines: String = linux
        .time_offsets
        .iter()
        .map(|(clock, offset)| format!("{clock} {} {}\n", offset.secs, offset.nanosecs))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    fs::write("/proc/self/timens_offsets", lines).step("set linux.timeOffsets")
}

fn map_lines(mappings: &[IdMapping]) -> String {
    mappings
        .iter()
        .map(|m| format!("{} {} {}\n", m.container_id, m.host_id, m.size))
        .collect()
}

fn clone_flag(kind: NamespaceKind) -> u64 {
    let flag = match kind {
        NamespaceKind::Pid => libc::CLONE_NEWPID,
        NamespaceKind::Network => libc::CLONE_NEWNET,
        NamespaceKind::Mount => libc::CLONE_NEWNS,
        NamespaceKind::Ipc => libc::CLONE_NEWIPC,
        NamespaceKind::Uts => libc::CLONE_NEWUTS,
        NamespaceKind::User => libc::CLONE_NEWUSER,
        NamespaceKind::Cgroup => libc::CLONE_NEWCGROUP,
        NamespaceKind::Time => 0x80,
    };
    flag as u64
}
