use std::fs;

use crate::cli::{Arguments, Flag, Global};
use crate::commands::{create, wait};
use crate::container::join::{self, Request};
use crate::container::launch::write_pid_file;
use crate::container::state::Container;
use crate::error::{Error, Result, Step};
use crate::process::relay::{self, Relay};
use crate::seccomp::Filter;
use crate::spec::{Capabilities, Process, Spec, User};
use crate::sys;

pub const FLAGS: &[Flag] = &[
    ("process", Some('p'), true),
    ("console-socket", None, true),
    ("pid-file", None, true),
    ("cwd", None, true),
    ("env", Some('e'), true),
    ("user", Some('u'), true),
    ("additional-gids", Some('g'), true),
    ("cap", Some('c'), true),
    ("preserve-fds", None, true),
    ("apparmor", None, true),
    ("process-label", None, true),
    ("cgroup", None, true),
    ("tty", Some('t'), false),
    ("detach", Some('d'), false),
    ("no-new-privs", None, false),
    ("ignore-paused", None, false),
    ("no-subreaper", None, false),
];

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let container = Container::load(&global.root, arguments.id()?)?;
    let spec = Spec::load(&container.dir)?;
    let linux = spec.linux.unwrap_or_default();
    let mut process = process(arguments, spec.process.unwrap_or_default())?;
    let preserve_fds = arguments.number("preserve-fds")?.unwrap_or(0);
    create::check_descriptors(preserve_fds)?;
    let detach = arguments.is_set("detach");
    if process.terminal && !detach {
        process.console_size = process.console_size.or_else(relay::caller_size);
    }
    let request = Request {
        process,
        console_socket: arguments.path("console-socket"),
        preserve_fds,
        ignore_paused: arguments.is_set("ignore-paused"),
        foreground: !detach,
        cgroups: arguments.values("cgroup").map(str::to_owned).collect(),
    };
    let filter = Filter::of(&linux, &global.root)?;
    let signals = if detach {
        None
    } else {
        Some(sys::signal_fd().step("block signals")?)
    };
    let joined = join::join(&container, &linux, filter, &request)?;
    for notice in &joined.notices {
        eprintln!("gantry-runtime: notice: {notice}");
    }
    if let Some(path) = arguments.path("pid-file") {
        write_pid_file(&path, joined.pid)?;
    }
    let Some(signals) = signals else { return Ok(0) };
    let relay = joined.console.map(|console| Relay::take(&console));
    wait::wait(&joined.pidfd, &signals, relay.transpose()?)
}

fn process(arguments: &Arguments, base: Process) -> Result<Process> {
    if let Some(path) = arguments.path("process") {
        let text = fs::read(&path).step_with(|| format!("read --process {}", path.display()))?;
        let process: Process = serde_json::from_slice(&text)
            .step_with(|| format!("parse --process {}", path.display()))?;
        return Ok(process);
    }
    let mut process = base;
    process.args = arguments.words[1..].to_vec();
    // The container's own terminal is not that of another process.
    process.terminal = arguments.is_set("tty");
    process.console_size = None;
    override_process(arguments, &mut process)?;
    Ok(process)
}

fn override_process(arguments: &Arguments, process: &mut Process) -> Result<()> {
    if let Some(cwd) = arguments.value("cwd") {
        cwd.clone_into(&mut process.cwd);
    }
    process
        .env
        .extend(arguments.values("env").map(str::to_owned));
    if let Some(user) = arguments.value("user") {
        process.user = parse_user(user, &process.user)?;
    }
    for gid in arguments.values("additional-gids") {
        let gid = gid
            .parse()
            .step_with(|| format!("--additional-gids {gid:?}"))?;
        process.user.additional_gids.push(gid);
    }
    let capabilities = process
        .capabilities
        .get_or_insert_with(Capabilities::default);
    for name in arguments.values("cap") {
        for set in [
            &mut capabilities.bounding,
            &mut capabilities.effective,
            &mut capabilities.permitted,
        ] {
            set.push(name.to_owned());
        }
    }
    if arguments.is_set("no-new-privs") {
        process.no_new_privileges = true;
    }
    let labels = [
        ("apparmor", &mut process.apparmor_profile),
        ("process-label", &mut process.selinux_label),
    ];
    for (flag, field) in labels {
        if let Some(value) = arguments.value(flag) {
            *field = Some(value.to_owned());
        }
    }
    Ok(())
}

/// `UID` or `UID:GID`.
fn parse_user(text: &str, base: &User) -> Result<User> {
    let (uid, gid) = text.split_once(':').unwrap_or((text, ""));
    let uid = uid
        .parse()
        .map_err(|_| Error::new(format!("--user {text:?} is not UID[:GID]")))?;
    let gid = match gid {
        "" => base.gid,
        gid => gid
            .parse()
            .map_err(|_| Error::new(format!("--user {text:?} is not UID[:GID]")))?,
    };
    Ok(User {
        uid,
        gid,
        ..base.clone()
    })
}
