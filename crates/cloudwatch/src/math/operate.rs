//! Operators: where one side of a pair has no datapoint it counts as 0; where both have none there is none.

use lang::metric_math::{MathError, Operator};

use super::{MISSING, Series, Value, finite};

pub(crate) fn operate(operator: Operator, left: Value, right: Value) -> Result<Value, MathError> {
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(finite(operator.apply(left, right))),
        (Value::Series(left), Value::Series(right)) => Value::Series(pair(operator, &left, &right, &left)),
        (Value::Series(left), Value::Scalar(right)) => Value::Series(with_scalar(operator, &left, right)),
        (Value::Scalar(left), Value::Series(right)) => Value::Series(of_scalar(operator, left, &right)),
        (Value::Array(left), Value::Scalar(right)) => {
            Value::Array(left.iter().map(|series| with_scalar(operator, series, right)).collect())
        }
        (Value::Scalar(left), Value::Array(right)) => {
            Value::Array(right.iter().map(|series| of_scalar(operator, left, series)).collect())
        }
        (Value::Array(left), Value::Series(right)) => {
            Value::Array(left.iter().map(|series| pair(operator, series, &right, series)).collect())
        }
        (Value::Series(left), Value::Array(right)) => {
            Value::Array(right.iter().map(|series| pair(operator, &left, series, series)).collect())
        }
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                return Err(MathError::new(format!(
                    "Arrays of different lengths ({} and {}) cannot be combined",
                    left.len(),
                    right.len()
                )));
            }
            Value::Array(left.iter().zip(&right).map(|(l, r)| pair(operator, l, r, l)).collect())
        }
    })
}

pub(crate) fn negate(value: Value) -> Value {
    match value {
        Value::Scalar(scalar) => Value::Scalar(-scalar),
        other => super::each_series(other, |series| series.values.iter().map(|value| -value).collect()),
    }
}

fn pair(operator: Operator, left: &Series, right: &Series, labelled: &Series) -> Series {
    let values = left.values.iter().zip(right.values.iter()).map(|(l, r)| match (l.is_nan(), r.is_nan()) {
        (true, true) => MISSING,
        (left_missing, right_missing) => {
            let or_zero = |missing, value| if missing { 0.0 } else { value };
            finite(operator.apply(or_zero(left_missing, *l), or_zero(right_missing, *r)))
        }
    });
    Series { origin: None, unit: None, ..labelled.with(values.collect()) }
}

fn with_scalar(operator: Operator, series: &Series, scalar: f64) -> Series {
    map(series, |value| operator.apply(value, scalar), scalar)
}

fn of_scalar(operator: Operator, scalar: f64, series: &Series) -> Series {
    map(series, |value| operator.apply(scalar, value), scalar)
}

fn map(series: &Series, change: impl Fn(f64) -> f64, scalar: f64) -> Series {
    // Comparisons would make something of a scalar that is missing.
    let present = |value: f64| !value.is_nan() && !scalar.is_nan();
    let values = series.values.iter().map(|v| if present(*v) { finite(change(*v)) } else { MISSING });
    series.with(values.collect())
}
