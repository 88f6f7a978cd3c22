//! A host of its own for each test: the test's thread moves to a new network namespace, in which
//! the plugin then runs. Pods are further namespaces. All of it goes when the test ends.
#![allow(dead_code)]

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Host {
    pub dir: PathBuf,
}

impl Host {
    pub fn new(test: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gantry-test-net-{}-{number}-{test}", std::process::id());
        let dir = PathBuf::from("/run").join(name);
        fs::create_dir_all(&dir).unwrap();
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        sh("ip link set lo up");
        Self { dir }
    }

    pub fn config(&self) -> Value {
        json!({
            "cniVersion": "1.1.0", "name": "gantry", "type": "gantry-network",
            "bridge": "gantry0", "podCIDR": "10.42.1.0/24", "clusterCIDR": "10.42.0.0/16",
            "mtu": 0, "dataDir": self.dir.join("data"),
        })
    }

    /// A network namespace, pinned as a pod's is.
    pub fn pod(&self, name: &str) -> Pod {
        let path = self.dir.join(name);
        File::create(&path).unwrap();
        let pin = path.clone();
        let pinning = std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            let own = Some("/proc/thread-self/ns/net");
            mount(own, &pin, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        });
        pinning.join().unwrap();
        Pod {
            name: name.into(),
            netns: path,
        }
    }

    pub fn cni(&self, command: &str, pod: &Pod, config: &Value) -> Result<Value, Value> {
        let netns = pod.netns.display().to_string();
        let variables = [
            ("CNI_COMMAND", command),
            ("CNI_CONTAINERID", &pod.name),
            ("CNI_NETNS", &netns),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/usr/lib/gantry/bin"),
        ];
        call(&[], &variables, &config.to_string())
    }

    pub fn add(&self, pod: &Pod) -> Value {
        self.cni("ADD", pod, &self.config()).expect("ADD")
    }

    pub fn node_wide(&self, verb: &str, input: &Value) -> Result<Value, Value> {
        call(&[verb], &[], &input.to_string())
    }

    pub fn leases(&self) -> usize {
        let entries = fs::read_dir(self.dir.join("data/gantry"))
            .into_iter()
            .flatten()
            .flatten();
        let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
        entries
            .filter(|entry| name(entry).parse::<std::net::Ipv4Addr>().is_ok())
            .count()
    }

    pub fn veths(&self) -> usize {
        sh("ip -o link show type veth").lines().count()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let _ = umount2(&entry.path(), MntFlags::MNT_DETACH);
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

pub struct Pod {
    pub name: String,
    pub netns: PathBuf,
}

impl Pod {
    /// Runs `script` in the pod's network.
    pub fn sh(&self, script: &str) -> String {
        let netns = format!("--net={}", self.netns.display());
        output(Command::new("nsenter").args([&netns, "sh", "-c", script]))
    }

    /// Does something in the pod's network, in a thread of its own.
    pub fn inside<T: Send + 'static>(
        &self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let netns = File::open(&self.netns).unwrap();
        std::thread::spawn(move || {
            setns(&netns, CloneFlags::CLONE_NEWNET).unwrap();
            body()
        })
    }

    /// The runtime removes the namespace.
    pub fn vanish(&self) {
        umount2(&self.netns, MntFlags::MNT_DETACH).unwrap();
        fs::remove_file(&self.netns).unwrap();
    }
}

/// Runs the binary; its stdout as JSON, `Err` when it failed.
pub fn call(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Result<Value, Value> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gantry-network"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse before it has read all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answer = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap()
    };
    if output.status.success() {
        Ok(answer)
    } else {
        Err(answer)
    }
}

pub fn sh(script: &str) -> String {
    output(Command::new("sh").args(["-c", script]))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}
