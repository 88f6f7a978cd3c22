//! Mutation of bytes that knows nothing of what they mean.

use crate::Random;

/// Larger inputs are cut: time goes into many inputs rather than into long ones.
const MOST_BYTES: usize = 64 * 1024;
const ODD: [&[u8]; 12] = [
    b"\0",
    b"\xff\xff\xff\xff",
    b"../",
    b"/",
    b"\n",
    b"-1",
    b"18446744073709551616",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b"7777777777777",
    b"\x80\0\0\0\0\0\0\0",
    b"%s%n",
];

/// A few changes somewhere in a copy of `seed`.
pub fn mutate_bytes(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(4) {
        change(random, &mut bytes);
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    let length = random.below(16.max(bytes.len() / 4));
    let end = (at + length).min(bytes.len());
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.number() as u8,
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        4 => bytes.truncate(at),
        5 => {
            let noise: Vec<u8> = (0..length.min(64)).map(|_| random.number() as u8).collect();
            bytes.splice(at..at, noise);
        }
        _ => {
            let odd = *random.pick(&ODD);
            let end = if random.once_in(2) {
                at
            } else {
                (at + odd.len()).min(bytes.len())
            };
            bytes.splice(at..end, odd.iter().copied());
        }
    }
}
