//! Programs that the launcher runs for its clients: their input, their bounded output, their end.

use crate::failure::{Failure, Outcome, Reason};
use crate::protocol::RunRequest;
use crate::spawn::{DEFAULT_PATH, Ended, Program, cgroup_files, spawn};
use crate::stdio::{Streams, pipes, read_available};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// More output than this of one stream is thrown away, and the answer says so.
const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
const READ_SIZE: usize = 64 * 1024;

/// To whom an answer goes.
#[derive(Clone, Copy)]
pub struct Asker {
    pub connection: u64,
    pub id: u64,
}

pub struct Run {
    pub pid: Pid,
    pub asker: Asker,
    pub deadline: Instant,
    pub streams: Streams,
    input: Vec<u8>,
    written: usize,
    collected: [Vec<u8>; 2],
    truncated: bool,
    program: String,
    timeout_ms: u64,
}

impl Run {
    pub fn start(request: RunRequest, asker: Asker) -> Outcome<Self> {
        let mut env: Vec<String> = request
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !request.env.contains_key("PATH") {
            env.push(DEFAULT_PATH.to_string());
        }
        let cgroups = request
            .cgroup
            .as_deref()
            .map_or(Ok(Vec::new()), cgroup_files)?;
        let (mut streams, inherited) = pipes(!request.stdin.is_empty())?;
        let stdio = inherited.each_ref().map(AsFd::as_fd);
        let program = Program {
            argv: &request.argv,
            env: &env,
            stdio,
            cgroup_files: &cgroups,
        };
        let pid = spawn(&program)?;
        streams.terminal = None;
        Ok(Self {
            pid,
            asker,
            deadline: Instant::now() + Duration::from_millis(request.timeout_ms),
            streams,
            input: request.stdin.into_bytes(),
            written: 0,
            collected: [Vec::new(), Vec::new()],
            truncated: false,
            program: request.argv.into_iter().next().unwrap_or_default(),
            timeout_ms: request.timeout_ms,
        })
    }

    /// Writes what the program takes; true when there is no more to write.
    pub fn write_input(&mut self) -> bool {
        let Some(stdin) = &self.streams.stdin else {
            return true;
        };
        match nix::unistd::write(stdin, &self.input[self.written..]) {
            Ok(written) => self.written += written,
            Err(Errno::EAGAIN | Errno::EINTR) => return false,
            Err(_) => return true,
        }
        self.written == self.input.len()
    }

    /// Reads one piece of a stream; None when the stream has ended, else how much it was.
    pub fn read_output(&mut self, index: usize) -> Option<usize> {
        let mut chunk = [0; READ_SIZE];
        let output = self.streams.outputs[index].as_ref()?;
        let length = read_available(output, &mut chunk)?;
        let room = MAX_OUTPUT_BYTES - self.collected[index].len();
        self.truncated |= length > room;
        self.collected[index].extend_from_slice(&chunk[..length.min(room)]);
        Some(length)
    }

    /// The answer once the program has ended: what is in the pipes now is all that it wrote.
    pub fn finish(mut self, ended: Ended) -> (Streams, Value) {
        for index in 0..self.streams.outputs.len() {
            for _ in 0..2 * MAX_OUTPUT_BYTES / READ_SIZE {
                if self.read_output(index).unwrap_or(0) == 0 {
                    break;
                }
            }
        }
        let [stdout, stderr] = self
            .collected
            .each_ref()
            .map(|text| String::from_utf8_lossy(text));
        let answer = json!({
            "exitCode": ended.exit_code,
            "stdout": stdout,
            "stderr": stderr,
            "truncated": self.truncated,
        });
        (self.streams, answer)
    }

    /// Kills the program with its children (its session is its own) and says why.
    pub fn give_up(&self) -> Failure {
        let _ = killpg(self.pid, Signal::SIGKILL);
        let message = format!("did not end within {} ms and was killed", self.timeout_ms);
        Failure::new(Reason::Timeout, format!("run {}", self.program), message)
    }
}
