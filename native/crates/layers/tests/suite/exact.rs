//! Archives that must come out exactly as they say.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::support::*;

#[test]
fn owners_modes_times_and_links() {
    let store = TestStore::new();
    let archive = tar(&[
        Raw {
            mode: 0o2750,
            uid: 5,
            mtime: 1000,
            ..dir("d/")
        },
        Raw {
            mode: 0o4711,
            uid: 6,
            mtime: 2000,
            ..file("d/f", "text")
        },
        hard_link("d/h", "d/f"),
        Raw {
            uid: 7,
            mtime: 3000,
            ..symlink("d/s", "/absolute/../target")
        },
        device(b'3', "null", 1, 3),
        entry(b'6', "fifo"),
    ]);
    let fs_dir = store.accept(&archive);
    let of = |name: &str| fs::symlink_metadata(fs_dir.join(name)).unwrap();
    let seen = |name: &str| (of(name).mode() & 0o7777, of(name).uid(), of(name).mtime());
    assert_eq!(seen("d"), (0o2750, 5, 1000));
    assert_eq!(seen("d/f"), (0o4711, 6, 2000));
    assert_eq!(of("d/h").ino(), of("d/f").ino());
    assert_eq!((of("d/s").uid(), of("d/s").mtime()), (7, 3000));
    assert_eq!(
        fs::read_link(fs_dir.join("d/s")).unwrap().to_str(),
        Some("/absolute/../target")
    );
    assert!(of("null").file_type().is_char_device() && of("fifo").file_type().is_fifo());
    assert_eq!(of("null").mode() & 0o777, 0o644);
    assert_eq!(fs::read_to_string(fs_dir.join("d/h")).unwrap(), "text");
}

#[test]
fn the_last_entry_of_a_name_wins() {
    let store = TestStore::new();
    let fs_dir = store.accept(&tar(&[
        file("a", "first"),
        file("a", "second"),
        dir("b/"),
        file("b/inner", ""),
        file("b", "now a file"),
        symlink("c", "a"),
        file("c", "no longer a link"),
        symlink("e", "a"),
        Raw {
            mode: 0o700,
            ..dir("e/")
        },
    ]));
    let read = |name: &str| fs::read_to_string(fs_dir.join(name)).unwrap();
    assert_eq!(
        [read("a"), read("b"), read("c")],
        ["second", "now a file", "no longer a link"]
    );
    assert!(fs::symlink_metadata(fs_dir.join("e")).unwrap().is_dir());
}

