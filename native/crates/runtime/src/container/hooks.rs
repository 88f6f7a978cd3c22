//! Programs of the caller that run at points of a container's life, with its state on stdin.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::error::{Result, Step};
use crate::fail;
use crate::spec::Hook;

/// Runs them in order; the first that fails ends it.
pub fn run(point: &str, hooks: &[Hook], state: &str) -> Result<()> {
    for (index, hook) in hooks.iter().enumerate() {
        run_one(hook, state)
            .step_with(|| format!("hook {point}[{index}] {}", hook.path.display()))?;
    }
    Ok(())
}

/// Refuses what the specification forbids.
pub fn validate(point: &str, hooks: &[Hook]) -> Result<()> {
    for (index, hook) in hooks.iter().enumerate() {
        if !hook.path.is_absolute() {
            fail!(
                "hooks.{point}[{index}].path {} must be absolute",
                hook.path.display()
            );
        }
        if hook.timeout == Some(0) {
            fail!("hooks.{point}[{index}].timeout must be above zero");
        }
    }
    Ok(())
}

fn run_one(hook: &Hook, state: &str) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(&hook.path);
    if let Some((name, arguments)) = hook.args.split_first() {
        command.arg0(name).args(arguments);
    }
    let environment = hook
        .env
        .iter()
        .filter_map(|variable| variable.split_once('='));
    command.env_clear().envs(environment).stdin(Stdio::piped());
    let mut child = command.spawn().step("start")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook that does not read its stdin is no error.
        let _ = stdin.write_all(state.as_bytes());
    }
    if let Some(seconds) = hook.timeout
        && !ended_within(child.id(), Duration::from_secs(seconds))?
    {
        let _ = child.kill();
        let _ = child.wait();
        fail!("was killed after its timeout of {seconds} s");
    }
    let status = child.wait().step("wait")?;
    if !status.success() {
        fail!("{status}");
    }
    Ok(())
}

fn ended_within(pid: u32, timeout: Duration) -> Result<bool> {
    let Some(pid) = Pid::from_raw(pid.cast_signed()) else {
        return Ok(true);
    };
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).step("watch")?;
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = Timespec::try_from(left).step("timeout")?;
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&wait)) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(ready) => return Ok(ready > 0),
            Err(error) => fail!("wait: {error}"),
        }
    }
}
