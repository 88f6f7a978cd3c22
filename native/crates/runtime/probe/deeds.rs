//! Ordinary deeds: files, identity, limits.

use std::fs;
use std::io::{Error, Read, Write};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// None when the deed is not one of these.
pub fn run(deed: &[&str]) -> Option<Result<String, Error>> {
    Some(match deed {
        ["cat", path] => fs::read_to_string(path).map(|text| text.trim_end().replace('\n', "|")),
        ["write", path, text] => fs::write(path, text).map(|()| String::new()),
        ["ls", path] => list(path),
        ["link", path] => fs::read_link(path).map(|target| target.display().to_string()),
        ["mode", path] => mode(path),
        ["env", name] => Ok(std::env::var(name).unwrap_or_default()),
        ["status", field] => status(field),
        ["cwd"] => std::env::current_dir().map(|dir| dir.display().to_string()),
        ["hostname"] => {
            fs::read_to_string("/proc/sys/kernel/hostname").map(|n| n.trim().to_owned())
        }
        ["limit", name] => limit(name),
        ["descriptors"] => descriptors(),
        ["terminal"] => terminal(),
        ["read-line"] => {
            let mut line = String::new();
            std::io::stdin()
                .read_line(&mut line)
                .map(|_| line.trim().to_owned())
        }
        ["wait-for-columns", columns] => wait_for_columns(columns.parse().unwrap_or(0)),
        ["sleep", seconds] => {
            sleep(Duration::from_secs(seconds.parse().unwrap_or(0)));
            Ok(String::new())
        }
        ["wait-for-input"] => std::io::stdin().read(&mut [0]).map(|_| String::new()),
        ["eat-memory", mebibytes] => eat_memory(mebibytes.parse().unwrap_or(0)),
        ["spin", milliseconds] => spin(milliseconds.parse().unwrap_or(0)),
        ["fork-bomb"] => fork_bomb(),
        _ => return None,
    })
}

fn list(path: &str) -> Result<String, Error> {
    let mut names: Vec<String> = fs::read_dir(path)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names.join(" "))
}

fn mode(path: &str) -> Result<String, Error> {
    use std::os::unix::fs::MetadataExt;
    let file = fs::symlink_metadata(path)?;
    Ok(format!(
        "{:o} {}:{} {:#x}",
        file.mode(),
        file.uid(),
        file.gid(),
        file.rdev()
    ))
}

fn status(field: &str) -> Result<String, Error> {
    let text = fs::read_to_string("/proc/self/status")?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(value
        .unwrap_or("missing")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" "))
}

fn limit(name: &str) -> Result<String, Error> {
    let text = fs::read_to_string("/proc/self/limits")?;
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or("missing");
    Ok(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Open descriptors but the one that lists them.
fn descriptors() -> Result<String, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let path = entry?.path();
        let target = fs::read_link(&path).unwrap_or_default();
        if !target.starts_with("/proc") {
            found.push(
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    found.sort();
    Ok(found.join(" "))
}

fn terminal() -> Result<String, Error> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout())?;
    let console = fs::OpenOptions::new().write(true).open("/dev/console")?;
    let same =
        rustix::fs::fstat(&console)?.st_rdev == rustix::fs::fstat(std::io::stdout())?.st_rdev;
    let controlling = fs::OpenOptions::new().read(true).open("/dev/tty").is_ok();
    Ok(format!(
        "{}x{} console={same} controlling={controlling}",
        size.ws_col, size.ws_row
    ))
}

/// Waits until the terminal has this width.
fn wait_for_columns(columns: u16) -> Result<String, Error> {
    while rustix::termios::tcgetwinsize(std::io::stdout())?.ws_col != columns {
        sleep(Duration::from_millis(2));
    }
    Ok(columns.to_string())
}

fn eat_memory(mebibytes: usize) -> Result<String, Error> {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for eaten in 0..mebibytes {
        let mut block = vec![0_u8; 1 << 20];
        // Every page is written, or the kernel would give none.
        block
            .iter_mut()
            .step_by(4096)
            .for_each(|byte| *byte = eaten as u8 | 1);
        kept.push(block);
    }
    Ok(kept.len().to_string())
}

/// Burns processor time and tells how many milliseconds it got.
fn spin(milliseconds: u64) -> Result<String, Error> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(milliseconds) {
        std::hint::black_box(start);
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok((time.tv_sec * 1000 + time.tv_nsec / 1_000_000).to_string())
}

/// Starts children until it is refused, and tells how many there were.
fn fork_bomb() -> Result<String, Error> {
    let mut children = Vec::new();
    let refused = loop {
        match Command::new("/proc/self/exe").args(["sleep", "60"]).spawn() {
            Ok(child) => children.push(child),
            Err(error) => break error,
        }
        if children.len() > 1000 {
            break Error::from_raw_os_error(0);
        }
    };
    let count = children.len();
    for child in &mut children {
        let _ = child.kill();
        let _ = child.wait();
    }
    std::io::stdout().flush()?;
    Ok(format!("{count} {}", refused.raw_os_error().unwrap_or(0)))
}
