//! Archives by hand, and runs of the real program on them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gantry_layers::transfer::hex;
use sha2::{Digest, Sha256};

/// One raw entry; nothing of it is checked.
#[derive(Clone, Default)]
pub struct Raw {
    pub name: Vec<u8>,
    pub flag: u8,
    pub data: Vec<u8>,
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub mtime: u64,
    pub device: (u32, u32),
    pub claimed_size: Option<u64>,
}

pub fn entry(flag: u8, name: &str) -> Raw {
    Raw {
        name: name.into(),
        flag,
        mode: 0o644,
        ..Raw::default()
    }
}

pub fn file(name: &str, data: &str) -> Raw {
    Raw {
        data: data.into(),
        ..entry(b'0', name)
    }
}

pub fn dir(name: &str) -> Raw {
    Raw {
        mode: 0o755,
        ..entry(b'5', name)
    }
}

pub fn symlink(name: &str, target: &str) -> Raw {
    Raw {
        link: target.into(),
        ..entry(b'2', name)
    }
}

pub fn hard_link(name: &str, target: &str) -> Raw {
    Raw {
        link: target.into(),
        ..entry(b'1', name)
    }
}

pub fn device(flag: u8, name: &str, major: u32, minor: u32) -> Raw {
    Raw {
        device: (major, minor),
        ..entry(flag, name)
    }
}

/// A PAX header for the entry that follows.
pub fn pax(records: &[(&str, &[u8])]) -> Raw {
    let data = records
        .iter()
        .flat_map(|(key, value)| pax_record(key, value))
        .collect();
    Raw {
        data,
        ..entry(b'x', "pax")
    }
}

fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = rest.len() + 1;
    while length.to_string().len() + rest.len() != length {
        length = length.to_string().len() + rest.len();
    }
    [length.to_string().as_bytes(), &rest].concat()
}

impl Raw {
    pub fn header(&self) -> [u8; 512] {
        let mut block = [0; 512];
        let put = |block: &mut [u8; 512], at: usize, bytes: &[u8], most: usize| {
            let count = bytes.len().min(most);
            block[at..at + count].copy_from_slice(&bytes[..count]);
        };
        let octal = |value: u64, width: usize| format!("{value:0width$o}\0").into_bytes();
        put(&mut block, 0, &self.name, 100);
        put(&mut block, 100, &octal(self.mode.into(), 7), 8);
        put(&mut block, 108, &octal(self.uid.into(), 7), 8);
        put(&mut block, 116, &octal(self.uid.into(), 7), 8);
        let size = self.claimed_size.unwrap_or(self.data.len() as u64);
        put(&mut block, 124, &octal(size, 11), 12);
        put(&mut block, 136, &octal(self.mtime, 11), 12);
        put(&mut block, 148, b"        ", 8);
        block[156] = self.flag;
        put(&mut block, 157, &self.link, 100);
        put(&mut block, 257, b"ustar\x0000", 8);
        put(&mut block, 329, &octal(self.device.0.into(), 7), 8);
        put(&mut block, 337, &octal(self.device.1.into(), 7), 8);
        seal(&mut block);
        block
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header().to_vec();
        bytes.extend_from_slice(&self.data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

/// Sets the checksum.
pub fn seal(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub fn tar(entries: &[Raw]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Raw::bytes).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub fn sha256(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// A store in a directory that goes with the test.
pub struct TestStore {
    dir: tempfile::TempDir,
}

impl TestStore {
    pub fn new() -> Self {
        TestStore {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn run(&self, command: &str, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gantry-layers"))
            .args([command, "--store"])
            .arg(self.dir.path())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses early closes its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    /// Applies a blob under its true names, with further arguments.
    pub fn apply(&self, blob: &[u8], archive: &[u8], more: &[&str]) -> Output {
        let names = [sha256(blob), sha256(archive)].map(|name| format!("sha256:{name}"));
        let size = blob.len().to_string();
        let args = [
            "--digest",
            &names[0],
            "--diff-id",
            &names[1],
            "--size",
            &size,
        ];
        self.run("apply", &[&args[..], more].concat(), blob)
    }

    /// Applies a plain archive that must be accepted; returns its directory.
    pub fn accept(&self, archive: &[u8]) -> PathBuf {
        let output = self.apply(archive, archive, &[]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.layer(archive)
    }

    pub fn layer(&self, archive: &[u8]) -> PathBuf {
        self.path("layers/sha256").join(sha256(archive)).join("fs")
    }

    /// Every name below the store's content directories.
    pub fn leftovers(&self) -> Vec<String> {
        [
            "blobs/sha256",
            "layers/sha256",
            "ingest",
            "trash",
            "unsynced",
        ]
        .iter()
        .flat_map(|part| fs::read_dir(self.path(part)).into_iter().flatten())
        .map(|found| found.unwrap().path().display().to_string())
        .collect()
    }
}

/// The refusal's code and whole text.
pub fn refusal(output: &Output) -> (String, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "accepted, or died: {text}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    (value["code"].as_str().unwrap().to_owned(), text)
}

pub fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let size = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(size);
    Some(value)
}
