//! What strangers may send to the launcher's socket and to sessions: requests, frames, and both cut
//! anywhere. Nothing crashes or grows without bound, and what was accepted cannot climb.

use crate::client::Client;
use crate::frames::{self, Decoder, MAX_PAYLOAD};
use crate::launcher::connection::Connection;
use crate::protocol::{MAX_LINE_BYTES, Request, parse};
use gantry_fuzz::{Fuzz, Random, mutate_bytes, mutate_document};
use serde_json::{Value, json};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

fn requests() -> Vec<Value> {
    vec![
        json!({"id": 1, "op": "container.create", "containerId": "c", "bundle": "/b",
               "runtime": "/r", "runtimeRoot": "/rr", "cgroupsPath": "/g", "logPath": "/l",
               "logMaxBytes": 4096, "logMaxFiles": 3, "stdin": false, "terminal": false,
               "annotations": {"a": "b"}}),
        json!({"id": 2, "op": "container.list"}),
        json!({"id": 3, "op": "container.adopt", "containerId": "c-1"}),
        json!({"id": 4, "op": "container.kill", "containerId": "c", "runtime": "/r",
               "runtimeRoot": "/rr", "signal": 15, "all": true, "reason": "x", "timeoutMs": 5}),
        json!({"id": 5, "op": "run", "argv": ["/bin/true"], "env": {"A": "b"}, "stdin": "x",
               "timeoutMs": 1000, "cgroup": "/g"}),
        json!({"id": 6, "op": "sandbox.create", "dir": "/s", "hostname": "h",
               "sysctls": {"net.ipv4.ip_forward": "1"}, "hostNetwork": false}),
        json!({"id": 7, "op": "exec", "containerId": "c", "runtime": "/r", "runtimeRoot": "/rr",
               "process": {"args": ["sh"], "terminal": true}, "stdin": true}),
        json!({"id": 8, "op": "attach", "containerId": "c", "stdin": true}),
    ]
}

fn climbs(path: &str) -> bool {
    !path.starts_with('/') || path.split('/').any(|part| part == "..") || path.contains('\0')
}

fn is_directory_name(id: &str) -> bool {
    !id.is_empty() && !id.starts_with('.') && !id.contains('/') && !id.contains('\0')
}

fn check(request: &Request) {
    let (id, paths): (Option<&str>, Vec<&str>) = match request {
        Request::Create(r) => (
            Some(&r.container_id),
            vec![
                &r.bundle,
                &r.runtime,
                &r.runtime_root,
                &r.cgroups_path,
                &r.log_path,
            ],
        ),
        Request::Adopt(r) | Request::Remove(r) => (Some(&r.container_id), vec![]),
        Request::Kill(r) => (Some(&r.container_id), vec![&r.runtime, &r.runtime_root]),
        Request::Run(r) => (None, r.cgroup.iter().map(String::as_str).collect()),
        Request::SandboxCreate(r) => (None, vec![&r.dir]),
        Request::SandboxRemove(r) => (None, vec![&r.dir]),
        Request::Exec(r) => (Some(&r.container_id), vec![&r.runtime, &r.runtime_root]),
        Request::Attach(r) => (Some(&r.container_id), vec![]),
        Request::List | Request::Subscribe | Request::Shutdown => (None, vec![]),
    };
    assert!(id.is_none_or(is_directory_name), "{request:?}");
    assert!(!paths.iter().any(|path| climbs(path)), "{request:?}");
}

#[test]
fn fuzz_launcher_requests() {
    let seeds = requests();
    let mut accepted = 0;
    Fuzz {
        name: "launcher-requests",
        iterations: 20_000,
    }
    .run(
        |random| {
            let seed = random.pick(&seeds).clone();
            mutate_document(random, &seed)
        },
        |input| {
            if let (_, Ok(request)) = parse(input) {
                check(&request);
                accepted += 1;
            }
        },
    );
    assert!(
        accepted > 100,
        "only {accepted} were accepted: the seeds are too poor"
    );
}

/// A stream of lines with noise, and how it is cut.
fn stream(random: &mut Random) -> Vec<u8> {
    let seeds = requests();
    let mut bytes = Vec::new();
    for _ in 0..random.below(5) {
        let seed = random.pick(&seeds).clone();
        bytes.extend(mutate_document(random, &seed));
        bytes.push(b'\n');
    }
    mutate_bytes(random, &bytes)
}

#[test]
fn fuzz_connection_lines() {
    Fuzz {
        name: "connection-lines",
        iterations: 3_000,
    }
    .run(stream, |input| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut connection = Connection::new(OwnedFd::from(ours));
        let mut lines = Vec::new();
        for piece in input.chunks(1 + input.len() / 3) {
            theirs.write_all(piece).unwrap();
            assert!(connection.receive());
            lines.extend(std::iter::from_fn(|| connection.next_line()));
        }
        let whole = input.split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(lines.len(), whole, "a line was lost or invented");
        assert!(lines.iter().all(|line| line.len() <= MAX_LINE_BYTES));
        lines.iter().for_each(|line| drop(parse(line)));
        assert!(!connection.is_done());
    });
}

fn framed(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.below(6) {
        let channel = *random.pick(&[frames::STDIN, frames::RESIZE, frames::CLOSE, 7]);
        let long = [b'x'; 3000];
        let size = br#"{"Width": 80, "Height": 24}"#;
        let payloads: [&[u8]; 5] = [b"hello", size, &[frames::STDIN], &[], &long];
        let payload = *random.pick(&payloads);
        frames::encode(channel, payload, &mut bytes);
    }
    mutate_bytes(random, &bytes)
}

/// All frames, or how many came before the stream was refused.
fn decode(input: &[u8], piece: usize) -> (Vec<(u8, Vec<u8>)>, bool) {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    for part in input.chunks(piece.max(1)) {
        let pushed = decoder.push(part, |channel, data| found.push((channel, data.to_vec())));
        if pushed.is_err() {
            return (found, true);
        }
    }
    (found, false)
}

#[test]
fn fuzz_session_frames() {
    Fuzz {
        name: "session-frames",
        iterations: 20_000,
    }
    .run(framed, |input| {
        let whole = decode(input, input.len());
        assert_eq!(whole, decode(input, 1), "the cut changed the frames");
        assert_eq!(whole, decode(input, 700));
        assert!(
            whole
                .0
                .iter()
                .all(|(_, payload)| payload.len() <= MAX_PAYLOAD)
        );
    });
}

#[test]
fn fuzz_session_clients() {
    Fuzz {
        name: "session-clients",
        iterations: 3_000,
    }
    .run(framed, |input| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.write_all(input).unwrap();
        drop(theirs);
        let mut client = Client::new(OwnedFd::from(ours), true);
        let mut scratch = [0; 1024];
        while !client.is_gone() {
            drop(client.receive(&mut scratch));
        }
    });
}
