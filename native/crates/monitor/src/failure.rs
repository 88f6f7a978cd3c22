//! One error type for the whole program: which step failed, why, and what kind of failure it is.

use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::io::Write;

/// The kinds of failure that a client can act on; spelled as in Kubernetes' Status objects.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Reason {
    AlreadyExists,
    BadRequest,
    #[default]
    InternalError,
    NotFound,
    ServiceUnavailable,
    Timeout,
}

/// A failed step. On the wire: `{"step", "message", "reason"}`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Failure {
    pub step: String,
    pub message: String,
    #[serde(default)]
    pub reason: Reason,
}

pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub fn new(reason: Reason, step: impl Into<String>, message: impl Display) -> Self {
        Self {
            step: step.into(),
            message: message.to_string(),
            reason,
        }
    }

    pub fn bad_request(step: impl Into<String>, message: impl Display) -> Self {
        Self::new(Reason::BadRequest, step, message)
    }

    pub fn internal(step: impl Into<String>, message: impl Display) -> Self {
        Self::new(Reason::InternalError, step, message)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.step, self.message)
    }
}

/// Tells whoever reads our stderr. That may be nobody any more, which must not end us as a failing
/// eprintln would.
pub fn complain(message: std::fmt::Arguments) {
    let _ = writeln!(std::io::stderr(), "gantry-monitor: {message}");
}

/// Names the step at which a lower error stopped the work.
pub trait AtStep<T> {
    fn at(self, step: impl Into<String>) -> Outcome<T>;
}

impl<T, E: Display> AtStep<T> for Result<T, E> {
    fn at(self, step: impl Into<String>) -> Outcome<T> {
        self.map_err(|error| Failure::internal(step, error))
    }
}
