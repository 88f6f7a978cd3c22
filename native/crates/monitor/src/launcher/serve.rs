//! The launcher's start: one per state directory, in the foreground or detached from its starter.

use super::containers::{Containers, remove_unfinished};
use super::{Launcher, Poller, Source};
use crate::failure::{AtStep, Failure, Outcome, Reason};
use crate::runtime::child_signals;
use crate::spawn::{dev_null, fork_child, pipe};
use crate::stdio::{listen_unix, set_nonblocking};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::epoll::EpollFlags;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::socket::SockType;
use nix::sys::stat::{Mode, umask};
use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A longer log is emptied when a launcher starts.
const MAX_LOG_BYTES: u64 = 1024 * 1024;

pub struct ServeOptions {
    pub socket: PathBuf,
    pub state_dir: PathBuf,
    /// Return to the starter as soon as the socket answers, and live on in another session.
    pub detach: bool,
}

/// Serves until it is told to shut down. `Reason::AlreadyExists` when another launcher serves here.
pub fn serve(options: &ServeOptions) -> Outcome<()> {
    if !options.detach {
        let (mut launcher, _lock) = prepare(options)?;
        return launcher.run();
    }
    let (ready_read, ready_write) = pipe()?;
    fork_child(move || {
        let prepared = prepare(options);
        let word = prepared
            .as_ref()
            .map_or_else(serde_json::to_string, |_| Ok(String::new()));
        let _ = File::from(ready_write).write_all(word.unwrap_or_default().as_bytes());
        match prepared {
            Ok((mut launcher, _lock)) => i32::from(launcher.run().is_err()),
            Err(_) => 1,
        }
    })?;
    let mut word = String::new();
    File::from(ready_read)
        .read_to_string(&mut word)
        .at("wait for launcher")?;
    match serde_json::from_str::<Failure>(&word) {
        Ok(failure) => Err(failure),
        Err(_) => Ok(()),
    }
}

fn prepare(options: &ServeOptions) -> Outcome<(Launcher, Flock<File>)> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&options.state_dir)
        .at("make state dir")?;
    let state_dir = fs::canonicalize(&options.state_dir).at("find state dir")?;
    let lock = lock(&state_dir.join("launcher.lock"))?;
    // With the lock held, a socket file that is there belongs to a launcher that has died.
    let _ = fs::remove_file(&options.socket);
    let step = format!("listen on {}", options.socket.display());
    // The socket must never be there with a wider mode, not even for a moment.
    umask(Mode::from_bits_truncate(0o177));
    let listener = listen_unix(SockType::Stream, &options.socket).at(step);
    // What containers inherit.
    umask(Mode::from_bits_truncate(0o022));
    let listener = listener?;
    set_nonblocking(&listener)?;
    // Containers whose monitor was killed come to us, and with them their exit codes.
    set_child_subreaper(true).at("become subreaper")?;
    if options.detach {
        leave_terminal(&state_dir)?;
    }
    let mut launcher = Launcher {
        poller: Poller::new()?,
        listener,
        signals: child_signals()?,
        containers: Containers::new(state_dir),
        connections: HashMap::new(),
        runs: HashMap::new(),
        jobs: HashMap::new(),
        sessions: HashSet::new(),
        last_number: 0,
        stopping: false,
    };
    launcher
        .poller
        .add(&launcher.listener, EpollFlags::EPOLLIN, Source::Listener)?;
    launcher
        .poller
        .add(&launcher.signals, EpollFlags::EPOLLIN, Source::Signals)?;
    find_containers(&mut launcher);
    Ok((launcher, lock))
}

fn lock(path: &Path) -> Outcome<Flock<File>> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .at("open launcher lock")?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        let message = format!("another launcher holds {}", path.display());
        Failure::new(Reason::AlreadyExists, "lock state dir", message)
    })
}

/// Lets go of the starter's descriptors; messages go to a log beside the containers' states.
fn leave_terminal(state_dir: &Path) -> Outcome<()> {
    std::env::set_current_dir("/").at("leave directory")?;
    let null = dev_null()?;
    let log = File::options()
        .create(true)
        .append(true)
        .open(state_dir.join("launcher.log"));
    let log = log.at("open launcher log")?;
    if log
        .metadata()
        .is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES)
    {
        log.set_len(0).at("empty launcher log")?;
    }
    nix::unistd::dup2_stdin(&null).at("redirect stdin")?;
    nix::unistd::dup2_stdout(&null).at("redirect stdout")?;
    nix::unistd::dup2_stderr(&log).at("redirect stderr")
}

/// Finds the monitors of an earlier launcher again.
fn find_containers(launcher: &mut Launcher) {
    for id in launcher.containers.ids() {
        match launcher.containers.state(&id) {
            Some(_) if launcher.containers.exit(&id).is_some() => (),
            Some(_) => launcher.watch_monitor(&id),
            // Its monitor had not even begun.
            None => remove_unfinished(&launcher.containers.dir(&id)),
        }
    }
}
