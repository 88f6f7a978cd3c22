//! A launcher of its own for each test, in a directory of its own, and a client of its protocol.
//! Whatever a test leaves is removed when it ends, also when it fails.
#![allow(dead_code)]

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(20);

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Node {
    pub dir: PathBuf,
    pub name: String,
    pub runtime: String,
    launcher: Option<Child>,
}

/// The OCI runtime to test with: ours from the same build, or the one that GANTRY_RUNTIME names.
fn runtime() -> String {
    if let Ok(path) = std::env::var("GANTRY_RUNTIME") {
        return path;
    }
    let monitor = Path::new(env!("CARGO_BIN_EXE_gantry-monitor"));
    let target = monitor
        .parent()
        .and_then(Path::parent)
        .expect("target directory");
    let candidates = ["debug", "release"].map(|p| target.join(p).join("gantry-runtime"));
    let newest = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).ok();
    let found = candidates
        .iter()
        .filter(|path| path.exists())
        .max_by_key(|path| newest(path));
    found
        .expect("gantry-runtime is not built: cargo build -p gantry-runtime")
        .display()
        .to_string()
}

impl Node {
    pub fn new(test: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mon-{}-{number}-{test}", std::process::id());
        let dir = PathBuf::from("/run").join(format!("gantry-test-{name}"));
        fs::create_dir_all(&dir).unwrap();
        let mut node = Self {
            dir,
            name,
            runtime: runtime(),
            launcher: None,
        };
        node.start_launcher();
        node
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.join("monitor.sock")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.join("monitor")
    }

    pub fn launcher_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gantry-monitor"));
        command.args(["serve", "--socket"]).arg(self.socket());
        command.arg("--state-dir").arg(self.state_dir());
        command
    }

    pub fn start_launcher(&mut self) {
        self.launcher = Some(self.launcher_command().spawn().unwrap());
        wait_until("the launcher answers", || {
            UnixStream::connect(self.socket()).is_ok()
        });
    }

    pub fn launcher_pid(&self) -> i32 {
        self.launcher.as_ref().unwrap().id() as i32
    }

    /// Kills the launcher as a crash would.
    pub fn kill_launcher(&mut self) {
        let mut launcher = self.launcher.take().unwrap();
        launcher.kill().unwrap();
        launcher.wait().unwrap();
    }

    pub fn client(&self) -> Client {
        Client::new(UnixStream::connect(self.socket()).unwrap())
    }

    pub fn call(&self, request: Value) -> Value {
        self.client().call(request)
    }

    /// Writes a bundle that runs `script` with the host's programs, read-only.
    pub fn bundle(&self, id: &str, script: &str, terminal: bool) -> PathBuf {
        let bundle = self.dir.join("bundles").join(id);
        let rootfs = bundle.join("rootfs");
        for dir in ["usr", "proc", "dev", "tmp", "etc"] {
            fs::create_dir_all(rootfs.join(dir)).unwrap();
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            let _ = std::os::unix::fs::symlink(format!("usr/{link}"), rootfs.join(link));
        }
        let spec = spec(script, terminal, &self.cgroups_path(id));
        fs::write(bundle.join("config.json"), spec.to_string()).unwrap();
        bundle
    }

    pub fn cgroups_path(&self, id: &str) -> String {
        format!("/gantry-test/{}/{id}", self.name)
    }

    pub fn log_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.log"))
    }

    pub fn create_request(&self, id: &str, bundle: &Path) -> Value {
        json!({
            "id": 1, "op": "container.create", "containerId": id,
            "bundle": bundle, "runtime": self.runtime,
            "runtimeRoot": self.dir.join("runtime"), "cgroupsPath": self.cgroups_path(id),
            "logPath": self.log_path(id), "logMaxBytes": 1048576, "logMaxFiles": 3,
            "stdin": false, "terminal": false,
        })
    }

    /// Creates and starts a container that runs `script`.
    pub fn run_container(&self, id: &str, script: &str) -> Value {
        self.run_container_with(id, script, json!({}))
    }

    pub fn run_container_with(&self, id: &str, script: &str, changes: Value) -> Value {
        let terminal = changes["terminal"] == json!(true);
        let bundle = self.bundle(id, script, terminal);
        let mut request = self.create_request(id, &bundle);
        for (key, value) in changes.as_object().unwrap() {
            request[key] = value.clone();
        }
        let created = self.call(request);
        assert!(created["result"]["pid"].is_number(), "create: {created}");
        let started = self.runtime_call(&["start", id]);
        assert_eq!(started["exitCode"], json!(0), "start: {started}");
        created["result"].clone()
    }

    pub fn runtime_call(&self, arguments: &[&str]) -> Value {
        let root = self.dir.join("runtime");
        let mut argv = vec![self.runtime.as_str(), "--root", root.to_str().unwrap()];
        argv.extend(arguments);
        let run = json!({ "id": 1, "op": "run", "argv": argv, "timeoutMs": 20000 });
        self.call(run)["result"].clone()
    }

    pub fn exit_record(&self, id: &str) -> Option<Value> {
        let path = self.state_dir().join(id).join("exit.json");
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    pub fn wait_for_exit(&self, id: &str) -> Value {
        wait_until("the exit record is there", || {
            self.exit_record(id).is_some()
        });
        self.exit_record(id).unwrap()
    }

    pub fn log(&self, id: &str) -> String {
        fs::read_to_string(self.log_path(id)).unwrap_or_default()
    }

    /// Log entries without their timestamps.
    pub fn log_entries(&self, id: &str) -> Vec<String> {
        self.log(id)
            .lines()
            .map(|line| line[31..].to_string())
            .collect()
    }

    pub fn exec_request(&self, id: &str, arguments: &[&str], stdin: bool) -> Value {
        let path = "PATH=/usr/bin:/bin";
        json!({
            "id": 7, "op": "exec", "containerId": id, "runtime": self.runtime,
            "runtimeRoot": self.dir.join("runtime"), "stdin": stdin,
            "process": { "args": arguments, "cwd": "/", "env": [path],
                         "user": { "uid": 0, "gid": 0 } },
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.launcher.is_none() {
            self.start_launcher();
        }
        let listed = self.call(json!({ "id": 1, "op": "container.list" }));
        for container in listed["result"]["containers"]
            .as_array()
            .cloned()
            .unwrap_or_default()
        {
            let id = container["containerId"].as_str().unwrap().to_string();
            let _ = self.runtime_call(&["delete", "--force", &id]);
            let gone = || self.exit_record(&id).is_some();
            let waiting = Instant::now();
            while !gone() && waiting.elapsed() < PATIENCE {
                std::thread::yield_now();
            }
        }
        self.kill_launcher();
        let _ = Command::new("umount")
            .args(["-q", "-R"])
            .arg(self.dir.join("sandbox/net"))
            .status();
        let _ = fs::remove_dir_all(&self.dir);
        remove_cgroups(&self.name);
    }
}

fn remove_cgroups(name: &str) {
    let hierarchies = fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten();
    for hierarchy in hierarchies
        .map(|entry| entry.path())
        .chain(["/sys/fs/cgroup".into()])
    {
        let group = hierarchy.join("gantry-test").join(name);
        for child in fs::read_dir(&group).into_iter().flatten().flatten() {
            let _ = fs::remove_dir(child.path());
        }
        let _ = fs::remove_dir(&group);
        let _ = fs::remove_dir(hierarchy.join("gantry-test"));
    }
}

fn spec(script: &str, terminal: bool, cgroups_path: &str) -> Value {
    let capabilities = json!(["CAP_KILL", "CAP_CHOWN"]);
    json!({
        "ociVersion": "1.1.0",
        "process": {
            "terminal": terminal, "cwd": "/", "args": ["/bin/bash", "-c", script],
            "env": ["PATH=/usr/bin:/bin", "TERM=dumb"], "user": { "uid": 0, "gid": 0 },
            "capabilities": { "bounding": capabilities, "effective": capabilities,
                              "permitted": capabilities },
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": false },
        "hostname": "test",
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
              "options": ["nosuid", "mode=755"] },
            { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
              "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] },
            { "destination": "/usr", "type": "bind", "source": "/usr",
              "options": ["rbind", "ro"] },
        ],
        "linux": {
            "cgroupsPath": cgroups_path,
            "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "ipc" },
                           { "type": "uts" }, { "type": "network" }],
            "resources": { "memory": { "limit": 67108864, "swap": 67108864 } },
        },
    })
}

/// Polls a condition, since what is waited for happens in other processes.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub struct Client {
    pub reader: BufReader<UnixStream>,
    pub writer: UnixStream,
}