#[test]
fn whiteouts_as_overlayfs_has_them() {
    let store = TestStore::new();
    let archive = tar(&[
        file("gone/.wh.file", ""),
        file("full/.wh..wh..opq", ""),
        file("full/new", ""),
        file(".wh.replaced", ""),
        dir("replaced/"),
        file("kept", "own"),
        file(".wh.kept", ""),
        file(".wh..wh.plnk", ""),
        file("lower/opq/.wh..wh..opq", ""),
    ]);
    let fs_dir = store.accept(&archive);
    let whiteout = fs::symlink_metadata(fs_dir.join("gone/file")).unwrap();
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    let opaque = |name: &str| xattr(&fs_dir.join(name), "trusted.overlay.opaque");
    assert_eq!(opaque("full"), Some(b"y".to_vec()));
    assert_eq!(opaque("replaced"), Some(b"y".to_vec()));
    assert_eq!(opaque("gone"), None);
    assert_eq!(fs::read_to_string(fs_dir.join("kept")).unwrap(), "own");
    assert!(!fs_dir.join(".wh..wh.plnk").exists());
    let record = fs::read_to_string(fs_dir.join("../layer.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let implicit = ["", "full", "gone", "lower", "lower/opq"];
    assert_eq!(record["implicitDirs"], serde_json::json!(implicit));
    assert_eq!(record["opaqueRoot"], false);
}

#[test]
fn attributes_that_are_allowed() {
    let store = TestStore::new();
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let archive = tar(&[
        pax(&[
            ("SCHILY.xattr.user.note", b"kept"),
            ("SCHILY.xattr.security.capability", capability),
            ("SCHILY.xattr.security.selinux", b"dropped"),
            ("mtime", b"1234.5"),
        ]),
        file("f", ""),
    ]);
    let fs_dir = store.accept(&archive);
    let path = fs_dir.join("f");
    assert_eq!(xattr(&path, "user.note"), Some(b"kept".to_vec()));
    assert_eq!(
        xattr(&path, "security.capability"),
        Some(capability.to_vec())
    );
    let meta = fs::metadata(&path).unwrap();
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (1234, 500_000_000));
    let record = fs::read_to_string(fs_dir.join("../layer.json")).unwrap();
    assert!(record.contains("\"xattrsDropped\":1"));
}

#[test]
fn very_long_names() {
    let store = TestStore::new();
    let gnu = ["g".repeat(200), "h".repeat(90)].join("/");
    let pax_name = vec!["p".repeat(250); 40].join("/");
    let archive = tar(&[
        Raw {
            data: [gnu.as_bytes(), b"\0"].concat(),
            ..entry(b'L', "././@LongLink")
        },
        file("cut", "gnu"),
        pax(&[("path", pax_name.as_bytes())]),
        file("cut", "pax"),
        pax(&[("linkpath", gnu.as_bytes())]),
        hard_link("linked", "cut"),
    ]);
    let fs_dir = store.accept(&archive);
    assert_eq!(fs::read_to_string(fs_dir.join(&gnu)).unwrap(), "gnu");
    assert_eq!(fs::read_to_string(fs_dir.join("linked")).unwrap(), "gnu");
    // Its path is longer than the kernel takes at once, so a program that walks it has to look.
    let found = std::process::Command::new("find")
        .arg(&fs_dir)
        .args([
            "-type",
            "f",
            "-name",
            &"p".repeat(250),
            "-size",
            "3c",
            "-printf",
            "%d",
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "40");
}

#[test]
fn sparse_files_in_every_format() {
    let data = "0123456789";
    let size = 1_000_000u64;
    let mut map = b"2\n0\n5\n900000\n5\n".to_vec();
    map.resize(512, 0);
    let v1 = [
        pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"v1.0"),
            ("GNU.sparse.realsize", b"1000000"),
        ]),
        Raw {
            data: [&map[..], data.as_bytes()].concat(),
            ..file("x", "")
        },
    ];
    let v01 = [
        pax(&[
            ("GNU.sparse.map", b"0,5,900000,5"),
            ("GNU.sparse.size", b"1000000"),
            ("GNU.sparse.name", b"v0.1"),
        ]),
        file("x", data),
    ];
    let v00 = [
        pax(&[
            ("GNU.sparse.size", b"1000000"),
            ("GNU.sparse.numblocks", b"2"),
            ("GNU.sparse.offset", b"0"),
            ("GNU.sparse.numbytes", b"5"),
            ("GNU.sparse.offset", b"900000"),
            ("GNU.sparse.numbytes", b"5"),
        ]),
        file("v0.0", data),
    ];
    let entries = [v1, v01, v00].concat();
    let mut archive: Vec<u8> = entries.iter().flat_map(Raw::bytes).collect();
    archive.extend(old_gnu_sparse(data));
    archive.resize(archive.len() + 1024, 0);
    let store = TestStore::new();
    let fs_dir = store.accept(&archive);
    for name in ["v1.0", "v0.1", "v0.0", "gnu"] {
        let content = fs::read(fs_dir.join(name)).unwrap();
        assert_eq!(content.len() as u64, size, "{name}");
        assert_eq!(
            (&content[..5], &content[900_000..900_005]),
            (&b"01234"[..], &b"56789"[..])
        );
        assert!(content[5..900_000].iter().all(|&b| b == 0), "{name}");
        let blocks = fs::metadata(fs_dir.join(name)).unwrap().blocks();
        assert!(blocks * 512 < size / 2, "{name} has its hole");
    }
}

