use crate::cli::{Arguments, Flag, Global};
use crate::container::state::{self, Container, Status};
use crate::error::{Result, Step};
use crate::fail;

pub const FLAGS: &[Flag] = &[("format", Some('f'), true), ("quiet", Some('q'), false)];

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let ids = state::list_ids(&global.root)?;
    if arguments.is_set("quiet") {
        for id in ids {
            println!("{id}");
        }
        return Ok(0);
    }
    // One that vanishes meanwhile is simply not listed.
    let containers = ids
        .iter()
        .filter_map(|id| Container::load(&global.root, id).ok());
    let rows: Vec<(Container, Status, i32)> = containers.map(with_status).collect();
    match arguments.value("format") {
        Some("json") => {
            let states: Vec<_> = rows
                .iter()
                .map(|(c, status, pid)| c.oci_state(*status, *pid))
                .collect();
            println!(
                "{}",
                serde_json::to_string(&states).step("encode the list")?
            );
        }
        None | Some("table") => print_table(&rows),
        Some(other) => fail!("--format {other:?} is none of table, json"),
    }
    Ok(0)
}

fn with_status(mut container: Container) -> (Container, Status, i32) {
    container.record.owner = container.owner();
    let status = container.status();
    let pid = container
        .live_pid()
        .map_or(0, |pid| pid.as_raw_nonzero().get());
    (container, status, pid)
}

fn print_table(rows: &[(Container, Status, i32)]) {
    let width = rows
        .iter()
        .map(|(c, ..)| c.record.id.len())
        .max()
        .unwrap_or(0)
        .max(2);
    println!(
        "{:<width$}  {:<8} {:<8} {:<30} {:<8} BUNDLE",
        "ID", "PID", "STATUS", "CREATED", "OWNER"
    );
    for (container, status, pid) in rows {
        let record = &container.record;
        println!(
            "{:<width$}  {pid:<8} {:<8} {:<30} {:<8} {}",
            record.id,
            status.name(),
            record.created,
            record.owner,
            record.bundle.display()
        );
    }
}
