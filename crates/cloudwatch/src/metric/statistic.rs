//! Statistics of a distribution.
//!
//! Exact while a distribution is; where it is bucketed (`signals::dist`) values are off by at most about 1 %.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html>. The rank
//! formula is this project's decision: AWS computes from approximate histograms.

use signals::Dist;
use store::tables::metrics::Summary;

/// A statistic of the observations of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// `pNN`, with NN from 0 to 100.
    Percentile(f64),
    /// `tmNN`, `TC(a:b)`, `IQM`, …
    Trimmed(Trimming, Bounds),
    /// `PR(a:b)`, with plain numbers.
    PercentileRank(Bounds),
}

/// What is computed of the observations within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trimming {
    Mean,
    Count,
    Sum,
    /// Those outside count as the outermost inside.
    WinsorizedMean,
}

/// Which observations are meant; the lower bound is exclusive, the upper inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bounds {
    /// By rank, in percent of all observations.
    Percent(f64, f64),
    /// By value.
    Values(f64, f64),
}

/// The text is no statistic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownStatistic;

impl Statistic {
    pub(crate) fn parse(text: &str) -> Result<Self, UnknownStatistic> {
        Ok(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => return Self::parse_extended(text),
        })
    }

    /// One of the percentile class.
    pub(crate) fn parse_extended(text: &str) -> Result<Self, UnknownStatistic> {
        if text == "IQM" {
            return Ok(Self::Trimmed(Trimming::Mean, Bounds::Percent(25.0, 75.0)));
        }
        parse_short(text).or_else(|| parse_range(text)).ok_or(UnknownStatistic)
    }

    /// Whether it needs to know every observation: see [`Dist::supports_percentiles`].
    pub(crate) fn is_percentile_class(self) -> bool {
        matches!(self, Self::Percentile(_) | Self::Trimmed(..) | Self::PercentileRank(_))
    }

    /// The value where only a summary is known; `None` for those of the percentile class.
    pub(crate) fn of_summary(self, summary: &Summary) -> Option<f64> {
        match self {
            Self::SampleCount => Some(summary.count),
            Self::Average => Some(summary.sum / summary.count),
            Self::Sum => Some(summary.sum),
            Self::Minimum => Some(summary.min),
            Self::Maximum => Some(summary.max),
            Self::Percentile(_) | Self::Trimmed(..) | Self::PercentileRank(_) => None,
        }
    }

    /// The value for a distribution; `None` where it has none.
    pub(crate) fn of(self, dist: &Dist) -> Option<f64> {
        match self {
            Self::SampleCount => Some(dist.count),
            Self::Average => Some(dist.average()),
            Self::Sum => Some(dist.sum),
            Self::Minimum => Some(dist.min),
            Self::Maximum => Some(dist.max),
            Self::Percentile(percent) => dist.percentile(percent),
            Self::Trimmed(..) | Self::PercentileRank(_) if !dist.supports_percentiles() => None,
            Self::Trimmed(trimming, bounds) => trimmed(dist, trimming, bounds),
            Self::PercentileRank(bounds) => Some(100.0 * select(dist, bounds).weight / dist.count),
        }
    }
}

/// `p99.9`, `tm90`, …
fn parse_short(text: &str) -> Option<Statistic> {
    if let Some(percent) = text.strip_prefix('p').and_then(percentage) {
        return Some(Statistic::Percentile(percent));
    }
    let (prefix, number) = text.split_at_checked(2)?;
    let trimming = match prefix {
        "tm" => Trimming::Mean,
        "tc" => Trimming::Count,
        "ts" => Trimming::Sum,
        "wm" => Trimming::WinsorizedMean,
        _ => return None,
    };
    Some(Statistic::Trimmed(trimming, Bounds::Percent(0.0, percentage(number)?)))
}

