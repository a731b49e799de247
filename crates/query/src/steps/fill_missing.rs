//! `fillmissing`: rows for time buckets that have none, per combination of the other keys.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, TimestampMillisecondArray, UInt64Array, new_null_array};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::cast::as_timestamp_millisecond_array;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use lang::plan::Period;

use super::{WholeStep, positions, with_position};
use crate::functions::dates;
use crate::functions::row::View;

/// Rows that may be added.
const ROWS_MAX: usize = 1_000_000;

/// All columns are those of fields. What comes out is ordered by time, then as the keys came.
#[derive(Debug, Clone)]
pub(crate) struct FillMissing {
    pub(crate) time: usize,
    pub(crate) period: Period,
    pub(crate) offset: Option<Period>,
    pub(crate) keys: Vec<usize>,
    /// Values of columns in added rows.
    pub(crate) fills: Vec<(usize, ScalarValue)>,
    /// The query's range, milliseconds, end included.
    pub(crate) range: (i64, i64),
    pub(crate) position: String,
}

impl WholeStep for FillMissing {
    fn schema(&self, input: &Schema) -> Schema {
        with_position(input, [], &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let times = as_timestamp_millisecond_array(rows.column(self.time))?;
        let views = self.keys.iter().map(|key| View::new(rows.column(*key)));
        let views = views.collect::<Result<Vec<_>>>()?;
        // Combinations in order of appearance, each with the row that shows its keys.
        let mut combinations: Vec<u64> = Vec::new();
        let mut known: HashMap<Vec<Option<String>>, usize> = HashMap::new();
        let mut present: HashMap<(usize, i64), u64> = HashMap::new();
        let mut loose: Vec<u64> = Vec::new();
        for row in 0..rows.num_rows() {
            let key = views.iter().map(|view| view.get(row).text().map(|text| text.into_owned())).collect();
            let combination = *known.entry(key).or_insert_with(|| {
                combinations.push(row as u64);
                combinations.len() - 1
            });
            match times.is_valid(row) {
                true => drop(present.insert((combination, times.value(row)), row as u64)),
                false => loose.push(row as u64),
            }
        }
        let (old, made, at) = self.merge(&combinations, &present, loose)?;
        let mut columns = Vec::with_capacity(rows.num_columns() + 1);
        for (index, column) in rows.columns().iter().enumerate() {
            let added: ArrayRef = if index == self.time {
                Arc::new(TimestampMillisecondArray::from_iter_values(made.iter().map(|(_, time)| *time)))
            } else if self.keys.contains(&index) {
                let from = made.iter().map(|(combination, _)| combinations[*combination]);
                take(column, &from.collect::<UInt64Array>(), None)?
            } else if let Some((_, value)) = self.fills.iter().find(|(filled, _)| *filled == index) {
                value.to_array_of_size(made.len())?
            } else {
                new_null_array(column.data_type(), made.len())
            };
            let kept = take(column, &old, None)?;
            columns.push(take(&concat(&[&*kept, &*added])?, &at, None)?);
        }
        columns.push(positions(at.len()));
        Ok(columns)
    }
}

/// Rows that were there, rows to be made (combination and time), and the order of both together.
type Merged = (UInt64Array, Vec<(usize, i64)>, UInt64Array);

impl FillMissing {
    fn merge(
        &self,
        combinations: &[u64],
        present: &HashMap<(usize, i64), u64>,
        loose: Vec<u64>,
    ) -> Result<Merged> {
        let (start, end) = self.range;
        let mut bucket = dates::floor(start, self.period, self.offset);
        let mut buckets = Vec::new();
        while bucket <= end {
            buckets.push(bucket);
            if buckets.len().saturating_mul(combinations.len().max(1)) > ROWS_MAX {
                let message = format!("fillmissing would make more than {ROWS_MAX} rows");
                return Err(DataFusionError::ResourcesExhausted(message));
            }
            let next = dates::next(bucket, self.period, self.offset);
            if next <= bucket {
                break;
            }
            bucket = next;
        }
        // Buckets that rows have outside of the range, such as the one the range begins in.
        buckets.extend(present.keys().map(|(_, time)| *time));
        buckets.sort_unstable();
        buckets.dedup();
        let mut old: Vec<u64> = loose;
        let mut made: Vec<(usize, i64)> = Vec::new();
        let mut at: Vec<(bool, u64)> = Vec::new();
        at.extend((0..old.len() as u64).map(|index| (true, index)));
        for time in buckets {
            for combination in 0..combinations.len() {
                match present.get(&(combination, time)) {
                    Some(row) => {
                        at.push((true, old.len() as u64));
                        old.push(*row);
                    }
                    None => {
                        at.push((false, made.len() as u64));
                        made.push((combination, time));
                    }
                }
            }
        }
        let kept = old.len() as u64;
        let at = at.into_iter().map(|(was, index)| if was { index } else { kept + index });
        Ok((UInt64Array::from(old), made, at.collect()))
    }
}
