//! Which periods an evaluation looks at, and when the next one is due.

use base::{TimeRange, Timestamp};

use super::metric_rule::MetricRule;

const MINUTE_MILLIS: i64 = 60_000;
const HIGH_RESOLUTION_MILLIS: i64 = 10_000;
const HOUR_MILLIS: i64 = 3_600_000;
const DAY_SECS: i64 = 86_400;

/// The latest moment at or before `now` that the alarm is evaluated at: it looks at periods that end there or
/// earlier. Two evaluations at the same edge see the same periods.
pub(crate) fn edge(rule: &MetricRule, now: Timestamp) -> Timestamp {
    match rule.wall_clock() {
        Some(zone) => zone.boundary(now, rule.period_secs),
        None => now.floor_to(step_millis(rule)),
    }
}

/// The edge after the one of `now`.
pub(crate) fn next_edge(rule: &MetricRule, now: Timestamp) -> Timestamp {
    let edge = edge(rule, now);
    match rule.wall_clock() {
        Some(zone) => zone.next_boundary(edge, rule.period_secs),
        None => edge.saturating_add_millis(step_millis(rule)),
    }
}

/// AWS: every minute; every ten seconds for high resolution; from the top of the hour, once an hour, when the alarm
/// looks back over more than a day (alarm-evaluation).
fn step_millis(rule: &MetricRule) -> i64 {
    if rule.period_secs < 60 {
        HIGH_RESOLUTION_MILLIS
    } else if rule.period_secs * i64::from(rule.evaluation_periods) > DAY_SECS {
        HOUR_MILLIS
    } else {
        MINUTE_MILLIS
    }
}

/// How many periods the evaluation range has. AWS documents only that it is more than N and shows 5 for N = 3
/// (alarms-and-missing-data); how many more is this project's decision.
fn range_length(rule: &MetricRule) -> usize {
    if rule.wall_clock().is_some() {
        return rule.n();
    }
    let beyond = if rule.period_secs < 60 { 60 / rule.period_secs.max(1) } else { 2 };
    rule.n() + usize::try_from(beyond).unwrap_or(2)
}

/// The periods of an evaluation at `edge`, oldest first.
pub(crate) fn slots(rule: &MetricRule, edge: Timestamp) -> Vec<TimeRange> {
    let mut slots = Vec::with_capacity(range_length(rule));
    let mut end = edge;
    for _ in 0..range_length(rule) {
        let start = match rule.wall_clock() {
            Some(zone) => zone.boundary(end.saturating_sub_millis(1), rule.period_secs),
            None => end.saturating_sub_millis(rule.period_secs * 1000),
        };
        slots.push(TimeRange::new(start, end));
        end = start;
    }
    slots.reverse();
    slots
}

#[cfg(test)]
mod tests {
    use super::super::metric_rule::Window;
    use super::super::testing::rule;
    use super::*;

    fn secs(ranges: &[TimeRange]) -> Vec<(i64, i64)> {
        ranges.iter().map(|r| (r.start.as_secs(), r.end.as_secs())).collect()
    }

    #[test]
    fn ranges_are_longer_than_n() {
        let now = Timestamp::from_millis(600_999);
        let at = |rule: &MetricRule| slots(rule, edge(rule, now)).len();
        assert_eq!(at(&rule("> 3", 3, None, 60)), 5);
        assert_eq!(at(&rule("> 3", 2, None, 10)), 8);
        let mut wall = rule("> 3", 2, None, 60);
        wall.window = Some(Window::WallClock { timezone: None });
        assert_eq!(at(&wall), 2);
    }

    #[test]
    fn windows_slide_by_the_minute_also_for_longer_periods() {
        let five = rule("> 3", 1, None, 300);
        let now = Timestamp::from_secs(361);
        assert_eq!(secs(&slots(&five, edge(&five, now))), [(-540, -240), (-240, 60), (60, 360)]);
        assert_eq!(next_edge(&five, now), Timestamp::from_secs(420));
        let high = rule("> 3", 1, None, 10);
        assert_eq!(edge(&high, now), Timestamp::from_secs(360));
        assert_eq!(next_edge(&high, now), Timestamp::from_secs(370));
        let days = rule("> 3", 7, None, 86_400);
        assert_eq!(edge(&days, Timestamp::from_secs(7300)), Timestamp::from_secs(7200));
    }

    #[test]
    fn wall_clock_windows_are_whole_local_days() {
        // Vector T19: a 23-hour day.
        let mut rule = rule("> 3", 2, None, 86_400);
        rule.window = Some(Window::WallClock { timezone: Some("America/New_York".to_owned()) });
        let now = Timestamp::from_secs(1_773_072_000); // 2026-03-09T16:00:00Z
        let lengths: Vec<i64> = slots(&rule, edge(&rule, now))
            .iter()
            .map(|slot| slot.end.millis_since(slot.start) / 3_600_000)
            .collect();
        assert_eq!(lengths, [24, 23]);
        assert_eq!(edge(&rule, now), Timestamp::from_secs(1_773_028_800));
    }
}
