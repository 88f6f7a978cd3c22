//! Layers that are EROFS images, mounted for real.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::support::{TestStore, dir, file, hard_link, sha256, tar, xattr};

/// Takes the mounts away also when a test fails.
struct Mounted<'a>(&'a TestStore);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        self.0.run("unmount", &[], b"");
    }
}

fn lower() -> Vec<u8> {
    tar(&[
        dir("opaque/"),
        file("opaque/.wh..wh..opq", ""),
        file("opaque/own", "own"),
        file(".wh.gone", ""),
        file("a", "linked"),
        hard_link("b", "a"),
    ])
}

#[test]
fn a_layer_becomes_one_file_and_shows_the_same_once_mounted() {
    let store = TestStore::new();
    let _mounted = Mounted(&store);
    let archive = lower();
    let output = store.apply(&archive, &archive, &["--format", "erofs"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let fs_dir = store.layer(&archive);
    let image = fs_dir.with_file_name("layer.erofs");
    assert_eq!(record["erofsBytes"], fs::metadata(&image).unwrap().len());
    assert_eq!(fs::read_dir(&fs_dir).unwrap().count(), 0);
    let mount = || {
        store
            .run("mount", &["--layers", &sha256(&archive)], b"")
            .stdout
    };
    assert_eq!(mount(), b"{\"mounted\":1}\n");
    assert_eq!(mount(), b"{\"mounted\":0}\n");
    assert_eq!(
        fs::read_to_string(fs_dir.join("opaque/own")).unwrap(),
        "own"
    );
    let opaque = xattr(&fs_dir.join("opaque"), "trusted.overlay.opaque");
    assert_eq!(opaque.as_deref(), Some(&b"y"[..]));
    let gone = fs::symlink_metadata(fs_dir.join("gone")).unwrap();
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    let inode = |name: &str| fs::metadata(fs_dir.join(name)).unwrap().ino();
    assert_eq!(inode("a"), inode("b"));
    assert!(fs::write(fs_dir.join("a"), "changed").is_err());
}

#[test]
fn a_discarded_layer_goes_with_its_mount() {
    let store = TestStore::new();
    let _mounted = Mounted(&store);
    let archive = lower();
    assert!(
        store
            .apply(&archive, &archive, &["--format", "erofs"])
            .status
            .success()
    );
    store.run("mount", &["--layers", &sha256(&archive)], b"");
    let layer = store.layer(&archive);
    let held = fs::File::open(layer.join("a")).unwrap();
    fs::rename(layer.parent().unwrap(), store.path("trash/layer")).unwrap();
    let output = store.run("sweep", &[], b"");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(fs::read_dir(store.path("trash")).unwrap().count(), 0);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(store.path("").to_str().unwrap()));
    // Whoever still uses it is not disturbed.
    assert_eq!(std::io::read_to_string(held).unwrap(), "linked");
}

#[test]
fn a_layer_that_cannot_be_an_image_stays_unpacked_and_says_why() {
    let store = TestStore::new();
    // Deeper than the paths that mkfs.erofs can open.
    let name = format!("{}file", format!("{}/", "d".repeat(90)).repeat(60));
    let mut deep = file("deep", "text");
    deep.name = b"@".to_vec();
    let long = crate::support::pax(&[("path", name.as_bytes())]);
    let archive = tar(&[long, deep]);
    let output = store.apply(&archive, &archive, &["--format", "erofs"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        record["erofsFault"]
            .as_str()
            .unwrap()
            .contains("mkfs.erofs failed"),
        "{record}"
    );
    assert_eq!(fs::read_dir(store.layer(&archive)).unwrap().count(), 1);
}
