//! Scheduling policy, I/O priority and personality.

use rustix::thread::CpuSet;

use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{IoPriority, Personality, Process, Scheduler};

/// struct sched_attr of sched_setattr(2), first version.
#[repr(C)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

const PERSONALITY_LINUX32: libc::c_ulong = 0x0008;
const IOPRIO_WHO_PROCESS: libc::c_int = 1;
const IOPRIO_CLASS_SHIFT: u32 = 13;

/// Refuses lists of processors that are none.
pub fn validate(process: &Process) -> Result<()> {
    let affinity = process.exec_cpu_affinity.as_ref();
    for list in affinity
        .iter()
        .flat_map(|a| [&a.initial, &a.last])
        .flatten()
    {
        processors(list)?;
    }
    Ok(())
}

/// Binds the calling process to a list of processors.
pub fn bind_to(list: Option<&str>) -> Result<()> {
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        return Ok(());
    };
    let set = processors(list)?;
    rustix::thread::sched_setaffinity(None, &set)
        .step_with(|| format!("set process.execCPUAffinity {list}"))
}

/// `0-3,7` as a set.
fn processors(list: &str) -> Result<CpuSet> {
    let mut set = CpuSet::new();
    for part in list.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let bounds = (first.parse::<usize>(), last.parse::<usize>());
        let (Ok(first), Ok(last)) = bounds else {
            fail!("process.execCPUAffinity: {list:?} is no list of processors such as 0-3,7");
        };
        if first > last || last >= CpuSet::MAX_CPU {
            fail!("process.execCPUAffinity: {part:?} is no range of processors");
        }
        (first..=last).for_each(|processor| set.set(processor));
    }
    Ok(set)
}

pub fn apply_scheduler(scheduler: &Scheduler) -> Result<()> {
    let policy = match scheduler.policy.as_str() {
        "SCHED_OTHER" => 0,
        "SCHED_FIFO" => 1,
        "SCHED_RR" => 2,
        "SCHED_BATCH" => 3,
        "SCHED_ISO" => 4,
        "SCHED_IDLE" => 5,
        "SCHED_DEADLINE" => 6,
        other => fail!("process.scheduler.policy {other:?} is no policy of Linux"),
    };
    let attributes = SchedAttr {
        size: size_of::<SchedAttr>() as u32,
        policy,
        flags: scheduler_flags(&scheduler.flags)?,
        nice: scheduler.nice,
        priority: scheduler.priority,
        runtime: scheduler.runtime,
        deadline: scheduler.deadline,
        period: scheduler.period,
    };
    // SAFETY: `attributes` is laid out as sched_attr, says its own size, and outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    check(result).step("set process.scheduler")
}

fn scheduler_flags(names: &[String]) -> Result<u64> {
    let mut flags = 0;
    for name in names {
        flags |= match name.as_str() {
            "SCHED_FLAG_RESET_ON_FORK" => 0x01,
            "SCHED_FLAG_RECLAIM" => 0x02,
            "SCHED_FLAG_DL_OVERRUN" => 0x04,
            "SCHED_FLAG_KEEP_POLICY" => 0x08,
            "SCHED_FLAG_KEEP_PARAMS" => 0x10,
            "SCHED_FLAG_UTIL_CLAMP_MIN" => 0x20,
            "SCHED_FLAG_UTIL_CLAMP_MAX" => 0x40,
            other => fail!("process.scheduler.flags: {other:?} is unknown"),
        };
    }
    Ok(flags)
}

pub fn apply_io_priority(io: &IoPriority) -> Result<()> {
    let class = match io.class.as_str() {
        "IOPRIO_CLASS_RT" => 1,
        "IOPRIO_CLASS_BE" => 2,
        "IOPRIO_CLASS_IDLE" => 3,
        other => fail!("process.ioPriority.class {other:?} is unknown"),
    };
    let value = class << IOPRIO_CLASS_SHIFT | u32::from(io.priority);
    // SAFETY: takes three integers; 0 means the calling process.
    check(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) })
        .step("set process.ioPriority")
}

pub fn apply_personality(personality: &Personality) -> Result<()> {
    let domain = match personality.domain.as_str() {
        "LINUX" => 0,
        "LINUX32" => PERSONALITY_LINUX32,
        other => fail!("linux.personality.domain {other:?} is none of LINUX, LINUX32"),
    };
    if !personality.flags.is_empty() {
        fail!("linux.personality.flags: the specification defines none");
    }
    // SAFETY: takes one integer and changes this process alone.
    check(libc::c_long::from(unsafe { libc::personality(domain) })).step("set linux.personality")
}

fn check(result: libc::c_long) -> std::io::Result<()> {
    if result < 0 {
        Err(std::io::Error::last_os_error())
    } else {
        Ok(())
    }
}
