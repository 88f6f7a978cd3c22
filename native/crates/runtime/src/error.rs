//! One error type: the step that failed, then what the kernel or the parser said.

use std::fmt::{self, Display};

/// A failed step. Its text reads `step: cause`, lower case, without a full stop.
#[derive(Debug)]
pub struct Error {
    message: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that states itself completely.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Names the step in which a lower error happened.
pub trait Step<T> {
    fn step(self, step: &str) -> Result<T>;
    fn step_with<S: Display>(self, step: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Display> Step<T> for std::result::Result<T, E> {
    fn step(self, step: &str) -> Result<T> {
        self.map_err(|cause| Error::new(format!("{step}: {cause}")))
    }

    fn step_with<S: Display>(self, step: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|cause| Error::new(format!("{}: {cause}", step())))
    }
}

/// Shorthand for a formatted [`Error`] in return position.
#[macro_export]
macro_rules! fail {
    ($($argument:tt)*) => { return Err($crate::error::Error::new(format!($($argument)*))) };
}
