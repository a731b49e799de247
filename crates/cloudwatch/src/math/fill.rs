//! FILL: datapoints where there are none.

use super::Series;

/// What gaps are filled with.
#[derive(Debug, Clone)]
pub(crate) enum Filling {
    Constant(f64),
    /// The datapoint of another series, where it has one.
    Series(Series),
    /// The last datapoint before the gap.
    Repeat,
    /// A straight line between the datapoints around the gap.
    Linear,
}

pub(crate) fn fill(series: &Series, filling: &Filling) -> Vec<f64> {
    let mut values = series.values.to_vec();
    match filling {
        Filling::Constant(constant) => {
            values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = *constant);
        }
        Filling::Series(other) => {
            let gaps = values.iter_mut().zip(other.values.iter()).filter(|(value, _)| value.is_nan());
            gaps.for_each(|(value, other)| *value = *other);
        }
        Filling::Repeat => {
            for at in 1..values.len() {
                if values[at].is_nan() {
                    values[at] = values[at - 1];
                }
            }
        }
        Filling::Linear => fill_lines(&mut values),
    }
    values
}

fn fill_lines(values: &mut [f64]) {
    let mut before: Option<usize> = None;
    for at in 0..values.len() {
        if values[at].is_nan() {
            continue;
        }
        if let Some(from) = before {
            let (start, end) = (values[from], values[at]);
            let length = (at - from) as f64;
            for (step, value) in (1..).zip(&mut values[from + 1..at]) {
                *value = start + (end - start) * f64::from(step) / length;
            }
        }
        before = Some(at);
    }
}
