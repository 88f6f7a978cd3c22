//! Sandboxes: the network, IPC and host name of a pod, kept by bind mounts of the namespaces so
//! that they need no process. Runs in a forked child, whose namespaces it changes.

use crate::failure::{AtStep, Failure, Outcome, Reason};
use crate::processes;
use crate::protocol::SandboxRequest;
use crate::user_namespace;
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

// The pid namespace first: its process ends by its pin when a later step fails.
const PINS: [&str; 5] = ["pid", "net", "ipc", "uts", "user"];
const SHM: &str = "shm";
const NAMESPACED_PREFIXES: [&str; 5] = [
    "net.",
    "kernel.shm",
    "kernel.msg",
    "kernel.sem",
    "fs.mqueue.",
];

/// Only sysctls of the network and IPC namespaces; any other would change the host.
pub fn is_namespaced_sysctl(name: &str) -> bool {
    let clean = name.split('.').all(|part| !part.is_empty() && part != "..");
    let known = NAMESPACED_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix));
    known && clean && !name.contains('/')
}

/// Makes the namespaces, pins them below `dir` and sets them up; leaves nothing when a step fails.
pub fn create(request: &SandboxRequest) -> Outcome<Value> {
    let dir = Path::new(&request.dir);
    fs::create_dir_all(dir).at(format!("make {}", dir.display()))?;
    let pins = pins(request);
    if PINS.iter().any(|pin| dir.join(pin).exists()) {
        let message = format!("{} is already a sandbox", dir.display());
        return Err(Failure::new(
            Reason::AlreadyExists,
            "sandbox.create",
            message,
        ));
    }
    set_up(request, dir, &pins)
        .and_then(|()| mount_shm(dir))
        .inspect_err(|_| {
            let _ = remove(dir);
        })?;
    let paths = pins
        .iter()
        .map(|pin| (pin.to_string(), json!(dir.join(pin))));
    Ok(Value::Object(
        paths.chain([("dir".to_string(), json!(dir))]).collect(),
    ))
}

fn pins(request: &SandboxRequest) -> Vec<&'static str> {
    let wanted = |pin: &&str| match *pin {
        "net" | "uts" => !request.host_network,
        "user" => request.user_range.is_some(),
        "pid" => request.share_processes,
        _ => true,
    };
    PINS.into_iter().filter(wanted).collect()
}

fn set_up(request: &SandboxRequest, dir: &Path, pins: &[&str]) -> Outcome<()> {
    // Pinned last, so that a sandbox that can be seen is a complete one.
    let pin_all = |owner: &str| {
        pins.iter()
            .try_for_each(|pin| pin_namespace(owner, pin, &dir.join(pin)))
    };
    match request.user_range {
        None => make(request).and_then(|()| pin_all("self")),
        Some(range) => user_namespace::within(
            range,
            || make(request),
            |process| pin_all(&process.to_string()),
        ),
    }
}

/// What the pod's containers have at /dev/shm in common.
fn mount_shm(dir: &Path) -> Outcome<()> {
    let target = dir.join(SHM);
    let step = || format!("mount {}", target.display());
    fs::create_dir_all(&target).at(step())?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = Some("mode=1777,size=65536k");
    mount(Some("shm"), &target, Some("tmpfs"), flags, options).at(step())
}

/// Moves this process to new namespaces and sets them up.
fn make(request: &SandboxRequest) -> Outcome<()> {
    let mut flags = CloneFlags::CLONE_NEWIPC;
    if !request.host_network {
        flags |= CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS;
    }
    unshare(flags).at("unshare namespaces")?;
    if !request.host_network {
        nix::unistd::sethostname(&request.hostname).at("set hostname")?;
        loopback_up().at("set lo up")?;
    }
    write_sysctls(&request.sysctls)?;
    if request.share_processes {
        processes::found()?;
    }
    Ok(())
}

fn pin_namespace(owner: &str, namespace: &str, target: &Path) -> Outcome<()> {
    let step = || format!("pin {}", target.display());
    fs::File::create_new(target).at(step())?;
    // The owner itself stays where it was: only its children are in the new one.
    let file = if namespace == "pid" {
        "pid_for_children"
    } else {
        namespace
    };
    let source = PathBuf::from(format!("/proc/{owner}/ns/{file}"));
    mount(
        Some(&source),
        target,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )
    .at(step())
}

fn write_sysctls(sysctls: &BTreeMap<String, String>) -> Outcome<()> {
    for (name, value) in sysctls {
        let path = Path::new("/proc/sys").join(name.replace('.', "/"));
        fs::write(path, value).at(format!("set sysctl {name}"))?;
    }
    Ok(())
}

nix::ioctl_write_ptr_bad!(set_interface_flags, libc::SIOCSIFFLAGS, libc::ifreq);

fn loopback_up() -> Result<(), Errno> {
    let control = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    // SAFETY: ifreq is plain old data of the C library; all zeroes is a valid value of it.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (target, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *target = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq, which lives through the call, from a socket of ours.
    unsafe { set_interface_flags(control.as_raw_fd(), &request) }.map(drop)
}

/// Unpins what is pinned and removes the directory; what is gone already is no error.
pub fn remove(dir: &Path) -> Outcome<()> {
    processes::end(&dir.join("pid"))?;
    for pin in PINS {
        let target = dir.join(pin);
        unmount_all(&target).at(format!("unmount {}", target.display()))?;
        match fs::remove_file(&target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).at(format!("remove {}", target.display()));
            }
            _ => (),
        }
    }
    let shm = dir.join(SHM);
    unmount_all(&shm).at(format!("unmount {}", shm.display()))?;
    let _ = fs::remove_dir(&shm);
    match fs::remove_dir(dir) {
        Ok(()) => Ok(()),
        // The agent may keep other files of the pod there; they are its own to remove.
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTEMPTY)) => Ok(()),
        Err(error) => Err(error).at(format!("remove {}", dir.display())),
    }
}

/// More than one mount can lie on a pin when an earlier call was cut short.
fn unmount_all(target: &Path) -> Result<(), Errno> {
    const MOST_LAYERS: usize = 16;
    for _ in 0..MOST_LAYERS {
        match umount2(target, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
            Ok(()) => (),
            // EINVAL: a plain file; ENOENT and ENOTDIR: nothing there.
            Err(Errno::EINVAL | Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::EBUSY)
}
