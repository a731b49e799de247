//! Rows of text out of the engine's batches.

use std::sync::Arc;

use base::Timestamp;
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::cast::{
    as_boolean_array, as_float64_array, as_int64_array, as_string_view_array, as_timestamp_millisecond_array,
    as_uint32_array, as_uint64_array,
};
use datafusion::common::{Result, exec_datafusion_err};

use crate::functions::value::{render_boolean, render_number, render_time};
use crate::lower::Kind;

/// A row of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Columns that have a value, in output order.
    pub values: Vec<(Arc<str>, String)>,
    /// The event the row is, unless it was aggregated.
    pub event: Option<EventPosition>,
}

/// Where an event is, for `@ptr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPosition {
    /// Index of its group in the query.
    pub group: u32,
    pub timestamp: Timestamp,
    pub sequence: u64,
}

impl Row {
    /// Memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.values.iter().map(|(_, value)| 40 + value.capacity()).sum::<usize>()
    }
}

/// The rows of a batch whose columns are those of `output`, then, for events, group, time and sequence.
pub(super) fn rows(batch: &RecordBatch, output: &[(Arc<str>, Kind)], events: bool) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = (0..batch.num_rows())
        .map(|_| Row { values: Vec::with_capacity(output.len()), event: None })
        .collect();
    let column = |index: usize| {
        batch.columns().get(index).ok_or_else(|| exec_datafusion_err!("column {index} is missing"))
    };
    for (index, (name, kind)) in output.iter().enumerate() {
        fill(&mut rows, name, column(index)?, *kind)?;
    }
    if events {
        let groups = as_uint32_array(column(output.len())?)?;
        let times = as_timestamp_millisecond_array(column(output.len() + 1)?)?;
        let sequences = as_uint64_array(column(output.len() + 2)?)?;
        for (index, row) in rows.iter_mut().enumerate() {
            row.event = Some(EventPosition {
                group: groups.value(index),
                timestamp: Timestamp::from_millis(times.value(index)),
                sequence: sequences.value(index),
            });
        }
    }
    Ok(rows)
}

fn fill(rows: &mut [Row], name: &Arc<str>, column: &ArrayRef, kind: Kind) -> Result<()> {
    let mut put = |value: &dyn Fn(usize) -> Option<String>| {
        for (index, row) in rows.iter_mut().enumerate() {
            if column.is_valid(index)
                && let Some(value) = value(index)
            {
                row.values.push((Arc::clone(name), value));
            }
        }
    };
    match kind {
        Kind::Text | Kind::Structure => {
            let texts = as_string_view_array(column)?;
            put(&|index| Some(texts.value(index).to_owned()));
        }
        Kind::Integer => {
            let integers = as_int64_array(column)?;
            put(&|index| Some(integers.value(index).to_string()));
        }
        Kind::Number => {
            let numbers = as_float64_array(column)?;
            put(&|index| render_number(numbers.value(index)));
        }
        Kind::Boolean => {
            let truths = as_boolean_array(column)?;
            put(&|index| Some(render_boolean(truths.value(index)).to_owned()));
        }
        Kind::Time => {
            let times = as_timestamp_millisecond_array(column)?;
            put(&|index| Some(render_time(times.value(index))));
        }
    }
    Ok(())
}
