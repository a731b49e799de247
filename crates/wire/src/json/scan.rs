//! Tokens of JSON text. All indices are at character boundaries, because JSON's own characters are ASCII.

use std::borrow::Cow;

use smithy::ReadError;

use crate::limits::DEPTH_MAX;

/// A cursor over JSON text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// The next byte that is not white space, without taking it; `0` at the end of the text, which no
    /// caller accepts.
    pub(super) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return *byte;
            }
            self.at += 1;
        }
        0
    }

    /// Takes `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == byte;
        self.at += usize::from(there);
        there
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), ReadError> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// What is next is not what the grammar allows here.
    pub(super) fn unexpected(&mut self) -> ReadError {
        self.peek();
        match self.text[self.at..].chars().next() {
            Some(c) => ReadError::Malformed(format!("unexpected character {c:?} at offset {}", self.at)),
            None => ReadError::Malformed("unexpected end of JSON".to_owned()),
        }
    }

    /// Takes `null` if it is next.
    pub(super) fn take_null(&mut self) -> Result<bool, ReadError> {
        if self.peek() != b'n' {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), ReadError> {
        self.peek();
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        Ok(())
    }

    /// A string; borrowed when nothing in it is escaped.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        let (raw, escaped) = self.raw_string()?;
        if escaped { unescape(raw).map(Cow::Owned) } else { Ok(Cow::Borrowed(raw)) }
    }

    /// What stands between the quotes, and whether it has escapes, whose form is not yet checked.
    fn raw_string(&mut self) -> Result<(&'a str, bool), ReadError> {
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = find_special(bytes, at);
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(control) => {
                    return Err(ReadError::Malformed(format!(
                        "unescaped control character {control:#04x} at offset {at}"
                    )));
                }
                None => {
                    return Err(ReadError::Malformed("unexpected end of JSON inside a string".to_owned()));
                }
            }
        }
        self.at = at + 1;
        // An escape may have swallowed the first byte of a longer character, never a later one, so the
        // quote at `at` is a quote; `get` keeps a mistake here from being a panic.
        let raw = self.text.get(start..at).ok_or_else(|| ReadError::Malformed("broken string".to_owned()))?;
        Ok((raw, escaped))
    }

    /// A number's text, checked against the grammar.
    pub(super) fn number(&mut self) -> Result<&'a str, ReadError> {
        self.peek();
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let whole = digits(bytes, at);
        let leading_zero = whole > 1 && bytes[at] == b'0';
        at += whole;
        let mut sound = whole > 0 && !leading_zero;
        if sound && bytes.get(at) == Some(&b'.') {
            let fraction = digits(bytes, at + 1);
            sound = fraction > 0;
            at += 1 + fraction;
        }
        if sound && matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits(bytes, at);
            sound = exponent > 0;
            at += exponent;
        }
        if !sound {
            return Err(ReadError::Malformed(format!("malformed number at offset {start}")));
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// Passes over one value, checking its grammar. `depth` is how deep it stands.
    pub(super) fn skip_value(&mut self, depth: u32) -> Result<(), ReadError> {
        // One bit per open container, set for objects.
        let mut objects = 0u128;
        let mut open = 0u32;
        loop {
            match self.peek() {
                opening @ (b'{' | b'[') => {
                    if depth + open >= DEPTH_MAX {
                        return Err(ReadError::TooLarge(format!("nested deeper than {DEPTH_MAX} levels")));
                    }
                    self.at += 1;
                    objects = objects << 1 | u128::from(opening == b'{');
                    open += 1;
                    if opening == b'[' && self.peek() != b']' {
                        continue;
                    }
                    if opening == b'{' && self.peek() != b'}' {
                        self.skip_name()?;
                        continue;
                    }
                }
                b'"' => self.skip_string()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                _ => return Err(self.unexpected()),
            }
            if self.close_after_value(&mut objects, &mut open)? {
                return Ok(());
            }
        }
    }

    /// After a value inside `skip_value`: closes what ends here and moves to the next value. True when
    /// nothing is open any more.
    fn close_after_value(&mut self, objects: &mut u128, open: &mut u32) -> Result<bool, ReadError> {
        while *open > 0 {
            let in_object = *objects & 1 == 1;
            if self.take(b',') {
                if in_object {
                    self.skip_name()?;
                }
                return Ok(false);
            }
            // An empty container comes here without a value before its end.
            self.expect(if in_object { b'}' } else { b']' })?;
            *objects >>= 1;
            *open -= 1;
        }
        Ok(true)
    }

    fn skip_name(&mut self) -> Result<(), ReadError> {
        self.peek();
        self.skip_string()?;
        self.expect(b':')
    }

    fn skip_string(&mut self) -> Result<(), ReadError> {
        let (raw, escaped) = self.raw_string()?;
        if escaped { check_escapes(raw) } else { Ok(()) }
    }
}

