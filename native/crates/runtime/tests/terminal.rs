//! Terminals in the foreground, and what else `run` and `exec` take over from runc's command line.

mod harness;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use harness::{Place, eventually};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};

const PATIENCE: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

/// A terminal of the test's own, as a person sits at one.
struct Seat {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Seat {
    fn new(columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let seat = Self { master, slave };
        seat.resize(columns);
        seat
    }

    fn resize(&self, columns: u16) {
        let size = Winsize {
            ws_row: 10,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.master, size).unwrap();
    }

    fn spawn(&self, mut command: Command) -> Child {
        let stream = || Stdio::from(self.slave.try_clone().unwrap());
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let slave = self.slave.try_clone().unwrap();
        // SAFETY: the two calls between fork and exec are safe after a fork; no allocation happens.
        unsafe {
            command.pre_exec(move || {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(slave.as_fd())?;
                Ok(())
            });
        }
        command.spawn().unwrap()
    }

    fn type_in(&self, text: &str) {
        rustix::io::write(&self.master, text.as_bytes()).unwrap();
    }

    /// Reads until the text has come.
    fn expect(&self, text: &str) -> String {
        let mut said = String::new();
        let mut file = fs::File::from(self.master.try_clone().unwrap());
        while !said.contains(text) {
            let ready = poll(
                &mut [PollFd::new(&self.master, PollFlags::IN)],
                Some(&PATIENCE),
            );
            assert_eq!(ready, Ok(1), "waited for {text:?} in vain after {said:?}");
            let mut bytes = [0; 512];
            let read = file.read(&mut bytes).unwrap();
            said += &String::from_utf8_lossy(&bytes[..read]);
        }
        said
    }
}

fn with_terminal(config: &mut Value) {
    config["process"]["terminal"] = json!(true);
}

#[test]
fn run_relays_the_terminal_with_its_size_and_takes_over_the_exit_code() {
    let place = Place::new();
    let deeds = [
        "terminal",
        "then",
        "read-line",
        "then",
        "wait-for-columns",
        "77",
        "then",
        "exit",
        "5",
    ];
    let bundle = place.bundle("seat", &deeds, with_terminal);
    let seat = Seat::new(91);
    let mut child = seat.spawn(place.command(&["run", "-b", bundle.to_str().unwrap(), "seat"]));
    seat.expect("ok 91x10 console=true controlling=true");
    // In raw mode the caller's terminal echoes nothing; what comes back is the container's echo.
    seat.type_in("typed\r");
    seat.expect("ok typed");
    seat.resize(77);
    seat.expect("ok 77");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    place.assert_gone("seat");
    let mode = rustix::termios::tcgetattr(&seat.slave).unwrap();
    assert!(
        mode.local_modes
            .contains(rustix::termios::LocalModes::ICANON),
        "the mode is not restored"
    );
}

#[test]
fn exec_relays_a_terminal_too_and_pipes_serve_as_well() {
    let place = Place::new();
    place.start("main", &["sleep", "60"], |_| {});
    let seat = Seat::new(55);
    let arguments = [
        "exec",
        "-t",
        "main",
        "/bin/probe",
        "wait-for-columns",
        "55",
        "then",
        "exit",
        "3",
    ];
    let mut child = seat.spawn(place.command(&arguments));
    seat.expect("ok 55");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let arguments = ["exec", "--tty", "main", "/bin/probe", "read-line"];
    let mut command = place.command(&arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"through a pipe\n").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("ok through a pipe\r\n"), "{said:?}");
    place
        .runtime(&["exec", "-t", "-d", "main", "/bin/probe", "cwd"])
        .assert_fails("--console-socket");
}

#[test]
fn detached_containers_outlive_run_and_leave_their_number() {
    let place = Place::new();
    let bundle = place.bundle("apart", &["sleep", "60"], |_| {});
    let pid_file = place.dir.join("pid");
    let arguments = [
        "run",
        "--detach",
        "--pid-file",
        pid_file.to_str().unwrap(),
        "-b",
        bundle.to_str().unwrap(),
        "apart",
    ];
    place.quiet(&arguments).assert_ok();
    assert_eq!(place.status("apart"), "running");
    assert_eq!(
        fs::read_to_string(pid_file).unwrap(),
        place.pid("apart").to_string()
    );
    place.bundle("apart-too", &["sleep", "60"], with_terminal);
    let bundle = place.dir.join("apart-too");
    place
        .quiet(&["run", "-d", "-b", bundle.to_str().unwrap(), "x"])
        .assert_fails("--console-socket");
}

