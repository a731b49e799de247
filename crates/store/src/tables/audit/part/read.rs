//! Reading a part: a lookup, or everything in order.

use arrow::array::{AsArray, RecordBatch};
use base::Scope;
use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use signals::AuditEvent;

use super::Part;
use super::object::ObjectReader;
use super::rows::{self, EVENT_ID, TIME, admits, filter_column, from_batch, time_at};
use crate::core::Core;
use crate::error::StoreError;
use crate::tables::audit::api::AuditLookup;

pub(super) type RowStream = ParquetRecordBatchStream<ObjectReader>;

/// Rows looked at first; each further step back looks at four times as many.
const WINDOW_ROWS: u64 = 1024;
const WINDOW_ROWS_MAX: u64 = 64 * 1024;
/// Rows of a batch when everything is read.
pub(super) const BATCH_ROWS: usize = 1024;

impl Part {
    /// The newest events that `lookup` admits, at most its limit.
    pub(in crate::tables::audit) async fn lookup(
        &self,
        core: &Core,
        scope: &Scope,
        lookup: &AuditLookup,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let Some((first, slice)) = self.meta.slice(scope) else { return Ok(Vec::new()) };
        if !lookup.overlaps(slice.first_time, slice.last_time) {
            return Ok(Vec::new());
        }
        let metadata = self.metadata(core).await?;
        let mut found = Vec::new();
        let (mut end, mut window) = (first + slice.rows, WINDOW_ROWS);
        // Backwards from the newest row, so that what is found first is what is wanted.
        while end > first && found.len() < lookup.limit {
            let start = end.saturating_sub(window).max(first);
            if self.look_at(core, &metadata, lookup, start..end, &mut found).await? {
                break;
            }
            end = start;
            window = (window * 4).min(WINDOW_ROWS_MAX);
        }
        self.events_at(core, &metadata, found).await
    }

    /// Notes admitted rows of `range`, newest first; true when older rows are before the lookup's range.
    async fn look_at(
        &self,
        core: &Core,
        metadata: &ArrowReaderMetadata,
        lookup: &AuditLookup,
        range: std::ops::Range<u64>,
        found: &mut Vec<u64>,
    ) -> Result<bool, StoreError> {
        let columns = [TIME, EVENT_ID].into_iter().chain(lookup.filter.as_ref().map(filter_column));
        let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
        let selection = select(std::slice::from_ref(&range));
        let stream =
            self.stream(core, metadata, |b| b.with_projection(mask).with_row_selection(selection))?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| self.damaged(e))?;
        let mut row_number = range.end;
        for batch in batches.iter().rev() {
            let ids = named(batch, "event_id").as_string::<i32>();
            let filtered = lookup.filter.as_ref().map(|filter| {
                let name = rows::SCHEMA.field(filter_column(filter)).name();
                (filter, named(batch, name))
            });
            for row in (0..batch.num_rows()).rev() {
                row_number -= 1;
                let time = time_at(batch, 0, row);
                if time < lookup.range.start {
                    return Ok(true);
                }
                if lookup.reaches(time, ids.value(row))
                    && filtered.is_none_or(|(filter, column)| admits(filter, column, row))
                {
                    found.push(row_number);
                    if found.len() == lookup.limit {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The events in these rows, which are in descending order.
    async fn events_at(
        &self,
        core: &Core,
        metadata: &ArrowReaderMetadata,
        rows: Vec<u64>,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ranges: Vec<_> = rows.iter().rev().map(|row| *row..*row + 1).collect();
        let stream = self.stream(core, metadata, |b| b.with_row_selection(select(&ranges)))?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| self.damaged(e))?;
        let mut events = Vec::with_capacity(rows.len());
        for batch in &batches {
            events.extend(from_batch(&self.entry.path, batch)?);
        }
        events.reverse();
        Ok(events)
    }

    /// Everything, in order, a batch at a time.
    pub(super) async fn all_rows(&self, core: &Core) -> Result<RowStream, StoreError> {
        let metadata = self.metadata(core).await?;
        self.stream(core, &metadata, |builder| builder.with_batch_size(BATCH_ROWS))
    }

    async fn metadata(&self, core: &Core) -> Result<ArrowReaderMetadata, StoreError> {
        let load = async {
            let metadata =
                ArrowReaderMetadata::load_async(&mut self.reader(core), ArrowReaderOptions::new()).await;
            metadata.map_err(|e| self.damaged(e))
        };
        self.metadata.get_or_try_init(|| load).await.cloned()
    }

    fn reader(&self, core: &Core) -> ObjectReader {
        let path = ObjectPath::from(self.entry.path.as_str());
        ObjectReader {
            objects: core.objects.clone(),
            path,
            size_bytes: self.entry.size_bytes,
            checksums: self.meta.checksums.clone(),
        }
    }

    fn stream(
        &self,
        core: &Core,
        metadata: &ArrowReaderMetadata,
        adapt: impl FnOnce(
            ParquetRecordBatchStreamBuilder<ObjectReader>,
        ) -> ParquetRecordBatchStreamBuilder<ObjectReader>,
    ) -> Result<RowStream, StoreError> {
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader(core), metadata.clone());
        adapt(builder).build().map_err(|e| self.damaged(e))
    }

    pub(super) fn damaged(&self, error: ParquetError) -> StoreError {
        match error {
            ParquetError::External(source) => StoreError::format(self.entry.path.clone(), source),
            error => StoreError::damaged(self.entry.path.clone(), error.to_string()),
        }
    }
}

/// A projected column, which the schema of the file guarantees.
fn named<'b>(batch: &'b RecordBatch, name: &str) -> &'b arrow::array::ArrayRef {
    batch.column_by_name(name).expect("the column was projected")
}

/// Selects ascending ranges of rows of the whole file.
fn select(ranges: &[std::ops::Range<u64>]) -> RowSelection {
    let mut selectors = Vec::with_capacity(ranges.len() * 2);
    let mut at = 0;
    for range in ranges {
        selectors.push(RowSelector::skip((range.start - at) as usize));
        selectors.push(RowSelector::select((range.end - range.start) as usize));
        at = range.end;
    }
    RowSelection::from(selectors)
}
