//! rlimits, clamped where the host forbids raising them, and the OOM score.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit as KernelRlimit, getrlimit, setrlimit};

use crate::error::{Result, Step};
use crate::fail;
use crate::spec::Rlimit;

const RESOURCES: [(&str, Resource); 16] = [
    ("RLIMIT_AS", Resource::As),
    ("RLIMIT_CORE", Resource::Core),
    ("RLIMIT_CPU", Resource::Cpu),
    ("RLIMIT_DATA", Resource::Data),
    ("RLIMIT_FSIZE", Resource::Fsize),
    ("RLIMIT_LOCKS", Resource::Locks),
    ("RLIMIT_MEMLOCK", Resource::Memlock),
    ("RLIMIT_MSGQUEUE", Resource::Msgqueue),
    ("RLIMIT_NICE", Resource::Nice),
    ("RLIMIT_NOFILE", Resource::Nofile),
    ("RLIMIT_NPROC", Resource::Nproc),
    ("RLIMIT_RSS", Resource::Rss),
    ("RLIMIT_RTPRIO", Resource::Rtprio),
    ("RLIMIT_RTTIME", Resource::Rttime),
    ("RLIMIT_SIGPENDING", Resource::Sigpending),
    ("RLIMIT_STACK", Resource::Stack),
];

/// Refuses unknown and repeated names.
pub fn validate(limits: &[Rlimit]) -> Result<()> {
    for (index, limit) in limits.iter().enumerate() {
        if resource(&limit.kind).is_none() {
            fail!(
                "process.rlimits[{index}].type: {:?} is no resource limit of Linux",
                limit.kind
            );
        }
        if limit.soft > limit.hard {
            fail!(
                "process.rlimits[{index}] ({}): soft is above hard",
                limit.kind
            );
        }
        if limits[..index].iter().any(|other| other.kind == limit.kind) {
            fail!("process.rlimits[{index}]: {} is given twice", limit.kind);
        }
    }
    Ok(())
}

/// Sets all limits. What the host does not let us raise ends at its hard limit, with a notice.
pub fn apply(limits: &[Rlimit], notices: &mut Vec<String>) -> Result<()> {
    for limit in limits {
        let Some(resource) = resource(&limit.kind) else {
            continue;
        };
        let wanted = KernelRlimit {
            current: finite(limit.soft),
            maximum: finite(limit.hard),
        };
        match setrlimit(resource, wanted) {
            Ok(()) => {}
            Err(Errno::PERM) => clamp(resource, limit, notices)?,
            Err(error) => fail!("set {}: {error}", limit.kind),
        }
    }
    Ok(())
}

fn clamp(resource: Resource, limit: &Rlimit, notices: &mut Vec<String>) -> Result<()> {
    let hard = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let clamped = KernelRlimit {
        current: finite(limit.soft.min(hard)),
        maximum: finite(limit.hard.min(hard)),
    };
    setrlimit(resource, clamped).step_with(|| format!("set {}", limit.kind))?;
    notices.push(format!(
        "{} {}:{} was clamped to the host's hard limit {hard}",
        limit.kind, limit.soft, limit.hard
    ));
    Ok(())
}

/// Lowering the score needs CAP_SYS_RESOURCE; a host without it keeps its own, with a notice.
pub fn apply_oom_score(score: Option<i32>, notices: &mut Vec<String>) -> Result<()> {
    let Some(score) = score else { return Ok(()) };
    match fs::write("/proc/self/oom_score_adj", score.to_string()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            notices.push(format!(
                "oom_score_adj {score} was not permitted and left as it is"
            ));
            Ok(())
        }
        Err(error) => Err(error).step_with(|| format!("set process.oomScoreAdj {score}")),
    }
}

fn resource(name: &str) -> Option<Resource> {
    RESOURCES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, resource)| *resource)
}

fn finite(value: u64) -> Option<u64> {
    (value != u64::MAX).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(kind: &str, soft: u64, hard: u64) -> Rlimit {
        Rlimit {
            kind: kind.to_owned(),
            soft,
            hard,
        }
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for limits in [
            vec![limit("RLIMIT_NOTHING", 1, 1)],
            vec![limit("RLIMIT_NOFILE", 2, 1)],
            vec![limit("RLIMIT_CORE", 0, 0), limit("RLIMIT_CORE", 0, 0)],
        ] {
            assert!(validate(&limits).is_err(), "{limits:?}");
        }
        validate(&[limit("RLIMIT_CORE", 0, u64::MAX)]).unwrap();
    }
}
