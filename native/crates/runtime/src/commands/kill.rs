use std::os::fd::AsFd;

use rustix::process::Signal;

use crate::cli::{Arguments, Flag, Global};
use crate::container::state::Container;
use crate::error::{Result, Step};
use crate::fail;
use crate::sys;

pub const FLAGS: &[Flag] = &[("all", Some('a'), false), ("regex", Some('r'), false)];

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
const SIGNAL_MAX: i32 = 64;
/// What by itself ends no process; noting it would hide who sent one that does.
const HARMLESS: [i32; 8] = [
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGURG,
    libc::SIGWINCH,
    libc::SIGSTOP,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let container = Container::load(&global.root, arguments.id()?)?;
    let signal = number(arguments.words.get(1).map_or("TERM", String::as_str))?;
    // Flags may also follow the id, as in `kill ID KILL --all`.
    let all = arguments.is_set("all")
        || arguments
            .words
            .iter()
            .skip(1)
            .any(|word| word == "--all" || word == "-a");
    if !HARMLESS.contains(&signal) {
        // A kill that cannot be written down is still a kill.
        let _ = note(&container, signal);
    }
    if all {
        return kill_all(&container, signal).map(|()| 0);
    }
    let Some((_, pidfd)) = container.open_process()? else {
        fail!("container {} is not running", container.record.id);
    };
    sys::pidfd_kill(pidfd.as_fd(), signal).step_with(|| format!("send signal {signal}"))?;
    Ok(0)
}

/// Leaves in `kill.json` who asked, before the signal is sent: the kernel tells no parent who has
/// killed its child, and whoever watches the container wants to.
fn note(container: &Container, signal: i32) -> std::io::Result<()> {
    let sender = rustix::process::getppid().map(|parent| {
        let pid = parent.as_raw_nonzero();
        let name = crate::files::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        serde_json::json!({ "pid": pid.get(), "name": name.trim_end() })
    });
    let oom_kills = container.record.cgroup.oom_kills();
    let note = serde_json::json!({
        "signal": signal, "at": gantry_clock::now(), "sender": sender, "oomKills": oom_kills,
    });
    let temporary = container.dir.join(".kill.json");
    std::fs::write(&temporary, note.to_string())?;
    std::fs::rename(temporary, container.dir.join("kill.json"))
}

fn kill_all(container: &Container, signal: i32) -> Result<()> {
    match Signal::from_named_raw(signal) {
        Some(Signal::KILL) => container.record.cgroup.kill(),
        Some(signal) => container.record.cgroup.signal_all(signal),
        None => fail!("--all takes no real-time signal ({signal})"),
    }
}

/// A number, or a name with or without SIG.
fn number(text: &str) -> Result<i32> {
    if let Ok(number) = text.parse::<i32>() {
        if (1..=SIGNAL_MAX).contains(&number) {
            return Ok(number);
        }
        fail!("signal {number} does not exist");
    }
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    match NAMES.iter().position(|name| *name == bare) {
        Some(index) => Ok(index as i32 + 1),
        None => fail!("signal {text:?} does not exist"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_by_name_and_number() {
        for (text, expected) in [
            ("9", Some(9)),
            ("SIGKILL", Some(9)),
            ("term", Some(15)),
            ("WINCH", Some(28)),
            ("64", Some(64)),
            ("0", None),
            ("65", None),
            ("SIGNOTHING", None),
        ] {
            assert_eq!(number(text).ok(), expected, "{text}");
        }
    }
}