/// `TM(10%:90%)`, `PR(:300)`, …
fn parse_range(text: &str) -> Option<Statistic> {
    let (prefix, range) = text.strip_suffix(')')?.split_once('(')?;
    let (low, high) = range.split_once(':')?;
    if low.is_empty() && high.is_empty() {
        return None;
    }
    let bounds = if low.ends_with('%') || high.ends_with('%') {
        let side = |text: &str, open: f64| match text {
            "" => Some(open),
            text => percentage(text.strip_suffix('%')?),
        };
        Bounds::Percent(side(low, 0.0)?, side(high, 100.0)?)
    } else {
        let side = |text: &str, open: f64| if text.is_empty() { Some(open) } else { plain_number(text) };
        Bounds::Values(side(low, f64::NEG_INFINITY)?, side(high, f64::INFINITY)?)
    };
    let (Bounds::Percent(low, high) | Bounds::Values(low, high)) = bounds;
    if low > high {
        return None;
    }
    Some(match (prefix, bounds) {
        ("TM", _) => Statistic::Trimmed(Trimming::Mean, bounds),
        ("TC", _) => Statistic::Trimmed(Trimming::Count, bounds),
        ("TS", _) => Statistic::Trimmed(Trimming::Sum, bounds),
        ("WM", _) => Statistic::Trimmed(Trimming::WinsorizedMean, bounds),
        ("PR", Bounds::Values(..)) => Statistic::PercentileRank(bounds),
        _ => return None,
    })
}

/// A number from 0 to 100 with at most ten decimals.
fn percentage(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |part: &str, max| (1..=max).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let value: f64 = (digits(whole, 3) && digits(decimals, 10)).then(|| text.parse().ok())??;
    (value <= 100.0).then_some(value)
}

/// A number that is not negative, possibly with an exponent.
fn plain_number(text: &str) -> Option<f64> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(value)
}

/// The observations within bounds.
#[derive(Debug, Default)]
struct Selection {
    weight: f64,
    sum: f64,
    smallest: Option<f64>,
    largest: Option<f64>,
    /// Observations below and above.
    below: f64,
    above: f64,
}

impl Selection {
    fn take(&mut self, value: f64, weight: f64) {
        if weight > 0.0 {
            self.weight += weight;
            self.sum += value * weight;
            self.smallest.get_or_insert(value);
            self.largest = Some(value);
        }
    }
}

fn select(dist: &Dist, bounds: Bounds) -> Selection {
    let mut selection = Selection::default();
    match bounds {
        Bounds::Values(low, high) => {
            for (value, weight) in dist.pairs() {
                if value <= low {
                    selection.below += weight;
                } else if value > high {
                    selection.above += weight;
                } else {
                    selection.take(value, weight);
                }
            }
        }
        Bounds::Percent(low, high) => {
            let (from, to) = (rank(dist.count, low).floor(), rank(dist.count, high).ceil());
            let mut cumulative = 0.0;
            for (value, weight) in dist.pairs() {
                let (start, end) = (cumulative, cumulative + weight);
                cumulative = end;
                selection.below += (end.min(from) - start).max(0.0);
                selection.above += (end - start.max(to)).max(0.0);
                selection.take(value, (end.min(to) - start.max(from)).max(0.0));
            }
        }
    }
    selection
}

/// `percent` of `count`, where what is a whole number in decimal arithmetic is one.
fn rank(count: f64, percent: f64) -> f64 {
    let exact = count * percent / 100.0;
    let whole = exact.round();
    if (exact - whole).abs() <= exact.abs() * 1e-12 { whole } else { exact }
}

