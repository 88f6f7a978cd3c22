use std::os::fd::OwnedFd;

use crate::cli::{Arguments, Flag, Global};
use crate::commands::{create, delete, wait};
use crate::container::channel::Kind;
use crate::container::hooks;
use crate::container::launch::{self, Launched};
use crate::container::state::Status;
use crate::error::{Error, Result, Step};
use crate::process::relay::Relay;
use crate::sys;

pub const FLAGS: &[Flag] = &[
    ("bundle", Some('b'), true),
    ("console-socket", None, true),
    ("pid-file", None, true),
    ("preserve-fds", None, true),
    ("detach", Some('d'), false),
    ("keep", None, false),
    ("no-pivot", None, false),
    ("no-new-keyring", None, false),
    ("no-subreaper", None, false),
];

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let detach = arguments.is_set("detach");
    let mut request = create::request(global, arguments, false)?;
    request.foreground = !detach;
    // Before the child exists, so that no signal meant for it is lost.
    let signals = if detach {
        None
    } else {
        Some(sys::signal_fd().step("block signals")?)
    };
    let mut launched = launch::launch(&request)?;
    let followed = start(&launched).and_then(|()| match &signals {
        Some(signals) => follow(&mut launched, signals),
        None => Ok(0),
    });
    let code = match followed {
        Ok(code) => code,
        Err(error) => {
            let _ = delete::delete(&launched.container, true);
            return Err(error);
        }
    };
    if detach {
        return Ok(0);
    }
    if !arguments.is_set("keep") {
        delete::delete(&launched.container, true)?;
    }
    Ok(code)
}

fn follow(launched: &mut Launched, signals: &OwnedFd) -> Result<i32> {
    let relay = launched.console.take();
    let relay = relay.map(|console| Relay::take(&console)).transpose()?;
    wait::wait(&launched.pidfd, signals, relay)
}

fn start(launched: &Launched) -> Result<()> {
    launched.channel.send(Kind::Continue, "")?;
    // The end of the channel without a word of failure is the success of exec.
    while let Some(message) = launched.channel.receive()? {
        if message.kind == Kind::Failed {
            return Err(Error::new(message.text));
        }
    }
    if launched.hooks.poststart.is_empty() {
        return Ok(());
    }
    let pid = launched.pid.as_raw_nonzero().get();
    let state = launched.container.oci_state(Status::Running, pid);
    let state = serde_json::to_string(&state).step("encode the state")?;
    hooks::run("poststart", &launched.hooks.poststart, &state)
}
