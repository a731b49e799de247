//! `addtotals`: sums of rows, and a row with the sums of columns.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Array, new_null_array};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::cast::as_float64_array;

use super::{WholeStep, positions, with_position};

#[derive(Debug, Clone)]
pub(crate) struct Totals {
    /// Columns of numbers that make the sum of a row.
    pub(crate) summands: Vec<usize>,
    /// Columns of numbers whose own sums are shown in a last row.
    pub(crate) columns: Vec<usize>,
    /// Whether there is that row.
    pub(crate) row: bool,
    pub(crate) into: String,
    pub(crate) position: String,
}

impl WholeStep for Totals {
    fn schema(&self, input: &Schema) -> Schema {
        with_position(input, [Field::new(&self.into, DataType::Float64, true)], &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let count = rows.num_rows();
        let mut sums: Vec<Option<f64>> = vec![None; count];
        for index in &self.summands {
            for (sum, number) in sums.iter_mut().zip(as_float64_array(rows.column(*index))?) {
                if let Some(number) = number {
                    *sum = Some(sum.unwrap_or(0.0) + number);
                }
            }
        }
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(sums.into_iter().collect::<Float64Array>()));
        if !self.row {
            columns.push(positions(count));
            return Ok(columns);
        }
        for (index, column) in columns.iter_mut().enumerate() {
            let last: ArrayRef = if self.columns.contains(&index) {
                let numbers = as_float64_array(column)?;
                Arc::new(Float64Array::from(vec![
                    numbers.iter().flatten().reduce(|sum, number| sum + number),
                ]))
            } else {
                new_null_array(column.data_type(), 1)
            };
            *column = concat(&[&**column, &*last])?;
        }
        columns.push(positions(count + 1));
        Ok(columns)
    }
}
