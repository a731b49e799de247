//! Folding stored datapoints into the periods of a query, where they are: what a query needs of a period is
//! kept, the datapoints are not copied.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::{Scope, TimeRange, Timestamp};
use signals::{Dist, MetricIdentity, Unit};
use tokio::task::JoinSet;

use super::head::{Bucket, Value};
use super::key;
use super::part::Part;
use super::registry::Registry;
use super::table::{MetricTable, stored_seconds, within};
use super::tier::{Horizons, Tier};
use crate::error::StoreError;

/// Series folded by one job; several jobs share the cores.
const SERIES_PER_JOB: std::ops::RangeInclusive<usize> = 16..=128;
/// Jobs under way at once.
const JOBS_AT_ONCE: usize = 8;

/// Consecutive periods of equal length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// A whole second.
    pub start: Timestamp,
    /// Excluded.
    pub end: Timestamp,
    pub period_secs: u32,
}

/// Count, sum and extremes of observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

/// Observations that are being folded.
#[derive(Debug, Clone, Copy)]
pub enum Observed<'a> {
    Single(f64),
    /// Given only to cells that don't need more.
    Summary(Summary),
    Many(&'a Dist),
}

/// What is kept of a period.
pub trait Cell: Clone + Send + 'static {
    /// Whether it needs more than count, sum and extremes.
    const NEEDS_SHAPE: bool;
    fn of(observed: Observed<'_>) -> Self;
    fn add(&mut self, observed: Observed<'_>);
    fn merge(&mut self, other: &Self);
}

/// The periods of one series that have data, by unit in the order of unit codes: number of the period from 0,
/// ascending, with what is kept of it.
pub type Folded<C> = Vec<(Unit, Vec<(u32, C)>)>;

impl Observed<'_> {
    fn summary(&self) -> Summary {
        match *self {
            Observed::Single(value) => Summary { count: 1.0, sum: value, min: value, max: value },
            Observed::Summary(summary) => summary,
            Observed::Many(&Dist { count, sum, min, max, .. }) => Summary { count, sum, min, max },
        }
    }
}

impl Cell for Summary {
    const NEEDS_SHAPE: bool = false;

    fn of(observed: Observed<'_>) -> Self {
        observed.summary()
    }

