//! The program inside test containers. Each argument list is one deed, told in one line on stdout:
//! `ok …` or `error NAME`. Statically linked, it is all a test's root filesystem needs.

mod deeds;
mod escapes;

use std::process::exit;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Several deeds in one process are separated by a word of their own.
    for deed in words.split(|word| *word == "then") {
        match deed {
            ["exit", code] => exit(code.parse().unwrap_or(255)),
            deed => tell(run(deed)),
        }
    }
}

fn run(deed: &[&str]) -> Result<String, std::io::Error> {
    deeds::run(deed)
        .or_else(|| escapes::run(deed))
        .unwrap_or_else(|| {
            eprintln!("unknown deed {deed:?}");
            exit(254)
        })
}

fn tell(outcome: Result<String, std::io::Error>) {
    match outcome {
        Ok(text) => println!("ok {text}"),
        Err(error) => {
            let number = error.raw_os_error().unwrap_or(0);
            println!("error {}", rustix::io::Errno::from_raw_os_error(number));
        }
    }
}
