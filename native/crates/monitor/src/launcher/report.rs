//! How a forked child answers a request: one JSON document through a pipe, then its end.

use crate::failure::{Failure, Outcome};
use crate::spawn::pipe;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The child's end.
pub struct Report(OwnedFd);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum Document {
    Result(Value),
    Error(Failure),
}

impl Report {
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Answers and hangs up. A launcher that has died in the meantime does not matter.
    pub fn send(self, outcome: Outcome<Value>) {
        let document = match outcome {
            Ok(result) => Document::Result(result),
            Err(failure) => Document::Error(failure),
        };
        if let Ok(text) = serde_json::to_vec(&document) {
            let _ = File::from(self.0).write_all(&text);
        }
    }
}

/// The launcher's reading end and the child's end.
pub fn channel() -> Outcome<(OwnedFd, Report)> {
    let (read, write) = pipe()?;
    Ok((read, Report(write)))
}

/// What a child has said, once its end is closed.
pub fn outcome(text: &[u8]) -> Outcome<Value> {
    match serde_json::from_slice(text) {
        Ok(Document::Result(result)) => Ok(result),
        Ok(Document::Error(failure)) => Err(failure),
        Err(_) => Err(Failure::internal(
            "run child",
            "it died before it could answer",
        )),
    }
}
