use crate::cli::{Arguments, Global};
use crate::container::state::{Container, Status};
use crate::error::{Result, Step};

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let mut container = Container::load(&global.root, arguments.id()?)?;
    container.record.owner = container.owner();
    let status = container.status();
    let pid = match status {
        Status::Stopped => 0,
        _ => container
            .live_pid()
            .map_or(0, |pid| pid.as_raw_nonzero().get()),
    };
    let state = container.oci_state(status, pid);
    println!(
        "{}",
        serde_json::to_string_pretty(&state).step("encode the state")?
    );
    Ok(0)
}
