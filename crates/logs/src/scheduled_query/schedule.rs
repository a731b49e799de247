//! When a scheduled query runs: `cron(minutes hours day-of-month month day-of-week year)`, by the clock of a time
//! zone.

use base::Timestamp;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIRST_YEAR: u32 = 1970;
const LAST_YEAR: u32 = 2199;
/// How far the next run is looked for: beyond a leap day that a century skips.
const DAYS_MAX: u64 = 9 * 366;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    minutes: u64,
    hours: u64,
    days: DaysOfMonth,
    months: u64,
    weekdays: Weekdays,
    years: (u32, u32, u32),
    year_list: Vec<u32>,
    zone: Tz,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum DaysOfMonth {
    Any,
    Among(u64),
    Last,
    /// The weekday nearest to that day, in the same month.
    NearestWeekday(u32),
}

/// Days of the week as AWS counts them: Sunday is 1.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Weekdays {
    Any,
    Among(u64),
    /// The last such day of the month.
    Last(u32),
    /// The n-th such day of the month.
    Nth(u32, u32),
}

impl Schedule {
    /// `None` if the text is no expression, or the zone is unknown.
    pub(crate) fn parse(text: &str, zone: &str) -> Option<Self> {
        let zone: Tz = zone.parse().ok()?;
        let inner = text.trim().strip_prefix("cron(")?.strip_suffix(')')?;
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields[..] else { return None };
        // AWS: one of the two day fields must be `?`.
        if (days == "?") == (weekdays == "?") {
            return None;
        }
        let (years, year_list) = parse_years(years)?;
        Some(Self {
            minutes: bits(minutes, 0, 59, &[])?,
            hours: bits(hours, 0, 23, &[])?,
            days: parse_days(days)?,
            months: bits(months, 1, 12, &MONTHS)?,
            weekdays: parse_weekdays(weekdays)?,
            years,
            year_list,
            zone,
        })
    }

    /// The first run after `after`, if there is one within some years.
    pub(crate) fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let local = self.zone.from_utc_datetime(&after.to_datetime().naive_utc());
        let first = local.date_naive();
        // A day earlier, for what a clock that was set back shows twice.
        let start = first.checked_sub_days(Days::new(1))?;
        (0..DAYS_MAX)
            .filter_map(|days| start.checked_add_days(Days::new(days)))
            .filter(|date| self.allows(*date))
            .find_map(|date| self.times_of(date).find(|at| *at > after))
    }

    fn allows(&self, date: NaiveDate) -> bool {
        let year = u32::try_from(date.year()).unwrap_or(0);
        let (from, to, step) = self.years;
        let year_fits = self.year_list.contains(&year)
            || (step > 0 && (from..=to).contains(&year) && (year - from).is_multiple_of(step));
        year_fits
            && self.months & 1 << date.month() != 0
            && self.allows_day(date)
            && self.allows_weekday(date)
    }

    fn allows_day(&self, date: NaiveDate) -> bool {
        match self.days {
            DaysOfMonth::Any => true,
            DaysOfMonth::Among(days) => days & 1 << date.day() != 0,
            DaysOfMonth::Last => date.day() == days_in_month(date),
            DaysOfMonth::NearestWeekday(day) => nearest_weekday(date, day) == Some(date),
        }
    }

    fn allows_weekday(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().number_from_sunday();
        match self.weekdays {
            Weekdays::Any => true,
            Weekdays::Among(days) => days & 1 << weekday != 0,
            Weekdays::Last(wanted) => weekday == wanted && date.day() + 7 > days_in_month(date),
            Weekdays::Nth(wanted, nth) => weekday == wanted && (date.day() - 1) / 7 + 1 == nth,
        }
    }

    /// Instants of a day, in order. A time that the clock skips is left out; of one it shows twice, the first counts.
    fn times_of(&self, date: NaiveDate) -> impl Iterator<Item = Timestamp> {
        let at = move |minute: u32| -> Option<NaiveDateTime> {
            let (hour, minute) = (minute / 60, minute % 60);
            let fits = self.hours & 1 << hour != 0 && self.minutes & 1 << minute != 0;
            fits.then(|| date.and_hms_opt(hour, minute, 0)).flatten()
        };
        let instant = move |local: NaiveDateTime| -> Option<DateTime<Tz>> {
            self.zone.from_local_datetime(&local).earliest()
        };
        (0..24 * 60)
            .filter_map(at)
            .filter_map(instant)
            .map(|at| Timestamp::from_millis(at.timestamp_millis()))
    }
}

fn days_in_month(date: NaiveDate) -> u32 {
    let next = match date.month() {
        12 => NaiveDate::from_ymd_opt(date.year() + 1, 1, 1),
        month => NaiveDate::from_ymd_opt(date.year(), month + 1, 1),
    };
    next.and_then(|first| first.pred_opt()).map_or(31, |last| last.day())
}

/// The working day nearest to `day` of the month of `date`.
fn nearest_weekday(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    let wanted = date.with_day(day)?;
    let last = days_in_month(date);
    let moved = match wanted.weekday().number_from_sunday() {
        // Sunday and Saturday, without leaving the month.
        1 if day < last => day + 1,
        1 => day - 2,
        7 if day > 1 => day - 1,
        7 => day + 2,
        _ => day,
    };
    date.with_day(moved)
}

fn parse_days(field: &str) -> Option<DaysOfMonth> {
    match field {
        "?" => Some(DaysOfMonth::Any),
        "L" => Some(DaysOfMonth::Last),
        _ => match field.strip_suffix('W') {
            Some(day) => number(day, 1, 31, &[]).map(DaysOfMonth::NearestWeekday),
            None => bits(field, 1, 31, &[]).map(DaysOfMonth::Among),
        },
    }
}

