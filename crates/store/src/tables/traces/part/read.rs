//! Reading a part: rows of some traces, positions for a time scan, or everything in order.

use std::sync::Arc;

use base::Timestamp;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path as ObjectPath;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector};
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use signals::TraceId;

use super::Part;
use super::object::ObjectReader;
use super::rows::{self, END_TIME, FIRST_TIME, INDEX_COLUMNS, LAST_TIME, TRACE_ID, TRACE_TIME};
use crate::core::Core;
use crate::error::StoreError;
use crate::tables::traces::api::{StoredSegment, TracePosition, TraceScan, TraceTimeKind};

impl Part {
    /// Whether a scan can find anything here.
    pub(in crate::tables::traces) fn may_admit(&self, scan: &TraceScan) -> bool {
        let (low, high) = match scan.kind {
            TraceTimeKind::TraceId => self.meta.span.trace_time,
            TraceTimeKind::Service => self.meta.span.end_time,
            TraceTimeKind::Event => self.meta.span.activity,
        };
        let behind = scan.after.is_some_and(|after| self.meta.span.trace_time.0 > after.time);
        scan.range.overlaps(low, high) && !behind
    }

    /// All rows of the traces `ids`, which must be sorted.
    pub(in crate::tables::traces) async fn rows_of(
        &self,
        core: &Core,
        ids: &[TraceId],
    ) -> Result<Vec<(TraceId, StoredSegment)>, StoreError> {
        let mut found = Vec::new();
        if between(ids, self.meta.span.ids.0, self.meta.span.ids.1).is_empty() {
            return Ok(found);
        }
        let metadata = self.metadata(core).await?;
        for (number, group) in metadata.metadata().row_groups().iter().enumerate() {
            let wanted = within(group, ids);
            if wanted.is_empty() || !self.may_hold(core, &metadata, number, wanted).await? {
                continue;
            }
            let selection = self.select(core, &metadata, number, wanted).await?;
            if !selection.selects_any() {
                continue;
            }
            let stream =
                self.stream(core, &metadata, vec![number], |builder| builder.with_row_selection(selection))?;
            let batches: Vec<_> = stream.try_collect().await.map_err(|e| self.damaged(e))?;
            for batch in &batches {
                found.extend(rows::from_batch(batch));
            }
        }
        Ok(found)
    }

    /// Asks the row group's Bloom filter, when few enough ids are wanted for it to tell anything.
    async fn may_hold(
        &self,
        core: &Core,
        metadata: &ArrowReaderMetadata,
        group: usize,
        wanted: &[TraceId],
    ) -> Result<bool, StoreError> {
        if wanted.len() > BLOOM_IDS_MAX {
            return Ok(true);
        }
        let mut builder =
            ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader(core), metadata.clone());
        let filter =
            builder.get_row_group_column_bloom_filter(group, TRACE_ID).await.map_err(|e| self.damaged(e))?;
        Ok(filter.is_none_or(|filter| wanted.iter().any(|id| filter.check(&id.bits().to_be_bytes()[..]))))
    }

    /// Which rows of a row group belong to `wanted`.
    async fn select(
        &self,
        core: &Core,
        metadata: &ArrowReaderMetadata,
        group: usize,
        wanted: &[TraceId],
    ) -> Result<RowSelection, StoreError> {
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), [TRACE_ID]);
        let stream = self.stream(core, metadata, vec![group], |builder| builder.with_projection(mask))?;
        let batches: Vec<_> = stream.try_collect().await.map_err(|e| self.damaged(e))?;
        let mut selectors: Vec<RowSelector> = Vec::new();
        let mut next = 0;
        for batch in &batches {
            let ids = arrow::array::AsArray::as_fixed_size_binary(batch.column(0));
            for row in 0..batch.num_rows() {
                let id = rows::trace_id(ids.value(row));
                while next < wanted.len() && wanted[next] < id {
                    next += 1;
                }
                let skip = wanted.get(next) != Some(&id);
                match selectors.last_mut() {
                    Some(last) if last.skip == skip => last.row_count += 1,
                    _ => selectors.push(RowSelector { row_count: 1, skip }),
                }
            }
        }
        Ok(selectors.into())
    }

    /// Hands every position a row suggests for `scan` to `take`, in no order.
    pub(in crate::tables::traces) async fn scan(
        &self,
        core: &Core,
        scan: &TraceScan,
        take: &mut (dyn FnMut(TracePosition) + Send),
    ) -> Result<(), StoreError> {
        let metadata = self.metadata(core).await?;
        let groups = metadata.metadata().row_groups().iter().enumerate();
        let groups: Vec<usize> =
            groups.filter(|(_, group)| may_admit(group, scan)).map(|(number, _)| number).collect();
        if groups.is_empty() {
            return Ok(());
        }
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), 0..INDEX_COLUMNS);
        let mut stream = self.stream(core, &metadata, groups, |builder| builder.with_projection(mask))?;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|e| self.damaged(e))?;
            for (id, row) in rows::index_rows(&batch) {
                if scan.admits(&row) {
                    take(TracePosition { time: row.trace_time, id });
                }
            }
        }
        Ok(())
    }

    /// Everything, in order, a batch at a time.
    pub(in crate::tables::traces) async fn all_rows(
        self: Arc<Self>,
        core: &Core,
    ) -> Result<RowStream, StoreError> {
        let metadata = self.metadata(core).await?;
        let groups = (0..metadata.metadata().num_row_groups()).collect();
        let stream = self.stream(core, &metadata, groups, |builder| builder)?;
        Ok(RowStream { part: self, stream, rows: Vec::new().into_iter() })
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
        groups: Vec<usize>,
        adapt: impl FnOnce(
            ParquetRecordBatchStreamBuilder<ObjectReader>,
        ) -> ParquetRecordBatchStreamBuilder<ObjectReader>,
    ) -> Result<ParquetRecordBatchStream<ObjectReader>, StoreError> {
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader(core), metadata.clone());
        adapt(builder.with_row_groups(groups)).build().map_err(|e| self.damaged(e))
    }

    fn damaged(&self, error: ParquetError) -> StoreError {
        match error {
            ParquetError::External(source) => StoreError::format(self.entry.path.clone(), source),
            error => StoreError::damaged(self.entry.path.clone(), error.to_string()),
        }
    }
}

