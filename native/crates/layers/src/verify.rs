//! Checks that what the store holds is what its names say.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::refusal::{Refusal, Result};
use crate::store::{Store, TEMPORARY_PREFIX};
use crate::transfer::hex;

#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub blobs: u64,
    /// Names of blobs whose content is something else.
    pub damaged: Vec<String>,
}

/// Hashes every blob.
pub fn verify(store: &Store) -> Result<Report> {
    let mut report = Report::default();
    let entries =
        fs::read_dir(store.blobs_dir()).map_err(|e| Refusal::system("list the blobs", e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Refusal::system("list the blobs", e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(TEMPORARY_PREFIX) {
            continue;
        }
        report.blobs += 1;
        let found = digest(&entry.path()).map_err(|e| Refusal::system("read a blob", e))?;
        if found != name {
            report.damaged.push(name);
        }
    }
    Ok(report)
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}
