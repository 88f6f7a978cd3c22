//! Mutation of JSON documents: what comes out is always JSON, and most of it is as the seed was, so
//! that it goes past the parser into the checks behind it.

use crate::{Random, mutate_bytes};
use serde_json::{Value, json};

const STRINGS: [&str; 16] = [
    "",
    ".",
    "..",
    "/",
    "../../etc/passwd",
    "/proc/self/exe",
    "a\u{0}b",
    "\n",
    "SCMP_ACT_ALLOW",
    "CAP_SYS_ADMIN",
    "10.42.0.0/16",
    "255.255.255.255/33",
    "::/0",
    "\u{202e}\u{1f600}",
    "sha256:0000",
    "rbind",
];
const LONG_STRING: usize = 5000;
const DEEP: usize = 100;

/// A copy of `seed` with a few of its values changed, removed, doubled or moved.
pub fn mutate_json(random: &mut Random, seed: &Value) -> Value {
    let mut document = seed.clone();
    for _ in 0..1 + random.below(4) {
        let steps = random.below(8);
        let donor = pick_within(random, seed).clone();
        change(random, &mut document, steps, donor);
    }
    document
}

/// The same as text; one in eight is then damaged as bytes too.
pub fn mutate_document(random: &mut Random, seed: &Value) -> Vec<u8> {
    let text = mutate_json(random, seed).to_string().into_bytes();
    if random.once_in(8) {
        return mutate_bytes(random, &text);
    }
    text
}

/// Some value of the document, at any depth.
fn pick_within<'a>(random: &mut Random, value: &'a Value) -> &'a Value {
    let children: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    if children.is_empty() || random.once_in(6) {
        return value;
    }
    let child = *random.pick(&children);
    pick_within(random, child)
}

/// Goes down at random for up to so many steps and makes one change there.
fn change(random: &mut Random, value: &mut Value, steps: usize, donor: Value) {
    match value {
        Value::Array(items) if !items.is_empty() && steps > 0 => {
            let at = random.below(items.len());
            match random.below(8) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => items.push(donor),
                _ => change(random, &mut items[at], steps - 1, donor),
            }
        }
        Value::Object(fields) if !fields.is_empty() && steps > 0 => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = random.pick(&names).clone();
            match random.below(10) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(name, donor)),
                _ => change(random, &mut fields[&name], steps - 1, donor),
            }
        }
        _ => *value = replacement(random, value, donor),
    }
}

fn replacement(random: &mut Random, old: &Value, donor: Value) -> Value {
    match random.below(12) {
        0 => Value::Null,
        1 => json!(random.once_in(2)),
        2 => json!(*random.pick(&[0, 1, -1, i64::MAX, i64::MIN, 1 << 32, 65536])),
        3 => json!(*random.pick(&[u64::MAX, 1 << 63, 12345, 4096])),
        4 => json!(1.5e300),
        5 => json!([]),
        6 => json!({}),
        7 => json!("x".repeat(random.below(LONG_STRING))),
        8 => (0..random.below(DEEP)).fold(json!(1), |inner, _| json!([inner])),
        9 => donor,
        10 => near(random, old),
        _ => json!(*random.pick(&STRINGS)),
    }
}

/// A value of the same type, not far from it.
fn near(random: &mut Random, old: &Value) -> Value {
    match old {
        Value::String(text) => {
            let bytes = mutate_bytes(random, text.as_bytes());
            json!(String::from_utf8_lossy(&bytes))
        }
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or_default();
            json!(number.wrapping_add(*random.pick(&[-1, 1, 1 << 31])))
        }
        other => other.clone(),
    }
}
