//! Values of records: coercion, rendering and order (`logs-insights.md` §2 and "sort").
//!
//! Everything here is a plain function of its arguments; the engine's functions and the reference
//! evaluator of the tests both stand on it.

use std::borrow::Cow;
use std::cmp::Ordering;

use base::Timestamp;

/// One value while a function looks at it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum<'a> {
    Missing,
    Text(Cow<'a, str>),
    /// Finite.
    Number(f64),
    Boolean(bool),
    /// Milliseconds since the epoch.
    Time(i64),
}

impl Datum<'_> {
    /// In numeric context.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Missing => None,
            Self::Text(text) => parse_number(text),
            Self::Number(number) => Some(*number),
            Self::Boolean(truth) => Some(f64::from(u8::from(*truth))),
            Self::Time(millis) => Some(*millis as f64),
        }
    }

    /// In string context.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => render_number(*number).map(Cow::Owned),
            Self::Boolean(truth) => Some(Cow::Borrowed(render_boolean(*truth))),
            Self::Time(millis) => Some(Cow::Owned(render_time(*millis))),
        }
    }
}

/// The number a text is, if it is a full decimal number: sign, decimals, exponent; blanks around are ignored.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let first = *bytes.first()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    if bytes.len() <= 15 && bytes.iter().all(u8::is_ascii_digit) {
        return Some(bytes.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0')) as f64);
    }
    let decimal = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    if !bytes.iter().all(decimal) {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// A computed number: no exponent, at most four decimals, rounded half away from zero. `None` if there is
/// no such number.
pub(crate) fn render_number(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    if number.fract() == 0.0 {
        return Some(format!("{}", number + 0.0));
    }
    // Beyond this the scaled value would lose the very digits it is scaled for.
    let rounded = if number.abs() < 1e11 { (number * 1e4).round() / 1e4 } else { number };
    let text = format!("{rounded:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    Some(if text == "-0" { "0".to_owned() } else { text.to_owned() })
}

pub(crate) fn render_boolean(truth: bool) -> &'static str {
    if truth { "1" } else { "0" }
}

/// `YYYY-MM-DD HH:MM:SS.mmm`, UTC.
pub(crate) fn render_time(millis: i64) -> String {
    Timestamp::from_millis(millis).to_datetime().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// The order of `=`, `<` and so on: as numbers if both are, else as texts; `None` if a side is missing.
pub(crate) fn compare(left: &Datum<'_>, right: &Datum<'_>) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left.number(), right.number()) {
        return left.partial_cmp(&right);
    }
    Some(left.text()?.cmp(&right.text()?))
}

const KEY_TEXT: u8 = 1;
const KEY_NUMBER: u8 = 2;
/// Between the characters before the digits and those after them.
const KEY_DIGITS: u8 = b'0';

/// A key whose byte order is the `sort` order of present values: texts before numbers; texts by runs of
/// digits (by length, then value) and of other characters (by code point), a prefix first; numbers by
/// value, then by text.
pub(crate) fn sort_key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() + 10);
    if let Some(number) = parse_number(text) {
        key.push(KEY_NUMBER);
        key.extend(ordered_bits(number).to_be_bytes());
        key.extend(text.as_bytes());
        return key;
    }
    key.push(KEY_TEXT);
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        let digits = first.is_ascii_digit();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit() == digits).count();
        let (run, tail) = rest.split_at(length);
        rest = tail;
        if digits {
            key.push(KEY_DIGITS);
            key.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
            key.extend(run);
        } else {
            // Zero ends a run, so that a prefix is first; zeros and ones of the text are escaped.
            for byte in run {
                match byte {
                    0 => key.extend([1, 1]),
                    1 => key.extend([1, 2]),
                    byte => key.push(*byte),
                }
            }
            key.push(0);
        }
    }
    key
}

/// The text whose [`sort_key`] this is.
pub(crate) fn sort_key_text(key: &[u8]) -> Option<String> {
    let (tag, mut rest) = key.split_first()?;
    if *tag == KEY_NUMBER {
        return String::from_utf8(rest.get(8..)?.to_vec()).ok();
    }
    let mut text = Vec::with_capacity(rest.len());
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match *first {
            KEY_DIGITS => {
                let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
                text.extend(rest.get(4..4 + length)?);
                rest = &rest[4 + length..];
            }
            0 => {}
            1 => {
                let (escaped, tail) = rest.split_first()?;
                text.push(escaped - 1);
                rest = tail;
            }
            byte => text.push(byte),
        }
    }
    String::from_utf8(text).ok()
}

/// Bits that order as the numbers do.
fn ordered_bits(number: f64) -> u64 {
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_full_decimal_numbers() {
        for (text, number) in [
            ("200", Some(200.0)),
            (" -1.5e3 ", Some(-1500.0)),
            ("+.5", Some(0.5)),
            ("007", Some(7.0)),
            ("123456789012345678", Some(123_456_789_012_345_678.0)),
            ("", None),
            ("-", None),
            (".", None),
            ("1e999", None),
            ("inf", None),
            ("0x10", None),
            ("1 2", None),
            ("12a", None),
        ] {
            assert_eq!(parse_number(text), number, "{text}");
        }
    }

    #[test]
    fn computed_numbers_have_at_most_four_decimals() {
        for (number, text) in [
            (122.070_312_5, Some("122.0703")),
            (30.0, Some("30")),
            (-0.000_01, Some("0")),
            (-0.0, Some("0")),
            (2.5, Some("2.5")),
            (1e21, Some("1000000000000000000000")),
            (0.00005, Some("0.0001")),
            (f64::NAN, None),
        ] {
            assert_eq!(render_number(number).as_deref(), text, "{number}");
        }
        assert_eq!(render_time(1_714_558_320_000), "2024-05-01 10:12:00.000");
    }

    /// The list of the documentation (CWL_QuerySyntax-Sort).
    #[test]
    fn sort_order_is_the_documented_one() {
        let sorted = [
            "!",
            "#",
            "*%04",
            "0#",
            "5A",
            "111A",
            "2345_",
            "@",
            "@_",
            "A",
            "A9876fghj",
            "a12345hfh",
            "0",
            "01",
            "1",
            "2",
            "3",
        ];
        let mut keys: Vec<_> = sorted.iter().map(|text| sort_key(text)).collect();
        keys.sort();
        let texts: Vec<_> = keys.iter().map(|key| sort_key_text(key).unwrap()).collect();
        assert_eq!(texts, sorted);
        assert!(sort_key("-5") < sort_key("-4.5"));
        assert!(sort_key("") < sort_key("a"));
        for odd in ["a\0b\u{1}1", "é12", "\u{1}"] {
            assert_eq!(sort_key_text(&sort_key(odd)).as_deref(), Some(odd));
        }
    }
}