    fn add(&mut self, observed: Observed<'_>) {
        self.merge(&observed.summary());
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Cell for Dist {
    const NEEDS_SHAPE: bool = true;

    fn of(observed: Observed<'_>) -> Self {
        match observed {
            Observed::Single(value) => Dist::single(value),
            Observed::Summary(Summary { count, sum, min, max }) => {
                Dist::from_statistic_set(count, sum, min, max)
            }
            Observed::Many(dist) => dist.clone(),
        }
    }

    fn add(&mut self, observed: Observed<'_>) {
        match observed {
            Observed::Single(value) => Dist::add(self, value, 1.0),
            Observed::Many(dist) => Dist::merge(self, dist),
            summary @ Observed::Summary(_) => Dist::merge(self, &<Dist as Cell>::of(summary)),
        }
    }

    fn merge(&mut self, other: &Self) {
        Dist::merge(self, other);
    }
}

/// One series while it is folded.
struct SeriesFold<C> {
    units: Vec<UnitFold<C>>,
}

/// One unit of a series while it is folded.
struct UnitFold<C> {
    unit: Unit,
    cells: Vec<(u32, C)>,
    in_order: bool,
}

impl<C: Cell> SeriesFold<C> {
    fn take(&mut self, unit: Unit, period: u32, observed: Observed<'_>) {
        let at = match self.units.iter().position(|known| known.unit == unit) {
            Some(at) => at,
            None => {
                self.units.push(UnitFold { unit, cells: Vec::new(), in_order: true });
                self.units.len() - 1
            }
        };
        let UnitFold { cells, in_order, .. } = &mut self.units[at];
        match cells.last_mut() {
            Some((last, cell)) if *last == period => cell.add(observed),
            last => {
                *in_order &= last.is_none_or(|(last, _)| *last < period);
                cells.push((period, C::of(observed)));
            }
        }
    }

    fn finish(mut self) -> Folded<C> {
        self.units.sort_by_key(|fold| fold.unit);
        let finished = self.units.into_iter().map(|UnitFold { unit, mut cells, in_order }| {
            if !in_order {
                // Of sorted runs, one from each part and head, so that this is a merge of them.
                cells.sort_by_key(|(period, _)| *period);
                cells.dedup_by(|(later, cell), (kept, merged)| {
                    let same = later == kept;
                    if same {
                        merged.merge(cell);
                    }
                    same
                });
            }
            (unit, cells)
        });
        finished.collect()
    }
}

/// Where stored buckets go.
#[derive(Debug, Clone, Copy)]
struct Placement {
    periods: Periods,
    start_secs: i64,
    horizons: Horizons,
}

impl Placement {
    /// The period of a bucket at the tier its age allows; `None` if it is outside or has expired.
    fn period_of(&self, second: u32, tier: Tier) -> Option<u32> {
        let second = i64::from(tier.max(self.horizons.tier_at(second)?).floor(second));
        let from_start = second - self.start_secs;
        if from_start < 0 || Timestamp::from_secs(second) >= self.periods.end {
            return None;
        }
        u32::try_from(from_start / i64::from(self.periods.period_secs)).ok()
    }
}

impl MetricTable {
    /// What is kept of each metric in each of `periods`, every datapoint counted at the tier its age at `now`
    /// allows. Several metrics are folded in parallel.
    pub async fn fold_many<C: Cell>(
        self: &Arc<Self>,
        scope: &Scope,
        metrics: &[MetricIdentity],
        periods: Periods,
        now: Timestamp,
    ) -> Result<Vec<Folded<C>>, StoreError> {
        let range = TimeRange::new(periods.start, periods.end);
        if metrics.is_empty() || stored_seconds(range).is_empty() || periods.period_secs == 0 {
            return Ok(metrics.iter().map(|_| Vec::new()).collect());
        }
        let placement =
            Placement { periods, start_secs: periods.start.as_secs(), horizons: Horizons::at(now) };
        let keys: Vec<Vec<u8>> = metrics.iter().map(|m| key::encode(scope, m)).collect();
        let unique: Vec<Vec<u8>> = keys.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let positions: Vec<usize> = keys
            .iter()
            .map(|key| unique.binary_search(key).expect("every key is among the unique ones"))
            .collect();
        let folded = self.fold_unique::<C>(Arc::new(unique), placement).await?;
        let mut folded: Vec<Option<Folded<C>>> = folded.into_iter().map(Some).collect();
        let mut results: Vec<Folded<C>> = Vec::with_capacity(positions.len());
        for (number, at) in positions.iter().enumerate() {
            let series = match folded[*at].take() {
                Some(series) => series,
                // Asked for twice.
                None => {
                    let first = positions[..number].iter().position(|earlier| earlier == at);
                    first.map(|first| results[first].clone()).unwrap_or_default()
                }
            };
            results.push(series);
        }
        Ok(results)
    }

    async fn fold_unique<C: Cell>(
        self: &Arc<Self>,
        keys: Arc<Vec<Vec<u8>>>,
        placement: Placement,
    ) -> Result<Vec<Folded<C>>, StoreError> {
        let size = (keys.len() / 4).clamp(*SERIES_PER_JOB.start(), *SERIES_PER_JOB.end());
        if keys.len() <= size {
            return self.fold_some(&keys, placement).await;
        }
        let mut results: Vec<Vec<Folded<C>>> = Vec::new();
        results.resize_with(keys.len().div_ceil(size), Vec::new);
        let mut waiting = 0..results.len();
        let mut jobs = JoinSet::new();
        loop {
            while jobs.len() < JOBS_AT_ONCE
                && let Some(number) = waiting.next()
            {
                let (table, keys) = (self.clone(), keys.clone());
                jobs.spawn(async move {
                    let end = keys.len().min((number + 1) * size);
                    (number, table.fold_some::<C>(&keys[number * size..end], placement).await)
                });
            }
            let Some(done) = jobs.join_next().await else { break };
            let (number, folded) = done.map_err(|_| StoreError::Cancelled)?;
            results[number] = folded?;
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Series by their keys, which are ascending.
    async fn fold_some<C: Cell>(
        &self,
        keys: &[Vec<u8>],
        placement: Placement,
    ) -> Result<Vec<Folded<C>>, StoreError> {
        let seconds = stored_seconds(TimeRange::new(placement.periods.start, placement.periods.end));
        let mut folds: Vec<SeriesFold<C>> = Vec::with_capacity(keys.len());
        folds.resize_with(keys.len(), || SeriesFold { units: Vec::new() });
        let parts: Vec<Arc<Part>> = {
            let state = self.state.read();
            for (key, fold) in keys.iter().zip(&mut folds) {
                let series = state.registry.find(Registry::hash(self.seed, key), key);
                let head = series.and_then(|id| state.registry.series(id)).map(|s| s.buckets.as_slice());
                let frozen = state.frozen.as_ref().and_then(|f| f.find(key));
                for bucket in [frozen, head].into_iter().flatten().flat_map(|b| within(b, &seconds)) {
                    let Bucket { second, unit, tier, value } = bucket;
                    if let Some(period) = placement.period_of(*second, *tier) {
                        let observed = match value {
                            Value::Single(value) => Observed::Single(*value),
                            Value::Many(dist) => Observed::Many(dist),
                        };
                        fold.take(*unit, period, observed);
                    }
                }
            }
            let overlaps = |part: &&Arc<Part>| {
                let (first, last) = part.seconds();
                first < seconds.end && seconds.start <= last
            };
            state.parts.iter().filter(overlaps).cloned().collect()
        };
        for part in parts {
            let (mut wanted, mut owners) = (Vec::new(), Vec::new());
            for (at, key) in keys.iter().enumerate() {
                if let Some(rows) = part.find(&self.blocks, key).await?
                    && rows.first_second < seconds.end
                    && seconds.start <= rows.last_second
                {
                    wanted.push(rows);
                    owners.push(at);
                }
            }
            part.visit(&wanted, C::NEEDS_SHAPE, |at, row| {
                if let Some(period) = placement.period_of(row.second, row.tier) {
                    folds[owners[at]].take(row.unit, period, row.value.observed());
                }
            })
            .await?;
        }
        Ok(folds.into_iter().map(SeriesFold::finish).collect())
    }
}
