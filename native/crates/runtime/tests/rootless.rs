//! The runtime in the hands of an ordinary user.

mod harness;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use harness::{Place, Said, eventually};
use serde_json::{Value, json};

/// An id that no user of a host has.
const USER: u32 = 54_321;

/// A user's own directory with a bundle in it, and the runtime as that user runs it.
struct Home {
    place: Place,
    dir: PathBuf,
}

impl Home {
    fn new() -> Self {
        let place = Place::new();
        let dir = place.dir.join("home");
        for sub in ["bundle/rootfs/bin", "bundle/rootfs/tmp", "run"] {
            fs::create_dir_all(dir.join(sub)).unwrap();
        }
        fs::copy(
            place.lower("bin/probe"),
            dir.join("bundle/rootfs/bin/probe"),
        )
        .unwrap();
        // What is built may lie where others cannot go.
        let runtime = dir.join("gantry-runtime");
        fs::copy(env!("CARGO_BIN_EXE_gantry-runtime"), &runtime).unwrap();
        for file in [&place.dir, &dir, &runtime] {
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let home = Self { place, dir };
        let owned = Command::new("chown")
            .args(["-R", &format!("{USER}:{USER}")])
            .arg(&home.dir)
            .status();
        assert!(owned.unwrap().success());
        home
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.dir.join("gantry-runtime"));
        command
            .args(arguments)
            .stdin(Stdio::null())
            .current_dir(self.dir.join("bundle"));
        command
            .env("XDG_RUNTIME_DIR", self.dir.join("run"))
            .uid(USER)
            .gid(USER);
        command
    }

    fn runtime(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    fn quiet(&self, arguments: &[&str]) -> Said {
        let errors = self.dir.join("run/stderr");
        let file = fs::File::create(&errors).unwrap();
        let mut command = self.command(arguments);
        let status = command.stdout(Stdio::null()).stderr(file).status().unwrap();
        let err = fs::read_to_string(errors).unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            out: String::new(),
            err,
        }
    }

    /// Writes what `spec --rootless` says, with another program and changed by `change`.
    fn configure(&self, deeds: &str, change: impl FnOnce(&mut Value)) {
        let path = self.dir.join("bundle/config.json");
        let _ = fs::remove_file(&path);
        self.runtime(&["spec", "--rootless"]).assert_ok();
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let words: Vec<&str> = deeds.split(' ').collect();
        config["process"]["args"] = json!([&["/bin/probe"][..], &words].concat());
        config["process"]["terminal"] = json!(false);
        config["root"]["readonly"] = json!(false);
        config["linux"]["seccomp"] = harness::default_seccomp();
        change(&mut config);
        fs::write(&path, config.to_string()).unwrap();
        chown(&path, Some(USER), Some(USER)).unwrap();
    }
}

#[test]
fn run_exec_and_delete_need_no_root() {
    let home = Home::new();
    home.configure(
        "status Uid then status Seccomp then write /tmp/own x then hostname then exit 6",
        |_| {},
    );
    let said = home.runtime(&["run", "mine"]);
    assert_eq!(
        said.lines(),
        ["ok 0 0 0 0", "ok 2", "ok ", "ok gantry"],
        "{}",
        said.err
    );
    assert_eq!(said.code, 6);
    let made = fs::metadata(home.dir.join("bundle/rootfs/tmp/own")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), USER);
    home.configure("sleep 60", |_| {});
    home.quiet(&["create", "mine"]).assert_ok();
    home.quiet(&["start", "mine"]).assert_ok();
    let said = home.runtime(&[
        "exec",
        "mine",
        "/bin/probe",
        "status",
        "Uid",
        "then",
        "hostname",
        "then",
        "exit",
        "4",
    ]);
    assert_eq!(
        (said.code, said.lines()),
        (4, vec!["ok 0 0 0 0", "ok gantry"]),
        "{}",
        said.err
    );
    let state: Value = serde_json::from_str(&home.runtime(&["state", "mine"]).out).unwrap();
    assert_eq!(state["status"], "running");
    assert_eq!(state["owner"], USER.to_string());
    home.runtime(&["kill", "mine", "KILL"]).assert_ok();
    eventually("it stops", || {
        home.runtime(&["list"]).out.contains("stopped")
    });
    home.runtime(&["delete", "mine"]).assert_ok();
    assert!(!home.dir.join("run/gantry/runtime/mine").exists());
}

