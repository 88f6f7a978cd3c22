//! The floor of starting a container: the bare system calls without which there is none, and
//! nothing that makes it safe, configurable or known afterwards.
//!
//! `gantry-bench-floor LOWER BASE PROGRAM`: a cgroup with cpu, memory and pids limits, five new
//! namespaces, an overlay over LOWER with its directories below BASE, the mounts and devices that
//! every container has, pivot_root, exec, wait, and removal of all that.

use std::ffi::{CStr, CString};
use std::fs;
use std::io::{self, Error};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use gantry_runtime::sys::{self, Cloned};
use rustix::fs::{CWD, FileType, Mode, OFlags, makedev};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount,
};
use rustix::process::{WaitId, WaitIdOptions, waitid};

const V1: [(&str, &str, &str); 3] = [
    ("cpu", "cpu.cfs_quota_us", "100000"),
    ("memory", "memory.limit_in_bytes", "268435456"),
    ("pids", "pids.max", "512"),
];
const V2: [(&str, &str); 3] = [
    ("cpu.max", "100000 100000"),
    ("memory.max", "268435456"),
    ("pids.max", "512"),
];
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
const REMOVE_ATTEMPTS: usize = 2000;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lower, base, program] = arguments.as_slice() else {
        return Err(Error::other("usage: gantry-bench-floor LOWER BASE PROGRAM"));
    };
    let place = Place::make(lower, Path::new(base))?;
    let code = place.run(&CString::new(program.as_str())?)?;
    place.remove()?;
    std::process::exit(code);
}

/// Directories and groups of one run.
struct Place {
    dir: PathBuf,
    options: CString,
    groups: Vec<PathBuf>,
    is_v2: bool,
}

impl Place {
    fn make(lower: &str, base: &Path) -> io::Result<Self> {
        let name = format!("gantry-floor-{}", std::process::id());
        let dir = base.join(&name);
        for sub in ["", "upper", "work", "root"] {
            fs::create_dir(dir.join(sub))?;
        }
        let path = dir.display();
        let options = format!("lowerdir={lower},upperdir={path}/upper,workdir={path}/work");
        let root = Path::new("/sys/fs/cgroup");
        let is_v2 = root.join("cgroup.controllers").exists();
        let groups = if is_v2 {
            v2_group(&root.join(name))?
        } else {
            v1_groups(root, &name)?
        };
        Ok(Self {
            dir,
            options: CString::new(options)?,
            groups,
            is_v2,
        })
    }

    fn run(&self, program: &CStr) -> io::Result<i32> {
        let flags = libc::CLONE_NEWPID
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS
            | libc::CLONE_NEWNET;
        let group = if self.is_v2 {
            Some(open_dir(&self.groups[0])?)
        } else {
            None
        };
        match sys::clone3(flags as u64, group.as_ref().map(AsFd::as_fd), false)? {
            Cloned::Parent { pidfd, .. } => {
                let status = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)?;
                Ok(status
                    .and_then(|status| status.exit_status())
                    .unwrap_or(255))
            }
            Cloned::Child => {
                let error = self.become_container(program);
                eprintln!("gantry-bench-floor: {error:?}");
                std::process::exit(111);
            }
        }
    }

    fn become_container(&self, program: &CStr) -> io::Result<()> {
        if !self.is_v2 {
            for group in &self.groups {
                fs::write(group.join("tasks"), "0")?;
            }
        }
        let root = self.dir.join("root");
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
        mount(
            "overlay",
            &root,
            "overlay",
            MountFlags::empty(),
            self.options.as_c_str(),
        )?;
        rustix::process::chdir(&root)?;
        mount_all()?;
        for (name, major, minor) in DEVICES {
            let mode = Mode::from_raw_mode(0o666);
            let kind = FileType::CharacterDevice;
            rustix::fs::mknodat(
                CWD,
                format!("dev/{name}"),
                kind,
                mode,
                makedev(major, minor),
            )?;
        }
        rustix::system::sethostname(b"floor")?;
        rustix::process::pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")?;
        let (argv, envp) = ([program.as_ptr(), std::ptr::null()], [std::ptr::null()]);
        Err(sys::execve(program, &argv, &envp))
    }

    fn remove(&self) -> io::Result<()> {
        for group in &self.groups {
            // A process leaves its groups a little after its parent learned of its end.
            let mut attempts = 0;
            while fs::remove_dir(group).is_err() && attempts < REMOVE_ATTEMPTS {
                attempts += 1;
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
        }
        for sub in ["work/work", "work", "upper", "root", ""] {
            fs::remove_dir(self.dir.join(sub))?;
        }
        Ok(())
    }
}

fn v1_groups(root: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    let mut groups = Vec::new();
    for (controller, file, value) in V1 {
        let group = root.join(controller).join(name);
        fs::create_dir(&group)?;
        fs::write(group.join(file), value)?;
        groups.push(group);
    }
    Ok(groups)
}

fn v2_group(group: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir(group)?;
    for (file, value) in V2 {
        fs::write(group.join(file), value)?;
    }
    Ok(vec![group.to_owned()])
}

fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

fn mount_all() -> io::Result<()> {
    let strict = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "proc", "proc", strict, None)?;
    mount(
        "tmpfs",
        "dev",
        "tmpfs",
        MountFlags::NOSUID,
        c"mode=755,size=65536k",
    )?;
    for name in ["dev/pts", "dev/shm", "dev/mqueue"] {
        fs::create_dir(name)?;
    }
    let terminals = c"newinstance,ptmxmode=0666,mode=0620";
    mount(
        "devpts",
        "dev/pts",
        "devpts",
        MountFlags::NOSUID | MountFlags::NOEXEC,
        terminals,
    )?;
    mount("shm", "dev/shm", "tmpfs", strict, c"mode=1777,size=65536k")?;
    mount("mqueue", "dev/mqueue", "mqueue", strict, None)?;
    mount("sysfs", "sys", "sysfs", strict | MountFlags::RDONLY, None)?;
    Ok(())
}