fn digits(bytes: &[u8], from: usize) -> usize {
    bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count())
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A word with the high bit set in bytes equal to `byte`. Only the lowest set bit is certain: a borrow may
/// set further ones above it.
fn equal_bytes(word: u64, byte: u8) -> u64 {
    let zeroed = word ^ (ONES * u64::from(byte));
    zeroed.wrapping_sub(ONES) & !zeroed & HIGH
}

/// The index of the first quote, backslash or control character at or after `at`, or the length.
/// Eight bytes at a time: strings are most of what is sent here.
pub(super) fn find_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let hits = equal_bytes(word, b'"') | equal_bytes(word, b'\\') | control;
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// Replaces the escapes of a string's raw text.
fn unescape(raw: &str) -> Result<String, ReadError> {
    let bytes = raw.as_bytes();
    // No escape is shorter than what it stands for.
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if let Some(chunk) = bytes[at..].first_chunk::<8>() {
            // Copies eight bytes in any case, as one store, and takes back what is behind an escape.
            let hits = equal_bytes(u64::from_le_bytes(*chunk), b'\\');
            out.extend_from_slice(chunk);
            if hits == 0 {
                at += 8;
                continue;
            }
            let plain = (hits.trailing_zeros() / 8) as usize;
            out.truncate(out.len() - 8 + plain);
            at += plain;
        } else if bytes[at] != b'\\' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        at += push_escape(&mut out, &bytes[at..])?;
    }
    String::from_utf8(out).map_err(|_| bad_escape())
}

fn check_escapes(raw: &str) -> Result<(), ReadError> {
    let bytes = raw.as_bytes();
    let mut scratch = Vec::with_capacity(4);
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|b| *b == b'\\') {
        scratch.clear();
        at += next;
        at += push_escape(&mut scratch, &bytes[at..])?;
    }
    Ok(())
}

/// Appends what the escape at the start of `rest` stands for; returns its length.
fn push_escape(out: &mut Vec<u8>, rest: &[u8]) -> Result<usize, ReadError> {
    let plain = match rest.get(1) {
        Some(c @ (b'"' | b'\\' | b'/')) => *c,
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'u') => return push_unicode_escape(out, rest),
        _ => return Err(bad_escape()),
    };
    out.push(plain);
    Ok(2)
}

