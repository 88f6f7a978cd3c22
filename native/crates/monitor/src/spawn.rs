//! Starting processes from a process that has exactly one thread, which is why a forked child may
//! go on in Rust: nobody else can have held a lock at the moment of the fork.

use crate::failure::{AtStep, Failure, Outcome};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::unistd::{ForkResult, Pid, fork, setsid};
use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

/// The environment of a program for which none was given.
pub const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to execute, with everything that it inherits.
pub struct Program<'a> {
    /// The first is the absolute path of the program.
    pub argv: &'a [String],
    /// `NAME=value`; nothing else is inherited.
    pub env: &'a [String],
    /// stdin, stdout, stderr.
    pub stdio: [BorrowedFd<'a>; 3],
    /// Files by which a process joins its cgroups when it writes "0".
    pub cgroup_files: &'a [PathBuf],
}

/// How a process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ended {
    /// 128 + signal when a signal ended it.
    pub exit_code: i32,
    pub signal: Option<i32>,
    /// CPU time of the process and of the children that it has waited for.
    pub cpu_micros: u64,
}

/// Starts a program in a session of its own; returns when it has been executed, or says why not.
pub fn spawn(program: &Program) -> Outcome<Pid> {
    let argv = c_strings("argv", program.argv)?;
    let env = c_strings("env", program.env)?;
    match argv.first() {
        Some(path) if path.as_bytes().starts_with(b"/") => (),
        Some(path) => {
            let message = format!("argv[0] must be an absolute path, not {path:?}");
            return Err(Failure::bad_request("run", message));
        }
        None => return Err(Failure::bad_request("run", "argv must name a program")),
    }
    let (report_read, report_write) = pipe()?;
    let child = fork_child(move || {
        let Err((step, errno)) = execute(program, &argv, &env);
        let _ = File::from(report_write).write_all(format!("{step}: {}", errno.desc()).as_bytes());
        127
    })?;
    // The pipe is close-on-exec: its end without a word is the news that exec has worked.
    let mut problem = String::new();
    File::from(report_read)
        .read_to_string(&mut problem)
        .at("wait for exec")?;
    if problem.is_empty() {
        return Ok(child);
    }
    let _ = nix::sys::wait::waitpid(child, None);
    Err(Failure::internal(
        format!("start {}", program.argv[0]),
        problem,
    ))
}

fn execute(
    program: &Program,
    argv: &[CString],
    env: &[CString],
) -> Result<Infallible, (&'static str, Errno)> {
    for file in program.cgroup_files {
        // Moved here, while there is one thread: "0" is free, another's pid costs milliseconds.
        std::fs::write(file, "0").map_err(|e| ("join cgroup", errno_of(&e)))?;
    }
    for (target, source) in (0..).zip(&program.stdio) {
        redirect(*source, target).map_err(|errno| ("redirect stdio", errno))?;
    }
    restore_signals().map_err(|errno| ("restore signals", errno))?;
    nix::unistd::execve(&argv[0], argv, env).map_err(|errno| ("execute", errno))
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Makes `source` the descriptor `target` of a program about to be executed.
fn redirect(source: BorrowedFd, target: RawFd) -> Result<(), Errno> {
    // SAFETY: dup2 only replaces the descriptor `target` (0, 1 or 2), which no value in this
    // short-lived child owns; both are plain integers and no memory is passed.
    Errno::result(unsafe { libc::dup2(source.as_raw_fd(), target) }).map(drop)
}

/// Signals as a fresh program expects them: nothing blocked, SIGPIPE deadly again.
fn restore_signals() -> Result<(), Errno> {
    // SAFETY: no handler function is installed, only the default disposition.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }?;
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// Runs `body` in a forked child with a session of its own and ends the child with its result.
/// The child has the parent's descriptors until it closes them; it must not use the parent's ones.
pub fn fork_child(body: impl FnOnce() -> i32) -> Outcome<Pid> {
    // SAFETY: this program never starts a thread, so the child's one thread is a whole copy of the
    // process with no lock held by a thread that is not there; allocating and unwinding are sound.
    match unsafe { fork() }.at("fork")? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let _ = setsid();
            // A panic must not run on into the parent's code.
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(70);
            // SAFETY: _exit takes no memory and does not return; destructors of the parent's
            // values must not run here, which is the point of it.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Closes every descriptor but stdio and `keep`: a long-lived child must hold nothing of its
/// parent's, neither clients' connections nor other containers' pipes.
pub fn close_all_but(keep: &[BorrowedFd]) {
    let mut kept: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd() as u32).collect();
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept.into_iter().chain([u32::MAX]) {
        if fd > first {
            // SAFETY: the owners of these descriptors are values of the parent's stack and heap
            // that this child never touches again, as it leaves by _exit.
            unsafe { libc::close_range(first, fd - 1, 0) };
        }
        first = fd.saturating_add(1);
    }
}

/// Collects one ended child, if there is one; never waits.
pub fn reap_any() -> Option<(Pid, Ended)> {
    reap(Pid::from_raw(-1))
}

/// Collects `child` if it has ended; never waits.
pub fn reap(child: Pid) -> Option<(Pid, Ended)> {
    let mut status = 0;
    // SAFETY: rusage is plain old data of the C library; all zeroes is a valid value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: wait4 writes once to `status` and to `usage`, which both live through the call. nix's
    // own wrapper is not used because it fails on deaths by real-time signals.
    let pid = unsafe { libc::wait4(child.as_raw(), &mut status, libc::WNOHANG, &mut usage) };
    (pid > 0).then(|| (Pid::from_raw(pid), ended(status, &usage)))
}

fn ended(status: i32, usage: &libc::rusage) -> Ended {
    let signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
    let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    Ended {
        exit_code: signal.map_or_else(|| libc::WEXITSTATUS(status), |signal| 128 + signal),
        signal,
        cpu_micros: micros(usage.ru_utime) + micros(usage.ru_stime),
    }
}

/// A close-on-exec pipe: reading end, writing end.
pub fn pipe() -> Outcome<(OwnedFd, OwnedFd)> {
    nix::unistd::pipe2(OFlag::O_CLOEXEC).at("make pipe")
}

/// /dev/null for reading and writing.
pub fn dev_null() -> Outcome<File> {
    File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .at("open /dev/null")
}

/// The files of every existing cgroup at `path`, by which a process of ours can join it.
pub fn cgroup_files(path: &str) -> Outcome<Vec<PathBuf>> {
    let below = path.trim_start_matches('/');
    let root = std::path::Path::new("/sys/fs/cgroup");
    let mut files = vec![root.join(below).join("cgroup.procs")];
    for hierarchy in std::fs::read_dir(root)
        .at("list cgroup hierarchies")?
        .flatten()
    {
        let directory = hierarchy.path().join(below);
        let tasks = directory.join("tasks");
        files.push(if tasks.exists() {
            tasks
        } else {
            directory.join("cgroup.procs")
        });
    }
    files.retain(|file| file.exists());
    if files.is_empty() {
        return Err(Failure::bad_request(
            "join cgroup",
            format!("no cgroup at {path}"),
        ));
    }
    Ok(files)
}

fn c_strings(field: &str, strings: &[String]) -> Outcome<Vec<CString>> {
    let convert = |(index, text): (usize, &String)| {
        let refuse = |_| Failure::bad_request("run", format!("{field}[{index}] has a NUL byte"));
        CString::new(text.as_str()).map_err(refuse)
    };
    strings.iter().enumerate().map(convert).collect()
}
