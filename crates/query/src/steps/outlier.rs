//! `outlier`: numbers beyond the quartiles' bounds are clamped or their rows removed.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::cast::as_float64_array;

use super::{WholeStep, positions, with_position};

#[derive(Debug, Clone)]
pub(crate) struct Outlier {
    /// Columns of numbers.
    pub(crate) columns: Vec<usize>,
    pub(crate) removes: bool,
    pub(crate) param: f64,
    pub(crate) lower: bool,
    /// Names of columns that say whether a value was beyond.
    pub(crate) marks: Vec<String>,
    pub(crate) position: String,
}

impl WholeStep for Outlier {
    fn schema(&self, input: &Schema) -> Schema {
        let marks = self.marks.iter().map(|name| Field::new(name, DataType::Boolean, true));
        with_position(input, marks, &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let mut columns = rows.columns().to_vec();
        let mut kept = vec![true; rows.num_rows()];
        let mut marks: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for index in &self.columns {
            let numbers = as_float64_array(rows.column(*index))?;
            let (least, most) = self.bounds(numbers);
            let outside = |number: f64| number < least || number > most;
            let clamped: Float64Array =
                numbers.iter().map(|number| number.map(|number| number.clamp(least, most))).collect();
            let marked: BooleanArray = numbers.iter().map(|number| number.map(outside)).collect();
            for (row, number) in numbers.iter().enumerate() {
                kept[row] &= !number.is_some_and(outside);
            }
            if !self.removes {
                columns[*index] = Arc::new(clamped);
            }
            marks.push(Arc::new(marked));
        }
        if !self.marks.is_empty() {
            columns.extend(marks);
        }
        columns.push(positions(rows.num_rows()));
        if self.removes {
            let schema = Arc::new(WholeStep::schema(self, rows.schema_ref()));
            let whole = RecordBatch::try_new(schema, columns)?;
            return Ok(filter_record_batch(&whole, &BooleanArray::from(kept))?.columns().to_vec());
        }
        Ok(columns)
    }
}

impl Outlier {
    fn bounds(&self, numbers: &Float64Array) -> (f64, f64) {
        let mut sorted: Vec<f64> = numbers.iter().flatten().collect();
        if sorted.is_empty() {
            return (f64::NEG_INFINITY, f64::INFINITY);
        }
        sorted.sort_by(f64::total_cmp);
        // Nearest rank, as `pct`.
        let quartile = |share: f64| sorted[((share * sorted.len() as f64).ceil() as usize).max(1) - 1];
        let (first, third) = (quartile(0.25), quartile(0.75));
        let reach = self.param.max(0.0) * (third - first);
        (if self.lower { first - reach } else { f64::NEG_INFINITY }, third + reach)
    }
}
