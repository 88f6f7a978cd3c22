//! The runtime killed at a system call of each command, by strace's fault injection: afterwards
//! `delete --force` leaves no process, mount, cgroup or record. `GANTRY_CRASH_STEP=1` kills at every
//! call; without it at every eleventh, so that each run ends soon.

mod harness;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use harness::{Place, eventually};

const USUAL_STEP: usize = 11;

/// Whom strace may kill.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Victim {
    /// The process that the command line started.
    Parent,
    /// It, or one that it made.
    Anyone,
}

fn step() -> usize {
    let given = std::env::var("GANTRY_CRASH_STEP").ok();
    given.map_or(USUAL_STEP, |text| {
        text.parse().expect("GANTRY_CRASH_STEP: a number")
    })
}

/// Runs a command under strace; what was traced.
fn traced(place: &Place, victim: Victim, options: &[&str], arguments: &[&str]) -> String {
    let runtime = place.command(arguments);
    let trace = place.dir.join("trace");
    let mut strace = Command::new("strace");
    strace.arg("-q").args(options).arg("-o").arg(&trace);
    strace.args((victim == Victim::Anyone).then_some("-f"));
    strace
        .arg(runtime.get_program())
        .args(runtime.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace is installed");
    fs::read_to_string(&trace).unwrap()
}

/// Every call of an undisturbed run: its name, and the how manieth of that name in its process it
/// is, which is how strace counts.
fn calls_of(trace: &str) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((head, _)) = line.split_once('(') else {
            continue;
        };
        let (pid, name) = head.rsplit_once(' ').unwrap_or(("", head));
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            continue;
        }
        let count = counts.entry((pid.trim(), name)).or_default();
        *count += 1;
        let call = (name.to_owned(), *count);
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    calls
}

/// Processes that are of this place: they see its mounts, or were called with its paths.
fn processes_of(place: &Place) -> Vec<String> {
    let name = place.dir.display().to_string();
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let numbers = numbers.filter(|n| n.parse::<u32>().is_ok() && *n != own);
    let belongs = |pid: &String| {
        let proc = PathBuf::from("/proc").join(pid);
        let read = |file: &str| fs::read(proc.join(file)).unwrap_or_default();
        let texts = [read("mountinfo"), read("cmdline")];
        texts
            .iter()
            .any(|text| String::from_utf8_lossy(text).contains(&name))
    };
    numbers.filter(belongs).collect()
}

fn assert_removable(place: &Place, id: &str, at: &str) {
    let said = place.runtime(&["delete", "--force", id]);
    assert_eq!(said.code, 0, "{at}: {}", said.err);
    eventually(&format!("{at}: every process to be gone"), || {
        processes_of(place).is_empty()
    });
    place.assert_gone(id);
}

/// Kills `arguments` at one call after another, each time after `prepare` and before `check`.
fn sweep(
    place: &Place,
    id: &str,
    victim: Victim,
    arguments: &[&str],
    prepare: impl Fn(),
    check: impl Fn(&str),
) {
    prepare();
    let calls = calls_of(&traced(place, victim, &[], arguments));
    assert_removable(place, id, "undisturbed");
    assert!(
        calls.len() > 20,
        "{} makes only these calls: {calls:?}",
        arguments[0]
    );
    let mut killed = 0;
    for (name, count) in calls.iter().step_by(step()) {
        prepare();
        let inject = format!("inject={name}:signal=KILL:when={count}");
        let trace = traced(place, victim, &["-e", &inject], arguments);
        killed += usize::from(trace.contains("+++ killed by SIGKILL"));
        let at = format!("{} killed at {name} {count}", arguments[0]);
        check(&at);
        assert_removable(place, id, &at);
    }
    let tried = calls.len().div_ceil(step());
    println!(
        "{}: {} calls, {tried} tried, {killed} killed",
        arguments[0],
        calls.len()
    );
    assert!(
        killed * 2 > tried,
        "{}: {killed} of {tried} were killed",
        arguments[0]
    );
}

fn limited(config: &mut serde_json::Value) {
    config["linux"]["resources"] = serde_json::json!({
        "memory": { "limit": 64 << 20 }, "pids": { "limit": 50 },
        "cpu": { "quota": 50_000, "period": 100_000 },
    });
}

#[test]
fn a_create_that_is_killed_leaves_nothing_that_delete_does_not_find() {
    let place = Place::new();
    let bundle = place.bundle("c", &["sleep", "60"], limited);
    let create = ["create", "--bundle", bundle.to_str().unwrap(), "c"];
    sweep(&place, "c", Victim::Parent, &create, || {}, |_| {});
}

#[test]
fn a_run_that_is_killed_on_either_side_leaves_nothing() {
    let place = Place::new();
    let bundle = place.bundle("c", &["hostname"], limited);
    let run = ["run", "--bundle", bundle.to_str().unwrap(), "c"];
    sweep(&place, "c", Victim::Parent, &run, || {}, |_| {});
    sweep(&place, "c", Victim::Anyone, &run, || {}, |_| {});
}

#[test]
fn a_start_that_is_killed_leaves_nothing() {
    let place = Place::new();
    let prepare = || place.create("c", &["sleep", "60"], limited).assert_ok();
    sweep(
        &place,
        "c",
        Victim::Parent,
        &["start", "c"],
        prepare,
        |_| {},
    );
}

#[test]
fn a_delete_that_is_killed_can_be_done_again() {
    let place = Place::new();
    let prepare = || place.start("c", &["sleep", "60"], limited);
    let delete = ["delete", "--force", "c"];
    sweep(&place, "c", Victim::Parent, &delete, prepare, |_| {});
}

#[test]
fn an_exec_that_is_killed_does_not_touch_the_container() {
    let place = Place::new();
    let prepare = || place.start("c", &["sleep", "60"], limited);
    let alive = |at: &str| assert_eq!(place.status("c"), "running", "{at}");
    let exec = ["exec", "c", "/bin/probe", "hostname"];
    sweep(&place, "c", Victim::Parent, &exec, prepare, alive);
    sweep(&place, "c", Victim::Anyone, &exec, prepare, alive);
}
