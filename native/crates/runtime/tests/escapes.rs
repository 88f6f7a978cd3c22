//! Regression tests named after the escapes they once were.

mod harness;

use std::fs;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::Place;
use rustix::fs::{Mode, OFlags};
use serde_json::{Value, json};

/// Runs deeds and compares what each told.
#[track_caller]
fn assert_tells(
    place: &Place,
    id: &str,
    deeds: &[(&[&str], &str)],
    change: impl FnOnce(&mut Value),
) {
    let words: Vec<&str> = deeds
        .iter()
        .map(|(deed, _)| *deed)
        .collect::<Vec<_>>()
        .join(&"then");
    let said = place.run(id, &words, change);
    let expected: Vec<&str> = deeds.iter().map(|(_, answer)| *answer).collect();
    assert_eq!(said.lines(), expected, "{}", said.err);
}

/// Swaps the entries `a` and `b` of a directory all the while.
fn while_swapping(dir: &Path, work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let (a, b) = (dir.join("a"), dir.join("b"));
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                let cwd = rustix::fs::CWD;
                rustix::fs::renameat_with(cwd, &a, cwd, &b, flags).unwrap();
            }
        });
        work();
        stop.store(true, Ordering::Relaxed);
    });
}

const NOT_PERMITTED: &str = "error Operation not permitted (os error 1)";
const READ_ONLY: &str = "error Read-only file system (os error 30)";

#[test]
fn cve_2019_5736_the_runtimes_binary_cannot_be_overwritten() {
    let place = Place::new();
    place
        .create("overwrite", &["sleep", "60"], |_| {})
        .assert_ok();
    // The process still is the runtime. Its file is held as the attack does, until it ended and
    // writing is not refused merely because it runs.
    let path = format!("/proc/{}/exe", place.pid("overwrite"));
    let held = rustix::fs::open(path, OFlags::PATH, Mode::empty()).unwrap();
    place
        .runtime(&["delete", "--force", "overwrite"])
        .assert_ok();
    let again = format!("/proc/self/fd/{}", held.as_raw_fd());
    let mut refused = rustix::io::Errno::TXTBSY;
    harness::eventually("nobody runs the binary", || {
        refused = rustix::fs::open(&again, OFlags::WRONLY, Mode::empty()).unwrap_err();
        refused != rustix::io::Errno::TXTBSY
    });
    assert_eq!(refused, rustix::io::Errno::ROFS);
}

#[test]
fn cve_2024_21626_no_descriptor_of_the_host_leaks() {
    let place = Place::new();
    assert_tells(&place, "clean", &[(&["descriptors"], "ok 0 1 2")], |_| {});
    for number in 3..16 {
        let id = format!("cwd{number}");
        let said = place.run(&id, &["cwd"], |config| {
            config["process"]["cwd"] = json!(format!("/proc/self/fd/{number}"));
        });
        said.assert_fails("process.cwd");
    }
    place.start("main", &["sleep", "60"], |_| {});
    for number in 3..16 {
        let cwd = format!("/proc/self/fd/{number}");
        let said = place.runtime(&["exec", "--cwd", &cwd, "main", "/bin/probe", "cwd"]);
        said.assert_fails("process.cwd");
    }
    let said = place.runtime(&["exec", "main", "/bin/probe", "descriptors"]);
    assert_eq!(said.lines(), ["ok 0 1 2"]);
}

#[test]
fn cve_2019_19921_and_2023_27561_and_2023_28642_proc_and_sys_are_mounted_in_their_place() {
    for name in ["proc", "sys"] {
        let place = Place::new();
        fs::create_dir(place.lower("elsewhere")).unwrap();
        symlink("elsewhere", place.lower(name)).unwrap();
        let said = place.run("linked", &["cwd"], |_| {});
        said.assert_fails(&format!("/{name}"));
        place.assert_gone("linked");
    }
}

#[test]
fn cve_2021_30465_mounts_follow_no_link_out_of_the_root() {
    let place = Place::new();
    let target = place.dir.join("host");
    fs::create_dir(&target).unwrap();
    symlink(
        format!("../../../../../../{}", target.display()),
        place.lower("up"),
    )
    .unwrap();
    symlink(&target, place.lower("absolute")).unwrap();
    let mount = |destination: &str| json!({ "destination": destination, "type": "tmpfs", "source": "x", "options": ["mode=700"] });
    let said = place.run("linked", &["cwd"], |config| {
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.push(mount("/up/made"));
        mounts.push(mount("/absolute/made"));
    });
    // The links lead to a directory that the container does not have.
    said.assert_fails("in the root filesystem");
    assert_eq!(
        fs::read_dir(&target).unwrap().count(),
        0,
        "the host's directory was used"
    );
    place.assert_gone("linked");
}

