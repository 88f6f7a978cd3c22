//! Regular files and hard links.

use std::ffi::CStr;
use std::io::BufRead;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, ftruncate, linkat, openat};
use rustix::io::{Errno, pwrite, write};

use super::Applier;
use super::directories::{set_owner, set_times};
use crate::archive::{Archive, Entry, Span};
use crate::policy::Setuid;
use crate::refusal::{Code, Refusal, Result, shown};
use crate::remove::remove_at;
use crate::root::CleanPath;

impl Applier<'_> {
    pub(super) fn file<R: BufRead>(
        &mut self,
        parent: &CleanPath,
        name: &CStr,
        entry: &Entry,
        archive: &mut Archive<R>,
    ) -> Result<()> {
        let parent_fd = self.root.make_dirs(parent)?;
        let mode = self.file_mode(entry);
        let fd = self.create(&parent_fd, name, mode)?;
        match &entry.spans {
            Some(spans) => write_sparse(&fd, spans, entry.size, archive)?,
            None => write_whole(&fd, archive)?,
        }
        set_owner(&fd, entry, false)?;
        if mode & 0o6000 != 0 {
            // Setting the owner has cleared these bits.
            fchmod(&fd, Mode::from_raw_mode(mode))
                .map_err(|e| Refusal::system("set a file's mode", e))?;
        }
        if !entry.xattrs.is_empty() {
            self.set_xattrs(&fd, entry)?;
        }
        set_times(&fd, entry.mtime)
    }

    fn file_mode(&self, entry: &Entry) -> u32 {
        if self.policy.setuid == Setuid::Strip {
            entry.mode & !0o6000
        } else {
            entry.mode
        }
    }

    fn create(&mut self, parent: &OwnedFd, name: &CStr, mode: u32) -> Result<OwnedFd> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let open = || openat(parent, name, flags, Mode::from_raw_mode(mode));
        let opened = match open() {
            Err(Errno::EXIST) => {
                self.clear(parent, name)?;
                open()
            }
            other => other,
        };
        opened.map_err(|e| Refusal::system("create a file", e))
    }

    /// Takes away what an earlier entry put at this name.
    pub(super) fn clear(&mut self, parent: &OwnedFd, name: &CStr) -> Result<()> {
        self.root.forget();
        remove_at(parent, name)
    }

    pub(super) fn hard_link(
        &mut self,
        path: &CleanPath,
        parent: &CleanPath,
        name: &CStr,
        entry: &Entry,
    ) -> Result<()> {
        let target = CleanPath::parse(&entry.link).map_err(|e| leaving(e, &entry.link))?;
        if target == *path {
            return Ok(());
        }
        let parent_fd = self.root.make_dirs(parent)?;
        let (target_parent, target_name) = target.split().ok_or_else(|| missing(&entry.link))?;
        let target_fd = self
            .root
            .open_dir(&target_parent)?
            .ok_or_else(|| missing(&entry.link))?;
        // Without AT_SYMLINK_FOLLOW a link to a symlink links the symlink, never what it points to.
        let link = || linkat(&target_fd, &target_name, &parent_fd, name, AtFlags::empty());
        let linked = match link() {
            Err(Errno::EXIST) => {
                self.clear(&parent_fd, name)?;
                link()
            }
            other => other,
        };
        linked.map_err(|e| match e {
            Errno::NOENT => missing(&entry.link),
            other => Refusal::system(&format!("link to {}", shown(&entry.link)), other),
        })
    }
}

fn missing(target: &[u8]) -> Refusal {
    let message = format!("a hard link's target {} is not in the layer", shown(target));
    Refusal::new(Code::LinkTargetMissing, message)
}

fn leaving(refusal: Refusal, target: &[u8]) -> Refusal {
    match refusal.code {
        Code::PathAbsolute | Code::PathEscapes => {
            let message = format!("a hard link to {} leaves the layer", shown(target));
            Refusal::new(Code::LinkEscapes, message)
        }
        _ => refusal,
    }
}

fn written(result: rustix::io::Result<usize>) -> Result<usize> {
    match result {
        Ok(0) => Err(Refusal::new(Code::Io, "write a file: nothing was taken")),
        Ok(count) => Ok(count),
        Err(e) => Err(Refusal::system("write a file", e)),
    }
}

fn write_whole<R: BufRead>(fd: &OwnedFd, archive: &mut Archive<R>) -> Result<()> {
    loop {
        let piece = archive.data()?;
        if piece.is_empty() {
            return Ok(());
        }
        let count = written(write(fd, piece))?;
        archive.consume(count);
    }
}

fn write_sparse<R: BufRead>(
    fd: &OwnedFd,
    spans: &[Span],
    size: u64,
    archive: &mut Archive<R>,
) -> Result<()> {
    for span in spans {
        let mut done = 0;
        while done < span.length {
            let piece = archive.data()?;
            if piece.is_empty() {
                return Err(Refusal::new(
                    Code::CorruptArchive,
                    "a sparse file's data is short",
                ));
            }
            let most = piece
                .len()
                .min(usize::try_from(span.length - done).unwrap_or(usize::MAX));
            let count = written(pwrite(fd, &piece[..most], span.offset + done))?;
            archive.consume(count);
            done += count as u64;
        }
    }
    ftruncate(fd, size).map_err(|e| Refusal::system("set a sparse file's size", e))
}
