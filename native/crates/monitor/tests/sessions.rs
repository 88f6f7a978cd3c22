//! exec and attach: frames, exit codes, terminals, and what a client's leaving means.

mod support;

use serde_json::json;
use support::{Client, Node, wait_until};

const STDIN: u8 = 0;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

fn exec(node: &Node, id: &str, arguments: &[&str], stdin: bool) -> Client {
    let mut client = node.client();
    let answer = client.call(node.exec_request(id, arguments, stdin));
    assert_eq!(answer, json!({"id": 7, "result": {}}));
    client
}

#[test]
fn exec_carries_streams_and_exit_code() {
    let node = Node::new("exec");
    node.run_container("c", "exec sleep 1000");
    let script = "read line; echo got $line; cat; echo bad >&2; exit 12";
    let mut session = exec(&node, "c", &["bash", "-c", script], true);
    session.send_frame(STDIN, b"first\nsecond\n");
    session.expect("second");
    session.send_frame(STDIN, &[b'x'; 60_000]);
    session.send_frame(CLOSE, &[STDIN]);
    let (stdout, stderr, status) = session.collect();
    assert_eq!(stdout.matches('x').count(), 60_000);
    assert_eq!(
        (stderr.as_str(), status),
        ("bad\n", json!({"exitCode": 12}))
    );
}

#[test]
fn exec_waits_for_a_slow_reader_and_loses_nothing() {
    let node = Node::new("slow");
    node.run_container("c", "exec sleep 1000");
    let script = "head -c 20000000 /dev/zero | tr '\\0' y";
    let mut session = exec(&node, "c", &["bash", "-c", script], false);
    std::thread::sleep(std::time::Duration::from_millis(200));
    let (stdout, _, status) = session.collect();
    assert_eq!((stdout.len(), status), (20_000_000, json!({"exitCode": 0})));
}

#[test]
fn exec_reports_a_death_by_any_signal() {
    let node = Node::new("rtsignal");
    node.run_container("c", "exec sleep 1000");
    for (signal, code) in [("KILL", 137), ("34", 162)] {
        let script = format!("kill -{signal} $$");
        let (_, _, status) = exec(&node, "c", &["bash", "-c", &script], false).collect();
        assert_eq!(status, json!({"exitCode": code}));
    }
}

#[test]
fn a_program_that_is_not_there_is_an_error_with_the_runtimes_words() {
    let node = Node::new("nofile");
    node.run_container("c", "exec sleep 1000");
    let answer = node.call(node.exec_request("c", &["/no/such/program"], false));
    let message = answer["error"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_lowercase();
    assert!(message.contains("no such file"), "{answer}");
    let left = std::fs::read_dir(node.state_dir().join("c"))
        .unwrap()
        .flatten();
    let left: Vec<_> = left
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert!(
        left.iter().all(|name| !name.starts_with("exec-")),
        "{left:?}"
    );
}

#[test]
fn a_client_that_leaves_an_exec_takes_its_process_along() {
    let node = Node::new("leave");
    node.run_container("c", "exec sleep 1000");
    let mut session = exec(
        &node,
        "c",
        &["bash", "-c", "echo $$; exec sleep 2000"],
        false,
    );
    session.expect("\n");
    let sleepers = || -> usize {
        let found = node.runtime_call(&["ps", "-f", "json", "c"]);
        let text = found["stdout"].as_str().unwrap().trim().to_string();
        serde_json::from_str::<Vec<i32>>(&text).map_or(0, |pids| pids.len())
    };
    assert_eq!(sleepers(), 2);
    drop(session);
    wait_until("the process is gone", || sleepers() == 1);
}

#[test]
fn exec_on_a_terminal_has_its_size_and_input() {
    let node = Node::new("tty");
    node.run_container("c", "exec sleep 1000");
    let mut request = node.exec_request("c", &["bash", "-c", "read x; stty size; read y"], true);
    request["process"]["terminal"] = json!(true);
    let mut session = node.client();
    assert_eq!(session.call(request)["result"], json!({}));
    session.send_frame(RESIZE, br#"{"Width": 132, "Height": 43}"#);
    session.send_frame(STDIN, b"go\n");
    session.expect("43 132");
    session.send_frame(CLOSE, &[STDIN]);
    let (_, _, status) = session.collect();
    assert_eq!(
        status,
        json!({"exitCode": 1}),
        "read fails at the end of input"
    );
}

#[test]
fn several_clients_attach_and_the_container_outlives_them() {
    let node = Node::new("attach");
    let script = "while read line; do echo heard $line; done; exit 21";
    node.run_container_with("c", script, json!({"stdin": true}));
    let attach = |stdin: bool| {
        let mut client = node.client();
        let request = json!({"id": 3, "op": "attach", "containerId": "c", "stdin": stdin});
        assert_eq!(client.call(request), json!({"id": 3, "result": {}}));
        client
    };
    let (mut writer, mut reader, leaver) = (attach(true), attach(false), attach(true));
    drop(leaver);
    writer.send_frame(STDIN, b"one\n");
    writer.expect("heard one");
    reader.expect("heard one");
    reader.send_frame(STDIN, b"ignored\n");
    reader.send_frame(CLOSE, &[STDIN]);
    writer.send_frame(STDIN, b"two\n");
    reader.expect("heard two");
    writer.send_frame(CLOSE, &[STDIN]);
    assert_eq!(reader.collect().2, json!({"exitCode": 21}));
    assert_eq!(
        node.log_entries("c"),
        ["stdout F heard one", "stdout F heard two"]
    );
}

#[test]
fn an_attached_client_that_does_not_read_never_blocks_the_container() {
    let node = Node::new("deaf");
    let script = "read line; head -c 5000000 /dev/zero | tr '\\0' z; exit 0";
    node.run_container_with("c", script, json!({"stdin": true, "logMaxBytes": 1 << 26}));
    let mut deaf = node.client();
    deaf.call(json!({"id": 3, "op": "attach", "containerId": "c", "stdin": true}));
    deaf.send_frame(STDIN, b"go\n");
    assert_eq!(node.wait_for_exit("c")["exitCode"], json!(0));
    assert_eq!(node.log("c").matches('z').count(), 5_000_000);
}

#[test]
fn a_container_with_a_terminal_logs_and_attaches() {
    let node = Node::new("conterm");
    let changes = json!({"stdin": true, "terminal": true});
    node.run_container_with("c", "tty; read x; stty size; exit 5", changes);
    let mut client = node.client();
    client.call(json!({"id": 3, "op": "attach", "containerId": "c", "stdin": true}));
    client.send_frame(RESIZE, br#"{"Width": 99, "Height": 33}"#);
    client.send_frame(STDIN, b"\n");
    let (_, _, status) = client.collect();
    assert_eq!(status, json!({"exitCode": 5}));
    assert!(node.log("c").contains("33 99"), "{}", node.log("c"));
    assert!(node.log("c").contains("/dev/"), "{}", node.log("c"));
}

#[test]
fn sessions_are_refused_for_what_does_not_run() {
    let node = Node::new("norun");
    let unknown = node.call(node.exec_request("c", &["true"], false));
    assert_eq!(unknown["error"]["reason"], json!("NotFound"));
    node.run_container("c", "exit 0");
    node.wait_for_exit("c");
    let ended = node.call(json!({"id": 3, "op": "attach", "containerId": "c"}));
    assert_eq!(ended["error"]["reason"], json!("NotFound"));
}
