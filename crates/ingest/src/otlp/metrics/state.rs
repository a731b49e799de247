//! The last point of every cumulative series, and what happened since.

use std::collections::{BTreeMap, HashMap};

use base::Scope;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};
use signals::MetricIdentity;

use super::identity::Unit;

/// A series is forgotten this long after its last point.
const KEPT_NANOS: u64 = 3_600_000_000_000;

/// Remembers cumulative series, within a limit. It is in memory only: after a restart, the first point of a series
/// is again only remembered, as after a restart of the OpenTelemetry Collector.
#[derive(Debug)]
pub struct CumulativeState {
    series: HashMap<Key, Last>,
    series_max: usize,
}

type Key = (Scope, MetricIdentity, &'static str);

#[derive(Debug, Clone)]
struct Last {
    start_nanos: u64,
    nanos: u64,
    snapshot: Snapshot,
}

/// What a series had counted at some time.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Snapshot {
    Number(f64),
    Explicit(Explicit),
    Exponential(Exponential),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Explicit {
    pub(super) bounds: Vec<f64>,
    pub(super) counts: Vec<u64>,
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exponential {
    pub(super) scale: i32,
    pub(super) zero: u64,
    pub(super) positive: BTreeMap<i32, u64>,
    pub(super) negative: BTreeMap<i32, u64>,
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
}

/// Buckets of one exponential histogram.
const BUCKETS_MAX: usize = 10_000;

impl Snapshot {
    pub(super) fn of_explicit(point: &HistogramDataPoint) -> Result<Self, &'static str> {
        let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
        let is_ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        let fits = counts.len() == bounds.len() + 1 || (counts.is_empty() && bounds.is_empty());
        if !is_ascending || !fits || bounds.iter().any(|bound| !bound.is_finite()) {
            return Err("histogram bounds and counts do not fit");
        }
        let counts = if counts.is_empty() { vec![point.count] } else { counts.clone() };
        if counts.iter().fold(0u64, |total, count| total.saturating_add(*count)) != point.count {
            return Err("histogram count is not the sum of its buckets");
        }
        let (min, max, sum) = extremes(point.min, point.max, point.sum)?;
        Ok(Snapshot::Explicit(Explicit { bounds: bounds.clone(), counts, count: point.count, sum, min, max }))
    }

    pub(super) fn of_exponential(point: &ExponentialHistogramDataPoint) -> Result<Self, &'static str> {
        if !(-10..=20).contains(&point.scale) {
            return Err("exponential histogram scale is outside of -10 to 20");
        }
        let (positive, negative) = (buckets(point.positive.as_ref())?, buckets(point.negative.as_ref())?);
        let total =
            positive.values().chain(negative.values()).fold(point.zero_count, |t, c| t.saturating_add(*c));
        if total != point.count {
            return Err("histogram count is not the sum of its buckets");
        }
        let (min, max, sum) = extremes(point.min, point.max, point.sum)?;
        let (scale, zero, count) = (point.scale, point.zero_count, point.count);
        Ok(Snapshot::Exponential(Exponential { scale, zero, positive, negative, count, sum, min, max }))
    }

    /// What is new since `before`; `None` after a reset.
    fn since(&self, before: &Snapshot) -> Option<Snapshot> {
        match (self, before) {
            (Snapshot::Number(now), Snapshot::Number(then)) if now >= then => {
                Some(Snapshot::Number(now - then))
            }
            (Snapshot::Explicit(now), Snapshot::Explicit(then)) if now.bounds == then.bounds => {
                let counts: Option<Vec<u64>> =
                    now.counts.iter().zip(&then.counts).map(|(a, b)| a.checked_sub(*b)).collect();
                Some(Snapshot::Explicit(Explicit {
                    bounds: now.bounds.clone(),
                    counts: counts?,
                    count: now.count.checked_sub(then.count)?,
                    sum: now.sum - then.sum,
                    // Extremes since the start say nothing of the time since the last point.
                    min: None,
                    max: None,
                }))
            }
            (Snapshot::Exponential(now), Snapshot::Exponential(then)) => {
                let scale = now.scale.min(then.scale);
                let (now, then) = (now.at_scale(scale), then.at_scale(scale));
                Some(Snapshot::Exponential(Exponential {
                    scale,
                    zero: now.zero.checked_sub(then.zero)?,
                    positive: subtract(now.positive, &then.positive)?,
                    negative: subtract(now.negative, &then.negative)?,
                    count: now.count.checked_sub(then.count)?,
                    sum: now.sum - then.sum,
                    min: None,
                    max: None,
                }))
            }
            _ => None,
        }
    }
}

