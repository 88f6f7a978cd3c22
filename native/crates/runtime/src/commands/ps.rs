use std::fs;
use std::process::Command;

use crate::cli::{Arguments, Flag, Global};
use crate::container::state::Container;
use crate::error::{Result, Step};
use crate::fail;

pub const FLAGS: &[Flag] = &[("format", Some('f'), true)];

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let container = Container::load(&global.root, arguments.id()?)?;
    let pids = container.record.cgroup.pids()?;
    let options = &arguments.words[1..];
    match arguments.value("format") {
        None | Some("table") if !options.is_empty() => return by_ps(&pids, options),
        Some("json") => {
            println!("{}", serde_json::to_string(&pids).step("encode the list")?);
        }
        None | Some("table") => print_table(&pids),
        Some(other) => fail!("--format {other:?} is none of table, json"),
    }
    Ok(0)
}

/// As runc: the lines of ps(1) with these options that tell of the container's processes.
fn by_ps(pids: &[i32], options: &[String]) -> Result<i32> {
    let output = Command::new("ps").args(options).output().step("run ps")?;
    if !output.status.success() {
        fail!(
            "ps {}: {}",
            options.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let Some(column) = header.split_whitespace().position(|name| name == "PID") else {
        fail!("ps {}: prints no column PID; add one", options.join(" "));
    };
    println!("{header}");
    for line in lines {
        let pid = line
            .split_whitespace()
            .nth(column)
            .and_then(|text| text.parse().ok());
        if pid.is_some_and(|pid| pids.contains(&pid)) {
            println!("{line}");
        }
    }
    Ok(0)
}

fn print_table(pids: &[i32]) {
    println!("{:<8} {:<8} {:<8} COMMAND", "PID", "PPID", "UID");
    for pid in pids {
        // A process that ended since is not listed.
        if let Some((parent, uid, command)) = describe(*pid) {
            println!("{pid:<8} {parent:<8} {uid:<8} {command}");
        }
    }
}

fn describe(pid: i32) -> Option<(String, String, String)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&arguments)
        .trim_end_matches('\0')
        .replace('\0', " ");
    let command = if command.is_empty() {
        format!("[{}]", field("Name:")?)
    } else {
        command
    };
    Some((field("PPid:")?, field("Uid:")?, command))
}
