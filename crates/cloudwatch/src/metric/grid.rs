//! Periods: which there are, where the first begins, and which datapoints fall into each.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html>,
//! "StartTime" and "Period".

use base::Timestamp;
use store::tables::metrics::Periods;

const DAY_SECS: i64 = 86_400;

/// Whether a period can be asked for: 1, 5, 10, 20, 30 or a multiple of 60 seconds.
pub(crate) fn is_period(secs: i32) -> bool {
    matches!(secs, 1 | 5 | 10 | 20 | 30) || (secs > 0 && secs % 60 == 0)
}

/// The periods of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// Whether the period suits data as old as those at `at`: data of that age are only kept at a coarser
    /// period otherwise, and give no datapoints.
    pub(crate) fn is_kept(&self, at: Timestamp) -> bool {
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

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// How many periods there are.
    pub(crate) fn slots(&self) -> usize {
        let millis = self.end.millis_since(self.start).max(0);
        let step = self.period_secs * 1000;
        (millis / step + i64::from(millis % step != 0)) as usize
    }

    /// When a period begins.
    pub(crate) fn at(&self, slot: usize) -> Timestamp {
        self.start.saturating_add_millis((slot as i64).saturating_mul(self.period_secs * 1000))
    }

    /// The same grid, begun earlier by at least `secs`.
    pub(crate) fn extended_back(&self, secs: i64) -> Self {
        let periods = secs / self.period_secs + i64::from(secs % self.period_secs != 0);
        Self { start: self.start.saturating_sub_millis(periods * self.period_secs * 1000), ..*self }
    }

    /// The periods as the store knows them.
    pub(crate) fn periods(&self) -> Periods {
        Periods { start: self.start, end: self.end, period_secs: self.period_secs as u32 }
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
        let starts: Vec<Timestamp> = (0..grid.slots()).map(|slot| grid.at(slot)).collect();
        assert_eq!(starts, ["4:59:00", "5:19:00", "5:39:00", "5:59:00"].map(at));
        let back = grid.extended_back(1201);
        assert_eq!((back.start, back.slots()), (at("4:19:00"), 6));
    }
}
