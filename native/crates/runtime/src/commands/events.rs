use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::cli::{Arguments, Flag, Global};
use crate::container::state::Container;
use crate::error::{Result, Step};
use crate::fail;

pub const FLAGS: &[Flag] = &[("stats", None, false), ("interval", None, true)];

const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// Prints statistics once (`--stats`), or at every interval until the container ends.
pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    let container = Container::load(&global.root, arguments.id()?)?;
    if container.live_pid().is_none() {
        fail!("container {} is not running", container.record.id);
    }
    let interval = interval(arguments.value("interval"))?;
    loop {
        let event = json!({
            "type": "stats",
            "id": container.record.id,
            "data": container.record.cgroup.stats(),
        });
        // A reader that went away ends the command quietly.
        if writeln!(std::io::stdout(), "{event}").is_err() || arguments.is_set("stats") {
            return Ok(0);
        }
        sleep(interval);
        if container.live_pid().is_none() {
            return Ok(0);
        }
    }
}

/// `5s`, `500ms`, `1m`, or a bare number of seconds.
fn interval(text: Option<&str>) -> Result<Duration> {
    let Some(text) = text else {
        return Ok(DEFAULT_INTERVAL);
    };
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("", 1000)];
    let (digits, unit) = units
        .iter()
        .find_map(|(suffix, unit)| text.strip_suffix(suffix).map(|digits| (digits, *unit)))
        .unwrap_or((text, 1000));
    let number: u64 = digits
        .parse()
        .step_with(|| format!("flag --interval {text:?}"))?;
    if number == 0 {
        fail!("flag --interval must be above zero");
    }
    Ok(Duration::from_millis(number.saturating_mul(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        for (text, milliseconds) in [("5s", 5000), ("250ms", 250), ("1m", 60_000), ("2", 2000)] {
            assert_eq!(
                interval(Some(text)).unwrap(),
                Duration::from_millis(milliseconds)
            );
        }
        assert!(interval(Some("0s")).is_err());
        assert!(interval(Some("soon")).is_err());
    }
}
