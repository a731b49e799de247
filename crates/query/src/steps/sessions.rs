//! `sessionize`: rows with equal keys that are close in time share a session.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::cast::{as_string_view_array, as_timestamp_millisecond_array};

use super::{WholeStep, positions, with_position};

/// Sessions are numbered from 1 by their first event. A row with a missing key is in none.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    /// Columns of text.
    pub(crate) keys: Vec<usize>,
    pub(crate) time: usize,
    pub(crate) gap_millis: i64,
    pub(crate) into: String,
    pub(crate) position: String,
}

impl WholeStep for Sessions {
    fn schema(&self, input: &Schema) -> Schema {
        with_position(input, [Field::new(&self.into, DataType::Utf8View, true)], &self.position)
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let keys = self.keys.iter().map(|key| as_string_view_array(rows.column(*key)));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let times = as_timestamp_millisecond_array(rows.column(self.time))?;
        let mut by_time: Vec<usize> = (0..rows.num_rows()).filter(|row| times.is_valid(*row)).collect();
        by_time.sort_by_key(|row| times.value(*row));
        let mut open: HashMap<Vec<&str>, (i64, u64)> = HashMap::new();
        let mut sessions = vec![None; rows.num_rows()];
        let mut count = 0;
        for row in by_time {
            let key: Vec<&str> =
                keys.iter().filter(|key| key.is_valid(row)).map(|key| key.value(row)).collect();
            if key.len() < keys.len() {
                continue;
            }
            let time = times.value(row);
            let session = open.entry(key).or_insert((i64::MIN, 0));
            if session.1 == 0 || time.saturating_sub(session.0) > self.gap_millis {
                count += 1;
                session.1 = count;
            }
            session.0 = time;
            sessions[row] = Some(session.1.to_string());
        }
        let mut columns = rows.columns().to_vec();
        let sessions: StringViewArray = sessions.iter().map(Option::as_deref).collect();
        columns.extend([Arc::new(sessions) as ArrayRef, positions(rows.num_rows())]);
        Ok(columns)
    }
}