impl Client {
    pub fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            reader: BufReader::new(stream.try_clone().unwrap()),
            writer: stream,
        }
    }

    pub fn send(&mut self, request: Value) {
        self.writer
            .write_all(format!("{request}\n").as_bytes())
            .unwrap();
    }

    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line:?}"))
    }

    pub fn call(&mut self, request: Value) -> Value {
        self.send(request);
        self.receive()
    }

    pub fn send_frame(&mut self, channel: u8, payload: &[u8]) {
        let mut frame = vec![channel];
        frame.extend((payload.len() as u32).to_be_bytes());
        frame.extend(payload);
        self.writer.write_all(&frame).unwrap();
    }

    pub fn receive_frame(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0; 5];
        self.reader.read_exact(&mut header).unwrap();
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        let mut payload = vec![0; length as usize];
        self.reader.read_exact(&mut payload).unwrap();
        (header[0], payload)
    }

    /// Everything of a session: stdout, stderr and the status.
    pub fn collect(&mut self) -> (String, String, Value) {
        let mut streams = [Vec::new(), Vec::new()];
        loop {
            match self.receive_frame() {
                (3, status) => {
                    let [out, err] = streams.map(|s| String::from_utf8_lossy(&s).into_owned());
                    return (out, err, serde_json::from_slice(&status).unwrap());
                }
                (channel, bytes) => streams[channel as usize - 1].extend(bytes),
            }
        }
    }

    /// Reads stdout until it contains `text`.
    pub fn expect(&mut self, text: &str) {
        let mut seen = String::new();
        while !seen.contains(text) {
            let (channel, bytes) = self.receive_frame();
            assert_ne!(channel, 3, "ended before {text:?}, after {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}
