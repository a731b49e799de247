//! Functions that make a scalar of a series, or a series of several: place by place.

use lang::metric_math::Function;

use super::{MISSING, Series, Value, finite};

/// AVG, SUM, MIN, MAX, STDDEV or DATAPOINT_COUNT of a series or an array of series on `slots` places; `None` for
/// other functions and for scalars.
pub(crate) fn aggregate(function: Function, value: &Value, slots: usize) -> Option<Value> {
    match value {
        Value::Scalar(_) => None,
        Value::Series(series) => Some(Value::Scalar(of_all(function, series.values.iter().copied(), slots)?)),
        Value::Array(array) => {
            let label = array.first().map_or_else(|| "".into(), |series| series.label.clone());
            let values: Option<Vec<f64>> = match function {
                // The two that are asked of hundreds of series, one series after the other.
                Function::Sum => Some(sums(array, slots).0),
                Function::Avg => {
                    let (sums, any) = sums(array, slots);
                    let of = |(sum, any): (f64, bool)| if any { sum / array.len() as f64 } else { MISSING };
                    Some(sums.into_iter().zip(any).map(of).collect())
                }
                _ => (0..slots)
                    .map(|slot| {
                        let column = array.iter().map(|s| s.values.get(slot).copied().unwrap_or(MISSING));
                        column_of(function, column, array.len())
                    })
                    .collect(),
            };
            Some(Value::Series(Series::new(label, values?)))
        }
    }
}

fn sums(array: &[Series], slots: usize) -> (Vec<f64>, Vec<bool>) {
    let (mut sums, mut any) = (vec![0.0; slots], vec![false; slots]);
    for series in array {
        for ((sum, any), value) in sums.iter_mut().zip(&mut any).zip(series.values.iter()) {
            if !value.is_nan() {
                *sum += value;
                *any = true;
            }
        }
    }
    let summed = sums.iter().zip(&any).map(|(sum, any)| if *any { finite(*sum) } else { MISSING }).collect();
    (summed, any)
}

/// Of one place of several series: without any datapoint there is none.
fn column_of(function: Function, column: impl Iterator<Item = f64> + Clone, count: usize) -> Option<f64> {
    if column.clone().all(f64::is_nan) {
        return Some(MISSING);
    }
    of_all(function, column, count)
}

/// Of values, `total` of which there could be; missing ones count as 0 in AVG and SUM and not at all elsewhere.
fn of_all(function: Function, values: impl Iterator<Item = f64> + Clone, total: usize) -> Option<f64> {
    let existing = || values.clone().filter(|value| !value.is_nan());
    let count = existing().count() as f64;
    let or_missing = |value: f64| if count > 0.0 { finite(value) } else { MISSING };
    Some(match function {
        Function::DatapointCount => count,
        Function::Sum => finite(existing().sum()),
        Function::Avg => finite(existing().sum::<f64>() / total as f64),
        Function::Min => or_missing(existing().fold(f64::INFINITY, f64::min)),
        Function::Max => or_missing(existing().fold(f64::NEG_INFINITY, f64::max)),
        Function::Stddev => {
            let mean = existing().sum::<f64>() / count;
            or_missing((existing().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
        }
        _ => return None,
    })
}

/// The scalar by which SORT orders.
pub(crate) fn sort_key(function: Function, series: &Series) -> f64 {
    of_all(function, series.values.iter().copied(), series.values.len()).unwrap_or(MISSING)
}
