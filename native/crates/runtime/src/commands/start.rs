use std::fs;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::cli::{Arguments, Global};
use crate::container::hooks;
use crate::container::state::{Container, Status};
use crate::error::{Result, Step};
use crate::fail;

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let container = Container::load(&global.root, arguments.id()?)?;
    let Some(pid) = container.live_pid() else {
        fail!(
            "container {} has stopped and cannot be started",
            container.record.id
        );
    };
    let fifo = open_fifo(&container)?;
    rustix::io::write(&fifo, b"s").step("tell the container's process to start")?;
    wait_for_exec(&fifo)?;
    let failure = fs::read_to_string(container.start_error()).unwrap_or_default();
    let _ = fs::remove_file(container.fifo());
    if !failure.is_empty() {
        fail!("{failure}");
    }
    if let Some(points) = container
        .record
        .hooks
        .as_ref()
        .filter(|h| !h.poststart.is_empty())
    {
        let state = container.oci_state(Status::Running, pid.as_raw_nonzero().get());
        let state = serde_json::to_string(&state).step("encode the state")?;
        hooks::run("poststart", &points.poststart, &state)?;
    }
    Ok(0)
}

fn open_fifo(container: &Container) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(container.fifo(), flags, Mode::empty()) {
        Ok(fifo) => Ok(fifo),
        Err(Errno::NOENT) => {
            fail!("container {} was already started", container.record.id)
        }
        Err(Errno::NXIO) => fail!(
            "container {} has no process that waits",
            container.record.id
        ),
        Err(error) => fail!("open the start fifo: {error}"),
    }
}

/// The reading end closes when the program runs, or when its process gave up.
fn wait_for_exec(fifo: &OwnedFd) -> Result<()> {
    loop {
        let mut fds = [PollFd::new(fifo, PollFlags::empty())];
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            Err(error) => fail!("wait for the program to run: {error}"),
            Ok(_) => return Ok(()),
        }
    }
}
