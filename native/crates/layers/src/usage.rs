//! What trees take on disk, for the limits of containers and volumes. They are walked while containers write in
//! them: what vanishes meanwhile does not count, links are not followed, and a file with several names counts once.

use std::collections::HashSet;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};

use crate::refusal::{Code, Refusal, Result};
use crate::root::{CleanPath, open_beneath};
use crate::store::open_dir;

/// Bounds of one question: bytes of its JSON, and entries looked at for each tree. What lies beyond them counts
/// nothing, so a container that has more files is judged by the first of them.
const MAX_QUESTION_BYTES: u64 = 16 << 20;
const MAX_ENTRIES: usize = 4_000_000;
/// The unit of `st_blocks`, whatever the file system's own blocks are.
const BLOCK_BYTES: u64 = 512;

/// Bytes for each path of the JSON array that `input` holds; 0 for what is not there.
pub fn usage(input: impl Read) -> Result<Vec<u64>> {
    Ok(paths(input)?.iter().map(|path| own_bytes(path)).collect())
}

/// The JSON array of paths that a question holds.
pub fn paths(input: impl Read) -> Result<Vec<PathBuf>> {
    serde_json::from_reader(input.take(MAX_QUESTION_BYTES))
        .map_err(|e| Refusal::new(Code::Usage, format!("read the list of paths: {e}")))
}

/// What was written since, where the tree is a copy.
fn own_bytes(path: &Path) -> u64 {
    let image = std::fs::read_to_string(image_share(path)).ok();
    let image: u64 = image.and_then(|text| text.parse().ok()).unwrap_or(0);
    tree_bytes(path).saturating_sub(image)
}

/// Tells of a tree that is a copy how much of it came from the image, in bytes: a container does not answer for that.
/// It lies beside the tree, where no container writes.
pub fn image_share(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".image-bytes");
    name.into()
}

/// What everything below the path takes on disk.
pub fn tree_bytes(path: &Path) -> u64 {
    let Ok(root) = open_dir(path) else { return 0 };
    let mut walk = Walk::default();
    walk.pending.extend(CleanPath::parse(b""));
    while let Some(dir) = walk.pending.pop() {
        let opened = open_beneath(root.as_fd(), dir.as_bytes());
        if let Ok(opened) = opened {
            walk.directory(&opened, &dir);
        }
    }
    walk.bytes
}

#[derive(Default)]
struct Walk {
    pending: Vec<CleanPath>,
    /// Files with several names, by device and inode.
    linked: HashSet<(u64, u64)>,
    entries: usize,
    bytes: u64,
}

impl Walk {
    fn directory(&mut self, dir: &OwnedFd, path: &CleanPath) {
        let Ok(listing) = Dir::read_from(dir) else {
            return;
        };
        for entry in listing.flatten() {
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                self.pending.clear();
                return;
            }
            let Ok(stat) = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            self.count(&stat);
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                self.pending.push(path.child(name.to_bytes()));
            }
        }
    }

    fn count(&mut self, stat: &Stat) {
        let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let seen = !is_dir && stat.st_nlink > 1 && !self.linked.insert((stat.st_dev, stat.st_ino));
        if !seen {
            self.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * BLOCK_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn counts_what_is_there_once_and_follows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("a/b/c")).unwrap();
        let empty = tree_bytes(dir.path());
        fs::write(at("a/b/c/file"), vec![1; 100_000]).unwrap();
        let one = tree_bytes(dir.path());
        assert!(
            (100_000..120_000).contains(&(one - empty)),
            "{one} - {empty}"
        );
        fs::hard_link(at("a/b/c/file"), at("a/linked")).unwrap();
        symlink("/usr", at("a/usr")).unwrap();
        fs::File::create(at("sparse"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        assert!(tree_bytes(dir.path()) - one <= 4096);
    }

    #[test]
    fn counts_below_any_depth() {
        let dir = tempfile::tempdir().unwrap();
        let name = "d".repeat(200);
        let mut at = open_dir(dir.path()).unwrap();
        for _ in 0..60 {
            rustix::fs::mkdirat(&at, &name, 0o755.into()).unwrap();
            at = open_beneath(at.as_fd(), name.as_bytes()).unwrap();
        }
        let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
        let file = rustix::fs::openat(&at, "deep", flags, 0o644.into()).unwrap();
        rustix::io::write(&file, &[1; 50_000]).unwrap();
        assert!(tree_bytes(dir.path()) >= 50_000);
    }

    #[test]
    fn a_copy_answers_for_what_came_on_top_only() {
        let dir = tempfile::tempdir().unwrap();
        let layer = dir.path().join("layer");
        fs::create_dir(&layer).unwrap();
        fs::write(layer.join("image"), vec![1; 50_000]).unwrap();
        fs::write(image_share(&layer), tree_bytes(&layer).to_string()).unwrap();
        assert_eq!(own_bytes(&layer), 0);
        // A name within the tree is the container's, and counts for nothing but its size.
        fs::write(layer.join(".image-bytes"), "1000000").unwrap();
        fs::write(layer.join("own"), vec![1; 20_000]).unwrap();
        assert!((20_000..40_000).contains(&own_bytes(&layer)));
        fs::remove_file(layer.join("image")).unwrap();
        assert_eq!(own_bytes(&layer), 0);
    }

    #[test]
    fn answers_in_order_also_for_what_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), vec![1; 5000]).unwrap();
        let question = serde_json::to_vec(&["/no/such", dir.path().to_str().unwrap()]).unwrap();
        let answer = usage(question.as_slice()).unwrap();
        assert_eq!(answer[0], 0);
        assert!(answer[1] >= 5000);
        assert!(usage(&b"{"[..]).is_err());
    }
}