#[test]
fn cve_2021_30465_nor_when_the_link_is_swapped_meanwhile() {
    let place = Place::new();
    let (target, volume) = (place.dir.join("host"), place.dir.join("volume"));
    fs::create_dir(&target).unwrap();
    fs::create_dir(&volume).unwrap();
    fs::create_dir(volume.join("a")).unwrap();
    symlink(&target, volume.join("b")).unwrap();
    while_swapping(&volume, || {
        for round in 0..20 {
            let id = format!("race{round}");
            place.run(&id, &["cwd"], |config| {
                let mounts = config["mounts"].as_array_mut().unwrap();
                mounts.push(
                    json!({ "destination": "/volume", "source": volume, "options": ["rbind"] }),
                );
                mounts.push(
                    json!({ "destination": "/volume/a/made", "type": "tmpfs", "source": "x" }),
                );
            });
            place.assert_gone(&id);
        }
    });
    assert_eq!(
        fs::read_dir(&target).unwrap().count(),
        0,
        "the host's directory was used"
    );
}

#[test]
fn cve_2024_45310_no_empty_file_is_made_outside_by_a_swapped_link() {
    let place = Place::new();
    let target = place.dir.join("host");
    fs::create_dir(&target).unwrap();
    let volume = place.dir.join("volume");
    let source = place.dir.join("source");
    fs::write(&source, "").unwrap();
    fs::create_dir_all(volume.join("a")).unwrap();
    symlink(&target, volume.join("b")).unwrap();
    while_swapping(&volume, || {
        for round in 0..20 {
            let id = format!("file{round}");
            place.run(&id, &["cwd"], |config| {
                let mounts = config["mounts"].as_array_mut().unwrap();
                mounts.push(
                    json!({ "destination": "/volume", "source": volume, "options": ["rbind"] }),
                );
                let over = format!("/volume/a/deep/{round}");
                mounts.push(json!({ "destination": over, "source": source, "options": ["bind"] }));
            });
            place.assert_gone(&id);
        }
    });
    let made = fs::read_dir(&target).unwrap().count();
    assert_eq!(made, 0, "the host's directory was used");
}

#[test]
fn cve_2022_29162_exec_hands_no_capability_down() {
    let place = Place::new();
    place.start("main", &["sleep", "60"], |_| {});
    let exec = [
        "exec",
        "--cap",
        "CAP_NET_RAW",
        "main",
        "/bin/probe",
        "status",
    ];
    for (set, mask) in [("CapInh", 0), ("CapAmb", 0), ("CapEff", 1 << 13)] {
        let said = place.runtime(&[&exec[..], &[set]].concat());
        let told = said.lines()[0].trim_start_matches("ok ").to_owned();
        let held = u64::from_str_radix(&told, 16).unwrap();
        assert_eq!(held & (1 << 13), mask, "{set}: {}{}", said.out, said.err);
    }
}

#[test]
fn cve_2025_31133_masks_do_not_trust_the_containers_null_device() {
    let place = Place::new();
    fs::create_dir(place.lower("dev")).unwrap();
    fs::write(place.lower("etc/secret"), "secret").unwrap();
    fs::write(place.lower("etc/other"), "other").unwrap();
    symlink("/etc/other", place.lower("dev/null")).unwrap();
    let without_dev = |config: &mut Value| {
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| !mount["destination"].as_str().unwrap().starts_with("/dev"));
        config["linux"]["maskedPaths"] = json!(["/etc/secret", "/sys/firmware", "/proc/keys"]);
    };
    // A file in the place of the null device is refused rather than used.
    place
        .run("linked", &["cat", "/etc/secret"], without_dev)
        .assert_fails("/dev/null");
    fs::remove_file(place.lower("dev/null")).unwrap();
    let deeds: &[(&[&str], &str)] = &[
        (&["cat", "/etc/secret"], "ok "),
        (&["cat", "/proc/keys"], "ok "),
        (&["ls", "/sys/firmware"], "ok "),
        (&["write", "/sys/firmware/x", "x"], READ_ONLY),
    ];
    assert_tells(&place, "masked", deeds, without_dev);
}

