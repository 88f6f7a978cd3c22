use std::path::PathBuf;

use crate::cli::{Arguments, Flag, Global};
use crate::container::launch::{self, Request};
use crate::error::{Result, Step};

pub const FLAGS: &[Flag] = &[
    ("bundle", Some('b'), true),
    ("console-socket", None, true),
    ("pid-file", None, true),
    ("preserve-fds", None, true),
    ("no-pivot", None, false),
    ("no-new-keyring", None, false),
];

/// More than a process may open by default; the check stops at the first that is missing.
const DESCRIPTORS_MAX: usize = 1 << 20;

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    launch::launch(&request(global, arguments, true)?)?;
    Ok(0)
}

/// The request that `create` and `run` have in common.
pub fn request<'a>(
    global: &'a Global,
    arguments: &'a Arguments,
    for_later_start: bool,
) -> Result<Request<'a>> {
    if arguments.is_set("no-pivot") {
        crate::fail!("--no-pivot would leave the host's root within reach and is refused");
    }
    let listening = listening()?;
    let extra: u32 = arguments.number("preserve-fds")?.unwrap_or(0);
    let Some(preserve_fds) = extra.checked_add(listening) else {
        crate::fail!("flag --preserve-fds: {extra} is too many");
    };
    check_descriptors(preserve_fds)?;
    Ok(Request {
        root: &global.root,
        id: arguments.id()?,
        bundle: bundle(arguments)?,
        console_socket: arguments.path("console-socket"),
        pid_file: arguments.path("pid-file"),
        preserve_fds,
        listening,
        keep_keyring: arguments.is_set("no-new-keyring"),
        for_later_start,
        foreground: false,
        rootless: global.rootless,
    })
}

/// How many sockets systemd passed to us, which go to the container before those of
/// `--preserve-fds`.
fn listening() -> Result<u32> {
    let Ok(count) = std::env::var("LISTEN_FDS") else {
        return Ok(0);
    };
    let ours = std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    if !ours {
        return Ok(0);
    }
    count.parse().step("read LISTEN_FDS")
}

/// Refuses descriptors that are not there: the program would find others in their place.
pub fn check_descriptors(preserve_fds: u32) -> Result<()> {
    for number in (3..3_u32.saturating_add(preserve_fds)).take(DESCRIPTORS_MAX) {
        let path = format!("/proc/self/fd/{number}");
        if rustix::fs::lstat(&path).is_err() {
            crate::fail!("flag --preserve-fds: descriptor {number} is not open");
        }
    }
    Ok(())
}

fn bundle(arguments: &Arguments) -> Result<PathBuf> {
    let path = arguments.path("bundle").unwrap_or_else(|| ".".into());
    path.canonicalize()
        .step_with(|| format!("find --bundle {}", path.display()))
}
