//! The profile as config.json has it.

use std::path::PathBuf;

use serde::Deserialize;

use crate::error::Result;
use crate::fail;

pub const ACTIONS: [&str; 9] = [
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
];

pub const ARCHITECTURES: [&str; 4] = [
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_X32",
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X86_64",
];

pub const OPERATORS: [&str; 7] = [
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_LE",
    "SCMP_CMP_LT",
    "SCMP_CMP_MASKED_EQ",
    "SCMP_CMP_NE",
];

pub const FLAGS: [(&str, u64); 4] = [
    ("SECCOMP_FILTER_FLAG_LOG", libc::SECCOMP_FILTER_FLAG_LOG),
    (
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    ),
    ("SECCOMP_FILTER_FLAG_TSYNC", libc::SECCOMP_FILTER_FLAG_TSYNC),
    ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub default_action: String,
    pub default_errno_ret: Option<u32>,
    #[serde(default)]
    pub architectures: Vec<String>,
    #[serde(default)]
    pub flags: Vec<String>,
    pub listener_path: Option<PathBuf>,
    #[serde(default)]
    pub listener_metadata: String,
    #[serde(default)]
    pub syscalls: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub names: Vec<String>,
    pub action: String,
    pub errno_ret: Option<u32>,
    #[serde(default)]
    pub args: Vec<Argument>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Argument {
    pub index: u32,
    pub value: u64,
    #[serde(default)]
    pub value_two: u64,
    pub op: String,
}

impl Profile {
    /// Flags of seccomp(2), with a listener when any rule notifies.
    pub fn flags(&self) -> Result<u64> {
        let mut flags = 0;
        for name in &self.flags {
            match FLAGS.iter().find(|(known, _)| known == name) {
                Some((_, flag)) => flags |= flag,
                None => fail!("linux.seccomp.flags: {name:?} is unknown"),
            }
        }
        // This process has one thread, and TSYNC excludes a listener.
        flags &= !libc::SECCOMP_FILTER_FLAG_TSYNC;
        if self
            .syscalls
            .iter()
            .any(|rule| rule.action == "SCMP_ACT_NOTIFY")
        {
            flags |= libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        }
        Ok(flags)
    }

    pub fn default_return(&self) -> Result<u32> {
        if self.default_action == "SCMP_ACT_NOTIFY" {
            fail!("linux.seccomp.defaultAction cannot be SCMP_ACT_NOTIFY: nothing could start");
        }
        action(&self.default_action, self.default_errno_ret)
    }
}

/// The return value of a filter for an action.
pub fn action(name: &str, errno: Option<u32>) -> Result<u32> {
    let errno = errno.unwrap_or(libc::EPERM as u32) & libc::SECCOMP_RET_DATA;
    Ok(match name {
        "SCMP_ACT_ALLOW" => libc::SECCOMP_RET_ALLOW,
        "SCMP_ACT_ERRNO" => libc::SECCOMP_RET_ERRNO | errno,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => libc::SECCOMP_RET_KILL_THREAD,
        "SCMP_ACT_KILL_PROCESS" => libc::SECCOMP_RET_KILL_PROCESS,
        "SCMP_ACT_LOG" => libc::SECCOMP_RET_LOG,
        "SCMP_ACT_NOTIFY" => libc::SECCOMP_RET_USER_NOTIF,
        "SCMP_ACT_TRACE" => libc::SECCOMP_RET_TRACE | errno,
        "SCMP_ACT_TRAP" => libc::SECCOMP_RET_TRAP,
        other => fail!("linux.seccomp: action {other:?} is unknown"),
    })
}
