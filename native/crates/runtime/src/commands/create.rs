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
    Ok(Request {
        root: &global.root,
        id: arguments.id()?,
        bundle: bundle(arguments)?,
        console_socket: arguments.path("console-socket"),
        pid_file: arguments.path("pid-file"),
        preserve_fds: arguments.number("preserve-fds")?.unwrap_or(0),
        keep_keyring: arguments.is_set("no-new-keyring"),
        for_later_start,
    })
}

fn bundle(arguments: &Arguments) -> Result<PathBuf> {
    let path = arguments.path("bundle").unwrap_or_else(|| ".".into());
    path.canonicalize()
        .step_with(|| format!("find --bundle {}", path.display()))
}
