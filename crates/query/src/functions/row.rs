//! Columns seen value by value, for functions that are not worth a loop of their own.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBuilder, Float64Array, Float64Builder, Int64Array, StringViewArray,
    StringViewBuilder, TimestampMillisecondArray, TimestampMillisecondBuilder,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::{
    as_boolean_array, as_float64_array, as_int64_array, as_string_view_array, as_timestamp_millisecond_array,
};
use datafusion::common::{Result, exec_err};
use lang::plan::Function;

use super::TIME;
use super::evaluate::{self, Returned, signature};
use super::value::Datum;

/// A column whose values can be looked at.
pub(crate) enum View<'a> {
    Text(&'a StringViewArray),
    Number(&'a Float64Array),
    Integer(&'a Int64Array),
    Boolean(&'a BooleanArray),
    Time(&'a TimestampMillisecondArray),
}

impl<'a> View<'a> {
    pub(crate) fn new(column: &'a ArrayRef) -> Result<Self> {
        Ok(match column.data_type() {
            DataType::Utf8View => Self::Text(as_string_view_array(column)?),
            DataType::Float64 => Self::Number(as_float64_array(column)?),
            DataType::Int64 => Self::Integer(as_int64_array(column)?),
            DataType::Boolean => Self::Boolean(as_boolean_array(column)?),
            time if *time == TIME => Self::Time(as_timestamp_millisecond_array(column)?),
            other => return exec_err!("a column of {other} is no Insights value"),
        })
    }

    pub(crate) fn get(&self, row: usize) -> Datum<'a> {
        match self {
            Self::Text(column) if column.is_valid(row) => Datum::Text(column.value(row).into()),
            Self::Number(column) if column.is_valid(row) => Datum::Number(column.value(row)),
            Self::Integer(column) if column.is_valid(row) => Datum::Number(column.value(row) as f64),
            Self::Boolean(column) if column.is_valid(row) => Datum::Boolean(column.value(row)),
            Self::Time(column) if column.is_valid(row) => Datum::Time(column.value(row)),
            _ => Datum::Missing,
        }
    }
}

pub(super) fn data_type(function: &Function) -> DataType {
    match signature(function, 0) {
        Some((_, Returned::Number)) => DataType::Float64,
        Some((_, Returned::Boolean)) => DataType::Boolean,
        Some((_, Returned::Time)) => TIME,
        _ => DataType::Utf8View,
    }
}

pub(super) fn evaluate(
    function: &Function,
    regex: Option<&regex::Regex>,
    columns: &[ArrayRef],
) -> Result<ArrayRef> {
    let views = columns.iter().map(View::new).collect::<Result<Vec<_>>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    let mut arguments = Vec::with_capacity(views.len());
    let mut each = |row: usize, take: &mut dyn FnMut(Datum<'_>)| {
        arguments.clear();
        arguments.extend(views.iter().map(|view| view.get(row)));
        take(evaluate::evaluate(function, regex, &arguments));
    };
    Ok(match data_type(function) {
        DataType::Float64 => {
            let mut out = Float64Builder::with_capacity(rows);
            (0..rows).for_each(|row| each(row, &mut |value| out.append_option(value.number())));
            Arc::new(out.finish())
        }
        DataType::Boolean => {
            let mut out = BooleanBuilder::with_capacity(rows);
            let mut append = |value: Datum<'_>| match value {
                Datum::Boolean(truth) => out.append_value(truth),
                _ => out.append_null(),
            };
            (0..rows).for_each(|row| each(row, &mut append));
            Arc::new(out.finish())
        }
        DataType::Utf8View => {
            let mut out = StringViewBuilder::with_capacity(rows);
            (0..rows).for_each(|row| each(row, &mut |value| out.append_option(value.text())));
            Arc::new(out.finish())
        }
        _ => {
            let mut out = TimestampMillisecondBuilder::with_capacity(rows);
            let mut append = |value: Datum<'_>| match value {
                Datum::Time(millis) => out.append_value(millis),
                _ => out.append_null(),
            };
            (0..rows).for_each(|row| each(row, &mut append));
            Arc::new(out.finish())
        }
    })
}
