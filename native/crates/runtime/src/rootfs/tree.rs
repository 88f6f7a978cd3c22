//! A root that is a directory of its own, a copy of an image, named by an annotation: `root.path` is only the place
//! where it is mounted, as with an overlay.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use super::{idmap, mount, overlay};
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::Spec;
use crate::sys;

pub const DIRECTORY: &str = "dev.gantry.rootfs.directory";

#[derive(Debug, Eq, PartialEq)]
pub struct Tree(PathBuf);

impl Tree {
    /// Reads the annotation. None when it is not there.
    pub fn of(spec: &Spec) -> Result<Option<Self>> {
        let Some(dir) = spec.annotations.get(DIRECTORY) else {
            return Ok(None);
        };
        if spec.annotations.contains_key(overlay::LOWER) {
            fail!(
                "annotations {DIRECTORY} and {} exclude each other",
                overlay::LOWER
            );
        }
        overlay::absolute(DIRECTORY, dir).map(|path| Some(Tree(path)))
    }

    /// The directory as a detached mount, which nobody else sees and whose attributes are its own.
    pub fn detached(&self) -> Result<OwnedFd> {
        let step = || format!("open {DIRECTORY} {}", self.0.display());
        let tree = mount::clone_tree(&self.0, false).step_with(step)?;
        sys::mount_setattr(tree.as_fd(), false, 0, 0, libc::MS_PRIVATE).step_with(step)?;
        Ok(tree)
    }

    /// The same with owners shifted by `namespace`: on disk every file keeps the owner that the container sees.
    pub fn shifted(&self, namespace: BorrowedFd<'_>) -> Result<OwnedFd> {
        let tree = self.detached()?;
        idmap::shift(tree.as_fd(), false, namespace)
            .step_with(|| format!("{DIRECTORY} {}", self.0.display()))?;
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wants_an_absolute_directory_and_no_layers_beside_it() {
        let parse = |annotations: &[(&str, &str)]| {
            let annotations = annotations
                .iter()
                .map(|(k, v)| (k.to_string(), v.to_string()));
            Tree::of(&Spec {
                annotations: annotations.collect(),
                ..Spec::default()
            })
        };
        assert_eq!(parse(&[]).unwrap(), None);
        assert_eq!(
            parse(&[(DIRECTORY, "/copy")]).unwrap(),
            Some(Tree("/copy".into()))
        );
        assert!(parse(&[(DIRECTORY, "copy")]).is_err());
        assert!(parse(&[(DIRECTORY, "/copy"), (overlay::LOWER, "/layer")]).is_err());
    }
}
