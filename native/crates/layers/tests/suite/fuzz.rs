//! Archives by strangers, applied for real: whatever they say, nothing crashes or hangs, and nothing
//! appears, changes or is linked outside of the directory that was to be filled.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use gantry_fuzz::{Fuzz, Random, mutate_bytes};
use gantry_layers::apply::apply;
use gantry_layers::decode::{Decoder, WINDOW_BYTES};
use gantry_layers::policy::{Policy, is_harmless_device};

use crate::support::{Raw, entry, gzip, pax, tar};

/// Where archives that get out would be seen.
const OUTSIDE: &str = "/gantry-fuzz-outside";
const NAMES: [&str; 24] = [
    "a",
    "a/b",
    "a/b/c",
    "link",
    "link/x",
    "link/../x",
    "./a",
    ".",
    "/",
    "..",
    "../canary",
    "a/../../canary",
    "/gantry-fuzz-outside",
    "gantry-fuzz-outside",
    ".wh.a",
    ".wh..wh..opq",
    "a/.wh..",
    ".wh...",
    ".wh.",
    "a//b",
    "a/",
    "dev/null",
    "\u{1f600}",
    "....",
];
/// So many of them are good.
const GOOD_NAMES: usize = 5;
/// Files, directories and links of both kinds are what archives are made of.
const FLAGS: [u8; 14] = *b"00012345505225";

/// A directory to fill, among things that must stay as they are.
struct Yard {
    dir: tempfile::TempDir,
    before: BTreeMap<PathBuf, String>,
}

impl Yard {
    fn new() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.unwrap();
        fs::write(dir.path().join("canary"), "alive").unwrap();
        fs::create_dir_all(dir.path().join("outside/deep")).unwrap();
        fs::write(dir.path().join("outside/file"), "here").unwrap();
        let mut yard = Self {
            dir,
            before: BTreeMap::new(),
        };
        fs::create_dir(yard.target()).unwrap();
        yard.before = yard.surroundings();
        yard
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("target")
    }

    fn refill(&self) -> rustix::fd::OwnedFd {
        let _ = fs::remove_dir_all(self.target());
        fs::create_dir(self.target()).unwrap();
        fs::File::open(self.target()).unwrap().into()
    }

    /// Everything beside the target, with all that could be changed of it.
    fn surroundings(&self) -> BTreeMap<PathBuf, String> {
        let mut seen = BTreeMap::new();
        list(self.dir.path(), &mut |path, meta| {
            let inside = path.starts_with(self.target());
            if !inside {
                let (mode, owner) = (meta.mode(), meta.uid());
                let times = if meta.is_dir() { 0 } else { meta.mtime_nsec() };
                let facts = format!("{mode:o} {owner} {} {} {times}", meta.len(), meta.nlink());
                seen.insert(path.to_owned(), facts);
            }
            !inside
        });
        seen
    }

    fn check(&self) {
        assert_eq!(self.surroundings(), self.before, "the archive got out");
        assert!(!Path::new(OUTSIDE).exists(), "an absolute name got out");
        list(&self.target(), &mut |path, meta| {
            let kind = meta.file_type();
            let (major, minor) = (
                rustix::fs::major(meta.rdev()),
                rustix::fs::minor(meta.rdev()),
            );
            // 0:0 is overlayfs' own mark for what a layer hides.
            let harmless = is_harmless_device(major, minor) || (major, minor) == (0, 0);
            assert!(
                !kind.is_block_device(),
                "a block device at {}",
                path.display()
            );
            assert!(
                !kind.is_char_device() || harmless,
                "{major}:{minor} at {}",
                path.display()
            );
            true
        });
    }
}

/// Walks without following links; `visit` says whether to go down.
fn list(dir: &Path, visit: &mut impl FnMut(&Path, &fs::Metadata) -> bool) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(meta) = fs::symlink_metadata(entry.path()) else {
            continue;
        };
        if visit(&entry.path(), &meta) && meta.is_dir() {
            list(&entry.path(), visit);
        }
    }
}

fn name(random: &mut Random) -> Vec<u8> {
    // Mostly good ones, so that the odd ones meet something that stands already.
    let most = if random.once_in(4) {
        NAMES.len()
    } else {
        GOOD_NAMES
    };
    let name = NAMES[random.below(most)].as_bytes();
    match random.below(40) {
        0 => mutate_bytes(random, name),
        1 => name.repeat(random.below(40)),
        _ => name.to_vec(),
    }
}