impl Exponential {
    /// With buckets twice as wide for each step down.
    pub(super) fn at_scale(&self, scale: i32) -> Exponential {
        let steps = u32::try_from(self.scale.saturating_sub(scale)).unwrap_or(0).min(31);
        let merged = |buckets: &BTreeMap<i32, u64>| {
            let mut wider = BTreeMap::new();
            for (index, count) in buckets {
                *wider.entry(index >> steps).or_insert(0) += count;
            }
            wider
        };
        Exponential {
            scale: self.scale - steps as i32,
            positive: merged(&self.positive),
            negative: merged(&self.negative),
            ..self.clone()
        }
    }
}

type Extremes = (Option<f64>, Option<f64>, f64);

fn extremes(min: Option<f64>, max: Option<f64>, sum: Option<f64>) -> Result<Extremes, &'static str> {
    let is_finite = [min, max, sum].into_iter().flatten().all(f64::is_finite);
    match sum {
        _ if !is_finite => Err("value is not a finite number"),
        // AWS: a statistic set without a sum cannot be stored (`PutMetricData` requires it).
        None => Err("histogram has no sum"),
        Some(sum) => Ok((min, max, sum)),
    }
}

fn buckets(sent: Option<&Buckets>) -> Result<BTreeMap<i32, u64>, &'static str> {
    let Some(sent) = sent else { return Ok(BTreeMap::new()) };
    if sent.bucket_counts.len() > BUCKETS_MAX {
        return Err("exponential histogram has more than 10,000 buckets");
    }
    let counts = sent.bucket_counts.iter().enumerate().filter(|(_, count)| **count > 0);
    Ok(counts.map(|(i, count)| (sent.offset.saturating_add(i as i32), *count)).collect())
}

fn subtract(mut now: BTreeMap<i32, u64>, then: &BTreeMap<i32, u64>) -> Option<BTreeMap<i32, u64>> {
    for (index, count) in then {
        let left = now.get(index).copied().unwrap_or(0).checked_sub(*count)?;
        match left {
            0 => now.remove(index),
            left => now.insert(*index, left),
        };
    }
    Some(now)
}

/// What became of a point of a cumulative series.
#[derive(Debug)]
pub(super) enum Difference {
    /// The first of its series: remembered.
    First,
    Since(Snapshot),
    OutOfOrder,
    /// No room for another series.
    Full,
}

/// States before a translation, oldest change first.
#[derive(Debug, Default)]
pub(super) struct Undo(Vec<(Key, Option<Last>)>);

impl CumulativeState {
    /// Remembers at most `series_max` series.
    pub fn new(series_max: usize) -> Self {
        Self { series: HashMap::new(), series_max }
    }

    pub(super) fn advance(
        &mut self,
        scope: &Scope,
        identity: &MetricIdentity,
        unit: Unit,
        (start_nanos, nanos): (u64, u64),
        snapshot: Snapshot,
        undo: &mut Undo,
    ) -> Difference {
        let key = (scope.clone(), identity.clone(), unit.name);
        let last = self.series.get(&key).filter(|last| nanos.saturating_sub(last.nanos) <= KEPT_NANOS);
        let difference = match last {
            Some(last) if nanos <= last.nanos => return Difference::OutOfOrder,
            // AWS's collector: after a restart of the client, all it has counted is new.
            Some(last) if start_nanos != last.start_nanos => Difference::Since(snapshot.clone()),
            Some(last) => {
                Difference::Since(snapshot.since(&last.snapshot).unwrap_or_else(|| snapshot.clone()))
            }
            None => Difference::First,
        };
        if !self.series.contains_key(&key) && self.series.len() >= self.series_max {
            self.series.retain(|_, last| nanos.saturating_sub(last.nanos) <= KEPT_NANOS);
            if self.series.len() >= self.series_max {
                return Difference::Full;
            }
        }
        let before = self.series.insert(key.clone(), Last { start_nanos, nanos, snapshot });
        undo.0.push((key, before));
        difference
    }

    pub(super) fn restore(&mut self, undo: Undo) {
        for (key, before) in undo.0.into_iter().rev() {
            match before {
                Some(last) => self.series.insert(key, last),
                None => self.series.remove(&key),
            };
        }
    }
}
