//! Data items of CBOR. A length is believed only as far as there are bytes: nothing is reserved for it.

use std::borrow::Cow;

use smithy::ReadError;

use crate::limits::DEPTH_MAX;

pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
pub(super) const MAP: u8 = 5;
pub(super) const TAG: u8 = 6;

/// Ends a container or string of indefinite length.
const BREAK: u8 = 0xff;

/// A data item without its content.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Item {
    /// Value of major type 0; -1 - value for major type 1.
    Integer {
        negative: bool,
        argument: u64,
    },
    Bytes(Option<u64>),
    Text(Option<u64>),
    /// Number of elements or entries; `None` until a break.
    Array(Option<u64>),
    Map(Option<u64>),
    Boolean(bool),
    /// `null` and `undefined`.
    Null,
    Double(f64),
}

/// A cursor over CBOR bytes.
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The head of the next item behind any tags, whose last is returned as well.
    pub(super) fn item(&mut self) -> Result<(Option<u64>, Item), ReadError> {
        let mut tag = None;
        loop {
            let start = self.at;
            let first = self.byte()?;
            let (major, info) = (first >> 5, first & 0x1f);
            let item = match major {
                TAG => {
                    tag = Some(self.argument(info)?);
                    continue;
                }
                UNSIGNED => Item::Integer { negative: false, argument: self.argument(info)? },
                NEGATIVE => Item::Integer { negative: true, argument: self.argument(info)? },
                BYTES => Item::Bytes(self.length(info)?),
                TEXT => Item::Text(self.length(info)?),
                ARRAY => Item::Array(self.length(info)?),
                MAP => Item::Map(self.length(info)?),
                _ => self.simple(info, start)?,
            };
            return Ok((tag, item));
        }
    }

    /// Takes a `null` or `undefined` if it is next.
    pub(super) fn take_null(&mut self) -> bool {
        let there = matches!(self.bytes.get(self.at), Some(0xf6 | 0xf7));
        self.at += usize::from(there);
        there
    }

    /// Takes the break that ends an indefinite container, if it is next.
    pub(super) fn take_break(&mut self) -> bool {
        let there = self.bytes.get(self.at) == Some(&BREAK);
        self.at += usize::from(there);
        there
    }

    /// The content of a byte or text string whose head (`major`, `length`) was taken.
    pub(super) fn content(&mut self, major: u8, length: Option<u64>) -> Result<Cow<'a, [u8]>, ReadError> {
        if let Some(length) = length {
            return self.slice(length).map(Cow::Borrowed);
        }
        let mut all = Vec::new();
        while !self.take_break() {
            let start = self.at;
            let first = self.byte()?;
            // Chunks are strings of the same type and of definite length.
            let length = self.length(first & 0x1f)?.filter(|_| first >> 5 == major);
            let length = length.ok_or_else(|| malformed("a chunk of another type", start))?;
            if major == TEXT {
                all.extend_from_slice(utf8(self.slice(length)?, start)?.as_bytes());
            } else {
                all.extend_from_slice(self.slice(length)?);
            }
        }
        Ok(Cow::Owned(all))
    }

    pub(super) fn text(&mut self, length: Option<u64>) -> Result<Cow<'a, str>, ReadError> {
        let start = self.at;
        match self.content(TEXT, length)? {
            Cow::Borrowed(bytes) => utf8(bytes, start).map(Cow::Borrowed),
            Cow::Owned(bytes) => {
                String::from_utf8(bytes).map(Cow::Owned).map_err(|_| malformed("invalid UTF-8", start))
            }
        }
    }

    /// Passes over one item, checking its form. `depth` is how deep it stands.
    pub(super) fn skip(&mut self, depth: u32) -> Result<(), ReadError> {
        if depth > DEPTH_MAX {
            return Err(ReadError::TooLarge(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let (items, length) = match self.item()?.1 {
            Item::Bytes(length) => return self.content(BYTES, length).map(drop),
            Item::Text(length) => return self.text(length).map(drop),
            Item::Array(length) => (1, length),
            Item::Map(length) => (2, length),
            _ => return Ok(()),
        };
        let mut left = length;
        while self.another(&mut left) {
            for _ in 0..items {
                self.skip(depth + 1)?;
            }
        }
        Ok(())
    }

    /// Whether a container with `left` items (or until a break) has another one; counts it.
    pub(super) fn another(&mut self, left: &mut Option<u64>) -> bool {
        match left {
            None => !self.take_break(),
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    fn simple(&mut self, info: u8, start: usize) -> Result<Item, ReadError> {
        Ok(match info {
            20 => Item::Boolean(false),
            21 => Item::Boolean(true),
            22 | 23 => Item::Null,
            25 => Item::Double(half(u16::from_be_bytes(self.array()?))),
            26 => Item::Double(f64::from(f32::from_be_bytes(self.array()?))),
            27 => Item::Double(f64::from_be_bytes(self.array()?)),
            31 => return Err(malformed("unexpected break", start)),
            _ => return Err(malformed("unknown simple value", start)),
        })
    }

    /// An argument, or `None` for an indefinite length.
    fn length(&mut self, info: u8) -> Result<Option<u64>, ReadError> {
        if info == 31 { Ok(None) } else { self.argument(info).map(Some) }
    }

    fn argument(&mut self, info: u8) -> Result<u64, ReadError> {
        Ok(match info {
            0..=23 => u64::from(info),
            24 => u64::from(self.byte()?),
            25 => u64::from(u16::from_be_bytes(self.array()?)),
            26 => u64::from(u32::from_be_bytes(self.array()?)),
            27 => u64::from_be_bytes(self.array()?),
            _ => return Err(malformed("reserved length", self.at - 1)),
        })
    }

    fn byte(&mut self) -> Result<u8, ReadError> {
        let byte = *self.bytes.get(self.at).ok_or_else(truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let chunk = *self.bytes[self.at..].first_chunk::<N>().ok_or_else(truncated)?;
        self.at += N;
        Ok(chunk)
    }

    fn slice(&mut self, length: u64) -> Result<&'a [u8], ReadError> {
        let length = usize::try_from(length).map_err(|_| truncated())?;
        let (head, _) = self.bytes[self.at..].split_at_checked(length).ok_or_else(truncated)?;
        self.at += length;
        Ok(head)
    }
}

fn utf8(bytes: &[u8], at: usize) -> Result<&str, ReadError> {
    std::str::from_utf8(bytes).map_err(|_| malformed("invalid UTF-8", at))
}

fn truncated() -> ReadError {
    ReadError::Malformed("unexpected end of CBOR".to_owned())
}

pub(super) fn malformed(what: &str, at: usize) -> ReadError {
    ReadError::Malformed(format!("{what} at offset {at}"))
}

/// A half-precision float: 1 sign bit, 5 of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0x3e00, 1.5),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 0.000_061_035_156_25),
            (0xc400, -4.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn a_length_beyond_the_bytes_is_refused() {
        for bytes in [
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x7a, 0x00, 0x00, 0x00, 0x05, b'a'],
        ] {
            assert!(Decoder::new(bytes).skip(0).is_err());
        }
    }

    #[test]
    fn skipping_stops_at_the_depth_limit() {
        let deep = vec![0x81; 100_000];
        assert!(matches!(Decoder::new(&deep).skip(0), Err(ReadError::TooLarge(_))));
    }

    #[test]
    fn reserved_and_misplaced_heads_are_refused() {
        for bytes in [
            &[0x1c][..],
            &[0xff],
            &[0xf8, 0x20],
            &[0x5f, 0x61, b'a', 0xff],
            &[0x5f, 0x5f, 0xff, 0xff],
            &[0x9f, 0x01],
            &[0xbf, 0x61, b'a', 0xff],
            &[0x61, 0xff],
        ] {
            assert!(Decoder::new(bytes).skip(0).is_err(), "{bytes:x?}");
        }
    }
}
