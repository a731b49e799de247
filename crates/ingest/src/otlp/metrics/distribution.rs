//! Histograms as distributions (`spec/otlp.md` §6.3 and §6.4): each bucket stands for the middle of its edges;
//! count and sum, and the extremes where they are known, stay exact.

use std::collections::BTreeMap;

use signals::dist::{Dist, Shape};

use super::state::{Explicit, Exponential};

/// Values of one datum.
const VALUES_MAX: usize = 150;

/// `None` when nothing was observed.
pub(super) fn explicit(histogram: &Explicit) -> Option<Dist> {
    let Explicit { bounds, counts, count, sum, min, max } = histogram;
    let (Some(first), Some(last)) = (bounds.first().copied(), bounds.last().copied()) else {
        let value = sum / *count as f64;
        return finished(vec![(value, *count as f64)], *count, *sum, *min, *max);
    };
    let middle = |i: usize| {
        if i == 0 {
            let low = min.unwrap_or(if first > 0.0 { 0.0 } else { first });
            f64::midpoint(low, first)
        } else if i == bounds.len() {
            f64::midpoint(last, max.unwrap_or(last))
        } else {
            f64::midpoint(bounds[i - 1], bounds[i])
        }
    };
    let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let pairs = filled.map(|(i, count)| (middle(i), *count as f64)).collect();
    finished(pairs, *count, *sum, *min, *max)
}

/// `None` when nothing was observed.
pub(super) fn exponential(histogram: &Exponential) -> Option<Dist> {
    let distinct = |h: &Exponential| h.positive.len() + h.negative.len() + usize::from(h.zero > 0);
    let mut merged = histogram.clone();
    while distinct(&merged) > VALUES_MAX && merged.scale > -11 {
        merged = merged.at_scale(merged.scale - 1);
    }
    let base = (-f64::from(merged.scale)).exp2().exp2();
    let clamp = |value: f64| {
        let value = merged.min.map_or(value, |min| value.max(min));
        merged.max.map_or(value, |max| value.min(max))
    };
    let middle = |index: i32| f64::midpoint(base.powi(index), base.powi(index.saturating_add(1)));
    let positive = |buckets: &BTreeMap<i32, u64>, sign: f64| -> Vec<(f64, f64)> {
        buckets.iter().map(|(index, count)| (clamp(sign * middle(*index)), *count as f64)).collect()
    };
    let mut pairs = positive(&merged.negative, -1.0);
    if merged.zero > 0 {
        pairs.push((clamp(0.0), merged.zero as f64));
    }
    pairs.extend(positive(&merged.positive, 1.0));
    finished(pairs, histogram.count, histogram.sum, histogram.min, histogram.max)
}

fn finished(
    mut pairs: Vec<(f64, f64)>,
    count: u64,
    sum: f64,
    min: Option<f64>,
    max: Option<f64>,
) -> Option<Dist> {
    if count == 0 {
        return None;
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 += later.1;
        }
        same
    });
    let (first, last) = (pairs.first()?.0, pairs.last()?.0);
    let (min, max) = (min.unwrap_or(first), max.unwrap_or(last));
    Some(Dist { count: count as f64, sum, min, max, shape: Shape::Exact(pairs) })
}
