//! `gantry-monitor serve`: the launcher of a node, which starts everything that runs in containers
//! and forks a monitor for each. Its nouns: a *launcher* serves requests on a socket; a *monitor*
//! keeps one container's streams and exit; a *session* is one exec; a *sandbox* is a set of pinned
//! namespaces; a *run* is a program on the host. It refuses every peer but root, every request
//! that is not exactly of the protocol, and to start a second launcher on one state directory.

mod accounts;
mod client;
mod container;
mod control;
mod death;
mod exec;
mod failure;
mod frames;
#[cfg(test)]
mod fuzz_tests;
mod launcher;
mod log;
mod memory;
mod oom;
mod processes;
mod protocol;
mod rootfs;
mod runtime;
mod sandbox;
mod spawn;
mod state;
mod stdio;
mod supervisor;
mod tail;
mod user_namespace;

use launcher::{ServeOptions, serve};
use std::process::ExitCode;

const USAGE: &str = "usage: gantry-monitor serve --socket PATH --state-dir DIR [--detach]
       gantry-monitor --version";

fn main() -> ExitCode {
    memory::return_early();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["--version"] {
        println!("gantry-monitor {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let options = match parse(&arguments) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("gantry-monitor: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("gantry-monitor: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<ServeOptions, String> {
    let mut rest = arguments.iter();
    if rest.next().map(String::as_str) != Some("serve") {
        return Err("the only command is serve".into());
    }
    let (mut socket, mut state_dir, mut detach) = (None, None, false);
    while let Some(flag) = rest.next() {
        let mut value = || {
            rest.next()
                .cloned()
                .ok_or_else(|| format!("{flag} needs a value"))
        };
        match flag.as_str() {
            "--socket" => socket = Some(value()?),
            "--state-dir" => state_dir = Some(value()?),
            "--detach" => detach = true,
            _ => return Err(format!("{flag} is not known")),
        }
    }
    let socket = socket.ok_or("--socket is missing")?.into();
    let state_dir = state_dir.ok_or("--state-dir is missing")?.into();
    Ok(ServeOptions {
        socket,
        state_dir,
        detach,
    })
}