fn trimmed(dist: &Dist, trimming: Trimming, bounds: Bounds) -> Option<f64> {
    let selection = select(dist, bounds);
    match (trimming, bounds) {
        (Trimming::Count, _) => Some(selection.weight),
        (Trimming::Sum, _) => Some(selection.sum),
        (Trimming::Mean, _) => (selection.weight > 0.0).then(|| selection.sum / selection.weight),
        // Bounds by value clamp, so that they are values of the outer ones themselves.
        (Trimming::WinsorizedMean, Bounds::Values(low, high)) => {
            let clamped = |bound: f64, weight: f64| if weight > 0.0 { bound * weight } else { 0.0 };
            let sum = selection.sum + clamped(low, selection.below) + clamped(high, selection.above);
            Some(sum / dist.count)
        }
        (Trimming::WinsorizedMean, Bounds::Percent(..)) => {
            let (smallest, largest) = selection.smallest.zip(selection.largest)?;
            let sum = selection.sum + smallest * selection.below + largest * selection.above;
            Some(sum / dist.count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_recognised_by_their_spelling() {
        for (text, percent) in
            [("p0", 0.0), ("p99", 99.0), ("p99.9", 99.9), ("p100", 100.0), ("p5.0123456789", 5.0123456789)]
        {
            assert_eq!(Statistic::parse(text), Ok(Statistic::Percentile(percent)));
        }
        let percent = |trimming, low, high| Ok(Statistic::Trimmed(trimming, Bounds::Percent(low, high)));
        for (text, expected) in [
            ("tm99", percent(Trimming::Mean, 0.0, 99.0)),
            ("ts1.5", percent(Trimming::Sum, 0.0, 1.5)),
            ("IQM", percent(Trimming::Mean, 25.0, 75.0)),
            ("WM(:95%)", percent(Trimming::WinsorizedMean, 0.0, 95.0)),
            ("TC(80%:)", percent(Trimming::Count, 80.0, 100.0)),
            ("PR(1.5e2:)", Ok(Statistic::PercentileRank(Bounds::Values(150.0, f64::INFINITY)))),
        ] {
            assert_eq!(Statistic::parse(text), expected, "{text}");
        }
        for unknown in [
            "",
            "p",
            "p101",
            "p-1",
            "p1.12345678901",
            "P99",
            "average",
            "o99",
            "u1",
            "p1e1",
            "iqm",
            "TM(:)",
            "TM(1:50%)",
            "PR(1%:50%)",
            "pr50",
            "PR50",
            "TM(90%:10%)",
            "TM(5)",
            "tm(1:2)",
            "TM(-1:2)",
            "TM90",
            "TM(1:2",
            "é(1:2)",
        ] {
            assert_eq!(Statistic::parse(unknown), Err(UnknownStatistic), "{unknown}");
        }
        assert_eq!(Statistic::parse_extended("Sum"), Err(UnknownStatistic));
    }

    #[test]
    fn bounds_by_value_clamp_a_winsorized_mean() {
        let dist = Dist::from_pairs([(1.0, 1.0), (5.0, 2.0), (100.0, 1.0)]).unwrap();
        assert_eq!(Statistic::parse("WM(2:10)").unwrap().of(&dist), Some((2.0 + 10.0 + 10.0) / 4.0));
        assert_eq!(Statistic::parse("WM(:10)").unwrap().of(&dist), Some(21.0 / 4.0));
    }

    #[test]
    fn an_empty_selection_has_no_mean_but_counts_nothing() {
        let dist = Dist::from_pairs([(1.0, 1.0), (5.0, 2.0)]).unwrap();
        assert_eq!(Statistic::parse("TM(10:20)").unwrap().of(&dist), None);
        for zero in ["TC(10:20)", "TS(10:20)", "PR(10:20)"] {
            assert_eq!(Statistic::parse(zero).unwrap().of(&dist), Some(0.0));
        }
        assert_eq!(Statistic::parse("WM(10:20)").unwrap().of(&dist), Some(10.0));
    }

    #[test]
    fn fractional_counts_are_weights() {
        let dist = Dist::from_pairs([(1.0, 0.5), (2.0, 1.0)]).unwrap();
        // ⌈1.5 × 50 %⌉ = 1: all of the first and half of the second.
        assert_eq!(Statistic::parse("ts50").unwrap().of(&dist), Some(0.5 + 2.0 * 0.5));
    }

    #[test]
    fn what_hides_its_values_has_none_of_the_percentile_class() {
        let opaque = Dist::from_statistic_set(4.0, 22.0, 5.0, 6.0);
        for text in ["tm90", "PR(:5)", "IQM", "TC(1:2)"] {
            assert!(Statistic::parse(text).unwrap().is_percentile_class());
            assert_eq!(Statistic::parse(text).unwrap().of(&opaque), None, "{text}");
        }
    }
}
