//! Times in widgets: absolute, or relative to now as ISO 8601 durations.

use base::Timestamp;
use chrono::{DateTime, NaiveDate, NaiveDateTime};

const DAY: i64 = 86_400;

/// An absolute time; one without an offset is in UTC.
pub(crate) fn parse_absolute(text: &str) -> Option<Timestamp> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp::from_millis(at.timestamp_millis()));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ"];
    if let Some(at) = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
        return Some(Timestamp::from_millis(at.and_utc().timestamp_millis()));
    }
    let at = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?;
    Some(Timestamp::from_millis(at.and_utc().timestamp_millis()))
}

/// A duration such as `-PT3H`, `P0D` or `-P1DT12H`, in seconds. A month is 30 days, a year 365.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut rest = rest.strip_prefix('P')?;
    let (mut secs, mut parts, mut in_time) = (0i64, 0, false);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            if in_time || time.is_empty() {
                return None;
            }
            (rest, in_time) = (time, true);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..end].parse().ok()?;
        let unit = match (rest.as_bytes()[end], in_time) {
            (b'Y', false) => 365 * DAY,
            (b'M', false) => 30 * DAY,
            (b'W', false) => 7 * DAY,
            (b'D', false) => DAY,
            (b'H', true) => 3600,
            (b'M', true) => 60,
            (b'S', true) => 1,
            _ => return None,
        };
        secs = secs.checked_add(count.checked_mul(unit)?)?;
        parts += 1;
        rest = &rest[end + 1..];
    }
    (parts > 0).then_some(sign * secs)
}

/// A widget's start or end.
pub(crate) fn resolve(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(secs) = parse_duration(text) {
        return Some(now.saturating_add_millis(secs.checked_mul(1000)?));
    }
    parse_absolute(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, secs) in [
            ("-PT3H", Some(-10_800)),
            ("P0D", Some(0)),
            ("-PT0H", Some(0)),
            ("-P1DT12H", Some(-129_600)),
            ("-P2W", Some(-14 * DAY)),
            ("-P1M", Some(-30 * DAY)),
            ("-PT5M30S", Some(-330)),
            ("PT3D", None),
            ("-P", None),
            ("-PT", None),
            ("P1DT", None),
            ("-P1", None),
            ("3H", None),
            ("-P99999999999999999999D", None),
            ("-P9999999999999999D", None),
        ] {
            assert_eq!(parse_duration(text), secs, "{text}");
        }
    }

    #[test]
    fn absolute_times_are_read() {
        let at = |text| parse_absolute(text).map(Timestamp::as_millis);
        assert_eq!(at("2026-11-22T10:00:00Z"), Some(1_795_341_600_000));
        assert_eq!(at("2026-11-22T10:00:00.250Z"), Some(1_795_341_600_250));
        assert_eq!(at("2026-11-22T11:00:00+01:00"), Some(1_795_341_600_000));
        assert_eq!(at("2026-11-22T10:00"), Some(1_795_341_600_000));
        assert_eq!(at("2026-11-22"), Some(1_795_305_600_000));
        for bad in ["", "yesterday", "2026-13-01", "2026-11-22 10:00"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
