//! The binary: parses the global flags, dispatches, tells the error.

use std::process::exit;

use gantry_runtime::{commands, log};

fn main() {
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
