//! `like`: substrings and regular expressions.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, StringViewArray};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::common::Result;
use datafusion::common::cast::as_string_view_array;

pub(super) fn contains(column: &ArrayRef, needle: &str) -> Result<ArrayRef> {
    let finder = memchr::memmem::Finder::new(needle);
    search(column, |text| finder.find(text.as_bytes()).is_some())
}

pub(super) fn matches(column: &ArrayRef, regex: &regex::Regex) -> Result<ArrayRef> {
    search(column, |text| regex.is_match(text))
}

fn search(column: &ArrayRef, found: impl Fn(&str) -> bool) -> Result<ArrayRef> {
    let texts: &StringViewArray = as_string_view_array(column)?;
    let hits = BooleanBuffer::collect_bool(texts.len(), |row| texts.is_valid(row) && found(texts.value(row)));
    Ok(Arc::new(BooleanArray::new(hits, texts.nulls().cloned())))
}

pub(super) fn contains_text(column: &ArrayRef, needles: &ArrayRef) -> Result<ArrayRef> {
    let (texts, needles) = (as_string_view_array(column)?, as_string_view_array(needles)?);
    let rows = texts.iter().zip(needles.iter());
    Ok(Arc::new(rows.map(|(text, needle)| Some(text?.contains(needle?))).collect::<BooleanArray>()))
}
