//! Mount options of config.json, sorted into what the kernel takes in different calls.

use libc::{
    MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME,
    MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_STRICTATIME,
};

/// Attributes to set and to clear on one mount.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Attributes {
    pub set: u64,
    pub clear: u64,
}

#[derive(Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// `bind`, or `rbind` when recursive.
    pub bind: bool,
    pub recursive: bool,
    /// For this mount alone, and for the whole tree below it (`rro` and the like).
    pub attributes: Attributes,
    pub recursive_attributes: Attributes,
    /// `MS_SHARED` and so on, and whether the tree below follows.
    pub propagation: Option<(u64, bool)>,
    /// Copies up what the image has in the place of a tmpfs.
    pub copy_up: bool,
    /// `idmap` or `ridmap`.
    pub idmap: Option<bool>,
    /// The file system's own options.
    pub data: Vec<String>,
    /// The superblock itself is read-only (`ro` on a file system that is not bound).
    pub readonly: bool,
}

impl Options {
    pub fn parse(options: &[String]) -> Self {
        let mut parsed = Self::default();
        for option in options {
            parsed.take(option);
        }
        parsed
    }

    fn take(&mut self, option: &str) {
        match option {
            "defaults" | "async" | "silent" | "loud" | "mand" | "nomand" | "" => {}
            "bind" => self.bind = true,
            "rbind" => (self.bind, self.recursive) = (true, true),
            "tmpcopyup" => self.copy_up = true,
            "idmap" => self.idmap = Some(false),
            "ridmap" => self.idmap = Some(true),
            "copy-symlink" | "nofail" | "_netdev" => {}
            _ => self.take_propagation(option),
        }
    }

    fn take_propagation(&mut self, option: &str) {
        let (name, recursive) = match option.strip_prefix('r') {
            Some(name) if propagation(name).is_some() => (name, true),
            _ => (option, false),
        };
        match propagation(name) {
            Some(flag) => self.propagation = Some((flag, recursive)),
            None => self.take_attribute(option),
        }
    }

    fn take_attribute(&mut self, option: &str) {
        if let Some(name) = option.strip_prefix('r')
            && let Some((set, clear)) = attribute(name)
        {
            return apply(&mut self.recursive_attributes, set, clear);
        }
        if let Some((set, clear)) = attribute(option) {
            if option == "ro" || option == "rw" {
                self.readonly = option == "ro";
            }
            return apply(&mut self.attributes, set, clear);
        }
        self.data.push(option.to_owned());
    }
}

fn apply(attributes: &mut Attributes, set: u64, clear: u64) {
    attributes.set = attributes.set & !clear | set;
    attributes.clear = attributes.clear & !set | clear;
}

fn propagation(name: &str) -> Option<u64> {
    match name {
        "private" => Some(libc::MS_PRIVATE),
        "shared" => Some(libc::MS_SHARED),
        "slave" => Some(libc::MS_SLAVE),
        "unbindable" => Some(libc::MS_UNBINDABLE),
        _ => None,
    }
}

/// What an option sets and clears. Access-time modes are one field, cleared as a whole.
fn attribute(name: &str) -> Option<(u64, u64)> {
    Some(match name {
        "ro" => (MOUNT_ATTR_RDONLY, 0),
        "rw" => (0, MOUNT_ATTR_RDONLY),
        "nosuid" => (MOUNT_ATTR_NOSUID, 0),
        "suid" => (0, MOUNT_ATTR_NOSUID),
        "nodev" => (MOUNT_ATTR_NODEV, 0),
        "dev" => (0, MOUNT_ATTR_NODEV),
        "noexec" => (MOUNT_ATTR_NOEXEC, 0),
        "exec" => (0, MOUNT_ATTR_NOEXEC),
        "nodiratime" => (MOUNT_ATTR_NODIRATIME, 0),
        "diratime" => (0, MOUNT_ATTR_NODIRATIME),
        "nosymfollow" => (MOUNT_ATTR_NOSYMFOLLOW, 0),
        "symfollow" => (0, MOUNT_ATTR_NOSYMFOLLOW),
        "noatime" => (MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME & !MOUNT_ATTR_NOATIME),
        "strictatime" => (
            MOUNT_ATTR_STRICTATIME,
            MOUNT_ATTR__ATIME & !MOUNT_ATTR_STRICTATIME,
        ),
        "relatime" | "atime" | "norelatime" | "nostrictatime" => (0, MOUNT_ATTR__ATIME),
        _ => return None,
    })
}

impl Attributes {
    /// What mount_setattr wants: whoever sets an access-time mode must clear the whole field.
    pub fn for_setattr(self) -> (u64, u64) {
        let times = MOUNT_ATTR__ATIME & (self.set | self.clear);
        let clear = if times == 0 {
            self.clear
        } else {
            self.clear | MOUNT_ATTR__ATIME
        };
        (self.set, clear)
    }

    pub fn is_empty(self) -> bool {
        self.set == 0 && self.clear == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &str) -> Options {
        Options::parse(&options.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn sorts_options() {
        let options = parse("rbind rprivate rro nosuid size=64k mode=755 nodev");
        assert!(options.bind && options.recursive);
        assert_eq!(options.propagation, Some((libc::MS_PRIVATE, true)));
        assert_eq!(options.recursive_attributes.set, MOUNT_ATTR_RDONLY);
        assert_eq!(options.attributes.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        assert_eq!(options.data, ["size=64k", "mode=755"]);
    }

    #[test]
    fn the_last_of_two_opposites_wins() {
        let options = parse("ro rw noexec exec");
        assert_eq!(options.attributes.set, 0);
        assert_eq!(
            options.attributes.clear,
            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC
        );
        assert!(!options.readonly);
    }

    #[test]
    fn relatime_is_an_attribute_not_a_recursive_one() {
        let options = parse("relatime");
        assert!(options.data.is_empty() && options.recursive_attributes.is_empty());
        assert_eq!(options.attributes.for_setattr(), (0, MOUNT_ATTR__ATIME));
    }
}
