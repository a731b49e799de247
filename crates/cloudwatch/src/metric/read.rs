//! Reading one statistic of many metrics on a grid.

use base::Scope;
use signals::{Dist, MetricIdentity, Unit};
use store::tables::metrics::{Cell, Folded, Summary};

use super::grid::Grid;
use super::statistic::Statistic;
use crate::{CloudWatch, CloudWatchError};

/// Periods with data held at once while reading, over all metrics.
const CELLS_AT_ONCE: usize = 2_000_000;

/// What is read of one metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) metric: &'a MetricIdentity,
    pub(crate) statistic: Statistic,
    pub(crate) unit: Option<Unit>,
}

/// One statistic of one metric in one unit: the periods that have a value, ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Readings {
    pub(crate) points: Vec<(u32, f64)>,
    /// How many observations each point has.
    pub(crate) sample_counts: Vec<f64>,
    /// The unit asked for or chosen.
    pub(crate) unit: Option<Unit>,
    /// All units there are data in, where none was asked for; by name.
    pub(crate) units_found: Vec<&'static str>,
}

/// Reads in the order given.
pub(crate) async fn read(
    cw: &CloudWatch,
    scope: &Scope,
    grid: &Grid,
    wanted: &[Wanted<'_>],
) -> Result<Vec<Readings>, CloudWatchError> {
    let mut readings: Vec<Readings> = vec![Readings::default(); wanted.len()];
    let (distributions, summaries): (Vec<usize>, Vec<usize>) =
        (0..wanted.len()).partition(|at| wanted[*at].statistic.is_percentile_class());
    read_as::<Dist>(cw, scope, grid, wanted, &distributions, &mut readings).await?;
    read_as::<Summary>(cw, scope, grid, wanted, &summaries, &mut readings).await?;
    Ok(readings)
}

/// How many metrics may be read at once on a grid.
pub(crate) fn metrics_at_once(grid: &Grid) -> usize {
    (CELLS_AT_ONCE / grid.slots().max(1)).clamp(16, 1000)
}

async fn read_as<C: Measured>(
    cw: &CloudWatch,
    scope: &Scope,
    grid: &Grid,
    wanted: &[Wanted<'_>],
    places: &[usize],
    readings: &mut [Readings],
) -> Result<(), CloudWatchError> {
    for chunk in places.chunks(metrics_at_once(grid)) {
        let metrics: Vec<MetricIdentity> = chunk.iter().map(|at| wanted[*at].metric.clone()).collect();
        let folded = cw.metrics().fold_many::<C>(scope, &metrics, grid.periods(), grid.now()).await?;
        for (at, series) in chunk.iter().zip(folded) {
            readings[*at] = reduce(&wanted[*at], grid, series);
        }
    }
    Ok(())
}

/// A cell that statistics are computed from.
trait Measured: Cell {
    fn value(&self, statistic: Statistic) -> Option<f64>;
    fn count(&self) -> f64;
}

impl Measured for Dist {
    fn value(&self, statistic: Statistic) -> Option<f64> {
        statistic.of(self)
    }

    fn count(&self) -> f64 {
        self.count
    }
}

impl Measured for Summary {
    fn value(&self, statistic: Statistic) -> Option<f64> {
        statistic.of_summary(self)
    }

    fn count(&self) -> f64 {
        self.count
    }
}

fn reduce<C: Measured>(wanted: &Wanted<'_>, grid: &Grid, mut series: Folded<C>) -> Readings {
    for (_, cells) in &mut series {
        cells.retain(|(slot, _)| grid.is_kept(grid.at(*slot as usize)));
    }
    series.retain(|(_, cells)| !cells.is_empty());
    let mut units_found: Vec<&'static str> = series.iter().map(|(unit, _)| unit.name()).collect();
    units_found.sort_unstable();
    // AWS: without a unit in the query one is chosen, and a message names all that were found (observed).
    let unit = wanted.unit.or_else(|| {
        let preferred = UNIT_PREFERENCE.into_iter().find(|unit| units_found.contains(unit));
        preferred.and_then(Unit::by_name)
    });
    if wanted.unit.is_some() {
        units_found.clear();
    }
    let cells = series.into_iter().find(|(found, _)| Some(*found) == unit).map(|(_, cells)| cells);
    let (mut points, mut sample_counts) = (Vec::new(), Vec::new());
    for (slot, cell) in cells.unwrap_or_default() {
        if let Some(value) = cell.value(wanted.statistic) {
            points.push((slot, value));
            sample_counts.push(cell.count());
        }
    }
    Readings { points, sample_counts, unit, units_found }
}

/// Which unit is chosen when there are several: the first of these (observed, metrics.md § 5).
const UNIT_PREFERENCE: [&str; 27] = [
    "Megabits",
    "Terabits",
    "Gigabits",
    "Count",
    "Bytes",
    "Gigabytes",
    "Gigabytes/Second",
    "Kilobytes",
    "Kilobits/Second",
    "Terabytes",
    "Terabits/Second",
    "Bytes/Second",
    "Percent",
    "Megabytes",
    "Megabits/Second",
    "Milliseconds",
    "Microseconds",
    "Kilobytes/Second",
    "Gigabits/Second",
    "Megabytes/Second",
    "Bits",
    "Bits/Second",
    "Count/Second",
    "Seconds",
    "Kilobits",
    "Terabytes/Second",
    "None",
];
