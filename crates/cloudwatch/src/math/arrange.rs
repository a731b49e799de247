//! SORT and SLICE.

use lang::metric_math::{Function, Keyword, MathError};

use super::Series;
use super::aggregate::sort_key;

/// SORT: by a scalar function, stable; series without one come last.
pub(crate) fn sort(mut array: Vec<Series>, by: Keyword, order: Keyword, limit: Option<f64>) -> Vec<Series> {
    let function = match by {
        Keyword::Average => Function::Avg,
        Keyword::Minimum => Function::Min,
        Keyword::Maximum => Function::Max,
        _ => Function::Sum,
    };
    let mut keyed: Vec<(f64, Series)> =
        array.drain(..).map(|series| (sort_key(function, &series), series)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let ordered = if order == Keyword::Descending { b.total_cmp(a) } else { a.total_cmp(b) };
        a.is_nan().cmp(&b.is_nan()).then(ordered)
    });
    let limit = limit.map_or(usize::MAX, |limit| limit.max(0.0) as usize);
    keyed.into_iter().map(|(_, series)| series).take(limit).collect()
}

/// SLICE: elements from `from` to before `to`.
pub(crate) fn slice(array: Vec<Series>, from: f64, to: Option<f64>) -> Result<Vec<Series>, MathError> {
    let place = |value: f64| {
        let whole = value.fract() == 0.0 && value >= 0.0;
        whole
            .then_some(value as usize)
            .ok_or_else(|| MathError::new("Function 'SLICE' expects whole numbers that are not negative"))
    };
    let from = place(from)?;
    let to = to.map(place).transpose()?.unwrap_or(array.len()).min(array.len());
    Ok(array.into_iter().take(to).skip(from).collect())
}