/// `\uXXXX`, or two of them for a character outside the basic plane. Half of such a pair alone is no
/// character and becomes U+FFFD.
fn push_unicode_escape(out: &mut Vec<u8>, rest: &[u8]) -> Result<usize, ReadError> {
    let first = hex4(rest)?;
    let (code, length) = match first {
        0xd800..=0xdbff if rest.get(6..8) == Some(b"\\u") => match hex4(&rest[6..])? {
            second @ 0xdc00..=0xdfff => (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12),
            _ => (first, 6),
        },
        _ => (first, 6),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(length)
}

fn hex4(escape: &[u8]) -> Result<u32, ReadError> {
    let digits = escape.get(2..6).ok_or_else(bad_escape)?;
    digits.iter().try_fold(0, |code, digit| {
        let value = char::from(*digit).to_digit(16).ok_or_else(bad_escape)?;
        Ok(code << 4 | value)
    })
}

fn bad_escape() -> ReadError {
    ReadError::Malformed("malformed escape in a string".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(json: &str) -> Result<String, ReadError> {
        Scanner::new(json).string().map(Cow::into_owned)
    }

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let mut scanner = Scanner::new(r#"  "plain text, longer than eight bytes" ,"#);
        assert!(matches!(scanner.string(), Ok(Cow::Borrowed("plain text, longer than eight bytes"))));
        assert_eq!(scanner.peek(), b',');
    }

    #[test]
    fn escapes_become_characters() {
        for (json, expected) in [
            (r#""""#, ""),
            (r#""a\"b\\c\/d\b\f\n\r\te""#, "a\"b\\c/d\u{8}\u{c}\n\r\te"),
            (r#""\u00e9\u0000\u20AC""#, "é\0€"),
            (r#""\ud83d\ude00!""#, "😀!"),
            (r#""\ud83d!""#, "\u{fffd}!"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ude00""#, "\u{fffd}"),
            (r#""{\"level\":\"INFO\",\"message\":\"naïve\"}""#, r#"{"level":"INFO","message":"naïve"}"#),
            (r#""1234567\n""#, "1234567\n"),
            (r#""12345678\n""#, "12345678\n"),
        ] {
            assert_eq!(string(json).as_deref(), Ok(expected), "{json}");
        }
    }

    #[test]
    fn broken_strings_are_refused() {
        for json in [
            r#"""#,
            r#""abc"#,
            r#""\"#,
            r#""\""#,
            r#""\x""#,
            r#""\u12""#,
            r#""\u12g4""#,
            "\"a\nb\"",
            "\"\u{1f}\"",
            r#""\é""#,
        ] {
            assert!(string(json).is_err(), "{json}");
        }
    }

    #[test]
    fn numbers_follow_the_grammar() {
        for good in ["0", "-0", "12", "1.5", "-1.5e10", "1E+2", "1e-2"] {
            assert_eq!(Scanner::new(good).number(), Ok(good));
        }
        for bad in ["", "-", "01", "1.", ".5", "1e", "+1", "--1", "1e+"] {
            assert!(Scanner::new(bad).number().is_err(), "{bad}");
        }
    }

    #[test]
    fn skipping_checks_the_grammar() {
        for good in [
            "1",
            "[]",
            "{}",
            "[[],{}]",
            r#"{"a":[1,{"b":null}],"c":"x"}"#,
            "[1 , 2]",
            r#"{"a" : {} , "b":[ ] }"#,
        ] {
            let mut scanner = Scanner::new(good);
            assert_eq!(scanner.skip_value(0), Ok(()), "{good}");
            assert_eq!(scanner.position(), good.len());
        }
        for bad in [
            "",
            "[",
            "{",
            "[1",
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "[1}",
            r#"{"a":1]"#,
            "{1:2}",
            "tru",
            r#"["\q"]"#,
            "]",
        ] {
            assert!(Scanner::new(bad).skip_value(0).is_err(), "{bad}");
        }
    }

    #[test]
    fn skipping_stops_at_the_depth_limit() {
        let deep = "[".repeat(100_000);
        assert!(matches!(Scanner::new(&deep).skip_value(0), Err(ReadError::TooLarge(_))));
        let fits = format!("{}{}", "[".repeat(128), "]".repeat(128));
        assert_eq!(Scanner::new(&fits).skip_value(0), Ok(()));
        assert!(Scanner::new(&fits).skip_value(1).is_err());
    }

    #[test]
    fn special_bytes_are_found_at_every_offset() {
        for special in [b'"', b'\\', 0, 0x1f] {
            for length in 0..40 {
                for place in 0..length {
                    let mut bytes = vec![0xc3; length];
                    bytes[place] = special;
                    assert_eq!(find_special(&bytes, 0), place);
                }
            }
        }
        assert_eq!(find_special(b" !#[]~\x7f\xff\x80", 0), 9);
    }
}
