//! Time zones of wall clock windows and mute rules, and the periods that begin by a local clock.

use base::Timestamp;
use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;

const DAY_SECS: i64 = 86_400;

/// An IANA zone or a fixed offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Zone {
    Named(Tz),
    Fixed(FixedOffset),
}

impl Zone {
    pub(crate) const UTC: Zone = Zone::Named(Tz::UTC);

    /// An IANA name, `+HH:MM`, `-HH:MM`, `UTC+HH:MM` or `UTC-HH:MM`; offsets in steps of five minutes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let offset = text.strip_prefix("UTC").unwrap_or(text);
        if let Some(secs) = offset_secs(offset) {
            return FixedOffset::east_opt(secs).map(Self::Fixed);
        }
        text.parse().ok().map(Self::Named)
    }

    /// What a clock on the wall shows.
    pub(crate) fn local(self, at: Timestamp) -> NaiveDateTime {
        let utc = at.to_datetime();
        match self {
            Self::Named(zone) => utc.with_timezone(&zone).naive_local(),
            Self::Fixed(offset) => utc.with_timezone(&offset).naive_local(),
        }
    }

    /// When the wall clock first shows `local`; where it skips that time, when it resumes.
    pub(crate) fn instant(self, local: NaiveDateTime) -> Timestamp {
        match self {
            Self::Fixed(offset) => resolve(&offset, local),
            Self::Named(zone) => resolve(&zone, local),
        }
    }

    fn offset_secs_at(self, at: Timestamp) -> i64 {
        let utc = at.to_datetime();
        i64::from(match self {
            Self::Named(zone) => utc.with_timezone(&zone).offset().fix().local_minus_utc(),
            Self::Fixed(offset) => offset.local_minus_utc(),
        })
    }

    /// The latest boundary at or before `at` of periods that begin by this clock: full minutes, five minutes and
    /// hours, midnights, and the midnights of Mondays.
    pub(crate) fn boundary(self, at: Timestamp, period_secs: i64) -> Timestamp {
        if period_secs < DAY_SECS {
            let shift = self.offset_secs_at(at) * 1000;
            return at.saturating_add_millis(shift).floor_to(period_secs * 1000).saturating_sub_millis(shift);
        }
        let mut date = self.local(at).date();
        // A midnight that doesn't exist begins later than the day before it ends.
        if self.midnight(date) > at {
            date = before(date, 1);
        }
        if period_secs > DAY_SECS {
            date = before(date, u64::from(date.weekday().num_days_from_monday()));
        }
        self.midnight(date)
    }

    /// The boundary after `boundary`.
    pub(crate) fn next_boundary(self, boundary: Timestamp, period_secs: i64) -> Timestamp {
        if period_secs < DAY_SECS {
            return boundary.saturating_add_millis(period_secs * 1000);
        }
        let days = (period_secs / DAY_SECS).unsigned_abs();
        let date = self.local(boundary).date();
        self.midnight(date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX))
    }

    fn midnight(self, date: NaiveDate) -> Timestamp {
        self.instant(date.and_time(NaiveTime::MIN))
    }
}

fn before(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

fn resolve<Z: TimeZone>(zone: &Z, local: NaiveDateTime) -> Timestamp {
    let millis = |at: DateTime<Z>| Timestamp::from_millis(at.timestamp_millis());
    if let Some(at) = zone.from_local_datetime(&local).earliest() {
        return millis(at);
    }
    // The clock jumped over it: what the offset before the jump says is a moment after the jump.
    let earlier = local.checked_sub_signed(chrono::TimeDelta::hours(3)).unwrap_or(local);
    match zone.from_local_datetime(&earlier).latest() {
        Some(at) => millis(at).saturating_add_millis(3 * 3_600_000),
        None => Timestamp::from_millis(local.and_utc().timestamp_millis()),
    }
}

/// `+HH:MM` or `-HH:MM` in seconds.
fn offset_secs(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let number = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i32>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60 && minutes % 5 == 0).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn zones_are_names_and_offsets() {
        assert_eq!(Zone::parse("America/New_York"), Some(Zone::Named(Tz::America__New_York)));
        for (text, secs) in
            [("+05:30", 19_800), ("-03:00", -10_800), ("UTC+01:00", 3600), ("UTC-00:05", -300)]
        {
            assert_eq!(Zone::parse(text), FixedOffset::east_opt(secs).map(Zone::Fixed), "{text}");
        }
        for bad in ["", "Mars/Olympus", "+5:30", "+05:31", "+25:00", "0530", "UTC+5"] {
            assert_eq!(Zone::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn periods_begin_by_the_clock_on_the_wall() {
        let new_york = Zone::parse("America/New_York").unwrap();
        // 8 March 2026 has 23 hours in New York (vector T19).
        let start = new_york.boundary(at("2026-03-08T18:00:00Z"), 86_400);
        assert_eq!(start, at("2026-03-08T05:00:00Z"));
        assert_eq!(new_york.next_boundary(start, 86_400), at("2026-03-09T04:00:00Z"));
        // Weeks begin on Mondays.
        assert_eq!(new_york.boundary(at("2026-03-11T00:00:00Z"), 604_800), at("2026-03-09T04:00:00Z"));
        assert_eq!(new_york.next_boundary(at("2026-03-02T05:00:00Z"), 604_800), at("2026-03-09T04:00:00Z"));
        let kolkata = Zone::parse("Asia/Kolkata").unwrap();
        assert_eq!(kolkata.boundary(at("2026-03-08T10:40:00Z"), 3600), at("2026-03-08T10:30:00Z"));
        assert_eq!(kolkata.boundary(at("2026-03-08T10:44:59Z"), 300), at("2026-03-08T10:40:00Z"));
    }

    #[test]
    fn a_midnight_that_is_skipped_is_when_the_clock_resumes() {
        // Clocks in Beirut went from 00:00 to 01:00 on 31 March 2024.
        let beirut = Zone::parse("Asia/Beirut").unwrap();
        let start = beirut.boundary(at("2024-03-31T10:00:00Z"), 86_400);
        assert_eq!(start, at("2024-03-30T22:00:00Z"));
        assert_eq!(beirut.boundary(start, 86_400), start);
        assert_eq!(beirut.boundary(at("2024-03-30T21:59:59Z"), 86_400), at("2024-03-29T22:00:00Z"));
        assert_eq!(beirut.next_boundary(start, 86_400), at("2024-03-31T21:00:00Z"));
    }
}