fn old_gnu_sparse(data: &str) -> Vec<u8> {
    let mut block = Raw {
        data: data.into(),
        ..entry(b'S', "gnu")
    }
    .header();
    block[257..265].copy_from_slice(b"ustar  \0");
    let field = |value: u64| format!("{value:011o}\0").into_bytes();
    for (at, value) in [
        (386, 0),
        (398, 5),
        (410, 900_000),
        (422, 5),
        (483, 1_000_000),
    ] {
        block[at..at + 12].copy_from_slice(&field(value));
    }
    seal(&mut block);
    let mut bytes = [&block[..], data.as_bytes()].concat();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

#[test]
fn every_compression_and_several_members() {
    let archive = tar(&[file("a", &"some text ".repeat(100_000))]);
    let (front, back) = archive.split_at(archive.len() / 3);
    let zstd = |data: &[u8]| zstd::bulk::compress(data, 3).unwrap();
    let skippable = [
        &0x184d_2a50_u32.to_le_bytes()[..],
        &4u32.to_le_bytes(),
        b"skip",
    ]
    .concat();
    let blobs = [
        ("plain", archive.clone()),
        ("gzip", gzip(&archive)),
        ("two gzip members", [gzip(front), gzip(back)].concat()),
        ("padded gzip", [gzip(&archive), vec![0; 1000]].concat()),
        ("zstd", zstd(&archive)),
        (
            "zstd frames",
            [zstd(front), skippable.clone(), zstd(back), skippable].concat(),
        ),
    ];
    for (name, blob) in blobs {
        let store = TestStore::new();
        let output = store.apply(&blob, &archive, &[]);
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let content = fs::read(store.layer(&archive).join("a")).unwrap();
        assert_eq!(content.len(), 1_000_000, "{name}");
        assert_eq!(
            fs::read(store.path("blobs/sha256").join(sha256(&blob))).unwrap(),
            blob
        );
    }
}

#[test]
fn a_cut_download_goes_on_where_it_ended() {
    let archive = tar(&[file("a", &"some text ".repeat(10_000))]);
    let blob = gzip(&archive);
    let store = TestStore::new();
    let names = [sha256(&blob), sha256(&archive)].map(|name| format!("sha256:{name}"));
    let size = blob.len().to_string();
    let args = [
        "--digest",
        &names[0],
        "--diff-id",
        &names[1],
        "--size",
        &size,
    ];
    let half = blob.len() / 2;
    let cut = store.run("apply", &args, &blob[..half]);
    assert_eq!(refusal(&cut).0, "truncated");
    let partial = store.path("ingest").join(sha256(&blob));
    assert_eq!(
        fs::metadata(partial.join("blob")).unwrap().len(),
        half as u64
    );
    assert!(!partial.join("layer").exists());
    assert!(store.run("sweep", &[], b"").status.success());
    let half_text = half.to_string();
    let resumed = [&args[..], &["--resume-from", &half_text]].concat();
    assert!(store.run("apply", &resumed, &blob[half..]).status.success());
    assert!(store.layer(&archive).join("a").exists() && !partial.exists());
    assert!(store.run("sync", &[], b"").status.success());
    assert_eq!(fs::read_dir(store.path("unsynced")).unwrap().count(), 0);
}

#[test]
fn a_stored_blob_is_unpacked_again_without_input() {
    let archive = tar(&[file("a", "text")]);
    let store = TestStore::new();
    store.accept(&archive);
    fs::remove_dir_all(store.path("layers/sha256").join(sha256(&archive))).unwrap();
    assert!(
        store
            .apply(&archive, &archive, &["--stored"])
            .status
            .success()
    );
    assert!(store.layer(&archive).join("a").exists());
}

#[test]
fn what_was_not_synced_before_a_reboot_is_dropped() {
    let archive = tar(&[file("a", "text")]);
    let store = TestStore::new();
    assert!(store.run("sweep", &[], b"").status.success());
    store.accept(&archive);
    assert!(store.run("sweep", &[], b"").status.success());
    assert!(store.layer(&archive).exists(), "the same boot keeps it");
    fs::write(store.path("boot-id"), "another boot").unwrap();
    assert!(store.run("sweep", &[], b"").status.success());
    assert_eq!(store.leftovers(), Vec::<String>::new());
}

fn compose(store: &TestStore, layers: &[&[u8]]) -> Option<String> {
    let names: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
    let output = store.run("compose", &["--layers", &names.join(",")], b"");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    value["fixup"].as_str().map(str::to_owned)
}

#[test]
fn implied_directories_look_like_those_below() {
    let store = TestStore::new();
    let base = tar(&[
        Raw {
            mode: 0o1777,
            mtime: 1000,
            ..dir("tmp/")
        },
        Raw {
            mode: 0o700,
            uid: 7,
            mtime: 2000,
            ..dir("tmp/own/")
        },
        Raw {
            mode: 0o700,
            mtime: 3000,
            ..dir("hidden/")
        },
        Raw {
            mode: 0o700,
            mtime: 3000,
            ..dir("opaque/")
        },
    ]);
    let hiding = tar(&[file(".wh.hidden", ""), file("opaque/.wh..wh..opq", "")]);
    let top = tar(&[
        file("tmp/own/file", ""),
        file("hidden/file", ""),
        file("opaque/file", ""),
        file("new/file", ""),
    ]);
    for layer in [&base, &hiding, &top] {
        store.accept(layer);
    }
    let name = compose(&store, &[&base, &hiding, &top]).unwrap();
    let fixup = store.path("fixups").join(&name).join("fs");
    let seen = |path: &str| {
        let meta = fs::metadata(fixup.join(path)).unwrap();
        (meta.mode() & 0o7777, meta.uid(), meta.mtime())
    };
    assert_eq!(seen("tmp"), (0o1777, 0, 1000));
    assert_eq!(seen("tmp/own"), (0o700, 7, 2000));
    let mut names: Vec<_> = fs::read_dir(&fixup)
        .unwrap()
        .map(|found| found.unwrap().file_name())
        .collect();
    names.sort();
    // Neither what a layer between has hidden, nor what is new.
    assert_eq!(names, ["tmp"]);
    assert_eq!(compose(&store, &[&base, &hiding, &top]), Some(name));
    assert_eq!(fs::read_dir(store.path("fixups")).unwrap().count(), 1);
}

#[test]
fn no_fixup_where_nothing_looks_wrong() {
    let store = TestStore::new();
    let base = tar(&[dir("etc/"), file("etc/a", "")]);
    let top = tar(&[dir("etc/"), file("etc/b", ""), file("new/c", "")]);
    store.accept(&base);
    store.accept(&top);
    assert_eq!(compose(&store, &[&base, &top]), None);
    assert_eq!(compose(&store, &[&top]), None);
}

#[test]
fn a_fixup_never_follows_a_link_out_of_a_layer() {
    let store = TestStore::new();
    let base = tar(&[symlink("way", "/etc")]);
    let top = tar(&[file("way/ssl/x", "")]);
    store.accept(&base);
    store.accept(&top);
    assert_eq!(compose(&store, &[&base, &top]), None);
}
