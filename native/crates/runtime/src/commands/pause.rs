use crate::cli::{Arguments, Global};
use crate::container::state::{Container, Status};
use crate::error::Result;
use crate::fail;

pub fn pause(global: &Global, arguments: &Arguments) -> Result<i32> {
    let container = Container::load(&global.root, arguments.id()?)?;
    match container.status() {
        Status::Running | Status::Created => container.record.cgroup.freeze()?,
        other => fail!(
            "container {} is {}, not running",
            container.record.id,
            other.name()
        ),
    }
    Ok(0)
}

pub fn resume(global: &Global, arguments: &Arguments) -> Result<i32> {
    let container = Container::load(&global.root, arguments.id()?)?;
    if !container.record.cgroup.is_frozen() {
        fail!("container {} is not paused", container.record.id);
    }
    container.record.cgroup.thaw()?;
    Ok(0)
}
