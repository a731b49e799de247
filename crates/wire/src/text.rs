//! Values as text, the same in several protocols: timestamps, numbers, base64; and the lookup of a
//! member by its name.

use base::Timestamp;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Datelike as _, Timelike as _};
use smithy::{Kind, Member, ReadError, Schema};

/// Clients differ in whether they pad, so both are read; padding is always written.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, ReadError> {
    BASE64
        .decode(text)
        .map_err(|_| ReadError::WrongType { expected: "Blob", found: "text that is not base64".to_owned() })
}

pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Whether members go by their model name (AWS JSON, CBOR) or by the name the model gives them on the
/// wire (REST JSON, AWS Query).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    Model,
    Location,
}

impl Names {
    pub(crate) fn of(self, member: &Member) -> &'static str {
        match self {
            Names::Model => member.name,
            Names::Location => member.location_name.unwrap_or(member.name),
        }
    }

    /// Index of the member called `name`. Documents usually follow the model's order, so the search
    /// starts at `next`, the index after the member found last, and wraps around.
    pub(crate) fn find(self, schema: &Schema, name: &str, next: &mut usize) -> Option<usize> {
        let members = schema.members;
        let start = *next;
        let found = (start..members.len())
            .chain(0..start.min(members.len()))
            .find(|i| self.of(&members[*i]) == name)?;
        *next = found + 1;
        Some(found)
    }
}

/// The name of a kind as error messages have it.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Structure | Kind::Union => "Structure",
        Kind::List => "List",
        Kind::Map => "Map",
        Kind::String | Kind::Enum => "String",
        Kind::Boolean => "Boolean",
        Kind::Integer => "Integer",
        Kind::Long => "Long",
        Kind::Float => "Float",
        Kind::Double => "Double",
        Kind::Timestamp => "Timestamp",
        Kind::Blob => "Blob",
        Kind::Document => "Document",
    }
}

pub(crate) fn wrong_type(schema: &Schema, found: impl Into<String>) -> ReadError {
    ReadError::WrongType { expected: kind_name(schema.kind), found: found.into() }
}

/// Checks that an integer fits its kind.
pub(crate) fn fit_integer(schema: &Schema, value: i64) -> Result<i64, ReadError> {
    if schema.kind == Kind::Integer && i32::try_from(value).is_err() {
        return Err(wrong_type(schema, "NUMBER_VALUE"));
    }
    Ok(value)
}

/// A whole number written as a decimal fraction or with an exponent, such as `3.0` or `1e3`.
pub(crate) fn whole_number(value: f64) -> Option<i64> {
    // Beyond 2^53 not every integer is a double, so the sender's number may already have been another.
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

/// The three words for values that are not numbers in JSON and XML.
pub(crate) fn special_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Writes the shortest decimal that reads back as `value`, with a fraction digit or an exponent.
pub(crate) fn push_double(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    }
}

pub(crate) fn push_integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Epoch seconds, with as many fraction digits as the milliseconds need.
pub(crate) fn push_epoch_seconds(out: &mut Vec<u8>, at: Timestamp) {
    let millis = at.as_millis();
    if millis < 0 {
        out.push(b'-');
    }
    let millis = millis.unsigned_abs();
    out.extend_from_slice(itoa::Buffer::new().format(millis / 1000).as_bytes());
    push_fraction(out, (millis % 1000) as u32);
}

/// `YYYY-MM-DDTHH:MM:SS.sssZ`, the fraction omitted when zero.
pub(crate) fn push_date_time(out: &mut Vec<u8>, at: Timestamp) {
    let time = at.to_datetime();
    let year = time.year();
    if (0..=9999).contains(&year) {
        push_digits(out, year.unsigned_abs(), 4);
    } else {
        push_integer(out, i64::from(year));
    }
    for (separator, value) in [
        (b'-', time.month()),
        (b'-', time.day()),
        (b'T', time.hour()),
        (b':', time.minute()),
        (b':', time.second()),
    ] {
        out.push(separator);
        push_digits(out, value, 2);
    }
    let millis = at.as_millis().rem_euclid(1000) as u32;
    if millis != 0 {
        out.push(b'.');
        push_digits(out, millis, 3);
    }
    out.push(b'Z');
}

/// `Tue, 29 Apr 2014 18:30:38 GMT`; fractions of a second are cut off.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.to_datetime().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn push_digits(out: &mut Vec<u8>, value: u32, width: u32) {
    for place in (0..width).rev() {
        out.push(b'0' + (value / 10u32.pow(place) % 10) as u8);
    }
}

/// `.5` for 500, nothing for 0.
fn push_fraction(out: &mut Vec<u8>, millis: u32) {
    if millis == 0 {
        return;
    }
    out.push(b'.');
    let (value, width) = match (millis % 100, millis % 10) {
        (0, _) => (millis / 100, 1),
        (_, 0) => (millis / 10, 2),
        _ => (millis, 3),
    };
    push_digits(out, value, width);
}

/// Times further from the epoch are no times anybody means; with them excluded, nobody who adds to a time or
/// rounds it can overflow. Some 130,000 years: enough for seconds mistaken for milliseconds to reach the
/// operation, whose message is the better one.
const MILLIS_MAX: i64 = 1 << 52;

/// Epoch seconds as a timestamp.
pub(crate) fn timestamp_of_seconds(secs: f64) -> Option<Timestamp> {
    Timestamp::from_secs_f64(secs).filter(|at| at.as_millis().abs() <= MILLIS_MAX)
}

