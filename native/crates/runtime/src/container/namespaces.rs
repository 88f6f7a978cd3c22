//! Which namespaces are made at clone, and which are joined by path.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{IdMapping, Linux, NamespaceKind};

/// The plan: everything that can be checked is, before the first process is made.
pub struct Plan {
    /// `CLONE_NEW*` for clone3. Cgroup and time namespaces are not among them.
    pub clone_flags: u64,
    pub new_user: bool,
    pub new_cgroup: bool,
    pub new_time: bool,
    /// Joined by the child, in this order.
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
        if !self.new_user && self.join_user.is_none() && !linux.uid_mappings.is_empty() {
            fail!("linux.uidMappings needs a user namespace in linux.namespaces");
        }
        if !linux.time_offsets.is_empty() && !self.new_time {
            fail!("linux.timeOffsets needs a new time namespace in linux.namespaces");
        }
        Ok(())
    }

    /// The child's part: all but user and pid.
    pub fn join_all(&self) -> Result<()> {
        // The mount namespace last: the others' descriptors are open, its paths are not ours.
        let is_mount = |kind: NamespaceKind| kind == NamespaceKind::Mount;
        let order = self.joins.iter().filter(|(kind, _)| !is_mount(*kind));
        for (kind, fd) in order.chain(self.joins.iter().filter(|(kind, _)| is_mount(*kind))) {
            setns(fd, *kind)?;
        }
        Ok(())
    }
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
pub fn map_users(pid: Pid, linux: &Linux) -> Result<()> {
    let maps = [
        ("uid_map", &linux.uid_mappings),
        ("gid_map", &linux.gid_mappings),
    ];
    for (file, mappings) in maps {
        let path = format!("/proc/{}/{file}", pid.as_raw_nonzero());
        fs::write(&path, map_lines(mappings)).step_with(|| format!("write {file}"))?;
    }
    Ok(())
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
