//! The command line, one file per command or pair.

mod create;
mod delete;
mod events;
mod exec;
mod features;
mod kill;
mod list;
mod pause;
mod ps;
mod run;
mod spec;
mod start;
mod state;
mod update;
mod wait;

use crate::cli::{Arguments, Flag, GLOBAL_FLAGS, Global};
use crate::error::{Error, Result};
use crate::sealed;

/// A failed command, with the global flags that say where to tell it.
pub struct Failure {
    pub global: Option<Global>,
    pub error: Error,
}

struct Command {
    name: &'static str,
    flags: &'static [Flag],
    /// Makes processes inside containers, from where the binary must be out of reach.
    enters: bool,
    run: fn(&Global, &Arguments) -> Result<i32>,
    help: &'static str,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "create",
        flags: create::FLAGS,
        enters: true,
        run: create::run,
        help: "make a container from a bundle; start it later",
    },
    Command {
        name: "start",
        flags: &[],
        enters: false,
        run: start::run,
        help: "run the program of a created container",
    },
    Command {
        name: "run",
        flags: run::FLAGS,
        enters: true,
        run: run::run,
        help: "create, start, wait and delete",
    },
    Command {
        name: "exec",
        flags: exec::FLAGS,
        enters: true,
        run: exec::run,
        help: "run another program in a container",
    },
    Command {
        name: "state",
        flags: &[],
        enters: false,
        run: state::run,
        help: "print the state of a container",
    },
    Command {
        name: "kill",
        flags: kill::FLAGS,
        enters: false,
        run: kill::run,
        help: "send a signal to a container",
    },
    Command {
        name: "delete",
        flags: delete::FLAGS,
        enters: false,
        run: delete::run,
        help: "remove a stopped container (--force: any)",
    },
    Command {
        name: "list",
        flags: list::FLAGS,
        enters: false,
        run: list::run,
        help: "list containers",
    },
    Command {
        name: "ps",
        flags: ps::FLAGS,
        enters: false,
        run: ps::run,
        help: "list the processes of a container",
    },
    Command {
        name: "pause",
        flags: &[],
        enters: false,
        run: pause::pause,
        help: "freeze a container",
    },
    Command {
        name: "resume",
        flags: &[],
        enters: false,
        run: pause::resume,
        help: "thaw a container",
    },
    Command {
        name: "update",
        flags: update::FLAGS,
        enters: false,
        run: update::run,
        help: "change the limits of a container",
    },
    Command {
        name: "events",
        flags: events::FLAGS,
        enters: false,
        run: events::run,
        help: "print statistics of a container",
    },
    Command {
        name: "features",
        flags: &[],
        enters: false,
        run: features::run,
        help: "print what this runtime supports",
    },
    Command {
        name: "spec",
        flags: spec::FLAGS,
        enters: false,
        run: spec::run,
        help: "write a template config.json",
    },
];

/// Runs a command line without its program name. The number is the exit code.
pub fn run(arguments: &[String]) -> std::result::Result<i32, Failure> {
    let global = Arguments::parse(arguments, GLOBAL_FLAGS).map_err(|error| Failure {
        global: None,
        error,
    })?;
    let settings = Global::of(&global);
    dispatch(&global, &settings).map_err(|error| Failure {
        global: Some(settings),
        error,
    })
}

fn dispatch(global: &Arguments, settings: &Global) -> Result<i32> {
    if global.is_set("version") {
        return Ok(version());
    }
    let Some((name, rest)) = global
        .words
        .split_first()
        .filter(|_| !global.is_set("help"))
    else {
        return Ok(help());
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return match name.as_str() {
            "help" => Ok(help()),
            "checkpoint" | "restore" => Err(Error::new(format!(
                "{name}: checkpoints are not supported; stop the container and run it again"
            ))),
            other => Err(Error::new(format!(
                "unknown command {other:?}; --help lists them"
            ))),
        };
    };
    Global::check(global)?;
    if matches!(rest.first().map(String::as_str), Some("--help" | "-h")) {
        return Ok(command_help(command));
    }
    let arguments = Arguments::parse(rest, command.flags)?;
    if command.enters {
        sealed::ensure()?;
    }
    (command.run)(settings, &arguments)
}

fn version() -> i32 {
    println!("gantry-runtime version {}", env!("CARGO_PKG_VERSION"));
    println!("spec: {}", crate::container::state::OCI_VERSION);
    0
}

fn command_help(command: &Command) -> i32 {
    println!("{}: {}", command.name, command.help);
    for (name, letter, takes_value) in command.flags {
        let letter = letter.map_or(String::new(), |letter| format!(", -{letter}"));
        println!(
            "  --{name}{letter}{}",
            if *takes_value { " VALUE" } else { "" }
        );
    }
    0
}

fn help() -> i32 {
    println!("usage: gantry-runtime [global flags] COMMAND [flags] ...\n\ncommands:");
    for command in COMMANDS {
        println!("  {:<9} {}", command.name, command.help);
    }
    println!("\nglobal flags:");
    for (name, _, takes_value) in GLOBAL_FLAGS {
        println!("  --{name}{}", if *takes_value { " VALUE" } else { "" });
    }
    0
}
