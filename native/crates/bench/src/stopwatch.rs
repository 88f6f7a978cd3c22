//! Measures whole processes, from spawn to exit, for benches that are written in a slower language.
//! One JSON request per line on stdin, `{"argv":[…],"idleMs":0}`; one answer per line on stdout,
//! `{"ms":1.25,"code":0}`.

use std::io::{self, BufRead, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    argv: Vec<String>,
    /// Rest before the measurement, in milliseconds.
    #[serde(default)]
    idle_ms: u64,
}

fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        sleep(Duration::from_millis(request.idle_ms));
        let (elapsed, code) = measure(&request.argv)?;
        let answer = json!({ "ms": elapsed.as_secs_f64() * 1000.0, "code": code });
        writeln!(io::stdout(), "{answer}")?;
        io::stdout().flush()?;
    }
    Ok(())
}

fn measure(argv: &[String]) -> io::Result<(Duration, i32)> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let start = Instant::now();
    let status = command.spawn()?.wait()?;
    Ok((start.elapsed(), status.code().unwrap_or(-1)))
}
