//! Capability sets by name, and their order of use.

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, configure_capability_in_ambient_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use crate::error::{Result, Step};
use crate::spec::Capabilities;

/// In the kernel's order: the index is the number.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The five sets as bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sets {
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
    pub bounding: u64,
    pub ambient: u64,
}

/// All names that can be asked for, for `features`.
pub fn names() -> impl Iterator<Item = String> {
    NAMES.iter().map(|name| format!("CAP_{name}"))
}

/// The number of a name, with or without `CAP_`, in any case.
pub fn number(name: &str) -> Option<u32> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    NAMES
        .iter()
        .position(|known| *known == bare)
        .map(|index| index as u32)
}

impl Sets {
    /// Parses the lists, and drops with a notice what this host cannot grant: names it does not
    /// know and capabilities outside the bounding set of this process.
    pub fn resolve(wanted: &Capabilities, notices: &mut Vec<String>) -> Result<Self> {
        let available = available()?;
        let mut refused: Vec<&str> = Vec::new();
        let mut bits = |names: &'_ [String]| {
            let mut set = 0;
            for name in names {
                match number(name)
                    .map(|number| 1_u64 << number)
                    .filter(|bit| bit & available != 0)
                {
                    Some(bit) => set |= bit,
                    None => {
                        if let Some(known) = known_name(name)
                            && !refused.contains(&known)
                        {
                            refused.push(known);
                        } else if known_name(name).is_none() && !refused.contains(&"unknown names")
                        {
                            refused.push("unknown names");
                        }
                    }
                }
            }
            set
        };
        let sets = Self {
            effective: bits(&wanted.effective),
            permitted: bits(&wanted.permitted),
            inheritable: bits(&wanted.inheritable),
            bounding: bits(&wanted.bounding),
            ambient: bits(&wanted.ambient),
        };
        if !refused.is_empty() {
            notices.push(format!(
                "capabilities this host cannot grant: {}",
                refused.join(", ")
            ));
        }
        Ok(sets)
    }

    /// Shrinks the bounding set. Needs CAP_SETPCAP, so it comes before the sets themselves.
    pub fn apply_bounding(&self) -> Result<()> {
        for number in 0..NAMES.len() as u32 {
            let bit = CapabilitySet::from_bits_retain(1 << number);
            if self.bounding & bit.bits() == 0 && capability_is_in_bounding_set(bit) == Ok(true) {
                remove_capability_from_bounding_set(bit)
                    .step_with(|| format!("drop CAP_{}", NAMES[number as usize]))?;
            }
        }
        Ok(())
    }

    /// Sets the rest; afterwards nothing can be gained any more.
    pub fn apply(&self) -> Result<()> {
        let sets = CapabilitySets {
            effective: CapabilitySet::from_bits_retain(self.effective),
            permitted: CapabilitySet::from_bits_retain(self.permitted),
            inheritable: CapabilitySet::from_bits_retain(self.inheritable),
        };
        set_capabilities(None, sets).step("set capabilities")?;
        clear_ambient_capability_set().step("clear ambient capabilities")?;
        for number in (0..NAMES.len() as u32).filter(|number| self.ambient & (1 << number) != 0) {
            let bit = CapabilitySet::from_bits_retain(1 << number);
            // Ambient needs permitted and inheritable; runc tolerates what the lists cannot give.
            let _ = configure_capability_in_ambient_set(bit, true);
        }
        Ok(())
    }
}

fn known_name(name: &str) -> Option<&'static str> {
    number(name).map(|number| NAMES[number as usize])
}

/// What can be granted at all: in the permitted set of this process, and bounded by it.
fn available() -> Result<u64> {
    let permitted = capabilities(None)
        .step("read own capabilities")?
        .permitted
        .bits();
    let bounding = (0..NAMES.len() as u32)
        .filter(|&number| {
            let bit = CapabilitySet::from_bits_retain(1 << number);
            capability_is_in_bounding_set(bit) == Ok(true)
        })
        .fold(0, |set, number| set | 1 << number);
    Ok(permitted & bounding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_kernels_numbers() {
        for (name, expected) in [
            ("CAP_CHOWN", Some(0)),
            ("cap_sys_admin", Some(21)),
            ("SETFCAP", Some(31)),
            ("CAP_CHECKPOINT_RESTORE", Some(40)),
            ("CAP_NONE", None),
        ] {
            assert_eq!(number(name), expected, "{name}");
        }
    }
}
