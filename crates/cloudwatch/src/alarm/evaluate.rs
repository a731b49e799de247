//! From the values of an evaluation range to a state: a function of its arguments and of nothing else.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html> with its two
//! tables, which the algorithm reproduces cell by cell (spec/alarms.md §3.3).

use base::Timestamp;

use super::metric_rule::{Comparison, LowSamples, MetricRule, Source, Threshold, TreatMissing};
use super::reason::{self, Basis, Fill};
use super::record::StateValue;

/// One period of an evaluation range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slot {
    pub(crate) start: Timestamp,
    pub(crate) point: Option<Point>,
}

/// The value of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) value: f64,
    /// Known for alarms on a single metric.
    pub(crate) sample_count: Option<f64>,
    /// For alarms on an anomaly band.
    pub(crate) band: Option<Band>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Band {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// A state to be in, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) value: StateValue,
    pub(crate) reason: String,
    pub(crate) reason_data: Option<String>,
}

/// What an evaluation says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// Whatever the state is, it stays.
    Keep,
    Is(StateValue, Basis),
}

/// The change of state that `slots`, oldest first, call for; `None` to stay in `current`.
pub(crate) fn evaluate(
    rule: &MetricRule,
    slots: &[Slot],
    current: StateValue,
    now: Timestamp,
) -> Option<Change> {
    match judge(rule, slots) {
        Verdict::Is(value, basis) if value != current => Some(Change {
            value,
            reason: reason::text(rule, slots, value, &basis),
            reason_data: Some(reason::data(rule, slots, &basis, now)),
        }),
        _ => None,
    }
}

/// The state of `slots`, oldest first.
pub(crate) fn judge(rule: &MetricRule, slots: &[Slot]) -> Verdict {
    // Newest first, so that an index is an age less one.
    let reals: Vec<usize> = (0..slots.len()).rev().filter(|at| has_value(rule, &slots[*at])).collect();
    let used = &reals[..reals.len().min(rule.n())];
    if has_too_few_samples(rule, slots, used) {
        return Verdict::Keep;
    }
    let (breaching, fine): (Vec<usize>, Vec<usize>) =
        used.iter().partition(|at| slots[**at].point.is_some_and(|point| is_breaching(rule, &point)));
    let (n, m) = (rule.n(), rule.m());
    let basis = |deciding: &[usize], fill| Basis { deciding: deciding.to_vec(), used: used.to_vec(), fill };
    let alarm = |fill| Verdict::Is(StateValue::Alarm, basis(&breaching, fill));
    let ok = |fill| Verdict::Is(StateValue::Ok, basis(&fine, fill));
    if used.len() == n {
        return if breaching.len() >= m { alarm(Fill::None) } else { ok(Fill::None) };
    }
    let treatment = rule.treatment();
    let filled = Fill::of(treatment);
    if used.is_empty() {
        return match treatment {
            TreatMissing::Missing => Verdict::Is(StateValue::InsufficientData, basis(&[], Fill::None)),
            TreatMissing::Ignore => Verdict::Keep,
            TreatMissing::Breaching => alarm(filled),
            TreatMissing::NotBreaching => ok(filled),
        };
    }
    match treatment {
        TreatMissing::Breaching if breaching.len() + n - used.len() >= m => alarm(filled),
        TreatMissing::NotBreaching if breaching.len() >= m => alarm(filled),
        TreatMissing::Breaching | TreatMissing::NotBreaching => ok(filled),
        TreatMissing::Missing | TreatMissing::Ignore if breaching.len() >= m => alarm(Fill::None),
        TreatMissing::Missing | TreatMissing::Ignore if !fine.is_empty() => ok(Fill::None),
        TreatMissing::Ignore => Verdict::Keep,
        // AWS: with nothing but breaching data the alarm waits until the oldest of them is M periods old, so that it
        // doesn't fire before data that are still on their way could prevent it (alarms-and-missing-data).
        TreatMissing::Missing => {
            let oldest_age = breaching.last().map_or(0, |at| slots.len() - at);
            if oldest_age >= m { alarm(Fill::None) } else { Verdict::Keep }
        }
    }
}

/// A stamp without a band is missing where the alarm is about the band; so is what is not a number.
fn has_value(rule: &MetricRule, slot: &Slot) -> bool {
    let needs_band = matches!(rule.threshold, Threshold::Band(_));
    slot.point.is_some_and(|point| point.value.is_finite() && (!needs_band || point.band.is_some()))
}

fn is_breaching(rule: &MetricRule, point: &Point) -> bool {
    let value = point.value;
    match (&rule.threshold, point.band) {
        (Threshold::Static(threshold), _) => match rule.comparison {
            Comparison::GreaterThanOrEqualToThreshold => value >= *threshold,
            Comparison::GreaterThanThreshold => value > *threshold,
            Comparison::LessThanThreshold => value < *threshold,
            Comparison::LessThanOrEqualToThreshold => value <= *threshold,
            _ => false,
        },
        (Threshold::Band(_), Some(Band { lower, upper })) => match rule.comparison {
            Comparison::LessThanLowerOrGreaterThanUpperThreshold => value < lower || value > upper,
            Comparison::LessThanLowerThreshold => value < lower,
            Comparison::GreaterThanUpperThreshold => value > upper,
            _ => false,
        },
        (Threshold::Band(_), None) => false,
    }
}

/// Whether any of the periods used has fewer samples than its percentile needs to mean something.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html>.
fn has_too_few_samples(rule: &MetricRule, slots: &[Slot], used: &[usize]) -> bool {
    let (Some(LowSamples::Ignore), Source::Metric(metric)) = (rule.low_samples, &rule.source) else {
        return false;
    };
    let Some(p) = metric.percentile().filter(|p| *p > 0.0 && *p < 1.0) else { return false };
    // Rounded, for 1 - 0.9 is not 0.1.
    let needed = (10.0 / if p >= 0.5 { 1.0 - p } else { p }).round();
    used.iter()
        .any(|at| slots[*at].point.and_then(|point| point.sample_count).is_some_and(|count| count < needed))
}

#[cfg(test)]
mod tests;
