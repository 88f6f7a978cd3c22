//! Fuzzing on stable Rust, as part of the tests: seeded, bounded, and runnable for longer. A
//! *target* is fed *inputs*, which are made from real *seeds* by mutation, either of their bytes or
//! of the JSON document that they are. It refuses to let a failure pass unnamed: an input that
//! panics or takes too long is saved to a file, and the message says which.
//!
//! `GANTRY_FUZZ_SECONDS=600 cargo test --release fuzz` runs each target for so long, with new random
//! numbers each time; `GANTRY_FUZZ_SEED=N` repeats one run.

mod bytes;
mod json;
mod random;

pub use bytes::mutate_bytes;
pub use json::{mutate_document, mutate_json};
pub use random::Random;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One input that takes longer is a hang.
const INPUT_DEADLINE: Duration = Duration::from_secs(20);
/// The random numbers of the bounded run, which is the same everywhere.
const DEFAULT_SEED: u64 = 0x6761_6e74_7279;

/// One target: its name, which names the file of a failing input, and the bound of a normal run.
pub struct Fuzz {
    pub name: &'static str,
    pub iterations: u64,
}

impl Fuzz {
    /// Feeds `target` with what `make` invents. Panics as the target did, after the input was saved.
    pub fn run(&self, make: impl Fn(&mut Random) -> Vec<u8>, mut target: impl FnMut(&[u8])) {
        let seconds = number("GANTRY_FUZZ_SECONDS").map(Duration::from_secs);
        let fresh = || seconds.map(|_| u64::from(std::process::id()) ^ nanos());
        let seed = number("GANTRY_FUZZ_SEED").or_else(fresh);
        let seed = seed.unwrap_or(DEFAULT_SEED);
        let mut random = Random::new(seed);
        let watch = Watch::start(self.name);
        let start = Instant::now();
        let mut done = 0;
        while seconds.map_or(done < self.iterations, |limit| start.elapsed() < limit) {
            let input = make(&mut random);
            watch.begin(&input);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
                let path = save(self.name, &input);
                let name = self.name;
                eprintln!(
                    "fuzz {name}: seed {seed}, input {done} failed: {}",
                    path.display()
                );
                resume_unwind(panic);
            }
            done += 1;
        }
        if seconds.is_some() {
            println!(
                "fuzz {}: {done} inputs of seed {seed}, no failure",
                self.name
            );
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let wrong = |_| panic!("{variable} must be a whole number, not {text:?}");
    Some(text.parse().unwrap_or_else(wrong))
}

fn nanos() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_nanos() as u64)
}

fn save(name: &str, input: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("gantry-fuzz-{name}-{}", std::process::id()));
    let _ = std::fs::write(&path, input);
    path
}

/// What is looked at, and since when.
type Current = Option<(Instant, Vec<u8>)>;

/// Ends the process when an input takes too long: nothing else can stop it.
struct Watch {
    current: Arc<Mutex<Current>>,
}

impl Watch {
    fn start(name: &'static str) -> Self {
        let current = Arc::new(Mutex::new(None));
        let seen = Arc::downgrade(&current);
        std::thread::spawn(move || {
            while let Some(current) = seen.upgrade() {
                let current: &Mutex<Option<(Instant, Vec<u8>)>> = &current;
                if let Ok(Some((began, input))) = current.lock().as_deref()
                    && began.elapsed() > INPUT_DEADLINE
                {
                    let path = save(name, input);
                    eprintln!("fuzz {name}: hangs on {}", path.display());
                    std::process::abort();
                }
                std::thread::park_timeout(Duration::from_millis(250));
            }
        });
        Self { current }
    }

    fn begin(&self, input: &[u8]) {
        if let Ok(mut current) = self.current.lock() {
            *current = Some((Instant::now(), input.to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_run_is_always_the_same() {
        let inputs = || {
            let mut seen = Vec::new();
            let fuzz = Fuzz {
                name: "same",
                iterations: 50,
            };
            let make = |random: &mut Random| mutate_bytes(random, b"seed text");
            fuzz.run(make, |input| seen.push(input.to_vec()));
            seen
        };
        assert_eq!(inputs(), inputs());
        assert_eq!(inputs().len(), 50);
    }

    #[test]
    fn a_failure_fails_and_its_input_is_kept() {
        let fuzz = Fuzz {
            name: "failing",
            iterations: 10,
        };
        let run = || fuzz.run(|_| b"bad".to_vec(), |input| assert_ne!(input, b"bad"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        let path = save("failing", b"");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn both_kinds_of_mutation_find_a_planted_fault_soon() {
        let mut random = Random::new(1);
        let seed = serde_json::json!({"list": [1, 2], "name": "x", "flag": true});
        let document = (0..20_000).any(|_| {
            let value = mutate_json(&mut random, &seed);
            value["list"].is_null() && value["name"] == "x"
        });
        let bytes = (0..20_000).any(|_| mutate_bytes(&mut random, b"abc").contains(&0xff));
        assert!(document && bytes);
    }
}
