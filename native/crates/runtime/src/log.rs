//! Errors as runc tells them: a line on stderr, and a line in `--log` that callers parse.

use std::fs::OpenOptions;
use std::io::Write;

use crate::cli::Global;
use crate::error::Error;

/// Tells why the command failed, on stderr and in the log file.
pub fn failure(global: Option<&Global>, error: &Error) {
    let message = error.to_string();
    eprintln!("gantry-runtime: {message}");
    let Some(path) = global.and_then(|global| global.log.as_ref()) else {
        return;
    };
    let json = global.is_some_and(|global| global.log_json);
    let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) else {
        return;
    };
    let _ = file.write_all(line(json, &message, &gantry_clock::now()).as_bytes());
}

fn line(json: bool, message: &str, time: &str) -> String {
    let quoted = serde_json::Value::from(message);
    if json {
        format!("{{\"level\":\"error\",\"msg\":{quoted},\"time\":\"{time}\"}}\n")
    } else {
        format!("time=\"{time}\" level=error msg={quoted}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_can_be_parsed() {
        let text = line(true, "mount \"x\": busy", "t");
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["msg"], "mount \"x\": busy");
        assert_eq!(parsed["level"], "error");
        assert!(line(false, "a b", "t").starts_with("time=\"t\" level=error msg=\"a b\""));
    }
}
