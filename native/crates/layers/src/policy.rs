//! What a layer may contain.

/// What happens to setuid and setgid bits of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setuid {
    Allow,
    Strip,
    Refuse,
}

/// Bounds and permissions for one layer.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Most bytes the layer may unpack to, holes of sparse files included.
    pub max_bytes: u64,
    /// Most entries the archive may have.
    pub max_entries: u64,
    pub setuid: Setuid,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            max_bytes: 64 << 30,
            max_entries: 4_000_000,
            setuid: Setuid::Allow,
        }
    }
}

/// Longest entry name and link target in bytes, and the deepest directory.
pub const MAX_NAME_BYTES: usize = 32 * 1024;
pub const MAX_DEPTH: usize = 1024;

/// The harmless character devices (major, minor) that base images carry under /dev: null, zero, full,
/// random, urandom, tty, console and ptmx. Which of them work in a container is the runtime's device policy.
const CHARACTER_DEVICES: [(u32, u32); 8] = [
    (1, 3),
    (1, 5),
    (1, 7),
    (1, 8),
    (1, 9),
    (5, 0),
    (5, 1),
    (5, 2),
];

pub fn is_harmless_device(major: u32, minor: u32) -> bool {
    CHARACTER_DEVICES.contains(&(major, minor))
}

/// What to do with one extended attribute of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XattrVerdict {
    Keep,
    /// Means nothing on this host (labels of another machine's SELinux, say): left out and counted.
    Drop,
    /// Would change how overlayfs sees the layer.
    Refuse,
}

pub fn judge_xattr(name: &[u8]) -> XattrVerdict {
    if name.starts_with(b"trusted.") || name.starts_with(b"user.overlay.") {
        return XattrVerdict::Refuse;
    }
    if name.starts_with(b"user.") || name == b"security.capability" {
        return XattrVerdict::Keep;
    }
    XattrVerdict::Drop
}
