//! Times to pixels, and round times for ticks.

use base::{TimeRange, Timestamp};
use chrono::DateTime;

const DAY: i64 = 86_400;
/// Seconds between ticks.
const STEPS: [i64; 23] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    2 * 3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    91 * DAY,
];
/// 1970-01-05, a Monday, on which ticks of weeks lie.
const MONDAY: i64 = 4 * DAY;

/// The time axis of a plot between two pixels.
pub(crate) struct TimeAxis {
    start_ms: f64,
    length_ms: f64,
    left: f64,
    width: f64,
    offset_secs: i64,
}

impl TimeAxis {
    pub(crate) fn new(range: TimeRange, offset_secs: i64, left: f64, width: f64) -> Self {
        let length_ms = (range.end.as_millis() as f64 - range.start.as_millis() as f64).max(1.0);
        Self { start_ms: range.start.as_millis() as f64, length_ms, left, width, offset_secs }
    }

    pub(crate) fn x(&self, at: Timestamp) -> f64 {
        self.left + (at.as_millis() as f64 - self.start_ms) / self.length_ms * self.width
    }

    /// Ticks and their labels, about `spacing` pixels or more apart.
    pub(crate) fn ticks(&self, spacing: f64) -> Vec<(f64, String)> {
        let length_secs = self.length_ms / 1000.0;
        let count = (self.width / spacing).floor().max(1.0);
        let least = length_secs / count;
        let step = STEPS.into_iter().find(|step| *step as f64 >= least);
        // Longer than the list: whole multiples of its last.
        let step = step.unwrap_or_else(|| {
            let last = STEPS[STEPS.len() - 1];
            (least / last as f64).ceil() as i64 * last
        });
        let anchor = if step > DAY { MONDAY } else { 0 };
        let local_start = (self.start_ms / 1000.0).ceil() as i64 + self.offset_secs;
        let mut tick = anchor + (local_start - anchor).div_euclid(step) * step;
        if tick < local_start {
            tick += step;
        }
        let mut ticks = Vec::new();
        while ticks.len() < 100 {
            let x = self.x(Timestamp::from_secs(tick - self.offset_secs));
            if x > self.left + self.width + 0.01 {
                break;
            }
            ticks.push((x, label(tick, step)));
            tick += step;
        }
        ticks
    }
}

/// A local time as short as the step allows; midnight is a date.
fn label(local_secs: i64, step: i64) -> String {
    let Some(at) = DateTime::from_timestamp(local_secs, 0) else { return String::new() };
    let form = match () {
        () if step > 90 * DAY => "%Y-%m-%d",
        () if step >= DAY || local_secs.rem_euclid(DAY) == 0 => "%b %-d",
        () if step < 60 => "%H:%M:%S",
        () => "%H:%M",
    };
    at.format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(start: &str, length_secs: i64, offset_secs: i64) -> Vec<String> {
        let start = DateTime::parse_from_rfc3339(start).unwrap().timestamp();
        let range = TimeRange::new(Timestamp::from_secs(start), Timestamp::from_secs(start + length_secs));
        let axis = TimeAxis::new(range, offset_secs, 50.0, 500.0);
        axis.ticks(80.0).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_local_times() {
        assert_eq!(
            labels("2026-11-22T10:05:00Z", 3 * 3600, 0),
            ["10:30", "11:00", "11:30", "12:00", "12:30", "13:00"]
        );
        assert_eq!(
            labels("2026-11-22T21:00:00Z", 6 * 3600, 5400),
            ["23:00", "Nov 23", "01:00", "02:00", "03:00", "04:00"][..]
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        );
        assert_eq!(labels("2026-11-01T12:00:00Z", 14 * DAY, 0), ["Nov 2", "Nov 9"]);
        assert_eq!(labels("2026-11-22T10:00:00Z", 60, 0).first().unwrap(), "10:00:00");
    }

    #[test]
    fn any_range_has_a_moderate_number_of_ticks() {
        for range in [
            TimeRange::new(Timestamp::EPOCH, Timestamp::EPOCH),
            TimeRange::new(Timestamp::from_secs(10), Timestamp::from_secs(5)),
            TimeRange::new(Timestamp::EPOCH, Timestamp::from_secs(40_000_000_000)),
        ] {
            assert!(TimeAxis::new(range, 0, 0.0, 500.0).ticks(80.0).len() <= 10);
        }
    }
}
