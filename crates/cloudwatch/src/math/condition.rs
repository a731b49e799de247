//! IF.

use super::{MISSING, Series, Value};

/// `IF(condition, yes, no)`; none of them is an array. Without `no` what is false has no datapoint.
pub(crate) fn condition(condition: &Value, yes: &Value, no: Option<&Value>, slots: usize) -> Value {
    match condition {
        Value::Scalar(scalar) => {
            let is_series = matches!(yes, Value::Series(_)) || matches!(no, Some(Value::Series(_)));
            let chosen = if scalar.is_nan() {
                None
            } else if *scalar != 0.0 {
                Some(yes)
            } else {
                no
            };
            match chosen {
                Some(Value::Scalar(value)) if is_series => {
                    Value::Series(Series::new("", vec![*value; slots]))
                }
                Some(value) => value.clone(),
                None if is_series => Value::Series(Series::new("", vec![MISSING; slots])),
                None => Value::Scalar(MISSING),
            }
        }
        Value::Series(series) => {
            let at = |value: &Value, slot: usize| match value {
                Value::Scalar(scalar) => *scalar,
                Value::Series(series) => series.values.get(slot).copied().unwrap_or(MISSING),
                Value::Array(_) => MISSING,
            };
            let chosen = |(slot, condition): (usize, &f64)| {
                if condition.is_nan() {
                    MISSING
                } else if *condition != 0.0 {
                    // AWS: where the condition holds, a missing datapoint counts as 0.
                    let value = at(yes, slot);
                    if value.is_nan() { 0.0 } else { value }
                } else {
                    no.map_or(MISSING, |no| at(no, slot))
                }
            };
            Value::Series(series.with(series.values.iter().enumerate().map(chosen).collect()))
        }
        // Types were checked: a condition is never an array.
        Value::Array(_) => Value::Scalar(MISSING),
    }
}
