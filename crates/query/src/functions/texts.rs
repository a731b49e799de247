//! Texts made of other columns: renderings, sort keys, names of groups.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BinaryBuilder, Float64Array, Int64Array, StringViewBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::cast::{
    as_binary_array, as_int64_array, as_string_view_array, as_timestamp_millisecond_array, as_uint32_array,
    as_uint64_array,
};

use super::row::View;
use super::value::{parse_number, render_number, sort_key, sort_key_text};

pub(super) fn to_text(column: &ArrayRef) -> Result<ArrayRef> {
    if *column.data_type() == DataType::Utf8View {
        return Ok(Arc::clone(column));
    }
    let mut out = StringViewBuilder::with_capacity(column.len());
    if *column.data_type() == DataType::Int64 {
        // Integers are exact beyond what a double holds.
        let integers: &Int64Array = as_int64_array(column)?;
        integers.iter().for_each(|integer| out.append_option(integer.map(|integer| integer.to_string())));
    } else {
        let view = View::new(column)?;
        (0..column.len()).for_each(|row| out.append_option(view.get(row).text()));
    }
    Ok(Arc::new(out.finish()))
}

pub(super) fn sort_keys(column: &ArrayRef) -> Result<ArrayRef> {
    let texts = as_string_view_array(column)?;
    let mut out = BinaryBuilder::with_capacity(texts.len(), texts.len() * 16);
    texts.iter().for_each(|text| out.append_option(text.map(sort_key)));
    Ok(Arc::new(out.finish()))
}

/// The texts behind sort keys; with `computed`, numbers are rendered as computed ones.
pub(super) fn sort_key_texts(column: &ArrayRef, computed: bool) -> Result<ArrayRef> {
    let keys = as_binary_array(column)?;
    let mut out = StringViewBuilder::with_capacity(keys.len());
    for key in keys {
        let text = key.and_then(sort_key_text);
        let number = text.as_deref().filter(|_| computed).and_then(parse_number).and_then(render_number);
        out.append_option(number.or(text));
    }
    Ok(Arc::new(out.finish()))
}

/// Bytes of the time and the sequence before the text of a timed key.
pub(super) const TIMED_KEY_HEAD: usize = 16;

pub(super) fn timed_keys(texts: &ArrayRef, times: &ArrayRef, sequences: &ArrayRef) -> Result<ArrayRef> {
    let texts = as_string_view_array(texts)?;
    let (times, sequences) = (as_timestamp_millisecond_array(times)?, as_uint64_array(sequences)?);
    let mut out = BinaryBuilder::with_capacity(texts.len(), texts.len() * (TIMED_KEY_HEAD + 8));
    let mut key = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            out.append_null();
            continue;
        };
        key.clear();
        // With its sign turned over, a time orders as its bytes do.
        key.extend((times.value(row) ^ i64::MIN).to_be_bytes());
        key.extend(sequences.value(row).to_be_bytes());
        key.extend(text.as_bytes());
        out.append_value(&key);
    }
    Ok(Arc::new(out.finish()))
}

pub(super) fn timed_key_texts(column: &ArrayRef) -> Result<ArrayRef> {
    let keys = as_binary_array(column)?;
    let mut out = StringViewBuilder::with_capacity(keys.len());
    let text = |key: &'_ [u8]| String::from_utf8(key.get(TIMED_KEY_HEAD..)?.to_vec()).ok();
    keys.iter().for_each(|key| out.append_option(key.and_then(text)));
    Ok(Arc::new(out.finish()))
}

/// Change between two timed keys of numbers, per so many milliseconds; none over no time.
pub(super) fn rates(first: &ArrayRef, last: &ArrayRef, millis: i64) -> Result<ArrayRef> {
    let number = |key: &[u8]| {
        let time = i64::from_be_bytes(*key.first_chunk::<8>()?) ^ i64::MIN;
        let text = std::str::from_utf8(key.get(TIMED_KEY_HEAD..)?).ok()?;
        Some((time, parse_number(text)?))
    };
    let (first, last) = (as_binary_array(first)?, as_binary_array(last)?);
    let rows = first.iter().zip(last.iter()).map(|(first, last)| {
        let ((start, a), (end, b)) = (number(first?)?, number(last?)?);
        // AWS: 0 for what does not change (observed).
        if a == b {
            return Some(0.0);
        }
        Some((b - a) / (end.saturating_sub(start)) as f64 * millis as f64).filter(|rate| rate.is_finite())
    });
    Ok(Arc::new(rows.collect::<Float64Array>()))
}

/// Keys that are equal where values are by the rule of `=`.
pub(super) fn match_keys(column: &ArrayRef) -> Result<ArrayRef> {
    let view = View::new(column)?;
    let mut out = BinaryBuilder::with_capacity(column.len(), column.len() * 16);
    for row in 0..column.len() {
        let value = view.get(row);
        match (value.number(), value.text()) {
            (Some(number), _) => out.append_value([&[1], &(number + 0.0).to_be_bytes()[..]].concat()),
            (None, Some(text)) => out.append_value([&[0], text.as_bytes()].concat()),
            (None, None) => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

pub(super) fn group_names(column: &ArrayRef, names: &[Arc<str>]) -> Result<ArrayRef> {
    let groups = as_uint32_array(column)?;
    let mut out = StringViewBuilder::with_capacity(groups.len()).with_deduplicate_strings();
    groups.iter().for_each(|group| out.append_option(group.and_then(|group| names.get(group as usize))));
    Ok(Arc::new(out.finish()))
}