#[test]
fn cve_2025_52565_the_console_is_not_mounted_over_a_link() {
    let place = Place::new();
    fs::create_dir(place.lower("dev")).unwrap();
    symlink("/proc/sysrq-trigger", place.lower("dev/console")).unwrap();
    let socket = place.dir.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let bundle = place.bundle("console", &["terminal"], |config| {
        config["process"]["terminal"] = json!(true);
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| mount["destination"] != "/dev");
    });
    let said = place.quiet(&[
        "create",
        "-b",
        bundle.to_str().unwrap(),
        "--console-socket",
        socket.to_str().unwrap(),
        "console",
    ]);
    said.assert_fails("/dev/console");
    place.assert_gone("console");
}

#[test]
fn cve_2025_52881_writes_to_proc_are_not_redirected() {
    const SETTING: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    let place = Place::new();
    let decoy = place.dir.join("decoy");
    fs::write(&decoy, "").unwrap();
    place.start("redirected", &["sleep", "60"], |config| {
        config["linux"]["sysctl"] = json!({ "net.ipv4.ip_unprivileged_port_start": "7" });
        let cover =
            json!({ "destination": SETTING, "type": "bind", "source": decoy, "options": ["bind"] });
        config["mounts"].as_array_mut().unwrap().push(cover);
    });
    assert_eq!(fs::read_to_string(&decoy).unwrap(), "");
    let pid = place.pid("redirected").to_string();
    let real = std::process::Command::new("nsenter")
        .args(["--target", &pid, "--net", "cat", SETTING])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&real.stdout), "7\n");
}

#[test]
fn cve_2016_9962_a_joining_process_cannot_be_traced() {
    let place = Place::new();
    let bundle = place.bundle("watcher", &["watch-runtime", "1500"], |_| {});
    let mut watcher = place.command(&["run", "-b", bundle.to_str().unwrap(), "watcher"]);
    let watcher = watcher
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    harness::eventually("it runs", || {
        let state = place.runtime(&["state", "watcher"]);
        state.code == 0 && state.out.contains("\"running\"")
    });
    while place
        .runtime(&["exec", "watcher", "/bin/probe", "cwd"])
        .code
        == 0
    {}
    let output = watcher.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ok seen true reached false\n"
    );
}

#[test]
fn cve_2022_0492_the_release_agent_is_out_of_reach() {
    let place = Place::new();
    let release_agent = "/sys/fs/cgroup/cpu/release_agent";
    let mut deeds: Vec<(&[&str], &str)> = vec![
        (&["mount", "cgroup", "/tmp"], NOT_PERMITTED),
        (&["unshare-user"], NOT_PERMITTED),
        (&["clone-user"], NOT_PERMITTED),
    ];
    let write: &[&str] = &["write", "/sys/fs/cgroup/cpu/notify_on_release", "1"];
    let agent: &[&str] = &["write", release_agent, "/bin/probe"];
    if std::path::Path::new(release_agent).exists() {
        deeds.push((write, READ_ONLY));
        // The root of its namespace is no root of the hierarchy, so there is no such file.
        deeds.push((agent, READ_ONLY));
    }
    assert_tells(&place, "agent", &deeds, |_| {});
}