fn parse_weekdays(field: &str) -> Option<Weekdays> {
    if field == "?" {
        return Some(Weekdays::Any);
    }
    if field == "L" {
        return Some(Weekdays::Among(1 << 7));
    }
    if let Some((day, nth)) = field.split_once('#') {
        return Some(Weekdays::Nth(number(day, 1, 7, &WEEKDAYS)?, number(nth, 1, 5, &[])?));
    }
    if let Some(day) = field.strip_suffix('L').and_then(|day| number(day, 1, 7, &WEEKDAYS)) {
        return Some(Weekdays::Last(day));
    }
    bits(field, 1, 7, &WEEKDAYS).map(Weekdays::Among)
}

type Years = ((u32, u32, u32), Vec<u32>);

/// A range with a step, and single years.
fn parse_years(field: &str) -> Option<Years> {
    let year = |text: &str| number(text, FIRST_YEAR, LAST_YEAR, &[]);
    if field == "*" {
        return Some(((FIRST_YEAR, LAST_YEAR, 1), Vec::new()));
    }
    if let Some((from, step)) = field.split_once('/') {
        let from = if from == "*" { FIRST_YEAR } else { year(from)? };
        return Some(((from, LAST_YEAR, number(step, 1, LAST_YEAR, &[])?), Vec::new()));
    }
    if let Some((from, to)) = field.split_once('-') {
        let (from, to) = (year(from)?, year(to)?);
        return (from <= to).then_some(((from, to, 1), Vec::new()));
    }
    let list: Option<Vec<u32>> = field.split(',').map(year).collect();
    Some(((0, 0, 0), list?))
}

/// `*`, `a`, `a-b`, `a/step`, `a-b/step` and lists of them, as bits.
fn bits(field: &str, min: u32, max: u32, names: &[&str]) -> Option<u64> {
    let mut bits = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step, 1, max.max(1), &[])?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (min, max),
            Some((from, to)) => (number(from, min, max, names)?, number(to, min, max, names)?),
            None => {
                let from = number(range, min, max, names)?;
                (from, if step.is_some() { max } else { from })
            }
        };
        if from > to {
            return None;
        }
        (from..=to).step_by(step.unwrap_or(1) as usize).for_each(|value| bits |= 1 << value);
    }
    Some(bits)
}

/// A number, or one of the names, the first of which is 1.
fn number(text: &str, min: u32, max: u32, names: &[&str]) -> Option<u32> {
    let value = match names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        Some(at) => at as u32 + 1,
        None if (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse().ok()?
        }
        None => return None,
    };
    (min..=max).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn the_next_run_is_found() {
        for (expression, zone, after, next) in [
            ("cron(* * * * ? *)", "UTC", "2024-06-01T00:00:00Z", "2024-06-01T00:01:00Z"),
            ("cron(0/15 * * * ? *)", "UTC", "2024-06-01T00:15:00Z", "2024-06-01T00:30:00Z"),
            ("cron(0 12 ? * MON-FRI *)", "UTC", "2024-05-31T12:00:00Z", "2024-06-03T12:00:00Z"),
            ("cron(0 8 1 * ? *)", "Europe/Berlin", "2024-06-01T05:59:00Z", "2024-06-01T06:00:00Z"),
            ("cron(0 0 L * ? *)", "UTC", "2024-02-01T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("cron(0 0 1W * ? *)", "UTC", "2024-05-31T00:00:00Z", "2024-06-03T00:00:00Z"),
            ("cron(0 0 ? * 6L *)", "UTC", "2024-06-01T00:00:00Z", "2024-06-28T00:00:00Z"),
            ("cron(0 0 ? * TUE#2 *)", "UTC", "2024-06-01T00:00:00Z", "2024-06-11T00:00:00Z"),
            ("cron(0 0 29 FEB ? *)", "UTC", "2024-06-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(0 0 1 1 ? 2026,2027)", "UTC", "2024-06-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            // The clock goes from 2 to 3: the run of that day is left out.
            ("cron(30 2 * * ? *)", "Europe/Berlin", "2024-03-31T00:00:00Z", "2024-04-01T00:30:00Z"),
            // The clock shows 2:30 twice; it runs once.
            ("cron(30 2 * * ? *)", "Europe/Berlin", "2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"),
        ] {
            let schedule = Schedule::parse(expression, zone).unwrap_or_else(|| panic!("{expression}"));
            assert_eq!(schedule.next_after(at(after)), Some(at(next)), "{expression} {zone}");
        }
        let past = Schedule::parse("cron(0 0 1 1 ? 2020)", "UTC").unwrap();
        assert_eq!(past.next_after(at("2024-06-01T00:00:00Z")), None);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for bad in [
            "",
            "rate(5 minutes)",
            "cron(* * * * *)",
            "cron(* * * * * *)",
            "cron(* * ? * ? *)",
            "cron(60 * * * ? *)",
            "cron(0 0 32 * ? *)",
            "cron(0 0 ? * FOO *)",
            "cron(5-1 * * * ? *)",
            "cron(0/0 * * * ? *)",
            "cron(0 0 * * ? 1900)",
        ] {
            assert_eq!(Schedule::parse(bad, "UTC"), None, "{bad}");
        }
        assert_eq!(Schedule::parse("cron(* * * * ? *)", "Mars/Olympus"), None);
    }
}
