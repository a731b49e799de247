//! Rows with their position; and a limit on the distinct keys of the right side of a join.

use std::collections::HashSet;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::cast::as_binary_array;
use datafusion::common::{DataFusionError, Result};

use super::{WholeStep, positions, with_position};

/// AWS: distinct keys on the right side of a join (CWL_QuerySyntax-Join).
const KEYS_MAX: usize = 50_000;

#[derive(Debug, Clone)]
pub(crate) struct Numbered {
    pub(crate) position: String,
    /// The column whose distinct values are limited.
    pub(crate) key: Option<usize>,
}

impl WholeStep for Numbered {
    fn schema(&self, input: &Schema) -> Schema {
        with_position(input, [], &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        if let Some(key) = self.key {
            let keys = as_binary_array(rows.column(key))?;
            let distinct: HashSet<&[u8]> =
                (0..keys.len()).filter(|row| keys.is_valid(*row)).map(|row| keys.value(row)).collect();
            if distinct.len() > KEYS_MAX {
                let message = format!("the right side of a join has more than {KEYS_MAX} distinct keys");
                return Err(DataFusionError::ResourcesExhausted(message));
            }
        }
        let mut columns = rows.columns().to_vec();
        columns.push(positions(rows.num_rows()));
        Ok(columns)
    }
}
