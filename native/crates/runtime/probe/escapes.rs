//! Attempts to leave the container. Success is what no test may see.

use std::fs;
use std::io::Error;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode};

/// None when the deed is not one of these.
pub fn run(deed: &[&str]) -> Option<Result<String, Error>> {
    Some(match deed {
        ["mknod", kind, major, minor, path] => mknod(kind, major, minor, path),
        ["mount", kind, path] => mount(kind, path),
        ["unshare-user"] => unshare_user(),
        ["clone-user"] => clone_user(),
        ["connect-abstract", name] => connect_abstract(name),
        ["system-call", number] => system_call(number.parse().unwrap_or(-1), [0; 6]),
        ["system-call", number, argument] => {
            let argument = argument.parse().unwrap_or(0);
            system_call(number.parse().unwrap_or(-1), [argument, 0, 0, 0, 0, 0])
        }
        ["socket", family] => system_call(
            libc::SYS_socket,
            [family.parse().unwrap_or(0), 2, 0, 0, 0, 0],
        ),
        ["add-key"] => system_call(libc::SYS_keyctl, [0, -3, 0, 0, 0, 0]),
        ["watch-runtime", milliseconds] => watch_runtime(milliseconds.parse().unwrap_or(0)),
        _ => return None,
    })
}

fn mknod(kind: &str, major: &str, minor: &str, path: &str) -> Result<String, Error> {
    let kind = if kind == "b" {
        FileType::BlockDevice
    } else {
        FileType::CharacterDevice
    };
    let device = rustix::fs::makedev(major.parse().unwrap_or(0), minor.parse().unwrap_or(0));
    rustix::fs::mknodat(CWD, path, kind, Mode::RWXU, device)?;
    fs::File::open(path).map(|_| "made and opened".to_owned())
}

fn mount(kind: &str, path: &str) -> Result<String, Error> {
    rustix::mount::mount(kind, path, kind, rustix::mount::MountFlags::empty(), None)?;
    Ok(String::new())
}

fn unshare_user() -> Result<String, Error> {
    system_call(
        libc::SYS_unshare,
        [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0, 0],
    )
}

/// A clone that the kernel would let create a user namespace; the child ends at once.
fn clone_user() -> Result<String, Error> {
    let flags = i64::from(libc::CLONE_NEWUSER | libc::SIGCHLD);
    // SAFETY: like fork: no stack is given, so the child goes on with a copy of ours and exits.
    match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
        -1 => Err(Error::last_os_error()),
        0 => std::process::exit(0),
        pid => Ok(pid.to_string()),
    }
}

fn connect_abstract(name: &str) -> Result<String, Error> {
    let address = SocketAddr::from_abstract_name(name)?;
    UnixStream::connect_addr(&address).map(|_| "connected".to_owned())
}

fn system_call(number: i64, arguments: [i64; 6]) -> Result<String, Error> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the callers pass integers and null pointers only, which no call dereferences for us.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result.to_string())
    }
}

/// Looks at every process it can see and tells whether it could reach the files of one that still
/// was the runtime.
fn watch_runtime(milliseconds: u64) -> Result<String, Error> {
    let start = Instant::now();
    let (mut seen, mut reached) = (false, false);
    while start.elapsed() < Duration::from_millis(milliseconds) {
        for entry in fs::read_dir("/proc")?.flatten() {
            let is_process = entry.file_name().to_string_lossy().parse::<u32>().is_ok();
            if !is_process {
                continue;
            }
            let path = entry.path();
            let command = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
            seen |= command.contains("gantry-runtime");
            let program = fs::read_link(path.join("exe"));
            reached |= program.is_ok_and(|program| program != Path::new("/bin/probe"));
        }
    }
    Ok(format!("seen {seen} reached {reached}"))
}