#[test]
fn sockets_of_systemd_and_preserved_descriptors_must_be_there() {
    let place = Place::new();
    let bundle = place.bundle(
        "sockets",
        &[
            "descriptors",
            "then",
            "env",
            "LISTEN_FDS",
            "then",
            "env",
            "LISTEN_PID",
        ],
        |_| {},
    );
    let run = |redirects: &str, flags: &str| {
        let command = format!(
            "exec {redirects}; LISTEN_FDS=1 LISTEN_PID=$$ exec {} --root {} run {flags} -b {} sockets",
            env!("CARGO_BIN_EXE_gantry-runtime"),
            place.dir.join("runtime").display(),
            bundle.display(),
        );
        harness::Said::from(Command::new("sh").args(["-c", &command]).output().unwrap())
    };
    let said = run("3</dev/null 4</dev/null", "--preserve-fds 1");
    assert_eq!(
        said.lines(),
        ["ok 0 1 2 3 4", "ok 1", "ok 1"],
        "{}",
        said.err
    );
    run("3</dev/null 4<&-", "--preserve-fds 1").assert_fails("descriptor 4 is not open");
}

#[test]
fn every_process_of_a_notifying_profile_has_its_listener() {
    let place = Place::new();
    let socket = place.dir.join("listener");
    let listener = UnixListener::bind(&socket).unwrap();
    let notified = |config: &mut Value| {
        config["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "listenerPath": socket, "listenerMetadata": "meta",
            "syscalls": [{ "names": ["swapoff"], "action": "SCMP_ACT_NOTIFY" }],
        });
    };
    let mut states = Vec::new();
    let mut accept = || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        states.push(serde_json::from_str::<Value>(&text).unwrap());
    };
    place.start("notified", &["sleep", "60"], notified);
    accept();
    place
        .runtime(&["exec", "notified", "/bin/probe", "cwd"])
        .assert_ok();
    accept();
    let statuses: Vec<_> = states
        .iter()
        .map(|state| state["state"]["status"].clone())
        .collect();
    assert_eq!(statuses, ["creating", "running"]);
    assert_ne!(states[0]["pid"], states[1]["pid"]);
    assert_eq!(states[1]["state"]["pid"], place.pid("notified"));
    assert_eq!(states[1]["metadata"], "meta");
}

#[test]
fn exec_joins_a_group_below_the_containers() {
    let place = Place::new();
    place.start("grouped", &["sleep", "60"], |_| {});
    for dir in place.cgroup_dirs("grouped") {
        fs::create_dir(dir.join("below")).unwrap();
    }
    let said = place.runtime(&[
        "exec",
        "--cgroup",
        "below",
        "grouped",
        "/bin/probe",
        "cat",
        "/proc/self/cgroup",
    ]);
    assert!(said.out.contains("/below"), "{}{}", said.out, said.err);
    let exec =
        |wish: &str| place.runtime(&["exec", "--cgroup", wish, "grouped", "/bin/probe", "cwd"]);
    exec("missing").assert_fails("does not exist");
    exec("../other").assert_fails("leaves the container's group");
    exec("nothing:below").assert_fails("no hierarchy");
}

#[test]
fn the_command_line_is_runcs() {
    let place = Place::new();
    place.start("listed", &["sleep", "60"], |_| {});
    let said = place.runtime(&["ps", "listed", "-o", "pid,args"]);
    assert!(
        said.out.contains("/bin/probe sleep 60") && said.lines().len() == 2,
        "{}{}",
        said.out,
        said.err
    );
    let said = place.runtime(&["list"]);
    assert!(
        said.lines()[0].contains("OWNER") && said.out.contains(" root "),
        "{}",
        said.out
    );
    let said = place.runtime(&["list", "-q", "-f", "json"]);
    assert_eq!(said.lines(), ["listed"]);
    for (verb, flag) in [
        ("run", "--detach, -d"),
        ("exec", "--cgroup VALUE"),
        ("events", "--stats"),
    ] {
        let said = place.runtime(&[verb, "--help"]);
        assert!(said.out.contains(flag), "{verb}: {}", said.out);
    }
    for (arguments, words) in [
        (&["--systemd-cgroup", "list"][..], "cgroupfs driver"),
        (&["checkpoint", "listed"], "not supported"),
        (&["run", "--no-pivot", "listed"], "--no-pivot"),
        (&["update", "--l3-cache-schema", "x", "listed"], "resctrl"),
    ] {
        place.runtime(arguments).assert_fails(words);
    }
    eventually("an event comes at every interval", || {
        let said = Command::new("timeout")
            .arg("1")
            .arg(env!("CARGO_BIN_EXE_gantry-runtime"))
            .arg("--root")
            .arg(place.dir.join("runtime"))
            .args(["events", "--interval", "100ms", "listed"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&said.stdout).lines().count() > 2
    });
}
