//! Maps of sparse files.

use super::MAX_SPANS;
use super::entry::Span;
use super::header::{Block, number};
use super::pax::decimal;
use crate::refusal::{Code, Refusal, Result};

fn corrupt(message: &str) -> Refusal {
    Refusal::new(
        Code::CorruptArchive,
        format!("a sparse file's map {message}"),
    )
}

pub fn push(spans: &mut Vec<Span>, span: Span) -> Result<()> {
    if spans.len() >= MAX_SPANS {
        return Err(corrupt("has too many parts"));
    }
    spans.push(span);
    Ok(())
}

/// `offset,length,offset,length…` (format 0.1).
pub fn parse_map(value: &[u8]) -> Result<Vec<Span>> {
    let mut spans = Vec::new();
    if value.is_empty() {
        return Ok(spans);
    }
    let mut numbers = value.split(|&b| b == b',');
    while let Some(offset) = numbers.next() {
        let length = numbers.next().ok_or_else(|| corrupt("has an odd count"))?;
        push(
            &mut spans,
            Span {
                offset: decimal(offset)?,
                length: decimal(length)?,
            },
        )?;
    }
    Ok(spans)
}

/// The `count` pairs of 12-byte fields from `start` on (old GNU format); an empty pair ends them.
pub fn parse_pairs(block: &Block, start: usize, count: usize, into: &mut Vec<Span>) -> Result<()> {
    for pair in block[start..start + count * 24].chunks_exact(24) {
        if pair[0] == 0 && pair[12] == 0 {
            return Ok(());
        }
        push(
            into,
            Span {
                offset: number(&pair[..12])?,
                length: number(&pair[12..])?,
            },
        )?;
    }
    Ok(())
}

/// Ascending, apart, within the file, and together exactly the data that is in the archive.
pub fn check(spans: &[Span], real_size: u64, data_size: u64) -> Result<()> {
    let mut end = 0u64;
    let mut total = 0u64;
    for span in spans {
        if span.offset < end {
            return Err(corrupt("overlaps itself"));
        }
        end = span
            .offset
            .checked_add(span.length)
            .ok_or_else(|| corrupt("overflows"))?;
        total += span.length;
    }
    if end > real_size || total != data_size {
        return Err(corrupt("does not fit its sizes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_maps_that_add_up() {
        let spans = parse_map(b"0,10,100,5").unwrap();
        assert!(check(&spans, 200, 15).is_ok());
        assert!(check(&spans, 104, 15).is_err());
        assert!(check(&spans, 200, 16).is_err());
        assert!(check(&parse_map(b"0,10,5,5").unwrap(), 200, 15).is_err());
        assert!(check(&parse_map(b"18446744073709551615,2").unwrap(), 200, 2).is_err());
        assert!(parse_map(b"1,2,3").is_err());
    }
}