fn link(random: &mut Random, yard: &Path) -> Vec<u8> {
    match random.below(8) {
        0 => yard.join("canary").display().to_string().into_bytes(),
        1 => b"../outside/file".to_vec(),
        2 => b"../..".to_vec(),
        3..6 => b"a".to_vec(),
        _ => name(random),
    }
}

fn header(random: &mut Random, yard: &Path) -> Raw {
    let keys = [
        "path",
        "linkpath",
        "size",
        "mtime",
        "uid",
        "SCHILY.xattr.user.a",
    ];
    let more = [
        "GNU.sparse.map",
        "GNU.sparse.major",
        "SCHILY.xattr.trusted.overlay.opaque",
    ];
    let key = if random.once_in(4) {
        *random.pick(&more)
    } else {
        *random.pick(&keys)
    };
    let value = match random.below(3) {
        0 => name(random),
        1 => link(random, yard),
        _ => random
            .pick(&["0", "-1", "1.5", "99999999999999999999", "0,5"])
            .as_bytes()
            .to_vec(),
    };
    pax(&[(key, &value)])
}

fn archive(random: &mut Random, yard: &Path) -> Vec<u8> {
    let mut entries = Vec::new();
    for _ in 0..1 + random.below(6) {
        if random.once_in(12) {
            entries.push(header(random, yard));
        }
        let odd = random.once_in(20).then(|| random.number() as u8);
        let mut raw = entry(odd.unwrap_or(*random.pick(&FLAGS)), "");
        raw.name = name(random);
        raw.link = link(random, yard);
        raw.mode = *random.pick(&[0o644, 0o755, 0o4755, 0o7777, 0, u32::MAX >> 12]);
        raw.device = (random.below(12) as u32, random.below(8) as u32);
        raw.data = vec![b'd'; random.below(700)];
        if random.once_in(10) {
            raw.claimed_size = Some(random.number() >> random.below(64));
        }
        entries.push(raw);
    }
    let whole = tar(&entries);
    if random.once_in(4) {
        return mutate_bytes(random, &whole);
    }
    whole
}

#[test]
fn fuzz_layer_applier() {
    let yard = Yard::new();
    let policy = Policy {
        max_bytes: 1 << 20,
        max_entries: 100,
        ..Policy::default()
    };
    let mut accepted = 0;
    Fuzz {
        name: "layer-applier",
        iterations: 4_000,
    }
    .run(
        |random| archive(random, yard.dir.path()),
        |input| {
            let dir = yard.refill();
            accepted += u64::from(apply(dir, Cursor::new(input), &policy).is_ok());
            yard.check();
        },
    );
    assert!(
        accepted > 100,
        "only {accepted} archives were accepted: they are too odd"
    );
}

/// What comes out of a blob, up to a bound; the bool says whether it was whole.
fn decoded(blob: &[u8]) -> (usize, bool) {
    const MOST: usize = 16 << 20;
    let Ok(mut decoder) = Decoder::detect(blob) else {
        return (0, false);
    };
    let (mut used, mut made) = (0, 0);
    let mut room = vec![0; WINDOW_BYTES + 64 * 1024];
    while made < MOST {
        let Ok(progress) = decoder.step(&blob[used..], &mut room, WINDOW_BYTES) else {
            return (made, false);
        };
        assert!(progress.used <= blob.len() - used && progress.made <= room.len() - WINDOW_BYTES);
        room.copy_within(progress.made..progress.made + WINDOW_BYTES, 0);
        used += progress.used;
        made += progress.made;
        if progress.used == 0 && progress.made == 0 {
            return (made, used == blob.len() && decoder.finish().is_ok());
        }
    }
    (made, false)
}

#[test]
fn fuzz_decompression() {
    let text = b"some text that is worth compressing, compressing ".repeat(50);
    let zstd = zstd::bulk::compress(&text, 3).unwrap();
    let seeds = [
        gzip(&text),
        [gzip(&text), gzip(b"x")].concat(),
        zstd,
        text.clone(),
    ];
    for seed in &seeds {
        assert!(decoded(seed).1, "a good blob was refused");
    }
    Fuzz {
        name: "decompression",
        iterations: 10_000,
    }
    .run(
        |random| {
            let seed = random.pick(&seeds).clone();
            mutate_bytes(random, &seed)
        },
        |input| {
            decoded(input);
        },
    );
}
