//! `timestamp_format`: where in a line its time is, and which.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html>
//! (logs section); the expressions are those of the agent's source (agent.md § 6.4).

use base::Timestamp;
use chrono::{
    DateTime, Datelike as _, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _,
};
use regex::Regex;

const DAY_MILLIS: i64 = 86_400_000;
/// A time without a year may be so far ahead of now; beyond, it is of the year before.
const AHEAD_DAYS_MAX: i64 = 30;

/// A compiled format.
#[derive(Debug, Clone)]
pub(crate) struct TimestampFormat {
    expression: Regex,
    directives: Vec<Directive>,
    utc: bool,
}

/// What a group of the expression holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
    HalfDay,
    Fraction,
    Offset,
    Zone,
    Weekday,
}

/// The text of a directive after `%`, its expression, and what it holds.
fn directive(text: &str) -> Option<(usize, &'static str, Directive)> {
    let (length, text) = match text.strip_prefix('-') {
        Some(rest) => (2, rest),
        None => (1, text),
    };
    let dashed = length == 2;
    let c = text.chars().next()?;
    let two = if dashed { r"\d{1,2}" } else { r"\d{2}" };
    let (expression, directive) = match (c, dashed) {
        ('Y', false) => (r"\d{4}", Directive::Year),
        ('y', false) => (r"\d{2}", Directive::ShortYear),
        ('m', _) => (r"\s{0,1}\d{1,2}", Directive::Month),
        ('d', _) => (r"\s{0,1}\d{1,2}", Directive::Day),
        ('b', false) => (r"\w{3}", Directive::MonthName),
        // The agent's expression fits names of seven letters only; ours fits all (agent.md § 6.4).
        ('B', false) => (r"\w{3,9}", Directive::MonthName),
        ('a', false) => (r"\w{3}", Directive::Weekday),
        ('A', false) => (r"\w{6,9}", Directive::Weekday),
        ('H', _) => (two, Directive::Hour),
        ('I', _) => (two, Directive::Hour12),
        ('M', _) => (two, Directive::Minute),
        ('S', _) => (two, Directive::Second),
        ('p', false) => (r"\w{2}", Directive::HalfDay),
        ('f', false) => (r"(\d{1,9})", Directive::Fraction),
        ('z', false) => (r"[+-]\d{4}", Directive::Offset),
        ('Z', false) => (r"\w{3}", Directive::Zone),
        _ => return None,
    };
    Some((length, expression, directive))
}

impl TimestampFormat {
    pub(crate) fn new(format: &str, utc: bool) -> Result<Self, String> {
        let (_, grouped, directives) = expressions(format)?;
        if directives.is_empty() {
            return Err(format!("the timestamp_format {format:?} names no part of a time"));
        }
        let expression = Regex::new(&grouped).map_err(|error| error.to_string())?;
        Ok(Self { expression, directives, utc })
    }

    pub(crate) fn expression(&self) -> &Regex {
        &self.expression
    }

    /// The first time in `line`, and the place of its text.
    pub(crate) fn find(&self, line: &str, now: Timestamp) -> Option<(i64, std::ops::Range<usize>)> {
        let captures = self.expression.captures(line)?;
        let whole = captures.get(0)?;
        let mut parts = Parts::default();
        for (directive, text) in self.directives.iter().zip(captures.iter().skip(1).flatten()) {
            parts.take(*directive, text.as_str().trim())?;
        }
        Some((parts.millis(self.utc, now)?, whole.range()))
    }
}

/// The agent's expression, ours with one group for each directive, and the directives.
fn expressions(format: &str) -> Result<(String, String, Vec<Directive>), String> {
    let (mut plain, mut grouped, mut directives) = (String::new(), String::new(), Vec::new());
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if c == '%' {
            let (length, expression, kind) = directive(after)
                .ok_or_else(|| format!("the timestamp_format {format:?} has an unknown directive"))?;
            plain.push_str(expression);
            // ASCII digits and letters only, as in Go.
            let ascii =
                expression.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]").replace(r"\s", r"[\t ]");
            grouped.push_str(&format!("({})", ascii.trim_start_matches('(').trim_end_matches(')')));
            directives.push(kind);
            rest = &after[length..];
            continue;
        }
        let literal = if "^.*?+|[](){}$\\".contains(c) { format!("\\{c}") } else { c.to_string() };
        plain.push_str(&literal);
        grouped.push_str(&literal);
        rest = after;
    }
    let blank = r"\s{0,1}";
    let plain = plain.strip_prefix(blank).map(str::to_owned).unwrap_or(plain);
    Ok((plain, grouped, directives))
}

