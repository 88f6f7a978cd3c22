//! Calls of an OCI runtime that start a process (`create` and `exec --detach`). Both leave the
//! process to the nearest subreaper, which is the caller.

use crate::failure::{AtStep, Failure, Outcome, Reason};
use crate::spawn::{DEFAULT_PATH, Program, dev_null, reap, spawn};
use crate::stdio::{ConsoleSocket, Inherited, Streams, pipes, read_available, terminal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use serde::Deserialize;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A runtime that takes longer is killed and the call fails.
const DEADLINE: Duration = Duration::from_secs(60);
/// As much of the runtime's own words as an error carries.
const MAX_MESSAGE: usize = 4096;

/// One call; its files are made in `dir`, the working directory, under names that begin with `tag`.
pub struct RuntimeCall<'a> {
    pub runtime: &'a str,
    pub root: &'a str,
    pub dir: &'a Path,
    pub tag: String,
    /// The verb with its own flags.
    pub verb: Vec<String>,
    pub container_id: &'a str,
    pub stdin: bool,
    pub terminal: bool,
}

impl RuntimeCall<'_> {
    /// Runs it; the process that it leaves and our ends of that process's streams.
    pub fn run(self, signals: &SignalFd) -> Outcome<(Pid, Streams)> {
        let files = CallFiles::new(self.dir, &self.tag);
        let console = if self.terminal {
            Some(ConsoleSocket::listen(format!("{}-console", self.tag))?)
        } else {
            None
        };
        let argv = self.argv(&files, console.as_ref());
        let (piped, inherited) = self.stdio()?;
        let child = spawn(&Program {
            argv: &argv,
            env: &[DEFAULT_PATH.to_string()],
            stdio: inherited.each_ref().map(AsFd::as_fd),
            cgroup_files: &[],
        })?;
        drop(inherited);
        let step = format!("runtime {}", self.verb[0]);
        let exit_code = wait_for(child, signals, &step)?;
        if exit_code != 0 {
            let message = files
                .problem()
                .or_else(|| piped.as_ref().and_then(words_on_stderr));
            let message = message.unwrap_or_else(|| format!("exited with {exit_code}"));
            return Err(Failure::internal(step, message));
        }
        let pid = files.pid().at(step)?;
        let streams = match (console, piped) {
            (Some(console), _) => terminal(console.receive()?)?,
            (None, Some(streams)) => streams,
            (None, None) => unreachable!("without a terminal there are pipes"),
        };
        Ok((pid, streams))
    }

    fn stdio(&self) -> Outcome<(Option<Streams>, Inherited)> {
        if self.terminal {
            let null = || dev_null().map(Into::into);
            return Ok((None, [null()?, null()?, null()?]));
        }
        let (streams, inherited) = pipes(self.stdin)?;
        Ok((Some(streams), inherited))
    }

    fn argv(&self, files: &CallFiles, console: Option<&ConsoleSocket>) -> Vec<String> {
        let mut argv = vec![self.runtime.to_string(), "--root".into(), self.root.into()];
        argv.extend([
            "--log".into(),
            text(&files.log),
            "--log-format".into(),
            "json".into(),
        ]);
        argv.extend(self.verb.iter().cloned());
        argv.extend(["--pid-file".into(), text(&files.pid)]);
        if let Some(console) = console {
            argv.extend(["--console-socket".into(), console.path()]);
        }
        argv.push(self.container_id.into());
        argv
    }
}

/// Blocks SIGCHLD and makes it readable; inherited by nobody, since `spawn` unblocks.
pub fn child_signals() -> Outcome<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None).at("block SIGCHLD")?;
    SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).at("make signalfd")
}

/// Waits for this child alone: the process that it starts may end at once and must not be reaped
/// before its pid is known.
fn wait_for(child: Pid, signals: &SignalFd, step: &str) -> Outcome<i32> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some((_, ended)) = reap(child) {
            return Ok(ended.exit_code);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let _ = kill(child, Signal::SIGKILL);
            let _ = nix::sys::wait::waitpid(child, None);
            let message = format!("did not answer within {} s", DEADLINE.as_secs());
            return Err(Failure::new(Reason::Timeout, step, message));
        }
        let mut polled = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(
            &mut polled,
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX),
        );
        while let Ok(Some(_)) = signals.read_signal() {}
    }
}

/// The runtime's answers in files, removed when the call is over.
struct CallFiles {
    log: PathBuf,
    pid: PathBuf,
}

impl CallFiles {
    fn new(dir: &Path, tag: &str) -> Self {
        Self {
            log: dir.join(format!("{tag}.log")),
            pid: dir.join(format!("{tag}.pid")),
        }
    }

    fn pid(&self) -> Result<Pid, String> {
        let text = fs::read_to_string(&self.pid).map_err(|e| format!("read pid file: {e}"))?;
        let pid: i32 = text
            .trim()
            .parse()
            .map_err(|_| format!("pid file says {text:?}"))?;
        if pid > 1 {
            Ok(Pid::from_raw(pid))
        } else {
            Err(format!("pid file says {pid}"))
        }
    }

    /// The last error that the runtime logged.
    fn problem(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Entry {
            level: String,
            msg: String,
        }
        let text = fs::read_to_string(&self.log).ok()?;
        let mut entries = text
            .lines()
            .rev()
            .filter_map(|line| serde_json::from_str::<Entry>(line).ok());
        let serious = |entry: &Entry| matches!(entry.level.as_str(), "error" | "fatal" | "panic");
        let mut message = entries.find(serious)?.msg;
        let end = (0..=MAX_MESSAGE.min(message.len()))
            .rev()
            .find(|at| message.is_char_boundary(*at));
        message.truncate(end.unwrap_or(0));
        Some(message)
    }
}

impl Drop for CallFiles {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.log);
        let _ = fs::remove_file(&self.pid);
    }
}

fn words_on_stderr(streams: &Streams) -> Option<String> {
    let mut buffer = [0; MAX_MESSAGE];
    let length = read_available(streams.outputs[1].as_ref()?, &mut buffer)?;
    let words = String::from_utf8_lossy(&buffer[..length])
        .trim()
        .to_string();
    (!words.is_empty()).then_some(words)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