#[test]
fn cve_2020_15257_abstract_sockets_of_the_host_are_out_of_reach() {
    let place = Place::new();
    let name = format!("gantry-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let refused = "error Connection refused (os error 111)";
    assert_tells(
        &place,
        "socket",
        &[(&["connect-abstract", &name], refused)],
        |_| {},
    );
}

#[test]
fn devices_cannot_be_made_or_used() {
    let place = Place::new();
    let with_mknod = |config: &mut Value| {
        for set in ["bounding", "effective", "permitted"] {
            config["process"]["capabilities"][set] = json!(["CAP_MKNOD", "CAP_DAC_OVERRIDE"]);
        }
    };
    // The disk, kernel memory, and an allowed device for comparison.
    let deeds: &[(&[&str], &str)] = &[
        (&["mknod", "b", "254", "0", "/dev/disk"], NOT_PERMITTED),
        (&["mknod", "c", "1", "1", "/dev/mem"], NOT_PERMITTED),
        (
            &["mknod", "c", "1", "3", "/dev/null2"],
            "ok made and opened",
        ),
    ];
    assert_tells(&place, "mknod", deeds, with_mknod);
    let denied: &[(&[&str], &str)] = &[(&["mknod", "c", "1", "3", "/dev/null2"], NOT_PERMITTED)];
    assert_tells(&place, "without", denied, |_| {});
}

#[test]
fn kernel_settings_are_read_only_and_keys_are_not_shared() {
    let place = Place::new();
    let deeds: &[(&[&str], &str)] = &[
        (
            &["write", "/proc/sys/kernel/core_pattern", "|/x"],
            READ_ONLY,
        ),
        (&["write", "/sys/kernel/uevent_helper", "/x"], READ_ONLY),
        (&["add-key"], NOT_PERMITTED),
    ];
    assert_tells(&place, "settings", deeds, |_| {});
    let keyring = |place: &Place, id: &str| {
        let said = place.run(id, &["add-key"], |config| {
            config["linux"].as_object_mut().unwrap().remove("seccomp");
        });
        said.out
    };
    assert_ne!(
        keyring(&place, "one"),
        keyring(&place, "two"),
        "a session keyring is shared"
    );
}

#[test]
fn the_default_profile_denies_what_was_exploited() {
    let place = Place::new();
    let denied = [
        ("mount", libc::SYS_mount),
        ("fsopen", libc::SYS_fsopen),
        ("bpf", libc::SYS_bpf),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("keyctl", libc::SYS_keyctl),
        ("kexec_load", libc::SYS_kexec_load),
        ("init_module", libc::SYS_init_module),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("setns", libc::SYS_setns),
        ("pivot_root", libc::SYS_pivot_root),
        ("umount2", libc::SYS_umount2),
        ("move_mount", libc::SYS_move_mount),
        ("open_tree", libc::SYS_open_tree),
        ("mount_setattr", libc::SYS_mount_setattr),
        ("unshare", libc::SYS_unshare),
        ("io_uring_enter", libc::SYS_io_uring_enter),
        ("io_uring_register", libc::SYS_io_uring_register),
        ("add_key", libc::SYS_add_key),
        ("request_key", libc::SYS_request_key),
        ("kexec_file_load", libc::SYS_kexec_file_load),
        ("finit_module", libc::SYS_finit_module),
        ("delete_module", libc::SYS_delete_module),
        ("reboot", libc::SYS_reboot),
        ("swapon", libc::SYS_swapon),
        ("swapoff", libc::SYS_swapoff),
        ("acct", libc::SYS_acct),
        ("quotactl", libc::SYS_quotactl),
        ("settimeofday", libc::SYS_settimeofday),
        ("clock_settime", libc::SYS_clock_settime),
        ("syslog", libc::SYS_syslog),
        ("sethostname", libc::SYS_sethostname),
        ("setdomainname", libc::SYS_setdomainname),
        ("fanotify_init", libc::SYS_fanotify_init),
        ("pidfd_getfd", libc::SYS_pidfd_getfd),
        ("process_madvise", libc::SYS_process_madvise),
        ("kcmp", libc::SYS_kcmp),
        ("mbind", libc::SYS_mbind),
        ("move_pages", libc::SYS_move_pages),
        ("vhangup", libc::SYS_vhangup),
    ];
    let numbers: Vec<String> = denied
        .iter()
        .map(|(_, number)| number.to_string())
        .collect();
    // All capabilities, so that only the filter can be what refuses.
    let all = |config: &mut Value| {
        for set in ["bounding", "effective", "permitted"] {
            config["process"]["capabilities"][set] = json!([
                "CAP_SYS_ADMIN",
                "CAP_BPF",
                "CAP_SYS_MODULE",
                "CAP_SYS_BOOT",
                "CAP_PERFMON",
                "CAP_DAC_READ_SEARCH",
                "CAP_SYS_PTRACE"
            ]);
        }
    };
    let deeds: Vec<[&str; 2]> = numbers
        .iter()
        .map(|n| ["system-call", n.as_str()])
        .collect();
    let mut expected: Vec<(&[&str], &str)> = deeds
        .iter()
        .map(|deed| (deed.as_slice(), NOT_PERMITTED))
        .collect();
    let clone3 = libc::SYS_clone3.to_string();
    let clone3 = ["system-call", clone3.as_str()];
    expected.push((&clone3, "error Function not implemented (os error 38)"));
    expected.push((&["socket", "38"], NOT_PERMITTED));
    expected.push((&["socket", "40"], NOT_PERMITTED));
    assert_tells(&place, "denied", &expected, all);
}
