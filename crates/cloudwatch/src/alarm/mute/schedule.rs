//! When windows begin: `cron(minute hour day-of-month month day-of-week)` and `at(yyyy-MM-ddThh:mm)`.

use base::Timestamp;
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, Timelike};

use crate::alarm::zone::Zone;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const DAY_MILLIS: i64 = 86_400_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Schedule {
    Cron(Cron),
    /// By the local clock.
    At(NaiveDateTime),
}

/// The values each field allows, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

impl Schedule {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(inner) = text.strip_prefix("at(").and_then(|t| t.strip_suffix(')')) {
            return NaiveDateTime::parse_from_str(inner.trim(), "%Y-%m-%dT%H:%M").ok().map(Self::At);
        }
        let inner = text.strip_prefix("cron(")?.strip_suffix(')')?;
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else { return None };
        let weekdays = bits(weekdays, 0, 7, &WEEKDAYS, 0)?;
        Some(Self::Cron(Cron {
            minutes: bits(minutes, 0, 59, &[], 0)?,
            hours: bits(hours, 0, 23, &[], 0)?,
            days: bits(days, 1, 31, &[], 0)?,
            months: bits(months, 1, 12, &MONTHS, 1)?,
            // Sunday is 0 and 7, as everywhere in cron.
            weekdays: if weekdays & 1 << 7 != 0 { weekdays | 1 } else { weekdays },
        }))
    }

    /// The latest beginning at or before `now`, unless it is longer ago than `within_millis`.
    pub(crate) fn latest(&self, zone: Zone, now: Timestamp, within_millis: i64) -> Option<Timestamp> {
        match self {
            Self::At(local) => Some(zone.instant(*local)).filter(|at| *at <= now),
            Self::Cron(cron) => {
                let today = zone.local(now).date();
                let days = u64::try_from(within_millis / DAY_MILLIS + 2).unwrap_or(2);
                (0..=days)
                    .filter_map(|back| today.checked_sub_days(Days::new(back)))
                    .filter(|date| cron.allows_date(*date))
                    .find_map(|date| cron.latest_of(date, zone, now))
            }
        }
    }
}

impl Cron {
    /// Day of month and day of week must both be allowed, where both are restricted (a decision).
    fn allows_date(&self, date: NaiveDate) -> bool {
        self.months & 1 << date.month() != 0
            && self.days & 1 << date.day() != 0
            && self.weekdays & 1 << date.weekday().num_days_from_sunday() != 0
    }

    fn latest_of(&self, date: NaiveDate, zone: Zone, now: Timestamp) -> Option<Timestamp> {
        let local = zone.local(now);
        let last_hour = if local.date() == date { local.hour() } else { 23 };
        // An hour later than the clock shows may have been before the clock was set back.
        for hour in (0..=(last_hour + 1).min(23)).rev().filter(|hour| self.hours & 1 << hour != 0) {
            for minute in (0..60).rev().filter(|minute| self.minutes & 1 << minute != 0) {
                let at = zone.instant(date.and_hms_opt(hour, minute, 0)?);
                if at <= now {
                    return Some(at);
                }
            }
        }
        None
    }
}

/// `*`, `a`, `a-b` and lists of them, of numbers or `names` (the first of which means `first`).
fn bits(field: &str, min: u32, max: u32, names: &[&str], first: u32) -> Option<u64> {
    let value = |text: &str| {
        let by_name = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match by_name {
            Some(at) => at as u32 + first,
            None if text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (min..=max).contains(&value).then_some(value)
    };
    let mut bits = 0;
    for part in field.split(',') {
        let (from, to) = match part.split_once('-') {
            _ if part == "*" => (min, max),
            Some((from, to)) => (value(from)?, value(to)?),
            None => (value(part)?, value(part)?),
        };
        if from > to {
            return None;
        }
        (from..=to).for_each(|value| bits |= 1 << value);
    }
    Some(bits)
}

/// An ISO 8601 duration of one minute to fifteen days, of days, hours, minutes and seconds.
pub(crate) fn duration_millis(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (rest, ""),
    };
    let secs =
        units(days, &[('D', 86_400)])?.checked_add(units(time, &[('H', 3600), ('M', 60), ('S', 1)])?)?;
    (60..=15 * 86_400).contains(&secs).then_some(secs * 1000)
}

/// Numbers each followed by a unit, units in the given order and at most once.
fn units(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total: i64 = 0;
    for (unit, secs) in units {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && text[digits..].starts_with(*unit) {
            total = total.checked_add(text[..digits].parse::<i64>().ok()?.checked_mul(*secs)?)?;
            text = &text[digits + 1..];
        }
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_five_fields_or_a_time() {
        for good in [
            "cron(0 2 * * SUN)",
            "cron(0,30 8-18 1-15 JAN-MAR,12 mon-fri)",
            "cron(* * * * 0-7)",
            "at(2026-06-07T02:00)",
        ] {
            assert!(Schedule::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "cron()",
            "cron(0 2 * *)",
            "cron(0 2 * * * *)",
            "cron(60 2 * * *)",
            "cron(*/5 * * * *)",
            "cron(0 2 ? * *)",
            "cron(5-1 * * * *)",
            "cron(0 2 * * FOO)",
            "rate(1 hour)",
            "at(2026-06-07)",
            "at(2026-13-07T02:00)",
        ] {
            assert!(Schedule::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn durations_are_minutes_to_days() {
        for (text, secs) in
            [("PT1M", 60), ("PT4H", 14_400), ("P1DT12H30M", 131_400), ("P15D", 1_296_000), ("PT90S", 90)]
        {
            assert_eq!(duration_millis(text), Some(secs * 1000), "{text}");
        }
        for bad in
            ["", "P", "PT", "PT59S", "P15DT1M", "P1M", "PT1", "1H", "PT1M1H", "PT99999999999999999999H"]
        {
            assert_eq!(duration_millis(bad), None, "{bad}");
        }
    }
}