#[test]
fn missing_cgroups_are_noticed_and_limits_refused() {
    let home = Home::new();
    home.configure("sleep 60", |config| {
        config["linux"]["cgroupsPath"] = json!(format!("{}/x", home.place.cgroup))
    });
    home.quiet(&["run", "-d", "noticed"]).assert_ok();
    let notices =
        fs::read_to_string(home.dir.join("run/gantry/runtime/noticed/notices.json")).unwrap();
    assert!(
        notices.contains("may not be made by user 54321"),
        "{notices}"
    );
    home.runtime(&["delete", "-f", "noticed"]).assert_ok();
    home.configure("cwd", |config| {
        config["linux"]["resources"] = json!({ "pids": { "limit": 5 } })
    });
    home.runtime(&["run", "limited"])
        .assert_fails("linux.resources.pids");
}

fn without_user_namespace(config: &mut Value) {
    let linux = config["linux"].as_object_mut().unwrap();
    linux.remove("uidMappings");
    linux.remove("gidMappings");
    let namespaces = linux["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "user");
}

/// Of an ordinary user the host's cgroups come with a recursive bind of /sys.
#[test]
fn cve_2023_25809_the_hosts_cgroups_are_read_only() {
    let home = Home::new();
    home.configure("cat /proc/self/mountinfo", |config| {
        let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "cgroup");
    });
    let said = home.runtime(&["run", "shared"]);
    let mounts: Vec<&str> = said
        .out
        .split('|')
        .filter(|line| {
            line.split(' ')
                .nth(4)
                .is_some_and(|at| at.starts_with("/sys"))
        })
        .collect();
    assert!(!mounts.is_empty(), "{}{}", said.out, said.err);
    for mount in mounts {
        let options = mount.split(' ').nth(5).unwrap();
        assert!(options.split(',').any(|option| option == "ro"), "{mount}");
    }
}

#[test]
fn what_takes_root_is_refused_by_name() {
    let home = Home::new();
    home.configure("cwd", without_user_namespace);
    home.runtime(&["run", "rootful"])
        .assert_fails("must contain a user namespace");
    home.configure("cwd", |config| {
        config["linux"]["uidMappings"] =
            json!([{ "containerID": 0, "hostID": 100_000, "size": 65_536 }]);
    });
    home.runtime(&["run", "ranged"]).assert_fails("newuidmap");
    home.configure("cwd", |config| {
        let mount =
            json!({ "destination": "/volume", "source": "/tmp", "options": ["rbind", "idmap"] });
        config["mounts"].as_array_mut().unwrap().push(mount);
    });
    home.runtime(&["run", "mapped"])
        .assert_fails("only root may id-map");
    for refused in ["rootful", "ranged", "mapped"] {
        let left = home.dir.join("run/gantry/runtime").join(refused);
        assert!(!left.exists(), "{refused} left {}", left.display());
    }
}

#[test]
fn an_overlay_root_serves_an_ordinary_user_too() {
    let home = Home::new();
    home.configure("write /tmp/own x then mode /bin/probe", |config| {
        for part in ["upper", "work"] {
            let dir = home.dir.join(part);
            fs::create_dir(&dir).unwrap();
            chown(&dir, Some(USER), Some(USER)).unwrap();
            config["annotations"][format!("dev.gantry.rootfs.{part}")] = json!(dir);
        }
        config["annotations"]["dev.gantry.rootfs.lower"] = json!(home.dir.join("bundle/rootfs"));
    });
    let said = home.runtime(&["run", "layered"]);
    assert_eq!(said.lines().len(), 2, "{}", said.err);
    assert_eq!(said.lines()[0], "ok ", "{}", said.err);
    assert!(home.dir.join("upper/tmp/own").exists());
    assert!(!home.dir.join("bundle/rootfs/tmp/own").exists());
}

#[test]
fn root_of_a_user_namespace_is_an_ordinary_user_outside() {
    let home = Home::new();
    // The caller is in a user namespace already, as podman starts its runtimes.
    home.configure("status Uid then mode /dev/null", without_user_namespace);
    let runtime = home.dir.join("gantry-runtime");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount"])
        .arg(runtime);
    command
        .args(["--rootless", "true", "--root"])
        .arg(home.dir.join("run/inner"))
        .args(["run", "inner"]);
    command
        .stdin(Stdio::null())
        .current_dir(home.dir.join("bundle"))
        .uid(USER)
        .gid(USER);
    let said = Said::from(command.output().unwrap());
    assert_eq!(
        said.lines(),
        ["ok 0 0 0 0", "ok 20666 65534:65534 0x103"],
        "{}",
        said.err
    );
}
