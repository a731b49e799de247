//! Dates and times by the patterns of Java's `DateTimeFormatter`, as far as logs use them, in English.

use std::iter::Peekable;
use std::str::Chars;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::error::LogsError;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Literal(String),
    /// A letter and how often it stands there.
    Field(char, usize),
    /// Milliseconds since the epoch.
    Epoch,
}

/// What was read, in parts.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    hour: Option<u32>,
    half: Option<bool>,
    minute: u32,
    second: u32,
    nanos: u32,
    offset: Option<FixedOffset>,
    instant: Option<DateTime<Utc>>,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, LogsError> {
        let refused = |what: &str| LogsError::invalid(format!("Invalid date pattern '{text}': {what}."));
        if text == "epoch" {
            return Ok(Self(vec![Item::Epoch]));
        }
        let mut items: Vec<Item> = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == '\'' {
                let literal = quoted(&mut rest).ok_or_else(|| refused("a quote is not closed"))?;
                items.push(Item::Literal(literal));
            } else if c.is_ascii_alphabetic() {
                let mut count = 1;
                while rest.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if !"yuMLdHhKkmsSnaEzZXxVO".contains(c) {
                    return Err(refused(&format!("the letter {c} is not supported")));
                }
                items.push(Item::Field(c, count));
            } else {
                items.push(Item::Literal(c.to_string()));
            }
        }
        Ok(Self(items))
    }

    /// The instant that a text is, if the pattern fits all of it; `zone` is where it is meant if it does not say.
    pub(super) fn read(&self, text: &str, zone: Tz) -> Option<DateTime<Utc>> {
        let mut parts = Parts::default();
        let mut rest = text;
        for item in &self.0 {
            rest = match item {
                Item::Literal(literal) => rest.strip_prefix(literal.as_str())?,
                Item::Epoch => {
                    parts.instant = DateTime::from_timestamp_millis(rest.parse().ok()?);
                    ""
                }
                Item::Field(letter, count) => parts.field(rest, *letter, *count)?,
            };
        }
        if rest.is_empty() { parts.instant(zone) } else { None }
    }

    pub(super) fn write(&self, instant: DateTime<Utc>, zone: Tz) -> String {
        let local = instant.with_timezone(&zone);
        let mut out = String::new();
        for item in &self.0 {
            match item {
                Item::Literal(literal) => out.push_str(literal),
                Item::Epoch => out.push_str(&instant.timestamp_millis().to_string()),
                Item::Field(letter, count) => write_field(&mut out, &local, *letter, *count),
            }
        }
        out
    }
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut literal = String::new();
    loop {
        match rest.next()? {
            '\'' if rest.next_if_eq(&'\'').is_some() => literal.push('\''),
            // Two quotes outside a text are one quote.
            '\'' => return Some(if literal.is_empty() { "'".to_owned() } else { literal }),
            c => literal.push(c),
        }
    }
}

impl Parts {
    /// Reads one field; what is left.
    fn field<'t>(&mut self, text: &'t str, letter: char, count: usize) -> Option<&'t str> {
        match letter {
            'y' | 'u' => {
                let (year, rest) = digits(text, count, if count == 2 { 2 } else { 4.max(count) })?;
                let year = i32::try_from(year).ok()?;
                self.year = Some(if count == 2 { 2000 + year } else { year });
                Some(rest)
            }
            'M' | 'L' if count >= 3 => {
                let (month, rest) = name(text, &MONTHS)?;
                self.month = Some(month + 1);
                Some(rest)
            }
            'M' | 'L' => number(text, count, &mut self.month),
            'd' => number(text, count, &mut self.day),
            'E' => name(text, &DAYS).map(|(_, rest)| rest),
            'H' | 'k' | 'h' | 'K' => number(text, count, &mut self.hour),
            'a' => {
                let (half, rest) = text.split_at_checked(2)?;
                self.half = match half.to_ascii_uppercase().as_str() {
                    "AM" => Some(false),
                    "PM" => Some(true),
                    _ => return None,
                };
                Some(rest)
            }
            'm' => set(text, count, &mut self.minute),
            's' => set(text, count, &mut self.second),
            'S' | 'n' => {
                let (fraction, rest) = text.split_at_checked(count)?;
                let value: u32 = fraction.parse().ok().filter(|_| count <= 9)?;
                self.nanos = value * 10_u32.pow(9 - u32::try_from(count).ok()?);
                Some(rest)
            }
            _ => self.zone(text),
        }
    }

    /// `Z`, `UTC`, `GMT`, `+01:00`, `+0100` or `+01`.
    fn zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        for utc in ["Z", "UTC", "GMT"] {
            if let Some(rest) = text.strip_prefix(utc) {
                self.offset = FixedOffset::east_opt(0);
                return Some(rest);
            }
        }
        let sign = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, rest) = digits(&text[1..], 2, 2)?;
        let rest_minutes = rest.strip_prefix(':').unwrap_or(rest);
        let (minutes, rest) = digits(rest_minutes, 2, 2).unwrap_or((0, rest));
        self.offset = FixedOffset::east_opt(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?);
        self.offset.map(|_| rest)
    }

    fn instant(self, zone: Tz) -> Option<DateTime<Utc>> {
        if self.instant.is_some() {
            return self.instant;
        }
        // A year that the text does not tell would have to be guessed.
        let date = NaiveDate::from_ymd_opt(self.year?, self.month.unwrap_or(1), self.day.unwrap_or(1))?;
        let hour = match (self.hour.unwrap_or(0), self.half) {
            (hour, None) => hour % 24,
            (hour, Some(afternoon)) => hour % 12 + 12 * u32::from(afternoon),
        };
        let local: NaiveDateTime = date.and_hms_nano_opt(hour, self.minute, self.second, self.nanos)?;
        match self.offset {
            Some(offset) => Some(offset.from_local_datetime(&local).single()?.to_utc()),
            None => Some(zone.from_local_datetime(&local).earliest()?.to_utc()),
        }
    }
}

fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let end = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if end < least.min(most) || end == 0 {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn number<'t>(text: &'t str, count: usize, into: &mut Option<u32>) -> Option<&'t str> {
    let (value, rest) = digits(text, count, 2)?;
    *into = Some(value);
    Some(rest)
}

fn set<'t>(text: &'t str, count: usize, into: &mut u32) -> Option<&'t str> {
    let (value, rest) = digits(text, count, 2)?;
    *into = value;
    Some(rest)
}

/// The number of the name a text begins with, in full or by three letters.
fn name<'t>(text: &'t str, names: &[&str]) -> Option<(u32, &'t str)> {
    let starts = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let found = names.iter().position(|name| starts(&name[..3]))?;
    let length = if starts(names[found]) { names[found].len() } else { 3 };
    Some((u32::try_from(found).ok()?, &text[length..]))
}

fn write_field(out: &mut String, at: &DateTime<Tz>, letter: char, count: usize) {
    let padded = |number: u32| format!("{number:0count$}");
    let text = match letter {
        'y' | 'u' if count == 2 => format!("{:02}", at.year().rem_euclid(100)),
        'y' | 'u' => format!("{:0count$}", at.year()),
        'M' | 'L' if count >= 4 => MONTHS[at.month0() as usize].to_owned(),
        'M' | 'L' if count == 3 => MONTHS[at.month0() as usize][..3].to_owned(),
        'M' | 'L' => padded(at.month()),
        'd' => padded(at.day()),
        'E' => {
            let day = DAYS[at.weekday().num_days_from_monday() as usize];
            if count >= 4 { day.to_owned() } else { day[..3].to_owned() }
        }
        'H' => padded(at.hour()),
        'k' => padded(if at.hour() == 0 { 24 } else { at.hour() }),
        'K' => padded(at.hour() % 12),
        'h' => padded(at.hour12().1),
        'a' => if at.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        'm' => padded(at.minute()),
        's' => padded(at.second()),
        'S' | 'n' => format!("{:09}", at.nanosecond()).chars().take(count.min(9)).collect(),
        'X' if at.format("%z").to_string() == "+0000" => "Z".to_owned(),
        'X' | 'x' if count >= 3 => at.format("%:z").to_string(),
        'z' | 'V' => at.timezone().name().to_owned(),
        _ => at.format("%z").to_string(),
    };
    out.push_str(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_and_write() {
        const OUT: &str = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'";
        for (pattern, zone, text, expected) in [
            ("yyyy-MM-dd HH:mm:ss", "UTC", "2024-01-02 03:04:05", "2024-01-02T03:04:05.000Z"),
            ("yyyy-MM-dd HH:mm:ss", "America/New_York", "2024-07-02 03:04:05", "2024-07-02T07:04:05.000Z"),
            ("dd/MMM/yyyy:HH:mm:ss Z", "UTC", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36.000Z"),
            ("EEE, d MMMM yyyy h:mm a", "UTC", "Tue, 2 January 2024 3:04 pm", "2024-01-02T15:04:00.000Z"),
            (
                "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                "UTC",
                "2024-01-02T03:04:05.678+01:00",
                "2024-01-02T02:04:05.678Z",
            ),
            ("epoch", "UTC", "1704164645678", "2024-01-02T03:04:05.678Z"),
            ("yyyyMMdd", "UTC", "20240102", "2024-01-02T00:00:00.000Z"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            let found = pattern.read(text, zone.parse().unwrap()).unwrap();
            assert_eq!(Pattern::parse(OUT).unwrap().write(found, Tz::UTC), expected, "{text}");
        }
        for (pattern, text) in [
            ("yyyy-MM-dd", "2024-13-01"),
            ("yyyy-MM-dd", "2024-01-01 "),
            ("HH:mm", "03:04"),
            ("yyyy", "24"),
            ("epoch", "x"),
            ("yyyy-MM-dd", "é"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().read(text, Tz::UTC), None, "{text}");
        }
        assert!(Pattern::parse("yyyy-'T").is_err() && Pattern::parse("Q").is_err());
        let at = Pattern::parse("epoch").unwrap().read("1704164645678", Tz::UTC).unwrap();
        let shown = |pattern: &str| Pattern::parse(pattern).unwrap().write(at, "Asia/Tokyo".parse().unwrap());
        assert_eq!(shown("EEEE dd MMM yy hh:mm a xxx"), "Tuesday 02 Jan 24 12:04 PM +09:00");
        assert_eq!(shown("epoch"), "1704164645678");
    }
}
