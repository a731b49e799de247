//! Periods: which there are, where the first begins, and which datapoints fall into each.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html>,
//! "StartTime" and "Period".

use std::collections::BTreeMap;

use base::{TimeRange, Timestamp};
use signals::Dist;
use store::tables::metrics::StoredDatapoint;

const DAY_SECS: i64 = 86_400;

/// Whether a period can be asked for: 1, 5, 10, 20, 30 or a multiple of 60 seconds.
pub(crate) fn is_period(secs: i32) -> bool {
    matches!(secs, 1 | 5 | 10 | 20 | 30) || (secs > 0 && secs % 60 == 0)
}

/// The periods of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The rounded start, where the first period begins.
    pub(crate) start: Timestamp,
    /// Excluded, and not rounded.
    pub(crate) end: Timestamp,
    pub(crate) period_secs: i64,
    now: Timestamp,
}

impl Grid {
    /// `period_secs` must satisfy [`is_period`].
    pub(crate) fn new(start: Timestamp, end: Timestamp, period_secs: i32, now: Timestamp) -> Self {
        let period_secs = i64::from(period_secs);
        let age_secs = now.millis_since(start) / 1000;
        // AWS: the older the start, the coarser it is rounded, whatever the period; but to the period where
        // that is below a minute.
        let step_secs = match period_secs {
            short if short < 60 => short,
            _ if age_secs < 15 * DAY_SECS => 60,
            _ if age_secs <= 63 * DAY_SECS => 300,
            _ => 3600,
        };
        Self { start: start.floor_to(step_secs * 1000), end, period_secs, now }
    }

    /// The stored data this grid is about.
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange::new(self.start, self.end)
    }

    /// Whether the period suits data as old as those at `at`: data of that age are only kept at a coarser
    /// period otherwise, and give no datapoints.
    fn is_kept(&self, at: Timestamp) -> bool {
        let older_than = |secs: i64, step_secs: i64| {
            at < self.now.saturating_sub_millis(secs * 1000).floor_to(step_secs * 1000)
        };
        let step_secs = if older_than(63 * DAY_SECS, 3600) {
            3600
        } else if older_than(15 * DAY_SECS, 300) {
            300
        } else if older_than(3 * 3600, 60) {
            60
        } else {
            1
        };
        self.period_secs % step_secs == 0
    }

    /// The distribution of each period and unit that has data, by time.
    pub(crate) fn collect(&self, data: Vec<StoredDatapoint>) -> BTreeMap<(Timestamp, &'static str), Dist> {
        let mut periods: BTreeMap<(Timestamp, &'static str), Dist> = BTreeMap::new();
        for StoredDatapoint { timestamp, unit, dist, .. } in data {
            if !self.range().contains(timestamp) {
                continue;
            }
            let step_millis = self.period_secs * 1000;
            let number = timestamp.millis_since(self.start) / step_millis;
            let at = self.start.saturating_add_millis(number * step_millis);
            if !self.is_kept(at) {
                continue;
            }
            match periods.get_mut(&(at, unit)) {
                Some(merged) => merged.merge(&dist),
                None => _ = periods.insert((at, unit), dist),
            }
        }
        periods
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        // Minutes and seconds of an arbitrary day.
        let [h, m, s] = text.split(':').map(|p| p.parse::<i64>().unwrap()).collect::<Vec<_>>()[..] else {
            panic!()
        };
        Timestamp::from_secs(20_000 * DAY_SECS + h * 3600 + m * 60 + s)
    }

    #[test]
    fn the_start_is_rounded_by_its_age() {
        // Vectors G2 to G5 of the specification.
        let start = at("12:32:34");
        let rounded = |days: i64, period| {
            Grid::new(start, Timestamp::MAX, period, start.saturating_add_millis(days * DAY_SECS * 1000))
                .start
        };
        assert_eq!(rounded(0, 60), at("12:32:00"));
        assert_eq!(rounded(20, 300), at("12:30:00"));
        assert_eq!(rounded(70, 3600), at("12:00:00"));
        let start = at("15:02:17");
        assert_eq!(Grid::new(start, Timestamp::MAX, 5, start).start, at("15:02:15"));
    }

    #[test]
    fn periods_are_counted_from_the_start() {
        // Vector G1.
        let grid = Grid::new(at("4:59:00"), at("6:00:00"), 1200, at("12:00:00"));
        let datum = |text| StoredDatapoint {
            timestamp: at(text),
            unit: "None",
            period_secs: 60,
            dist: Dist::single(1.0),
        };
        let data = ["4:58:00", "4:59:00", "5:18:00", "5:19:00", "5:40:00", "5:59:00", "6:00:00"].map(datum);
        let periods: Vec<_> =
            grid.collect(data.to_vec()).into_iter().map(|((t, _), d)| (t, d.count)).collect();
        assert_eq!(
            periods,
            [(at("4:59:00"), 2.0), (at("5:19:00"), 1.0), (at("5:39:00"), 1.0), (at("5:59:00"), 1.0)]
        );
    }
}
