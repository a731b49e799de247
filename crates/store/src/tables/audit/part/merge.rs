//! Merging parts into one, a batch of each in memory at a time.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use base::Timestamp;
use futures::StreamExt;

use super::read::{BATCH_ROWS, RowStream};
use super::rows::{ACCOUNT, EVENT_ID, REGION, TIME, time_at};
use super::{Part, PartWriter, WrittenPart};
use crate::core::Core;
use crate::error::StoreError;

/// All rows of `parts` in order, without those before `oldest`.
pub(in crate::tables::audit) async fn merge(
    core: &Core,
    parts: &[Arc<Part>],
    oldest: Timestamp,
) -> Result<WrittenPart, StoreError> {
    let mut cursors = Vec::with_capacity(parts.len());
    for part in parts {
        if let Some(cursor) = Cursor::open(core, part).await? {
            cursors.push(cursor);
        }
    }
    let mut writer = PartWriter::new()?;
    let mut taken = Vec::with_capacity(BATCH_ROWS);
    while let Some(least) = (0..cursors.len()).reduce(|a, b| if cursors[b] < cursors[a] { b } else { a }) {
        let cursor = &mut cursors[least];
        if cursor.time() >= oldest {
            taken.push((least, cursor.row));
        }
        cursor.row += 1;
        let spent = cursor.row == cursor.batch.num_rows();
        if spent || taken.len() == BATCH_ROWS {
            write(&mut writer, &cursors, &mut taken)?;
            // Merging is long work between few waits.
            tokio::task::yield_now().await;
        }
        if spent && !cursors[least].advance().await? {
            cursors.swap_remove(least);
        }
    }
    writer.finish()
}

fn write(
    writer: &mut PartWriter,
    cursors: &[Cursor],
    taken: &mut Vec<(usize, usize)>,
) -> Result<(), StoreError> {
    if taken.is_empty() {
        return Ok(());
    }
    let batches: Vec<&RecordBatch> = cursors.iter().map(|cursor| &cursor.batch).collect();
    let batch =
        interleave_record_batch(&batches, taken).map_err(|e| StoreError::format("an audit part", e))?;
    taken.clear();
    writer.push(&batch)
}

/// The next row of a part.
struct Cursor {
    part: Arc<Part>,
    stream: RowStream,
    batch: RecordBatch,
    row: usize,
}

impl Cursor {
    async fn open(core: &Core, part: &Arc<Part>) -> Result<Option<Self>, StoreError> {
        let stream = part.all_rows(core).await?;
        let batch = RecordBatch::new_empty(super::rows::SCHEMA.clone());
        let mut cursor = Self { part: part.clone(), stream, batch, row: 0 };
        Ok(cursor.advance().await?.then_some(cursor))
    }

    /// Moves to the next batch; false at the end.
    async fn advance(&mut self) -> Result<bool, StoreError> {
        self.row = 0;
        loop {
            match self.stream.next().await {
                None => return Ok(false),
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => {
                    self.batch = batch;
                    return Ok(true);
                }
                Some(Err(error)) => return Err(self.part.damaged(error)),
            }
        }
    }

    fn text(&self, column: usize) -> &str {
        self.batch.column(column).as_string::<i32>().value(self.row)
    }

    fn time(&self) -> Timestamp {
        time_at(&self.batch, TIME, self.row)
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let key = |c: &Self| (c.text(ACCOUNT).to_owned(), c.text(REGION).to_owned());
        let same = self.text(ACCOUNT) == other.text(ACCOUNT) && self.text(REGION) == other.text(REGION);
        let scope = if same { Ordering::Equal } else { key(self).cmp(&key(other)) };
        Some(
            scope
                .then_with(|| self.time().cmp(&other.time()))
                .then_with(|| self.text(EVENT_ID).cmp(other.text(EVENT_ID))),
        )
    }
}
