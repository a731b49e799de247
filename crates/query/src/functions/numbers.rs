//! Numbers and times, column by column.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, TimestampMillisecondArray};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::TimestampMillisecondType;
use datafusion::common::Result;
use datafusion::common::cast::{as_float64_array, as_string_view_array, as_timestamp_millisecond_array};
use lang::plan::{Period, PeriodUnit};

use super::dates;
use super::json;
use super::value::parse_number;

pub(super) fn to_number(column: &ArrayRef) -> Result<ArrayRef> {
    let texts = as_string_view_array(column)?;
    Ok(Arc::new(texts.iter().map(|text| text.and_then(parse_number)).collect::<Float64Array>()))
}

pub(super) fn finite(column: &ArrayRef) -> Result<ArrayRef> {
    let numbers = as_float64_array(column)?;
    if numbers.values().iter().all(|number| number.is_finite()) {
        return Ok(Arc::clone(column));
    }
    Ok(Arc::new(
        numbers.iter().map(|number| number.filter(|number| number.is_finite())).collect::<Float64Array>(),
    ))
}

pub(super) fn power(base: &ArrayRef, exponent: &ArrayRef) -> Result<ArrayRef> {
    let powers: Float64Array =
        compute::binary(as_float64_array(base)?, as_float64_array(exponent)?, f64::powf)?;
    Ok(Arc::new(powers))
}

pub(super) fn date_floor(column: &ArrayRef, period: Period, offset: Option<Period>) -> Result<ArrayRef> {
    let times = as_timestamp_millisecond_array(column)?;
    let floored: TimestampMillisecondArray = match dates::fixed_millis(period) {
        // The common case without calls in the loop.
        Some(width) if offset.is_none() && period.unit != PeriodUnit::Week => {
            times.unary::<_, TimestampMillisecondType>(|millis| millis - millis.rem_euclid(width))
        }
        _ => times.unary(|millis| dates::floor(millis, period, offset)),
    };
    Ok(Arc::new(floored))
}

pub(super) fn date_ceil(column: &ArrayRef, period: Period) -> Result<ArrayRef> {
    let times = as_timestamp_millisecond_array(column)?;
    let ceiled: TimestampMillisecondArray = times.unary(|millis| dates::ceil(millis, period));
    Ok(Arc::new(ceiled))
}

/// The sum of the numbers of each message that is a JSON object, without those of these paths; null if it
/// has none.
pub(super) fn sum_of_numbers(column: &ArrayRef, without: &[String]) -> Result<ArrayRef> {
    let messages = as_string_view_array(column)?;
    let mut found = Vec::new();
    let sums = messages.iter().map(|message| {
        found.clear();
        json::numbers(json::object(message?, true)?, &mut found);
        let numbers = found.iter().filter(|(path, _)| !without.contains(path)).map(|(_, number)| *number);
        numbers.reduce(|sum, number| sum + number)
    });
    Ok(Arc::new(sums.collect::<Float64Array>()))
}
