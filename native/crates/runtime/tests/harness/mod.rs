//! A place of its own for every test: directories, a cgroup name, a runtime root. Dropping it
//! removes all, also after a failure.

#![allow(dead_code, reason = "every test file uses its own part of the harness")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

static COUNTER: AtomicUsize = AtomicUsize::new(0);
const RUNTIME: &str = env!("CARGO_BIN_EXE_gantry-runtime");
/// Names another runtime to run the same tests on.
const OTHER: &str = "GANTRY_RUNTIME_UNDER_TEST";
const PROBE: &str = env!("CARGO_BIN_EXE_gantry-runtime-probe");
const PATIENCE: Duration = Duration::from_secs(20);

/// Capabilities as a default container has them.
pub const CAPABILITIES: [&str; 5] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
];

/// Whether the tests run on our runtime.
pub fn is_ours() -> bool {
    std::env::var_os(OTHER).is_none()
}

/// One test's place.
pub struct Place {
    pub dir: PathBuf,
    pub cgroup: String,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests need root"
        );
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gantry-test-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(&name);
        let place = Self {
            dir,
            cgroup: format!("/{name}"),
        };
        for sub in ["lower/bin", "lower/etc", "lower/tmp", "runtime"] {
            fs::create_dir_all(place.dir.join(sub)).unwrap();
        }
        // A copy, as an image has it: what containers do to it must not reach the built one.
        fs::copy(PROBE, place.dir.join("lower/bin/probe")).unwrap();
        place
    }

    pub fn lower(&self, path: &str) -> PathBuf {
        self.dir.join("lower").join(path)
    }

    /// Writes a bundle whose program is the probe with these arguments, changed by `change`.
    pub fn bundle(&self, id: &str, probe: &[&str], change: impl FnOnce(&mut Value)) -> PathBuf {
        let bundle = self.dir.join(id);
        for sub in ["upper", "work", "rootfs"] {
            fs::create_dir_all(bundle.join(sub)).unwrap();
        }
        let mut config = self.config(id, probe);
        change(&mut config);
        fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        bundle
    }

    fn config(&self, id: &str, probe: &[&str]) -> Value {
        let bundle = self.dir.join(id);
        let args: Vec<&str> = ["/bin/probe"].iter().chain(probe).copied().collect();
        let kinds = ["pid", "network", "ipc", "uts", "mount", "cgroup"];
        json!({
            "ociVersion": "1.2.0",
            "root": { "path": "rootfs" },
            "hostname": "tested",
            "annotations": {
                "dev.gantry.rootfs.lower": self.dir.join("lower"),
                "dev.gantry.rootfs.upper": bundle.join("upper"),
                "dev.gantry.rootfs.work": bundle.join("work"),
            },
            "process": {
                "args": args, "cwd": "/", "user": { "uid": 0, "gid": 0 },
                "env": ["PATH=/bin"], "noNewPrivileges": true,
                "capabilities": {
                    "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES,
                },
            },
            "mounts": mounts(),
            "linux": {
                "namespaces": kinds.map(|kind| json!({ "type": kind })),
                "cgroupsPath": format!("{}/{id}", self.cgroup),
                "resources": {},
                "maskedPaths": ["/proc/keys", "/proc/timer_list", "/sys/firmware"],
                "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
                "seccomp": default_seccomp(),
            },
        })
    }

    /// The runtime with this place's root.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os(OTHER).unwrap_or(RUNTIME.into()));
        command
            .arg("--root")
            .arg(self.dir.join("runtime"))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    pub fn runtime(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// As [`Self::runtime`], for commands whose container lives on with our standard streams.
    pub fn quiet(&self, arguments: &[&str]) -> Said {
        let errors = self.dir.join("stderr");
        let mut command = self.command(arguments);
        let status = command
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors).unwrap())
            .status()
            .unwrap();
        let err = fs::read_to_string(errors).unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            out: String::new(),
            err,
        }
    }

    /// Runs the probe in a new container to its end.
    pub fn run(&self, id: &str, probe: &[&str], change: impl FnOnce(&mut Value)) -> Said {
        let bundle = self.bundle(id, probe, change);
        self.runtime(&["run", "--bundle", bundle.to_str().unwrap(), id])
    }

    /// Creates and starts a container that stays.
    pub fn start(&self, id: &str, probe: &[&str], change: impl FnOnce(&mut Value)) {
        self.create(id, probe, change).assert_ok();
        self.quiet(&["start", id]).assert_ok();
    }

    pub fn create(&self, id: &str, probe: &[&str], change: impl FnOnce(&mut Value)) -> Said {
        let bundle = self.bundle(id, probe, change);
        self.quiet(&["create", "--bundle", bundle.to_str().unwrap(), id])
    }

    pub fn state(&self, id: &str) -> Value {
        let said = self.runtime(&["state", id]);
        said.assert_ok();
        serde_json::from_str(&said.out).unwrap()
    }

    pub fn status(&self, id: &str) -> String {
        self.state(id)["status"].as_str().unwrap().to_owned()
    }

    pub fn pid(&self, id: &str) -> i64 {
        self.state(id)["pid"].as_i64().unwrap()
    }

    /// Directories of this place's cgroups that exist, in any hierarchy.
    pub fn cgroup_dirs(&self, id: &str) -> Vec<PathBuf> {
        let relative = format!("{}/{id}", self.cgroup.trim_start_matches('/'));
        hierarchies()
            .into_iter()
            .map(|dir| dir.join(&relative))
            .filter(|dir| dir.exists())
            .collect()
    }

    /// The directory with `file` among the container's cgroups.
    pub fn cgroup_file(&self, id: &str, file: &str) -> PathBuf {
        let found = self
            .cgroup_dirs(id)
            .into_iter()
            .map(|dir| dir.join(file))
            .find(|f| f.exists());
        found.unwrap_or_else(|| panic!("no cgroup of {id} has {file}"))
    }

    /// Asserts that nothing of the container is left anywhere.
    pub fn assert_gone(&self, id: &str) {
        assert_eq!(self.cgroup_dirs(id), Vec::<PathBuf>::new());
        assert!(
            !self.dir.join("runtime").join(id).exists(),
            "its record is left"
        );
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let dir = self.dir.to_str().unwrap();
        assert!(!mounts.contains(dir), "a mount is left:\n{mounts}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.dir.join("runtime"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let id = entry.file_name().to_string_lossy().into_owned();
            self.runtime(&["delete", "--force", &id]);
        }
        for dir in hierarchies() {
            let _ = fs::remove_dir(dir.join(self.cgroup.trim_start_matches('/')));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Said {
    #[track_caller]
    pub fn assert_ok(&self) {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
    }

    #[track_caller]
    pub fn assert_fails(&self, words: &str) {
        assert_ne!(self.code, 0, "{}", self.out);
        assert!(
            self.err.contains(words),
            "{:?} does not contain {words:?}",
            self.err
        );
    }

    /// The lines of the probe.
    pub fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Waits for a condition, and fails the test when it does not come.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The profile that ships with the runtime.
pub fn default_seccomp() -> Value {
    serde_json::from_str(include_str!("../../default-seccomp.json")).unwrap()
}

/// Mount points of all cgroup hierarchies of this host.
pub fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    fs::read_dir(root)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

fn mounts() -> Value {
    let mount = |destination: &str, kind: &str, options: &str| {
        let options: Vec<&str> = options.split(' ').collect();
        json!({ "destination": destination, "type": kind, "source": kind, "options": options })
    };
    json!([
        mount("/proc", "proc", "nosuid noexec nodev"),
        mount("/dev", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
        mount(
            "/dev/pts",
            "devpts",
            "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"
        ),
        mount(
            "/dev/shm",
            "tmpfs",
            "nosuid noexec nodev mode=1777 size=65536k"
        ),
        mount("/dev/mqueue", "mqueue", "nosuid noexec nodev"),
        mount("/sys", "sysfs", "nosuid noexec nodev ro"),
        mount(
            "/sys/fs/cgroup",
            "cgroup",
            "nosuid noexec nodev relatime ro"
        ),
    ])
}
