//! Id-mapped mounts: files whose owners are shifted by a user namespace on their way, without a
//! change on disk. Only the host's root may make them, so all of it happens in the parent.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::options::Options;
use crate::container::channel::Channel;
use crate::container::namespaces;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{IdMapping, Mount, NamespaceKind};
use crate::sys::{self, Cloned};

/// How one mount is to be mapped.
#[derive(Debug, Eq, PartialEq)]
enum Wish<'a> {
    /// By the container's own user namespace.
    Container,
    /// By mappings of its own.
    Own(&'a [IdMapping], &'a [IdMapping]),
}

/// A wish, and whether the mounts below follow.
fn wish(mount: &Mount) -> Option<(Wish<'_>, bool)> {
    let option = Options::parse(&mount.options).idmap;
    if !mount.uid_mappings.is_empty() {
        let own = Wish::Own(&mount.uid_mappings, &mount.gid_mappings);
        return Some((own, option.unwrap_or(false)));
    }
    option.map(|recursive| (Wish::Container, recursive))
}

/// Whether any mount asks for a mapping.
pub fn is_wanted(mounts: &[Mount]) -> bool {
    mounts.iter().any(|mount| wish(mount).is_some())
}

/// Refuses what can be known to be wrong. `user_namespace` says that the container has one.
pub fn validate(mounts: &[Mount], user_namespace: bool) -> Result<()> {
    for (index, mount) in mounts.iter().enumerate() {
        let place = || format!("mounts[{index}] ({})", mount.destination);
        if mount.uid_mappings.is_empty() != mount.gid_mappings.is_empty() {
            fail!("{}: uidMappings and gidMappings belong together", place());
        }
        let Some((wish, _)) = wish(mount) else {
            continue;
        };
        if !super::mount::is_bind(mount) {
            fail!("{}: only bind mounts can be id-mapped", place());
        }
        if wish == Wish::Container && !user_namespace {
            fail!(
                "{}: idmap without uidMappings and gidMappings means those of the container's user \
                 namespace, of which linux.namespaces has none",
                place()
            );
        }
    }
    Ok(())
}

/// Maps the opened sources that ask for it. They are detached, so nobody has seen them unmapped.
pub fn apply(
    mounts: &[Mount],
    sources: &[Option<OwnedFd>],
    container: Option<BorrowedFd<'_>>,
) -> Result<()> {
    for (mount, source) in mounts.iter().zip(sources) {
        let (Some((wish, recursive)), Some(source)) = (wish(mount), source) else {
            continue;
        };
        let step = || format!("id-map the source of {}", mount.destination);
        let made;
        let namespace = match (wish, container) {
            (Wish::Own(uids, gids), _) => {
                made = namespace_of(uids, gids).step_with(step)?;
                made.as_fd()
            }
            (Wish::Container, Some(container)) => container,
            (Wish::Container, None) => fail!("{}: there is no user namespace", step()),
        };
        shift(source.as_fd(), recursive, namespace).step_with(step)?;
    }
    Ok(())
}

/// Shows the files of a detached mount with the owners that `namespace` gives them.
pub fn shift(mount: BorrowedFd<'_>, recursive: bool, namespace: BorrowedFd<'_>) -> Result<()> {
    let idmap = libc::MOUNT_ATTR_IDMAP;
    sys::mount_setattr_full(mount, recursive, idmap, 0, 0, Some(namespace)).map_err(|error| {
        let hint = match error.raw_os_error() {
            Some(libc::EINVAL) => "; its file system takes no id mapping",
            Some(libc::EPERM) => "; it is id-mapped already, or not ours to map",
            _ => "",
        };
        crate::error::Error::new(format!("set the id mapping: {error}{hint}"))
    })
}

/// A user namespace that exists for its mappings alone. Its one process ends with the call, and
/// also when the caller is killed meanwhile.
fn namespace_of(uids: &[IdMapping], gids: &[IdMapping]) -> Result<OwnedFd> {
    let (ours, theirs) = Channel::pair()?;
    let flags = libc::CLONE_NEWUSER as u64;
    match sys::clone3(flags, None, false).step("clone a process for its user namespace")? {
        Cloned::Child => {
            drop(ours);
            let _ = theirs.receive();
            std::process::exit(0)
        }
        Cloned::Parent { pid, pidfd } => {
            let namespace = namespaces::map_users(pid, uids, gids)
                .and_then(|()| namespaces::of_process(pid, NamespaceKind::User));
            drop((ours, theirs));
            crate::container::undo::reap(&pidfd);
            namespace
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(options: &str, mapped: bool) -> Mount {
        let mapping = IdMapping {
            container_id: 0,
            host_id: 1000,
            size: 1,
        };
        let mappings = if mapped { vec![mapping] } else { Vec::new() };
        Mount {
            destination: "/volume".to_owned(),
            source: Some("/tmp".to_owned()),
            options: options.split(' ').map(str::to_owned).collect(),
            uid_mappings: mappings.clone(),
            gid_mappings: mappings,
            ..Mount::default()
        }
    }

    #[test]
    fn a_mapping_needs_a_namespace_or_mappings_and_a_bind_mount() {
        for (options, mapped, user_namespace, word) in [
            ("bind idmap", false, true, ""),
            ("bind idmap", true, false, ""),
            ("rbind ridmap", true, true, ""),
            ("bind", true, false, ""),
            ("bind idmap", false, false, "user namespace"),
            ("mode=755 idmap", false, true, "only bind mounts"),
            ("mode=755", true, true, "only bind mounts"),
        ] {
            let answer = validate(&[mount(options, mapped)], user_namespace);
            match word {
                "" => answer.unwrap(),
                word => assert!(answer.unwrap_err().to_string().contains(word), "{options}"),
            }
        }
        let mut half = mount("bind", true);
        half.gid_mappings.clear();
        assert!(validate(&[half], true).is_err());
    }

    #[test]
    fn the_last_of_idmap_and_ridmap_says_whether_those_below_follow() {
        assert_eq!(
            wish(&mount("bind idmap ridmap", false)),
            Some((Wish::Container, true))
        );
        assert_eq!(wish(&mount("bind", false)), None);
    }
}
