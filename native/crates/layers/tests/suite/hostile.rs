//! Archives that must be refused, each with its reason, leaving nothing behind.

use crate::support::*;

/// A regular file whatever its name looks like.
const CONTIGUOUS_FILE: u8 = b'7';

/// Refused as it is, with nothing left in the store and nothing touched outside.
fn refused(name: &str, entries: &[Raw], code: &str) {
    refused_bytes(name, &tar(entries), &[], code);
}

fn refused_bytes(name: &str, archive: &[u8], more: &[&str], code: &str) {
    let store = TestStore::new();
    let outside = store.path("outside");
    std::fs::create_dir(&outside).unwrap();
    let (found, text) = refusal(&store.apply(archive, archive, more));
    assert_eq!(found, code, "{name}: {text}");
    assert_eq!(store.leftovers(), Vec::<String>::new(), "{name}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "{name}");
}

#[test]
fn names_that_lead_out() {
    refused("dot-dot", &[file("../outside/x", "x")], "path-escapes");
    refused(
        "inner dot-dot",
        &[file("a/../../outside/x", "x")],
        "path-escapes",
    );
    refused("absolute", &[file("/etc/x", "x")], "path-absolute");
    refused(
        "pax path",
        &[pax(&[("path", b"../x")]), file("harmless", "x")],
        "path-escapes",
    );
    refused(
        "NUL",
        &[pax(&[("path", b"a\0b")]), file("harmless", "x")],
        "path-invalid",
    );
    refused(
        "root as a file",
        &[entry(CONTIGUOUS_FILE, "./")],
        "path-invalid",
    );
    let long = "n".repeat(300);
    refused(
        "name",
        &[pax(&[("path", long.as_bytes())]), file("x", "")],
        "name-too-long",
    );
    let deep = "d/".repeat(2000);
    refused(
        "depth",
        &[pax(&[("path", deep.as_bytes())]), dir("x")],
        "name-too-long",
    );
}

#[test]
fn links_that_lead_out() {
    let through = |target: &str| vec![symlink("way", target), file("way/x", "x")];
    refused("absolute symlink", &through("/tmp"), "link-escapes");
    refused("symlink up", &through("../../outside"), "link-escapes");
    refused(
        "symlink through a symlink",
        &[
            symlink("one", "."),
            symlink("two", "one/../.."),
            file("two/x", "x"),
        ],
        "link-escapes",
    );
    refused("dangling symlink", &through("nowhere"), "link-escapes");
    refused("symlink loop", &through("way"), "link-escapes");
    refused("magic link", &through("/proc/self/root"), "link-escapes");
    refused(
        "hard link up",
        &[hard_link("x", "../../../../etc/passwd")],
        "link-escapes",
    );
    refused(
        "absolute hard link",
        &[hard_link("x", "/etc/passwd")],
        "link-escapes",
    );
    refused(
        "hard link by symlink",
        &[symlink("way", "/etc"), hard_link("x", "way/passwd")],
        "link-escapes",
    );
    refused(
        "hard link to nothing",
        &[hard_link("x", "nothing")],
        "link-target-missing",
    );
    refused(
        "directory through a link",
        &[symlink("way", ".."), dir("way/x/y")],
        "link-escapes",
    );
    refused(
        "whiteout through a link",
        &[symlink("way", ".."), file("way/.wh.outside", "")],
        "link-escapes",
    );
    refused(
        "a file as a parent",
        &[file("f", ""), file("f/x", "")],
        "path-invalid",
    );
}

#[test]
fn nodes_outside_the_policy() {
    refused(
        "block device",
        &[device(b'4', "sda", 8, 0)],
        "device-refused",
    );
    refused("memory", &[device(b'3', "mem", 1, 1)], "device-refused");
    refused(
        "forged whiteout",
        &[device(b'3', "gone", 0, 0)],
        "device-refused",
    );
    refused(
        "unknown type",
        &[entry(b'Z', "odd")],
        "entry-type-unsupported",
    );
    let setuid = tar(&[Raw {
        mode: 0o4755,
        ..file("su", "")
    }]);
    refused_bytes("setuid", &setuid, &["--setuid", "refuse"], "setuid-refused");
    for name in [
        "trusted.overlay.redirect",
        "trusted.overlay.opaque",
        "user.overlay.metacopy",
    ] {
        let key = format!("SCHILY.xattr.{name}");
        refused(
            name,
            &[pax(&[(&key, b"/etc")]), file("x", "")],
            "xattr-refused",
        );
        refused(
            name,
            &[pax(&[(&key, b"/etc")]), symlink("x", "y")],
            "xattr-refused",
        );
        refused(name, &[pax(&[(&key, b"y")]), dir("x")], "xattr-refused");
    }
}

#[test]
fn whiteouts_of_nothing() {
    for name in [".wh.", ".wh..", ".wh...", "a/.wh..."] {
        refused(name, &[file(name, "")], "whiteout-invalid");
    }
    refused(
        "below a whiteout",
        &[dir(".wh.a/"), file(".wh.a/b", "")],
        "whiteout-invalid",
    );
}

#[test]
fn bombs() {
    let zeros = gzip(&tar(&[Raw {
        data: vec![0; 64 << 20],
        ..file("zeros", "")
    }]));
    let store = TestStore::new();
    let plain = tar(&[Raw {
        data: vec![0; 64 << 20],
        ..file("zeros", "")
    }]);
    let output = store.apply(&zeros, &plain, &["--max-bytes", "1000000"]);
    assert_eq!(refusal(&output).0, "too-many-bytes");
    assert!(store.leftovers().is_empty());

    let hole = pax(&[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.realsize", b"9223372036854775807"),
    ]);
    let mut map = b"0\n".to_vec();
    map.resize(512, 0);
    let sparse = tar(&[
        hole,
        Raw {
            data: map,
            ..file("hole", "")
        },
    ]);
    refused_bytes("a hole of 8 EiB", &sparse, &[], "too-many-bytes");

    let many: Vec<Raw> = (0..1001).map(|i| file(&format!("f{i}"), "")).collect();
    refused_bytes(
        "entries",
        &tar(&many),
        &["--max-entries", "1000"],
        "too-many-entries",
    );
    let huge = Raw {
        claimed_size: Some(u64::from(u32::MAX)),
        ..entry(b'x', "pax")
    };
    refused("a PAX header of 4 GiB", &[huge], "name-too-long");
}

#[test]
fn archives_that_lie() {
    let archive = tar(&[file("a", "some text")]);
    let mut wrong_sum = archive.clone();
    wrong_sum[0] = b'b';
    refused_bytes("checksum", &wrong_sum, &[], "corrupt-archive");
    refused_bytes("cut in a header", &archive[..300], &[], "corrupt-archive");
    refused_bytes("cut in a file", &archive[..515], &[], "corrupt-archive");
    refused_bytes("empty", b"", &[], "corrupt-archive");
    refused_bytes(
        "text",
        &b"this is not an archive at all".repeat(40),
        &[],
        "corrupt-archive",
    );
    refused_bytes(
        "trailing data",
        &[&archive[..], b"more"].concat(),
        &[],
        "trailing-data",
    );
    refused(
        "size",
        &[Raw {
            claimed_size: Some(1 << 30),
            ..file("a", "x")
        }],
        "corrupt-archive",
    );
    refused(
        "lone extension",
        &[pax(&[("path", b"a")])],
        "corrupt-archive",
    );
    let overlapping = pax(&[("GNU.sparse.map", b"0,4,2,4"), ("GNU.sparse.size", b"100")]);
    refused(
        "sparse map",
        &[overlapping, file("a", "12345678")],
        "corrupt-archive",
    );
}

#[test]
fn streams_that_lie() {
    let archive = tar(&[file("a", "some text")]);
    let blob = gzip(&archive);
    let check = |name: &str, blob: &[u8], code: &str| {
        let store = TestStore::new();
        let (found, text) = refusal(&store.apply(blob, &archive, &[]));
        assert_eq!(found, code, "{name}: {text}");
        assert!(store.leftovers().is_empty(), "{name}");
    };
    check("cut stream", &blob[..blob.len() - 4], "corrupt-compression");
    check(
        "garbage after",
        &[&blob[..], b"garbage"].concat(),
        "trailing-data",
    );
    let mut flipped = blob.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    check("wrong checksum", &flipped, "corrupt-compression");
    let zstd = zstd::bulk::compress(&archive, 1).unwrap();
    check("cut zstd", &zstd[..zstd.len() - 1], "corrupt-compression");
    check(
        "garbage after zstd",
        &[&zstd[..], b"garbage"].concat(),
        "trailing-data",
    );
    check(
        "another layer",
        &gzip(&tar(&[file("b", "")])),
        "diff-id-mismatch",
    );
}

#[test]
fn blobs_other_than_promised() {
    let archive = tar(&[file("a", "some text")]);
    let store = TestStore::new();
    let (digest, diff_id) = (
        format!("sha256:{}", sha256(b"x")),
        format!("sha256:{}", sha256(&archive)),
    );
    let size = archive.len().to_string();
    let args = ["--digest", &digest, "--diff-id", &diff_id, "--size", &size];
    assert_eq!(
        refusal(&store.run("apply", &args, &archive)).0,
        "digest-mismatch"
    );
    let too_long = [&archive[..], b"x"].concat();
    assert_eq!(
        refusal(&store.run("apply", &args, &too_long)).0,
        "size-mismatch"
    );
    assert!(store.leftovers().is_empty());
    // A hostile archive under a wrong digest is first of all not what was asked for.
    let hostile = tar(&[file("../x", "")]);
    let size = hostile.len().to_string();
    let args = ["--digest", &digest, "--diff-id", &diff_id, "--size", &size];
    assert_eq!(
        refusal(&store.run("apply", &args, &hostile)).0,
        "digest-mismatch"
    );
    assert!(store.leftovers().is_empty());
}