/// The rows of a part, one after another.
pub(in crate::tables::traces) struct RowStream {
    part: Arc<Part>,
    stream: ParquetRecordBatchStream<ObjectReader>,
    rows: std::vec::IntoIter<(TraceId, StoredSegment)>,
}

impl RowStream {
    pub(in crate::tables::traces) async fn next(
        &mut self,
    ) -> Result<Option<(TraceId, StoredSegment)>, StoreError> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            match self.stream.next().await {
                None => return Ok(None),
                Some(batch) => {
                    let batch = batch.map_err(|e| self.part.damaged(e))?;
                    self.rows = rows::from_batch(&batch).into_iter();
                }
            }
        }
    }
}

/// Those of the sorted `ids` that the row group's bounds allow.
fn within<'a>(group: &RowGroupMetaData, ids: &'a [TraceId]) -> &'a [TraceId] {
    let bounds =
        group.column(TRACE_ID).statistics().and_then(|s| Some((s.min_bytes_opt()?, s.max_bytes_opt()?)));
    let Some((min, max)) = bounds else { return ids };
    between(ids, rows::trace_id(min), rows::trace_id(max))
}

fn between(ids: &[TraceId], min: TraceId, max: TraceId) -> &[TraceId] {
    let from = ids.partition_point(|id| *id < min);
    let to = ids.partition_point(|id| *id <= max);
    &ids[from..to.max(from)]
}

fn may_admit(group: &RowGroupMetaData, scan: &TraceScan) -> bool {
    let bounds = |column: usize| match group.column(column).statistics() {
        Some(Statistics::Int64(s)) => s.min_opt().zip(s.max_opt()).map(|(min, max)| (at(*min), at(*max))),
        _ => None,
    };
    let admitted = match scan.kind {
        TraceTimeKind::TraceId => bounds(TRACE_TIME).is_none_or(|(min, max)| scan.range.overlaps(min, max)),
        TraceTimeKind::Service => bounds(END_TIME).is_none_or(|(min, max)| scan.range.overlaps(min, max)),
        // What is unfinished may last longer than its row says, so only the start can exclude.
        TraceTimeKind::Event => {
            let ended = || bounds(LAST_TIME).is_some_and(|(_, max)| max < scan.range.start);
            bounds(FIRST_TIME).is_none_or(|(min, _)| min < scan.range.end)
                && !(all_finished(group) && ended())
        }
    };
    let behind =
        || scan.after.is_some_and(|after| bounds(TRACE_TIME).is_some_and(|(min, _)| min > after.time));
    admitted && !behind()
}

fn all_finished(group: &RowGroupMetaData) -> bool {
    match group.column(rows::UNFINISHED).statistics() {
        Some(Statistics::Boolean(s)) => s.max_opt() == Some(&false),
        _ => false,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Beyond so many ids of one row group its Bloom filter is not asked.
const BLOOM_IDS_MAX: usize = 32;
