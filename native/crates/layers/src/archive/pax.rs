//! PAX extended headers.

use super::entry::{Span, Timestamp};
use super::sparse;
use crate::refusal::{Code, Refusal, Result};

/// What an extended header says about the entry that follows it.
#[derive(Debug, Default)]
pub struct Extensions {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    pub mtime: Option<Timestamp>,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub sparse: SparseFields,
}

/// GNU's sparse formats 0.0, 0.1 and 1.0 as PAX fields.
#[derive(Debug, Default)]
pub struct SparseFields {
    pub major: Option<u64>,
    pub minor: Option<u64>,
    pub name: Option<Vec<u8>>,
    pub real_size: Option<u64>,
    pub spans: Vec<Span>,
    pub listed: bool,
    offset: Option<u64>,
}

fn corrupt(message: &str) -> Refusal {
    Refusal::new(Code::CorruptArchive, format!("a PAX header {message}"))
}

/// Takes all records of one header: `LENGTH KEY=VALUE\n`, where the length counts its whole record.
pub fn parse(mut data: &[u8], into: &mut Extensions) -> Result<()> {
    while !data.is_empty() {
        let space = data.iter().take(20).position(|&b| b == b' ');
        let space = space.ok_or_else(|| corrupt("has a record without a length"))?;
        let length = decimal(&data[..space])? as usize;
        if length <= space + 1 || length > data.len() || data[length - 1] != b'\n' {
            return Err(corrupt("has a record with a wrong length"));
        }
        let record = &data[space + 1..length - 1];
        let equals = record.iter().position(|&b| b == b'=');
        let equals = equals.ok_or_else(|| corrupt("has a record without a value"))?;
        into.take(&record[..equals], &record[equals + 1..])?;
        data = &data[length..];
    }
    Ok(())
}

impl Extensions {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        match key {
            b"path" => self.path = some_text(value),
            b"linkpath" => self.link = some_text(value),
            b"size" => self.size = some_number(value)?,
            b"uid" => self.uid = some_number(value)?,
            b"gid" => self.gid = some_number(value)?,
            b"mtime" => self.mtime = Some(timestamp(value)?),
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                } else if let Some(name) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.take(name, value)?;
                }
            }
        }
        Ok(())
    }
}

impl SparseFields {
    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        match name {
            b"major" => self.major = Some(decimal(value)?),
            b"minor" => self.minor = Some(decimal(value)?),
            b"name" => self.name = some_text(value),
            b"size" | b"realsize" => self.real_size = Some(decimal(value)?),
            b"numblocks" => self.listed = true,
            b"offset" => self.offset = Some(decimal(value)?),
            b"numbytes" => {
                let offset = self
                    .offset
                    .take()
                    .ok_or_else(|| corrupt("has a sparse length alone"))?;
                sparse::push(
                    &mut self.spans,
                    Span {
                        offset,
                        length: decimal(value)?,
                    },
                )?;
            }
            b"map" => {
                self.listed = true;
                self.spans = sparse::parse_map(value)?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn some_text(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

/// An empty value takes the field back to the plain header's.
fn some_number(value: &[u8]) -> Result<Option<u64>> {
    if value.is_empty() {
        Ok(None)
    } else {
        decimal(value).map(Some)
    }
}

pub fn decimal(value: &[u8]) -> Result<u64> {
    let digits = std::str::from_utf8(value)
        .ok()
        .filter(|v| !v.starts_with('+'));
    let parsed = digits.and_then(|v| v.parse().ok());
    parsed.ok_or_else(|| corrupt("has a value that is no number"))
}

/// Decimal seconds, with a sign and a fraction when they have one.
fn timestamp(value: &[u8]) -> Result<Timestamp> {
    let text = std::str::from_utf8(value).map_err(|_| corrupt("has a time that is no number"))?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole
        .parse()
        .map_err(|_| corrupt("has a time that is no number"))?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(corrupt("has a time that is no number"));
    }
    let digits = format!("{:0<9}", &fraction[..fraction.len().min(9)]);
    let nanoseconds: u32 = digits.parse().unwrap_or(0);
    if whole.starts_with('-') && nanoseconds > 0 {
        let seconds = seconds
            .checked_sub(1)
            .ok_or_else(|| corrupt("has a time out of range"))?;
        return Ok(Timestamp {
            seconds,
            nanoseconds: 1_000_000_000 - nanoseconds,
        });
    }
    Ok(Timestamp {
        seconds,
        nanoseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_records_and_binary_values() {
        let mut extensions = Extensions::default();
        let data = b"12 path=a/b\n30 mtime=1700000000.123456789\n27 SCHILY.xattr.user.x=\0\n\x01\n";
        parse(&data[..42], &mut extensions).unwrap();
        assert_eq!(extensions.path.as_deref(), Some(&b"a/b"[..]));
        let mtime = Timestamp {
            seconds: 1_700_000_000,
            nanoseconds: 123_456_789,
        };
        assert_eq!(extensions.mtime, Some(mtime));
        parse(&data[42..], &mut extensions).unwrap();
        assert_eq!(
            extensions.xattrs,
            vec![(b"user.x".to_vec(), b"\0\n\x01".to_vec())]
        );
    }

    #[test]
    fn times_before_the_epoch_round_down() {
        let expected = Timestamp {
            seconds: -2,
            nanoseconds: 750_000_000,
        };
        assert_eq!(timestamp(b"-1.25").unwrap(), expected);
    }

    #[test]
    fn refuses_lengths_that_lie() {
        for data in [
            &b"99 path=a\n"[..],
            b"3 path=a\n",
            b"path=a\n",
            b"0 \n",
            b"9 path a\n",
            b"10 path=a",
        ] {
            assert!(parse(data, &mut Extensions::default()).is_err(), "{data:?}");
        }
    }
}
