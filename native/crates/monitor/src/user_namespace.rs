//! Namespaces that belong to a user namespace of their own, whose root is nobody outside. Only a
//! process outside may write the mappings, so two work together: the child makes, the parent maps and
//! pins. The child ends when the parent does, whatever happens.

use crate::failure::{AtStep, Failure, Outcome};
use crate::spawn::{close_all_but, fork_child};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};
use serde::Deserialize;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// Ids of the host that a pod has for itself; its own 0 is the first of them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserRange {
    pub first: u32,
    pub size: u32,
}

impl UserRange {
    /// Never the host's root, and not beyond the last id.
    pub fn check(&self, op: &str) -> Outcome<()> {
        let fits = self.first.checked_add(self.size).is_some();
        if self.first > 0 && self.size > 0 && fits {
            return Ok(());
        }
        let rule = "must begin above 0, hold at least one id and end below 4294967295";
        Err(Failure::bad_request(op, format!("userRange: {rule}")))
    }
}

/// Runs `make` as root of a new user namespace with these ids; then `keep` with the pid of the process
/// that is in whatever it has made.
pub fn within(
    range: UserRange,
    make: impl FnOnce() -> Outcome<()>,
    keep: impl FnOnce(Pid) -> Outcome<()>,
) -> Outcome<()> {
    let (ours, theirs) = UnixStream::pair().at("make channel to the user namespace")?;
    let child = fork_child(|| {
        close_all_but(&[theirs.as_fd()]);
        let mut peer = Peer::new(&theirs);
        let made = enter(&mut peer).and_then(|()| make());
        let _ = peer.tell(made);
        // Until the parent has pinned what is to stay.
        let _ = peer.hear();
        0
    })?;
    drop(theirs);
    let mut peer = Peer::new(&ours);
    let done = peer
        .hear()
        .and_then(|()| map(child, range))
        .and_then(|()| peer.tell(Ok(())))
        .and_then(|()| peer.hear())
        .and_then(|()| keep(child));
    drop(ours);
    let _ = waitpid(child, None);
    done
}

fn enter(peer: &mut Peer) -> Outcome<()> {
    unshare(CloneFlags::CLONE_NEWUSER).at("unshare user namespace")?;
    peer.tell(Ok(()))?;
    peer.hear()?;
    // Groups first: without its uid a process may not change them any more.
    setgroups(&[]).at("drop groups")?;
    let (root, group) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(group, group, group).at("become root of the user namespace")?;
    setresuid(root, root, root).at("become root of the user namespace")
}

fn map(child: Pid, range: UserRange) -> Outcome<()> {
    let line = format!("0 {} {}\n", range.first, range.size);
    for file in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{child}/{file}"), &line).at(format!("write {file}"))?;
    }
    Ok(())
}

/// One end of the channel: each message says whether a step was done.
struct Peer<'a> {
    writer: &'a UnixStream,
    reader: BufReader<&'a UnixStream>,
}

impl<'a> Peer<'a> {
    fn new(stream: &'a UnixStream) -> Self {
        Self {
            writer: stream,
            reader: BufReader::new(stream),
        }
    }

    fn tell(&mut self, step: Outcome<()>) -> Outcome<()> {
        let line = serde_json::to_string(&step.err()).at("tell the other side")?;
        writeln!(self.writer, "{line}").at("tell the other side")
    }

    fn hear(&mut self) -> Outcome<()> {
        let mut line = String::new();
        let step = "hear from the user namespace";
        self.reader.read_line(&mut line).at(step)?;
        match serde_json::from_str::<Option<Failure>>(&line).at(step)? {
            None => Ok(()),
            Some(failure) => Err(failure),
        }
    }
}
