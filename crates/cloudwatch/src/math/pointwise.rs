//! Functions of one series that give one of the same length: of each datapoint, or of neighbours.

use lang::metric_math::Function;

use super::{MISSING, Series, finite};

/// ABS, CEIL, FLOOR, LOG, LOG10, DIFF, DIFF_TIME, RATE or RUNNING_SUM of a series; `None` for other functions.
pub(crate) fn pointwise(function: Function, series: &Series, period_secs: f64) -> Option<Vec<f64>> {
    let each = |change: fn(f64) -> f64| Some(series.values.iter().map(|v| finite(change(*v))).collect());
    match function {
        Function::Abs => each(f64::abs),
        Function::Ceil => each(f64::ceil),
        Function::Floor => each(f64::floor),
        Function::Log => each(f64::ln),
        Function::Log10 => each(f64::log10),
        Function::Diff => Some(neighbours(series, |difference, _| difference)),
        Function::DiffTime => Some(neighbours(series, |_, periods| periods * period_secs)),
        Function::Rate => {
            Some(neighbours(series, |difference, periods| difference / (periods * period_secs)))
        }
        Function::RunningSum => {
            let mut sum = 0.0;
            let mut add = |value: f64| {
                sum += value;
                finite(sum)
            };
            Some(series.values.iter().map(|v| if v.is_nan() { MISSING } else { add(*v) }).collect())
        }
        _ => None,
    }
}

/// `of` the difference to the previous datapoint that exists, and how many periods ago that was.
fn neighbours(series: &Series, of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut previous: Option<(usize, f64)> = None;
    let next = |(at, value): (usize, &f64)| {
        if value.is_nan() {
            return MISSING;
        }
        let before = previous.replace((at, *value));
        before.map_or(MISSING, |(then, earlier)| finite(of(value - earlier, (at - then) as f64)))
    };
    series.values.iter().enumerate().map(next).collect()
}
