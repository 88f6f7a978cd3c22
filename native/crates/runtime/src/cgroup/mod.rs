//! Control groups of one container. On v2 hosts one directory carries everything; on v1 hosts one
//! directory per hierarchy carries the limits, and where the v2 tree is mounted beside them
//! (hybrid) one more directory gives kill, freeze and events.

mod block_io;
mod device_program;
mod device_rules;
mod freeze;
mod hierarchy;
mod honour;
mod remove;
mod stats;
mod v1;
mod v2;

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, Mode, OFlags, access};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Step};
use crate::files;
use crate::spec::Resources;

pub use device_rules::default_rules;

/// Where a container's groups are. Kept in its state, so that later commands discover nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Cgroup {
    /// As config.json names it, below the root of every hierarchy.
    pub path: String,
    /// The v2 directory: the only one on v2 hosts, kill and freeze on hybrid hosts.
    pub unified: Option<PathBuf>,
    /// One directory per v1 hierarchy.
    pub v1: Vec<V1Group>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct V1Group {
    /// As mounted: `cpu`, or several joined by commas.
    pub controllers: String,
    pub dir: PathBuf,
}

/// Hierarchies that a container joins in any case: for metering, for OOM kills, for what it may
/// use. The others cost time and are joined when a limit names them.
const ALWAYS: [&str; 6] = [
    "cpu",
    "cpuacct",
    "memory",
    "pids",
    "devices",
    "name=systemd",
];

/// A bound on the race between a creation and the removal of the same empty parent.
const CREATE_ATTEMPTS: usize = 8;

impl Cgroup {
    /// The groups for `path` (absolute, below the root of every hierarchy). Makes nothing.
    pub fn locate(path: &str) -> Result<Self> {
        validate(path)?;
        hierarchy::locate(path)
    }

    /// Refuses limits that these groups cannot keep.
    pub fn check(&self, resources: &Resources) -> Result<()> {
        if self.is_none() {
            Ok(())
        } else {
            honour::check(self, resources)
        }
    }

    /// As `check`, for limits that may want hierarchies which the container has not joined so far.
    pub fn check_update(&self, resources: &Resources) -> Result<()> {
        if self.is_none() {
            return Ok(());
        }
        hierarchy::locate(&self.path)?
            .only_for(resources)
            .check(resources)
    }

    /// Whether a hierarchy carries this controller: on hybrid hosts also the v2 one.
    fn carries(&self, controller: &str) -> bool {
        let root = self.unified.as_deref().and_then(|dir| {
            let relative = self.path.trim_matches('/');
            dir.to_str()?.strip_suffix(relative).map(PathBuf::from)
        });
        let v2 = root.and_then(|root| read(&root, "cgroup.controllers").ok());
        self.v1.iter().any(|group| group.has(controller))
            || v2.is_some_and(|names| names.split(' ').any(|name| name == controller))
    }

    /// Leaves out the v1 hierarchies from which nothing is wanted.
    pub fn only_for(mut self, resources: &Resources) -> Self {
        let has_unified = self.unified.is_some();
        self.v1.retain(|group| {
            ALWAYS.iter().any(|name| group.has(name))
                || (group.has("freezer") && !has_unified)
                || v1::is_wanted(group, resources)
        });
        self
    }