/// Reads a timestamp given as text: ISO 8601, an HTTP date or epoch seconds.
pub(crate) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(at) = parse_iso8601(text) {
        return Some(at);
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let time = DateTime::parse_from_rfc2822(text).ok()?;
        return Some(Timestamp::from_millis(time.timestamp_millis()));
    }
    // A plain number: Rust would also take "inf" and the like, which the alphabet check above excludes
    // except behind a sign.
    if text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) {
        return timestamp_of_seconds(text.parse().ok()?);
    }
    None
}

/// ISO 8601 as AWS clients write it: `2024-01-01T00:00:00Z`, seconds and fraction optional, `Z`, a numeric
/// offset or nothing (UTC) at the end; a date alone is its midnight.
pub(crate) fn parse_iso8601(text: &str) -> Option<Timestamp> {
    let mut rest = text.as_bytes();
    let year = digits(&mut rest, 4)?;
    expect(&mut rest, b"-")?;
    let month = digits(&mut rest, 2)?;
    expect(&mut rest, b"-")?;
    let day = digits(&mut rest, 2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let mut millis = days_from_civil(year, month, day) * 86_400_000;
    if rest.is_empty() {
        return Some(Timestamp::from_millis(millis));
    }
    expect(&mut rest, b"Tt ")?;
    let hour = digits(&mut rest, 2)?;
    expect(&mut rest, b":")?;
    let minute = digits(&mut rest, 2)?;
    let second = if expect(&mut rest, b":").is_some() { digits(&mut rest, 2)? } else { 0 };
    // A leap second counts as the second after it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    millis += ((hour * 60 + minute) * 60 + second) * 1000 + fraction_millis(&mut rest)?;
    millis -= offset_minutes(&mut rest)? * 60_000;
    rest.is_empty().then_some(Timestamp::from_millis(millis))
}

/// The fraction of a second, if there is one, rounded to the millisecond.
fn fraction_millis(rest: &mut &[u8]) -> Option<i64> {
    if expect(rest, b".,").is_none() {
        return Some(0);
    }
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let mut tenths = 0;
    for place in 0..4 {
        let digit = if place < count { i64::from(rest[place] - b'0') } else { 0 };
        tenths = tenths * 10 + digit;
    }
    *rest = &rest[count..];
    Some((tenths + 5) / 10)
}

/// Minutes east of UTC.
fn offset_minutes(rest: &mut &[u8]) -> Option<i64> {
    if rest.is_empty() || expect(rest, b"Zz").is_some() {
        return Some(0);
    }
    let sign = match expect(rest, b"+-")? {
        b'-' => -1,
        _ => 1,
    };
    let hours = digits(rest, 2)?;
    let _ = expect(rest, b":");
    let minutes = if rest.is_empty() { 0 } else { digits(rest, 2)? };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(count)?;
    let mut value = 0;
    for byte in head {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    *rest = tail;
    Some(value)
}

/// Takes one byte out of `allowed`.
fn expect(rest: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    if !allowed.contains(first) {
        return None;
    }
    *rest = tail;
    Some(*first)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap
/// day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<i64> {
        parse_timestamp(text).map(Timestamp::as_millis)
    }

    #[test]
    fn reads_the_forms_clients_send() {
        for (text, expected) in [
            ("2024-01-01T00:00:00Z", 1_704_067_200_000),
            ("2024-01-01T00:00:00", 1_704_067_200_000),
            ("2024-01-01T00:00Z", 1_704_067_200_000),
            ("2024-01-01", 1_704_067_200_000),
            ("2024-01-01T00:00:00.1234567Z", 1_704_067_200_123),
            ("2024-01-01T02:30:00+02:30", 1_704_067_200_000),
            ("2023-12-31T19:00:00-0500", 1_704_067_200_000),
            ("1704067200", 1_704_067_200_000),
            ("1704067200.5", 1_704_067_200_500),
            ("1.7040672E9", 1_704_067_200_000),
            ("1704067200000", 1_704_067_200_000_000),
            ("Mon, 01 Jan 2024 00:00:00 GMT", 1_704_067_200_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "x",
            "2024-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00Zx",
            "nan",
            "1e999",
            "1e13",
            "-1e13",
            "-inf",
            "2024-01-01T00:00:00.Z",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_agrees_with_the_calendar() {
        for day in (-700_000..800_000).step_by(37) {
            let at = Timestamp::from_secs(day * 86_400 + 3_723);
            let mut text = Vec::new();
            push_date_time(&mut text, at);
            let text = String::from_utf8(text).unwrap();
            if text.len() == 20 {
                assert_eq!(parse_iso8601(&text), Some(at), "{text}");
            }
        }
    }

    #[test]
    fn writes_fractions_only_when_there_are_any() {
        for (at, seconds, date_time) in [
            (1_704_067_200_000, "1704067200", "2024-01-01T00:00:00Z"),
            (1_704_067_200_500, "1704067200.5", "2024-01-01T00:00:00.500Z"),
            (1_704_067_200_120, "1704067200.12", "2024-01-01T00:00:00.120Z"),
            (1_704_067_200_007, "1704067200.007", "2024-01-01T00:00:00.007Z"),
            (-1, "-0.001", "1969-12-31T23:59:59.999Z"),
        ] {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            push_epoch_seconds(&mut a, Timestamp::from_millis(at));
            push_date_time(&mut b, Timestamp::from_millis(at));
            assert_eq!(
                (String::from_utf8(a).unwrap().as_str(), String::from_utf8(b).unwrap().as_str()),
                (seconds, date_time)
            );
        }
    }

    #[test]
    fn whole_numbers_may_have_a_fraction_of_zero() {
        assert_eq!(whole_number(3.0), Some(3));
        assert_eq!(whole_number(3.5), None);
        assert_eq!(whole_number(f64::INFINITY), None);
        assert_eq!(whole_number(f64::NAN), None);
    }
}
