//! One 512-byte header block.

use super::BLOCK_BYTES;
use crate::refusal::{Code, Refusal, Result};

pub type Block = [u8; BLOCK_BYTES];

/// The fields of a header block by name; nothing is interpreted until it is asked for.
pub struct Header<'a>(pub &'a Block);

impl Header<'_> {
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// Accepts the signed sum too, which some old programs wrote.
    pub fn check_sum(&self) -> Result<()> {
        let unsigned: u64 = self.sum_with(u64::from);
        let signed: i64 = self
            .0
            .iter()
            .enumerate()
            .map(|(i, &b)| signed_at(i, b))
            .sum();
        let stored = number(&self.0[148..156])?;
        if stored == unsigned || i64::try_from(stored).is_ok_and(|s| s == signed) {
            return Ok(());
        }
        Err(Refusal::new(
            Code::CorruptArchive,
            "a tar header has a wrong checksum",
        ))
    }

    fn sum_with(&self, value: impl Fn(u8) -> u64) -> u64 {
        self.0
            .iter()
            .enumerate()
            .map(|(i, &b)| value(if is_checksum(i) { b' ' } else { b }))
            .sum()
    }

    pub fn typeflag(&self) -> u8 {
        self.0[156]
    }

    /// The name with ustar's or star's prefix; GNU archives use that place for other fields.
    pub fn path(&self) -> Vec<u8> {
        let name = text(&self.0[0..100]);
        let prefix = match (&self.0[257..263], &self.0[508..512]) {
            (b"ustar\0", b"tar\0") => text(&self.0[345..476]),
            (b"ustar\0", _) => text(&self.0[345..500]),
            _ => &[],
        };
        if prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub fn link(&self) -> &[u8] {
        text(&self.0[157..257])
    }

    pub fn mode(&self) -> Result<u64> {
        number(&self.0[100..108])
    }

    pub fn uid(&self) -> Result<u64> {
        number(&self.0[108..116])
    }

    pub fn gid(&self) -> Result<u64> {
        number(&self.0[116..124])
    }

    pub fn size(&self) -> Result<u64> {
        number(&self.0[124..136])
    }

    pub fn mtime(&self) -> Result<i64> {
        signed_number(&self.0[136..148])
    }

    pub fn major(&self) -> Result<u64> {
        number(&self.0[329..337])
    }

    pub fn minor(&self) -> Result<u64> {
        number(&self.0[337..345])
    }
}

fn is_checksum(index: usize) -> bool {
    (148..156).contains(&index)
}

fn signed_at(index: usize, byte: u8) -> i64 {
    if is_checksum(index) {
        i64::from(b' ')
    } else {
        i64::from(byte as i8)
    }
}

/// The field up to its first NUL.
pub fn text(field: &[u8]) -> &[u8] {
    &field[..field.iter().position(|&b| b == 0).unwrap_or(field.len())]
}

fn bad_number(field: &[u8]) -> Refusal {
    let field = String::from_utf8_lossy(field).escape_default().to_string();
    Refusal::new(
        Code::CorruptArchive,
        format!("a tar header has no number in \"{field}\""),
    )
}

/// Octal text, or big-endian binary when the first bit is set (GNU's and star's base 256).
pub fn number(field: &[u8]) -> Result<u64> {
    u64::try_from(signed_number(field)?).map_err(|_| bad_number(field))
}

pub fn signed_number(field: &[u8]) -> Result<i64> {
    if field[0] & 0x80 != 0 {
        return binary(field);
    }
    let digits = field.trim_ascii_start();
    let end = digits
        .iter()
        .position(|&b| b == 0 || b == b' ')
        .unwrap_or(digits.len());
    digits[..end]
        .iter()
        .try_fold(0i64, |value, &digit| match digit {
            b'0'..=b'7' => value
                .checked_mul(8)
                .map(|v| v + i64::from(digit - b'0'))
                .ok_or_else(|| bad_number(field)),
            _ => Err(bad_number(field)),
        })
}

fn binary(field: &[u8]) -> Result<i64> {
    // Sign-extends the first byte's seven bits, then takes the rest as they are.
    let first = i64::from(((field[0] << 1) as i8) >> 1);
    field[1..].iter().try_fold(first, |value, &byte| {
        value
            .checked_mul(256)
            .map(|v| v | i64::from(byte))
            .ok_or_else(|| bad_number(field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_octal_and_binary_numbers() {
        assert_eq!(number(b"0000644\0").unwrap(), 0o644);
        assert_eq!(number(b"   644 \0").unwrap(), 0o644);
        assert_eq!(number(b"\0\0\0\0\0\0\0\0").unwrap(), 0);
        assert_eq!(number(b"\x80\0\0\0\0\0\x01\0").unwrap(), 256);
        assert_eq!(
            signed_number(b"\xff\xff\xff\xff\xff\xff\xff\xfe").unwrap(),
            -2
        );
    }

    #[test]
    fn refuses_what_is_no_number() {
        for field in [
            &b"12x4567\0"[..],
            b"9999999\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(number(field).is_err(), "{field:?}");
        }
        assert!(number(b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    }
}