/// What was read of a time.
#[derive(Debug, Default)]
struct Parts {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    millis: u32,
    is_afternoon: Option<bool>,
    offset_secs: Option<i32>,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl Parts {
    fn take(&mut self, directive: Directive, text: &str) -> Option<()> {
        let number = || text.parse::<u32>().ok();
        match directive {
            Directive::Year => self.year = Some(text.parse().ok()?),
            Directive::ShortYear => {
                let year: i32 = text.parse().ok()?;
                self.year = Some(if year < 69 { 2000 + year } else { 1900 + year });
            }
            Directive::Month => self.month = Some(number()?),
            Directive::MonthName => {
                let name = text.get(..3)?.to_ascii_lowercase();
                self.month = Some(MONTHS.iter().position(|month| *month == name)? as u32 + 1);
            }
            Directive::Day => self.day = Some(number()?),
            Directive::Hour | Directive::Hour12 => self.hour = number()?,
            Directive::Minute => self.minute = number()?,
            Directive::Second => self.second = number()?,
            Directive::HalfDay => self.is_afternoon = Some(text.eq_ignore_ascii_case("pm")),
            // Cut or filled up to milliseconds.
            Directive::Fraction => self.millis = format!("{text:0<3}").get(..3)?.parse().ok()?,
            Directive::Offset => {
                let sign = if text.starts_with('-') { -1 } else { 1 };
                let (hours, minutes) =
                    (text.get(1..3)?.parse::<i32>().ok()?, text.get(3..5)?.parse::<i32>().ok()?);
                self.offset_secs = Some(sign * (hours * 3600 + minutes * 60));
            }
            // Other abbreviations are not trusted.
            Directive::Zone if matches!(text, "UTC" | "GMT") => self.offset_secs = Some(0),
            Directive::Zone | Directive::Weekday => {}
        }
        Some(())
    }

    fn millis(&self, utc: bool, now: Timestamp) -> Option<i64> {
        let hour = match self.is_afternoon {
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
            None => self.hour,
        };
        let time = NaiveTime::from_hms_milli_opt(hour, self.minute, self.second, self.millis)?;
        let today = DateTime::from_timestamp_millis(now.as_millis())?;
        let (month, day) = (self.month.unwrap_or(today.month()), self.day.unwrap_or(today.day()));
        let of_year = |year| self.at(NaiveDate::from_ymd_opt(year, month, day)?.and_time(time), utc);
        if let Some(year) = self.year {
            return of_year(year);
        }
        let ahead = now.as_millis() + AHEAD_DAYS_MAX * DAY_MILLIS;
        of_year(today.year()).filter(|at| *at <= ahead).or_else(|| of_year(today.year() - 1))
    }

    fn at(&self, local: NaiveDateTime, utc: bool) -> Option<i64> {
        if let Some(offset) = self.offset_secs {
            let zone = FixedOffset::east_opt(offset)?;
            return Some(zone.from_local_datetime(&local).single()?.timestamp_millis());
        }
        if utc {
            return Some(local.and_utc().timestamp_millis());
        }
        Some(Local.from_local_datetime(&local).earliest()?.timestamp_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T12:00:00Z.
    const NOW: Timestamp = Timestamp::from_secs(1_795_348_800);

    fn found(format: &str, line: &str) -> Option<i64> {
        TimestampFormat::new(format, true).unwrap().find(line, NOW).map(|(at, _)| at)
    }

    #[test]
    fn vector_22_expression() {
        let (plain, ..) = expressions("%Y-%m-%d %H:%M:%S,%f").unwrap();
        assert_eq!(plain, r"\d{4}-\s{0,1}\d{1,2}-\s{0,1}\d{1,2} \d{2}:\d{2}:\d{2},(\d{1,9})");
    }

    #[test]
    fn vectors_23_to_26_times() {
        let expected = Some(1_795_366_703_456);
        assert_eq!(found("%Y-%m-%d %H:%M:%S,%f", "x 2026-11-22 16:58:23,4567 y"), expected);
        let line = r#"1.2.3.4 - - [22/Nov/2026:17:58:23 +0100] "GET""#;
        assert_eq!(found("[%d/%b/%Y:%H:%M:%S %z]", line), Some(1_795_366_703_000));
        assert_eq!(found("%b %d %H:%M:%S", "Dec  3 04:05:06 host"), Some(1_796_270_706_000));
        assert_eq!(found("%b %d %H:%M:%S", "Dec 31 04:05:06 host"), Some(1_767_153_906_000));
    }

    #[test]
    fn other_forms() {
        assert_eq!(found("%H:%M:%S", "16:58:23"), Some(1_795_366_703_000));
        assert_eq!(found("%Y-%m-%d %-I:%M:%S %p", "2026-11-22 4:58:23 PM"), Some(1_795_366_703_000));
        assert_eq!(found("%B %d %Y %H:%M:%S %Z", "September 01 2026 00:00:00 UTC"), Some(1_788_220_800_000));
        assert_eq!(found("%Y-%m-%d %H:%M:%S", "2026-13-22 16:58:23"), None);
        assert_eq!(found("%Y-%m-%d %H:%M:%S", "nothing"), None);
        for bad in ["", "abc", "%Q", "%"] {
            assert!(TimestampFormat::new(bad, true).is_err(), "{bad}");
        }
    }
}
