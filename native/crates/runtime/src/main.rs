//! The binary: parses the global flags, dispatches, tells the error.
//!
//! `main` is C's: the standard library's own would set up stack guards, signal handlers and poll
//! the standard streams, twice per command, for a process that lives a few milliseconds.

#![no_main]

use std::process::exit;

use gantry_runtime::{commands, log, sys};

/// Called once by the C library, on the only thread.
// SAFETY: no other symbol of this name exists in the program, and the signature is C's `main`.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8) -> i32 {
    sys::ignore_broken_pipes();
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match commands::run(&arguments) {
        Ok(code) => exit(code),
        Err(failure) => {
            log::failure(failure.global.as_ref(), &failure.error);
            exit(1);
        }
    }
}
