//! `accum`, `autoregress` and `filldown`: values of earlier rows.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Array, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::cast::as_float64_array;

use super::{WholeStep, positions, with_position};

/// The running sum of a column of numbers; where there is no number the sum stands as it was.
#[derive(Debug, Clone)]
pub(crate) struct RunningSum {
    pub(crate) column: usize,
    pub(crate) into: String,
    pub(crate) position: String,
}

impl WholeStep for RunningSum {
    fn schema(&self, input: &Schema) -> Schema {
        with_position(input, [Field::new(&self.into, DataType::Float64, true)], &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let mut sum = None;
        let sums = as_float64_array(rows.column(self.column))?.iter().map(|number| {
            if let Some(number) = number {
                sum = Some(sum.unwrap_or(0.0) + number);
            }
            sum.filter(|sum: &f64| sum.is_finite())
        });
        let sums: Float64Array = sums.collect();
        let mut columns = rows.columns().to_vec();
        columns.extend([Arc::new(sums) as ArrayRef, positions(rows.num_rows())]);
        Ok(columns)
    }
}

/// A column as it was so many rows earlier, for each of the names.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    pub(crate) column: usize,
    pub(crate) into: Vec<(u32, String)>,
    pub(crate) position: String,
}

impl WholeStep for Earlier {
    fn schema(&self, input: &Schema) -> Schema {
        let kind = input.field(self.column).data_type();
        let added = self.into.iter().map(|(_, name)| Field::new(name, kind.clone(), true));
        with_position(input, added, &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let mut columns = rows.columns().to_vec();
        for (earlier, _) in &self.into {
            let from = (0..rows.num_rows() as u64).map(|row| row.checked_sub(u64::from(*earlier)));
            columns.push(take(rows.column(self.column), &from.collect::<UInt64Array>(), None)?);
        }
        columns.push(positions(rows.num_rows()));
        Ok(columns)
    }
}

/// Missing values become the last value above.
#[derive(Debug, Clone)]
pub(crate) struct FillDown {
    pub(crate) columns: Vec<usize>,
    pub(crate) position: String,
}

impl WholeStep for FillDown {
    fn schema(&self, input: &Schema) -> Schema {
        with_position(input, [], &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let mut columns = rows.columns().to_vec();
        for index in &self.columns {
            let column = &columns[*index];
            let mut last = None;
            let from = (0..column.len()).map(|row| {
                if column.is_valid(row) {
                    last = Some(row as u64);
                }
                last
            });
            let from: UInt64Array = from.collect();
            columns[*index] = take(column, &from, None)?;
        }
        columns.push(positions(rows.num_rows()));
        Ok(columns)
    }
}