    /// Makes the v2 directory and opens it for a clone into it. None where no v2 tree is mounted.
    pub fn create_unified(&self, resources: &Resources) -> Result<Option<OwnedFd>> {
        let Some(dir) = &self.unified else {
            return Ok(None);
        };
        // On hybrid hosts the v2 tree carries what no v1 hierarchy does, if anything.
        if self.v1.is_empty() || !resources.hugepage_limits.is_empty() {
            v2::enable_controllers(dir)?;
        }
        create_dir(dir)?;
        if self.v1.is_empty() {
            v2::apply(dir, resources, true)?;
        } else {
            v2::apply_beside_v1(dir, resources, &self.v1)?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(dir, flags, Mode::empty())
            .step_with(|| format!("open cgroup {}", dir.display()))?;
        Ok(Some(fd))
    }

    /// Makes the v1 directories with their limits and opens their `tasks` files, to which the
    /// container's first process writes itself: moving it by pid would cost 5 ms and more.
    pub fn create_v1(&self, resources: &Resources) -> Result<Vec<OwnedFd>> {
        let mut tasks = Vec::with_capacity(self.v1.len());
        for group in &self.v1 {
            create_dir(&group.dir)?;
            if group.has("cpuset") {
                v1::inherit_cpuset(&group.dir)?;
            }
            v1::apply(group, resources, true)?;
            tasks.push(group.open_tasks()?);
        }
        v1::check_controllers(&self.v1, resources)?;
        Ok(tasks)
    }

    /// Existing groups below these, as `exec --cgroup` names them: `PATH` for all hierarchies, or
    /// `CONTROLLER:PATH` for one.
    pub fn below(&self, wishes: &[String]) -> Result<Self> {
        let mut found = self.clone();
        for wish in wishes {
            let (controller, path) = match wish.split_once(':') {
                Some((controller, path)) => (controller, path),
                None => ("", wish.as_str()),
            };
            found.descend(controller, path)?;
        }
        Ok(found)
    }

    fn descend(&mut self, controller: &str, path: &str) -> Result<()> {
        let path = path.trim_matches('/');
        if path.split('/').any(|part| part == "..") {
            return Err(Error::new(format!(
                "--cgroup {path:?} leaves the container's group"
            )));
        }
        let v2_only = self.v1.is_empty();
        let unified = self
            .unified
            .iter_mut()
            .filter(|_| controller.is_empty() && v2_only);
        let v1 = self.v1.iter_mut();
        let v1 = v1.filter(|group| controller.is_empty() || group.has(controller));
        let mut matched = false;
        for dir in unified.chain(v1.map(|group| &mut group.dir)) {
            matched = true;
            dir.push(path);
            if !dir.is_dir() {
                return Err(Error::new(format!(
                    "--cgroup: {} does not exist",
                    dir.display()
                )));
            }
        }
        if matched {
            return Ok(());
        }
        Err(Error::new(format!(
            "--cgroup: the container has no hierarchy of {controller:?}"
        )))
    }

    /// The `tasks` files of existing v1 groups, for a process that joins them.
    pub fn open_v1_tasks(&self) -> Result<Vec<OwnedFd>> {
        self.v1.iter().map(V1Group::open_tasks).collect()
    }

    /// The existing v2 directory, for a clone into it.
    pub fn open_unified(&self) -> Result<Option<OwnedFd>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.unified
            .as_ref()
            .map(|dir| {
                rustix::fs::open(dir, flags, Mode::empty())
                    .step_with(|| format!("open cgroup {}", dir.display()))
            })
            .transpose()
    }

    /// Makes groups in hierarchies that were left out at creation and that `resources` names now,
    /// and moves the container's processes there.
    pub fn extend_for(&mut self, resources: &Resources) -> Result<()> {
        if self.v1.is_empty() {
            return Ok(());
        }
        let all = hierarchy::locate(&self.path)?;
        for group in all.only_for(resources).v1 {
            if self
                .v1
                .iter()
                .any(|known| known.controllers == group.controllers)
            {
                continue;
            }
            create_dir(&group.dir)?;
            if group.has("cpuset") {
                v1::inherit_cpuset(&group.dir)?;
            }
            for pid in self.pids()? {
                // One that ended meanwhile needs no limit.
                let _ = fs::write(group.dir.join("cgroup.procs"), pid.to_string());
            }
            self.v1.push(group);
        }
        Ok(())
    }

    /// Changes limits of existing groups (`update`).
    pub fn update(&self, resources: &Resources) -> Result<()> {
        v1::check_controllers(&self.v1, resources)?;
        for group in &self.v1 {
            v1::apply(group, resources, false)?;
        }
        match &self.unified {
            Some(dir) if self.v1.is_empty() => v2::apply(dir, resources, false),
            Some(dir) => v2::apply_beside_v1(dir, resources, &self.v1),
            None => Ok(()),
        }
    }

