//! Time buckets.

use base::Timestamp;
use chrono::{DateTime, Datelike, TimeZone, Utc};
use lang::plan::{Period, PeriodUnit};

const DAY: i64 = 86_400_000;

/// The length of a period that has a fixed one.
pub(crate) fn fixed_millis(period: Period) -> Option<i64> {
    let unit = match period.unit {
        PeriodUnit::Millisecond => 1,
        PeriodUnit::Second => 1000,
        PeriodUnit::Minute => 60_000,
        PeriodUnit::Hour => 3_600_000,
        PeriodUnit::Day => DAY,
        PeriodUnit::Week => 7 * DAY,
        PeriodUnit::Month | PeriodUnit::Quarter | PeriodUnit::Year => return None,
    };
    Some(unit * i64::from(period.count.max(1)))
}

/// Weeks begin on Monday; 1970-01-05 was the first one.
fn origin(period: Period) -> i64 {
    if period.unit == PeriodUnit::Week { 4 * DAY } else { 0 }
}

/// Start of the bucket that holds `millis`. Buckets of a fixed length are multiples of it since 1970; months,
/// quarters and years lie on the calendar, several of them counted from January 1970.
pub(crate) fn floor(millis: i64, period: Period, offset: Option<Period>) -> i64 {
    let shift = offset.and_then(fixed_millis).unwrap_or(0);
    let moved = millis.saturating_sub(shift);
    let start = match fixed_millis(period) {
        Some(width) => {
            let origin = origin(period);
            moved.saturating_sub(origin).div_euclid(width).saturating_mul(width).saturating_add(origin)
        }
        None => month_start(floor_month(moved, period)),
    };
    start.saturating_add(shift)
}

/// End of the bucket that holds `millis`; a bound stays itself.
pub(crate) fn ceil(millis: i64, period: Period) -> i64 {
    let start = floor(millis, period, None);
    if start == millis {
        return start;
    }
    match fixed_millis(period) {
        Some(width) => start.saturating_add(width),
        None => month_start(floor_month(millis, period) + months(period)),
    }
}

/// Start of the bucket behind the one that starts here.
pub(crate) fn next(start: i64, period: Period, offset: Option<Period>) -> i64 {
    match fixed_millis(period) {
        Some(width) => start.saturating_add(width),
        None => {
            let shift = offset.and_then(fixed_millis).unwrap_or(0);
            let month = floor_month(start.saturating_sub(shift), period) + months(period);
            month_start(month).saturating_add(shift)
        }
    }
}

fn months(period: Period) -> i64 {
    let unit = match period.unit {
        PeriodUnit::Quarter => 3,
        PeriodUnit::Year => 12,
        _ => 1,
    };
    unit * i64::from(period.count.max(1))
}

/// Months since January 1970 at the start of the bucket.
fn floor_month(millis: i64, period: Period) -> i64 {
    let at: DateTime<Utc> = Timestamp::from_millis(millis).to_datetime();
    let month = (i64::from(at.year()) - 1970) * 12 + i64::from(at.month0());
    month.div_euclid(months(period)) * months(period)
}

fn month_start(month: i64) -> i64 {
    let year = i32::try_from(1970 + month.div_euclid(12)).unwrap_or(i32::MAX);
    let month = u32::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
    match Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single() {
        Some(at) => at.timestamp_millis(),
        // Out of the calendar: the far end of time.
        None if year > 0 => i64::MAX,
        None => i64::MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::render_time;
    use super::*;

    fn period(count: u32, unit: PeriodUnit) -> Period {
        Period { count, unit }
    }

    #[test]
    fn buckets() {
        // 2024-05-01 10:05:00, a Wednesday.
        let at = 1_714_557_900_000;
        let table = [
            (period(5, PeriodUnit::Minute), "2024-05-01 10:05:00.000", "2024-05-01 10:05:00.000"),
            (period(1, PeriodUnit::Hour), "2024-05-01 10:00:00.000", "2024-05-01 11:00:00.000"),
            (period(1, PeriodUnit::Day), "2024-05-01 00:00:00.000", "2024-05-02 00:00:00.000"),
            (period(1, PeriodUnit::Week), "2024-04-29 00:00:00.000", "2024-05-06 00:00:00.000"),
            (period(1, PeriodUnit::Month), "2024-05-01 00:00:00.000", "2024-06-01 00:00:00.000"),
            (period(1, PeriodUnit::Quarter), "2024-04-01 00:00:00.000", "2024-07-01 00:00:00.000"),
            (period(1, PeriodUnit::Year), "2024-01-01 00:00:00.000", "2025-01-01 00:00:00.000"),
            (period(5, PeriodUnit::Year), "2020-01-01 00:00:00.000", "2025-01-01 00:00:00.000"),
        ];
        for (period, start, end) in table {
            assert_eq!(render_time(floor(at, period, None)), start, "{period}");
            assert_eq!(render_time(ceil(at, period)), end, "{period}");
        }
        let offset = Some(period(1, PeriodUnit::Minute));
        assert_eq!(render_time(floor(at, period(5, PeriodUnit::Minute), offset)), "2024-05-01 10:01:00.000");
        assert_eq!(floor(-1, period(1, PeriodUnit::Second), None), -1000);
        for extreme in [i64::MIN, i64::MAX] {
            for unit in [PeriodUnit::Week, PeriodUnit::Month, PeriodUnit::Year] {
                floor(extreme, period(3, unit), offset);
                ceil(extreme, period(3, unit));
            }
        }
    }
}
