//! Finds the mounted hierarchies in /proc/self/mountinfo.

use std::path::{Path, PathBuf};

use super::{Cgroup, V1Group};
use crate::error::{Error, Result, Step};
use crate::files;

const CGROUP_ROOT: &str = "/sys/fs/cgroup";

pub fn locate(path: &str) -> Result<Cgroup> {
    let relative = path.trim_matches('/');
    if is_v2_only() {
        let dir = Path::new(CGROUP_ROOT).join(relative);
        return Ok(Cgroup {
            path: path.to_owned(),
            unified: Some(dir),
            v1: Vec::new(),
        });
    }
    let mounts = files::read("/proc/self/mountinfo").step("read /proc/self/mountinfo")?;
    let mut found = parse(&mounts, relative);
    path.clone_into(&mut found.path);
    if found.unified.is_none() && found.v1.is_empty() {
        return Err(Error::new(
            "no cgroup hierarchy is mounted; mount one at /sys/fs/cgroup",
        ));
    }
    Ok(found)
}

fn is_v2_only() -> bool {
    const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;
    rustix::fs::statfs(CGROUP_ROOT).is_ok_and(|fs| fs.f_type == CGROUP2_SUPER_MAGIC)
}

/// Takes the first mount of every hierarchy: later ones are views that someone bound elsewhere.
fn parse(mounts: &str, relative: &str) -> Cgroup {
    let mut found = Cgroup::default();
    for line in mounts.lines() {
        let Some((mount, filesystem)) = line.split_once(" - cgroup") else {
            continue;
        };
        let Some(point) = mount.split(' ').nth(4) else {
            continue;
        };
        let dir = PathBuf::from(point).join(relative);
        if filesystem.starts_with("2 ") {
            found.unified.get_or_insert(dir);
        } else if let Some(controllers) = controllers(filesystem) {
            let known = found
                .v1
                .iter()
                .any(|group| group.controllers == controllers);
            if !known {
                found.v1.push(V1Group { controllers, dir });
            }
        }
    }
    found
}

/// The controllers in the super options, without options that are none: `rw,cpu,cpuacct`.
fn controllers(filesystem: &str) -> Option<String> {
    let options = filesystem.rsplit(' ').next()?;
    let is_controller = |option: &&str| {
        !matches!(
            *option,
            "rw" | "ro" | "xattr" | "noprefix" | "clone_children"
        ) && !option.starts_with("release_agent=")
    };
    let names: Vec<&str> = options.split(',').filter(is_controller).collect();
    (!names.is_empty()).then(|| names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
90 60 0:29 /x /other/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
";

    #[test]
    fn finds_each_hierarchy_once() {
        let found = parse(HYBRID, "gantry/pod");
        assert_eq!(
            found.unified,
            Some("/sys/fs/cgroup/unified/gantry/pod".into())
        );
        let groups: Vec<_> = found
            .v1
            .iter()
            .map(|g| (g.controllers.as_str(), g.dir.to_str().unwrap()))
            .collect();
        assert_eq!(
            groups,
            [
                ("cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/gantry/pod"),
                ("name=systemd", "/sys/fs/cgroup/systemd/gantry/pod"),
            ]
        );
    }

    #[test]
    fn a_tree_without_cgroups_has_none() {
        let found = parse("1 1 0:1 / / rw - ext4 /dev/sda rw", "x");
        assert!(found.unified.is_none() && found.v1.is_empty());
    }
}
