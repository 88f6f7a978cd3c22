//! The last lines that a container wrote, kept in memory within a bound, so that they can be told
//! also when the log could not be written.

/// The most that is told.
pub const MAX_BYTES: usize = 2048;
const MAX_LINES: usize = 80;

/// Both streams in the order in which they were read.
#[derive(Default)]
pub struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    pub fn push(&mut self, bytes: &[u8]) {
        let newest = &bytes[bytes.len().saturating_sub(MAX_BYTES)..];
        let excess = (self.bytes.len() + newest.len()).saturating_sub(MAX_BYTES);
        self.bytes.drain(..excess.min(self.bytes.len()));
        self.bytes.extend_from_slice(newest);
    }

    /// The last whole lines (of a longer one, its end); None when nothing was written.
    pub fn text(&self) -> Option<String> {
        let cut = self.bytes.len() == MAX_BYTES;
        let first_break = self.bytes.iter().position(|byte| *byte == b'\n');
        let whole = match first_break.filter(|at| cut && at + 1 < self.bytes.len()) {
            Some(at) => &self.bytes[at + 1..],
            None => &self.bytes,
        };
        let lossy = String::from_utf8_lossy(whole);
        let lines: Vec<&str> = lossy.split_inclusive('\n').collect();
        let text = lines[lines.len().saturating_sub(MAX_LINES)..].concat();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&[u8]]) -> Option<String> {
        let mut tail = Tail::default();
        pieces.iter().for_each(|piece| tail.push(piece));
        assert!(tail.bytes.len() <= MAX_BYTES);
        tail.text()
    }

    #[test]
    fn keeps_the_end_and_begins_with_a_line() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[b"one\n", b"two"]).unwrap(), "one\ntwo");
        let long = [&[b'x'; 3000][..], b"\nlast\n"].concat();
        assert_eq!(of(&[b"first\n", &long]).unwrap(), "last\n");
        assert_eq!(of(&[&[b'x'; 3000]]).unwrap().len(), MAX_BYTES);
        let many = "a\n".repeat(200);
        assert_eq!(of(&[many.as_bytes()]).unwrap().lines().count(), MAX_LINES);
    }

    #[test]
    fn any_bytes_become_text() {
        assert_eq!(of(&[b"\xff\xfe\n"]).unwrap(), "\u{fffd}\u{fffd}\n");
    }
}
