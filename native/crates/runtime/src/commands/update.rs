use std::io::Read;
use std::str::FromStr;

use crate::cli::{Arguments, Flag, Global};
use crate::container::state::Container;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{BlockIo, Cpu, Memory, Pids, Resources};

pub const FLAGS: &[Flag] = &[
    ("resources", Some('r'), true),
    ("blkio-weight", None, true),
    ("cpu-period", None, true),
    ("cpu-quota", None, true),
    ("cpu-burst", None, true),
    ("cpu-share", None, true),
    ("cpu-rt-period", None, true),
    ("cpu-rt-runtime", None, true),
    ("cpuset-cpus", None, true),
    ("cpuset-mems", None, true),
    ("cpu-idle", None, true),
    ("memory", None, true),
    ("memory-reservation", None, true),
    ("memory-swap", None, true),
    ("pids-limit", None, true),
    ("l3-cache-schema", None, true),
    ("mem-bw-schema", None, true),
];

pub fn run(global: &Global, arguments: &Arguments) -> Result<i32> {
    for flag in ["l3-cache-schema", "mem-bw-schema"] {
        if arguments.value(flag).is_some() {
            fail!("--{flag}: resctrl groups are not made by this runtime; write it to theirs");
        }
    }
    let mut container = Container::load(&global.root, arguments.id()?)?;
    let resources = match arguments.value("resources") {
        Some(source) => read(source)?,
        None => from_flags(arguments)?,
    };
    if container.live_pid().is_none() {
        fail!("container {} is not running", container.record.id);
    }
    container.record.cgroup.check_update(&resources)?;
    container.record.cgroup.extend_for(&resources)?;
    container.save_record()?;
    container.record.cgroup.update(&resources)?;
    Ok(0)
}

fn read(source: &str) -> Result<Resources> {
    let mut text = Vec::new();
    if source == "-" {
        std::io::stdin()
            .read_to_end(&mut text)
            .step("read resources from stdin")?;
    } else {
        text = std::fs::read(source).step_with(|| format!("read --resources {source}"))?;
    }
    serde_json::from_slice(&text).step("parse --resources")
}

fn from_flags(arguments: &Arguments) -> Result<Resources> {
    let text = |name: &str| arguments.value(name).map(str::to_owned);
    let cpu = Cpu {
        shares: arguments.number("cpu-share")?,
        quota: arguments.number("cpu-quota")?,
        burst: arguments.number("cpu-burst")?,
        period: arguments.number("cpu-period")?,
        realtime_runtime: arguments.number("cpu-rt-runtime")?,
        realtime_period: arguments.number("cpu-rt-period")?,
        cpus: text("cpuset-cpus"),
        mems: text("cpuset-mems"),
        idle: arguments.number("cpu-idle")?,
    };
    let memory = Memory {
        limit: bytes(arguments, "memory")?,
        reservation: bytes(arguments, "memory-reservation")?,
        swap: bytes(arguments, "memory-swap")?,
        ..Memory::default()
    };
    let block_io = arguments.number("blkio-weight")?.map(|weight| BlockIo {
        weight: Some(weight),
        ..BlockIo::default()
    });
    Ok(Resources {
        cpu: Some(cpu),
        memory: Some(memory),
        pids: arguments
            .number("pids-limit")?
            .map(|limit| Pids { limit: Some(limit) }),
        block_io,
        ..Resources::default()
    })
}

/// Bytes, also as `512k`, `64M`, `2G`; -1 for unlimited.
fn bytes(arguments: &Arguments, name: &str) -> Result<Option<i64>> {
    let Some(text) = arguments.value(name) else {
        return Ok(None);
    };
    let lower = text.to_ascii_lowercase();
    let lower = lower.trim_end_matches("ib").trim_end_matches('b');
    let (digits, shift) = match lower.char_indices().next_back() {
        Some((at, 'k')) => (&lower[..at], 10),
        Some((at, 'm')) => (&lower[..at], 20),
        Some((at, 'g')) => (&lower[..at], 30),
        _ => (lower, 0),
    };
    match i64::from_str(digits)
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
    {
        Some(bytes) => Ok(Some(bytes)),
        None => fail!("flag --{name}: {text:?} is no number of bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_with_suffixes() {
        for (text, expected) in [
            ("1024", Some(1024)),
            ("64M", Some(64 << 20)),
            ("1gib", Some(1 << 30)),
            ("-1", Some(-1)),
            ("much", None),
            ("9999999999G", None),
        ] {
            let line = [format!("--memory={text}")];
            let arguments = Arguments::parse(&line, FLAGS).unwrap();
            assert_eq!(
                bytes(&arguments, "memory").ok().flatten(),
                expected,
                "{text}"
            );
        }
    }
}
