//! Copies of layers, held against what overlayfs shows of them.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use std::io::Write;

use crate::support::{TestStore, dir, entry, file, hard_link, symlink as link, tar, xattr};

fn copy(layers: &[PathBuf], to: &Path) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gantry-layers"))
        .arg("copy")
        .arg("--to")
        .arg(to)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let question = serde_json::to_vec(layers).unwrap();
    child.stdin.take().unwrap().write_all(&question).unwrap();
    child.wait_with_output().unwrap()
}

fn copied(layers: &[PathBuf], to: &Path) -> PathBuf {
    let output = copy(layers, to);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    to.join("root")
}

/// Bottom, middle and top: each rule of the overlay once.
fn layers(store: &TestStore) -> Vec<PathBuf> {
    let bottom = tar(&[
        dir("etc/"),
        file("etc/hidden", "hidden"),
        file("etc/kept", "bottom"),
        dir("opaque/"),
        file("opaque/below", "below"),
        dir("gone/"),
        file("gone/file", "gone"),
        dir("becomes-file/"),
        file("becomes-file/x", "x"),
        file("becomes-dir", "file"),
    ]);
    let middle = tar(&[
        file("etc/.wh.hidden", ""),
        dir("opaque/"),
        file("opaque/.wh..wh..opq", ""),
        file("opaque/own", "own"),
        file(".wh.gone", ""),
        file("becomes-file", "now a file"),
        file("linked/a", "linked"),
        hard_link("linked/b", "linked/a"),
        hard_link("c", "linked/a"),
    ]);
    let mut becomes_dir = vec![dir("becomes-dir/"), file("becomes-dir/inside", "inside")];
    becomes_dir.extend([link("link", "etc/kept"), entry(b'6', "fifo")]);
    becomes_dir.push(file("etc/kept", "top"));
    let top = tar(&becomes_dir);
    [top, middle, bottom]
        .map(|layer| store.accept(&layer))
        .into()
}

#[test]
fn shows_what_the_overlay_shows() {
    let store = TestStore::new();
    let root = copied(&layers(&store), &store.path("copy"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    assert_eq!(read("etc/kept"), "top");
    assert_eq!(read("opaque/own"), "own");
    assert_eq!(read("becomes-file"), "now a file");
    assert_eq!(read("becomes-dir/inside"), "inside");
    for name in ["etc/hidden", "opaque/below", "gone"] {
        assert!(fs::symlink_metadata(root.join(name)).is_err(), "{name}");
    }
    let inode = |name: &str| fs::symlink_metadata(root.join(name)).unwrap();
    assert_eq!(inode("linked/a").ino(), inode("linked/b").ino());
    assert_eq!(
        (inode("c").ino(), inode("c").nlink()),
        (inode("linked/a").ino(), 3)
    );
    assert_eq!(xattr(&root.join("opaque"), "trusted.overlay.opaque"), None);
    assert_eq!(
        fs::read_link(root.join("link")).unwrap(),
        Path::new("etc/kept")
    );
}

#[test]
fn keeps_holes_owners_modes_times_and_attributes() {
    let store = TestStore::new();
    let layer = store.path("layer");
    fs::create_dir_all(layer.join("dir")).unwrap();
    let sparse = fs::File::create(layer.join("sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"middle", 1 << 29).unwrap();
    let set = layer.join("set");
    fs::write(&set, "set").unwrap();
    std::os::unix::fs::chown(&set, Some(100_000), Some(70_000)).unwrap();
    fs::set_permissions(&set, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&set, "security.capability", capability, flags).unwrap();
    symlink("nowhere", layer.join("link")).unwrap();
    let long_ago = fs::FileTimes::new()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789));
    for name in ["set", "dir"] {
        fs::File::open(layer.join(name))
            .unwrap()
            .set_times(long_ago)
            .unwrap();
    }
    let root = copied(std::slice::from_ref(&layer), &store.path("copy"));
    for name in ["sparse", "set", "dir", "link"] {
        let [old, new] = [&layer, &root].map(|base| fs::symlink_metadata(base.join(name)).unwrap());
        let look = |m: &fs::Metadata| {
            (
                m.mode(),
                m.uid(),
                m.gid(),
                m.size(),
                m.mtime(),
                m.mtime_nsec(),
            )
        };
        assert_eq!(look(&old), look(&new), "{name}");
    }
    assert!(fs::metadata(root.join("sparse")).unwrap().blocks() < 100);
    assert_eq!(
        xattr(&root.join("set"), "security.capability").as_deref(),
        Some(&capability[..])
    );
}

#[test]
fn an_attempt_that_was_cut_is_started_over() {
    let store = TestStore::new();
    let layers = layers(&store);
    let to = store.path("copy");
    fs::create_dir_all(to.join("root.making/half")).unwrap();
    fs::create_dir_all(to.join("root/old")).unwrap();
    let root = copied(&layers, &to);
    assert!(!root.join("old").exists() && !root.join("half").exists());
    assert!(!to.join("root.making").exists());
    // One that fails leaves nothing that looks like a copy.
    let output = copy(&[layers[0].clone(), store.path("missing")], &to);
    assert!(!output.status.success());
    assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
}

#[test]
fn what_a_container_adds_is_what_counts() {
    let store = TestStore::new();
    let to = store.path("copy");
    let root = copied(&layers(&store), &to);
    let used = || {
        let question = serde_json::to_vec(&[&to]).unwrap();
        gantry_layers::usage::usage(question.as_slice()).unwrap()[0]
    };
    assert_eq!(used(), 0);
    fs::write(root.join("written"), vec![1; 40_000]).unwrap();
    assert!((40_000..60_000).contains(&used()));
}
