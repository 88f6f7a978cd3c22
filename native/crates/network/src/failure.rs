//! Failures in the shape that CNI gives them: a code for machines, a message that names the step,
//! details that say what to do.

use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Display;

/// Error codes of the CNI specification, and from 100 on our own.
pub const INCOMPATIBLE_VERSION: u32 = 1;
pub const INVALID_ENVIRONMENT: u32 = 4;
pub const IO_FAILURE: u32 = 5;
pub const DECODE_FAILURE: u32 = 6;
pub const INVALID_CONFIG: u32 = 7;
pub const NOT_AVAILABLE: u32 = 50;
pub const KERNEL_REFUSED: u32 = 100;
pub const NO_ADDRESS_LEFT: u32 = 101;
pub const NOT_AS_ADDED: u32 = 102;
pub const ALREADY_ADDED: u32 = 103;
pub const PROGRAM_MISSING: u32 = 104;
pub const PORT_TAKEN: u32 = 105;

#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub code: u32,
    #[serde(rename = "msg")]
    pub message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub details: String,
}

pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub fn new(code: u32, message: impl Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            details: String::new(),
        }
    }

    /// Adds what the reader can do about it.
    pub fn hint(mut self, details: impl Display) -> Self {
        self.details = details.to_string();
        self
    }

    pub fn to_json(&self, cni_version: &str) -> Value {
        let mut error = json!(self);
        error["cniVersion"] = json!(cni_version);
        error
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.message)?;
        if self.details.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.details)
        }
    }
}

/// Names the step at which a lower error stopped the work.
pub trait AtStep<T> {
    fn at(self, step: impl Display) -> Outcome<T>;
}

impl<T> AtStep<T> for std::io::Result<T> {
    fn at(self, step: impl Display) -> Outcome<T> {
        self.map_err(|error| Failure::new(IO_FAILURE, format!("{step}: {error}")))
    }
}

impl<T> AtStep<T> for nix::Result<T> {
    fn at(self, step: impl Display) -> Outcome<T> {
        self.map_err(|errno| Failure::new(KERNEL_REFUSED, format!("{step}: {}", errno.desc())))
    }
}
