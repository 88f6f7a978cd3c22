//! Writes an archive's entries as an overlayfs lower directory.

mod directories;
mod files;
mod nodes;
mod whiteouts;

use std::io::BufRead;
use std::os::fd::OwnedFd;

use serde::Serialize;

use crate::archive::{Archive, Entry, Kind};
use crate::policy::{Policy, Setuid};
use crate::refusal::{Code, Refusal, Result, shown};
use crate::root::{CleanPath, Root};
use directories::Deferred;

/// What a layer turned out to hold; kept beside it as JSON.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    pub entries: u64,
    /// Bytes of regular files, holes included.
    pub unpacked_bytes: u64,
    /// Extended attributes that were left out because they mean nothing on this host.
    pub xattrs_dropped: u64,
    /// The layer hides everything below it.
    pub opaque_root: bool,
    /// Directories that no entry named: they were made as 0755 root, and in an image they should look like
    /// those of the layers below.
    pub implicit_dirs: Vec<String>,
}

/// Applies the whole archive beneath `dir`, which must be empty and used by nobody else.
pub fn apply<R: BufRead>(dir: OwnedFd, input: R, policy: &Policy) -> Result<Contents> {
    let mut archive = Archive::new(input);
    let mut applier = Applier {
        root: Root::new(dir),
        policy,
        deferred: Deferred::default(),
        contents: Contents::default(),
    };
    while let Some(entry) = archive.next_entry()? {
        applier
            .entry(&entry, &mut archive)
            .map_err(|e| e.with_entry(&entry.path))?;
    }
    archive.finish()?;
    applier.finish()
}

struct Applier<'a> {
    root: Root,
    policy: &'a Policy,
    deferred: Deferred,
    contents: Contents,
}

impl Applier<'_> {
    fn entry<R: BufRead>(&mut self, entry: &Entry, archive: &mut Archive<R>) -> Result<()> {
        self.count(entry)?;
        let path = CleanPath::parse(&entry.path)?;
        let Some((parent, name)) = path.split() else {
            return self.root_entry(entry);
        };
        if whiteouts::is_marked(parent.as_bytes()) {
            return Err(whiteouts::invalid("an entry lies below a whiteout"));
        }
        if whiteouts::is_marked(name.as_bytes()) {
            return self.whiteout(&parent, name.as_bytes());
        }
        self.check_mode(entry)?;
        match entry.kind {
            Kind::Directory => self.directory(&path, &parent, &name, entry),
            Kind::File => self.file(&parent, &name, entry, archive),
            Kind::HardLink => self.hard_link(&path, &parent, &name, entry),
            Kind::Symlink => self.symlink(&parent, &name, entry),
            Kind::CharacterDevice | Kind::BlockDevice | Kind::Fifo => {
                self.device(&parent, &name, entry)
            }
            Kind::Other(flag) => Err(Refusal::new(
                Code::EntryTypeUnsupported,
                format!("an entry has the unknown type {:?}", char::from(flag)),
            )),
        }
    }

    fn count(&mut self, entry: &Entry) -> Result<()> {
        self.contents.entries += 1;
        if self.contents.entries > self.policy.max_entries {
            let message = format!("the layer has over {} entries", self.policy.max_entries);
            return Err(Refusal::new(Code::TooManyEntries, message));
        }
        let total = self.contents.unpacked_bytes.saturating_add(entry.size);
        if total > self.policy.max_bytes {
            let message = format!("the layer unpacks to over {} bytes", self.policy.max_bytes);
            return Err(Refusal::new(Code::TooManyBytes, message));
        }
        self.contents.unpacked_bytes = total;
        Ok(())
    }

    fn check_mode(&self, entry: &Entry) -> Result<()> {
        let special = entry.kind == Kind::File && entry.mode & 0o6000 != 0;
        if special && self.policy.setuid == Setuid::Refuse {
            let message = "a file is setuid or setgid, which the policy forbids";
            return Err(Refusal::new(Code::SetuidRefused, message));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Contents> {
        self.deferred.finish(&self.root)?;
        self.contents.implicit_dirs = self
            .root
            .implicit_dirs()
            .iter()
            .filter_map(|path| String::from_utf8(path.as_bytes().to_vec()).ok())
            .collect();
        Ok(self.contents)
    }
}

fn misplaced(path: &[u8]) -> Refusal {
    let message = format!("{} names the root, which is a directory", shown(path));
    Refusal::new(Code::PathInvalid, message)
}