    /// The processes in the group, in the caller's pid namespace.
    pub fn pids(&self) -> Result<Vec<i32>> {
        let Some(dir) = self.any_dir() else {
            return Ok(Vec::new());
        };
        let file = dir.join("cgroup.procs");
        match files::read(&file) {
            Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).step_with(|| format!("read {}", file.display())),
        }
    }

    /// The directory that carries `controller`, on either version.
    pub fn dir_of(&self, controller: &str) -> Option<&Path> {
        if self.v1.is_empty() {
            return self.unified.as_deref();
        }
        self.v1
            .iter()
            .find(|group| group.has(controller))
            .map(|group| group.dir.as_path())
    }

    /// Whether this process may make every one of its groups, or write to those that exist.
    pub fn may_be_made(&self) -> bool {
        let dirs = self.v1.iter().map(|group| group.dir.as_path());
        let mut dirs = dirs.chain(self.unified.as_deref());
        dirs.all(|dir| {
            let existing = dir.ancestors().find(|dir| dir.exists());
            existing.is_some_and(|dir| access(dir, Access::WRITE_OK).is_ok())
        })
    }

    /// Whether there are none: the container is in those of its caller.
    pub fn is_none(&self) -> bool {
        self.unified.is_none() && self.v1.is_empty()
    }

    /// Whether anything of it is there.
    pub fn exists(&self) -> bool {
        self.any_dir().is_some_and(Path::exists)
    }

    fn any_dir(&self) -> Option<&Path> {
        self.unified
            .as_deref()
            .or_else(|| self.v1.first().map(|group| group.dir.as_path()))
    }
}

impl V1Group {
    fn has(&self, controller: &str) -> bool {
        self.controllers.split(',').any(|name| name == controller)
    }

    fn open_tasks(&self) -> Result<OwnedFd> {
        let file = self.dir.join("tasks");
        rustix::fs::open(&file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
            .step_with(|| format!("open {}", file.display()))
    }
}

/// Moves the calling single-threaded process into the groups behind these `tasks` files.
pub fn join(tasks: &[OwnedFd]) -> Result<()> {
    for file in tasks {
        rustix::io::write(file, b"0").step("join cgroup")?;
    }
    Ok(())
}

/// Makes one group, and parents that are missing or vanish meanwhile.
fn create_dir(dir: &Path) -> Result<()> {
    for _ in 0..CREATE_ATTEMPTS {
        match fs::create_dir(dir) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => create_parent(dir)?,
            Err(error) => return Err(error).step_with(|| format!("make cgroup {}", dir.display())),
        }
    }
    Err(Error::new(format!(
        "make cgroup {}: its parent keeps vanishing",
        dir.display()
    )))
}

fn create_parent(dir: &Path) -> Result<()> {
    let parent = dir
        .parent()
        .ok_or_else(|| Error::new("cgroup path has no parent"))?;
    create_dir(parent)?;
    // A v1 cpuset group without cpus and mems takes no process, nor do its children.
    if dir.to_string_lossy().contains("/cpuset") && parent.join("tasks").exists() {
        v1::inherit_cpuset(parent)?;
    }
    Ok(())
}

/// Writes one value to one control file.
fn write(dir: &Path, file: &str, value: &str) -> Result<()> {
    let path = dir.join(file);
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut f| f.write_all(value.as_bytes()))
        .step_with(|| format!("write {value:?} to {}", path.display()))
}

fn read(dir: &Path, file: &str) -> Result<String> {
    let path = dir.join(file);
    let text = files::read(&path).step_with(|| format!("read {}", path.display()))?;
    Ok(text.trim_end().to_owned())
}

fn validate(path: &str) -> Result<()> {
    let absolute = path.starts_with('/') && path.len() > 1;
    if !absolute || path.split('/').any(|part| part == ".." || part == ".") {
        return Err(Error::new(format!(
            "linux.cgroupsPath {path:?} must be absolute, below the root and without . or .. parts"
        )));
    }
    Ok(())
}
