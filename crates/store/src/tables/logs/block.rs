//! Rows in columns: what a sealed chunk of the memtable is, and what is read from a part.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, StringArray, UInt64Array,
};
use arrow::compute;
use arrow::datatypes::Int32Type;
use base::{TimeRange, Timestamp};
use bytes::Bytes;

use super::api::{LogPosition, StoredLogEvent};
use super::layout::Layout;
use super::values::Cells;
use crate::error::StoreError;

/// Rows of one log group by (timestamp, sequence). Columns that were not asked for are absent.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) layout: Arc<Layout>,
    pub(crate) timestamps: Int64Array,
    pub(crate) sequences: Option<UInt64Array>,
    pub(crate) ingestion_times: Option<Int64Array>,
    /// `Dictionary(Int32, Utf8)`.
    pub(crate) streams: Option<ArrayRef>,
    /// Template numbers.
    pub(crate) templates: Option<Int32Array>,
    /// Texts of messages without template.
    pub(crate) texts: Option<StringArray>,
    /// In the order of the layout's columns.
    pub(crate) fields: Vec<Option<ArrayRef>>,
}

impl Block {
    pub(crate) fn rows(&self) -> usize {
        self.timestamps.len()
    }

    pub(crate) fn timestamp(&self, row: usize) -> Timestamp {
        Timestamp::from_millis(self.timestamps.value(row))
    }

    /// Rows of the time range: they lie side by side.
    pub(crate) fn rows_in(&self, range: TimeRange) -> std::ops::Range<usize> {
        let times = self.timestamps.values();
        let start = times.partition_point(|t| *t < range.start.as_millis());
        // The end of all time is not excluded: there is nothing behind it.
        let end = match range.end {
            Timestamp::MAX => times.len(),
            end => times.partition_point(|t| *t < end.as_millis()),
        };
        start..end.max(start)
    }

    pub(crate) fn sequence(&self, row: usize) -> u64 {
        self.sequences.as_ref().map_or(0, |s| s.value(row))
    }

    pub(crate) fn position(&self, row: usize) -> LogPosition {
        LogPosition { timestamp: self.timestamp(row), sequence: self.sequence(row) }
    }

    /// Keys and names of the streams.
    pub(crate) fn stream_keys(&self) -> Option<(&Int32Array, &StringArray)> {
        let dictionary = self.streams.as_ref()?.as_dictionary::<Int32Type>();
        Some((dictionary.keys(), dictionary.values().as_string::<i32>()))
    }

    pub(crate) fn stream(&self, row: usize) -> &str {
        self.stream_keys().map_or("", |(keys, names)| names.value(keys.value(row) as usize))
    }

    pub(crate) fn slice(&self, offset: usize, length: usize) -> Block {
        let part = |a: &ArrayRef| a.slice(offset, length);
        Block {
            layout: self.layout.clone(),
            timestamps: self.timestamps.slice(offset, length),
            sequences: self.sequences.as_ref().map(|a| a.slice(offset, length)),
            ingestion_times: self.ingestion_times.as_ref().map(|a| a.slice(offset, length)),
            streams: self.streams.as_ref().map(part),
            templates: self.templates.as_ref().map(|a| a.slice(offset, length)),
            texts: self.texts.as_ref().map(|a| a.slice(offset, length)),
            fields: self.fields.iter().map(|f| f.as_ref().map(part)).collect(),
        }
    }

    /// The same columns after a kernel that works on each alike.
    fn map(
        &self,
        kernel: impl Fn(&dyn Array) -> Result<ArrayRef, arrow::error::ArrowError>,
    ) -> Result<Block, StoreError> {
        let run = |a: &dyn Array| kernel(a).map_err(|e| StoreError::format("log rows", e));
        let some = |a: &Option<ArrayRef>| a.as_ref().map(|a| run(a.as_ref())).transpose();
        Ok(Block {
            layout: self.layout.clone(),
            timestamps: run(&self.timestamps)?.as_primitive().clone(),
            sequences: match &self.sequences {
                Some(a) => Some(run(a)?.as_primitive().clone()),
                None => None,
            },
            ingestion_times: match &self.ingestion_times {
                Some(a) => Some(run(a)?.as_primitive().clone()),
                None => None,
            },
            streams: some(&self.streams)?,
            templates: match &self.templates {
                Some(a) => Some(run(a)?.as_primitive().clone()),
                None => None,
            },
            texts: match &self.texts {
                Some(a) => Some(run(a)?.as_string().clone()),
                None => None,
            },
            fields: self.fields.iter().map(some).collect::<Result<_, _>>()?,
        })
    }

    /// Joins blocks that were read from one part with the same columns.
    pub(crate) fn concat(blocks: &[Block]) -> Result<Block, StoreError> {
        let first = blocks.first().ok_or_else(|| StoreError::damaged("log rows", "there are none"))?;
        let join = |of: &dyn Fn(&Block) -> Option<ArrayRef>| {
            let Some(arrays) = blocks.iter().map(of).collect::<Option<Vec<_>>>() else { return Ok(None) };
            let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
            compute::concat(&arrays).map(Some).map_err(|e| StoreError::format("log rows", e))
        };
        let times = join(&|b| Some(Arc::new(b.timestamps.clone())))?;
        let field = |i: usize| join(&move |b: &Block| b.fields[i].clone());
        Ok(Block {
            layout: first.layout.clone(),
            timestamps: times.map_or_else(|| first.timestamps.clone(), |t| t.as_primitive().clone()),
            sequences: join(&|b| Some(Arc::new(b.sequences.clone()?)))?.map(|a| a.as_primitive().clone()),
            ingestion_times: join(&|b| Some(Arc::new(b.ingestion_times.clone()?)))?
                .map(|a| a.as_primitive().clone()),
            streams: join(&|b| b.streams.clone())?,
            templates: join(&|b| Some(Arc::new(b.templates.clone()?)))?.map(|a| a.as_primitive().clone()),
            texts: join(&|b| Some(Arc::new(b.texts.clone()?)))?.map(|a| a.as_string().clone()),
            fields: (0..first.fields.len()).map(field).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn filter(&self, keep: &BooleanArray) -> Result<Block, StoreError> {
        let predicate = compute::FilterBuilder::new(keep).optimize().build();
        self.map(|a| predicate.filter(a))
    }

    pub(crate) fn take(&self, rows: &dyn Array) -> Result<Block, StoreError> {
        self.map(|a| compute::take(a, rows, None))
    }

    /// Approximate heap bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let fields = self.fields.iter().flatten().map(|f| f.get_array_memory_size());
        let fixed = self.rows() * 28;
        let texts = self.texts.as_ref().map_or(0, |t| t.get_array_memory_size());
        let streams = self.streams.as_ref().map_or(0, |s| s.get_array_memory_size());
        fixed + texts + streams + fields.sum::<usize>()
    }

    /// Opens the messages; every column of the layout must be loaded.
    pub(crate) fn messages(&self) -> Messages<'_> {
        let columns = self.layout.columns.iter().zip(&self.fields);
        Messages {
            layout: &self.layout,
            templates: self.templates.as_ref(),
            texts: self.texts.as_ref(),
            cells: columns
                .map(|(column, array)| array.as_ref().map(|a| Cells::new(column.encoding, a.as_ref())))
                .collect(),
        }
    }

    /// The whole event; needs all columns.
    pub(crate) fn event(
        &self,
        row: usize,
        messages: &Messages<'_>,
        stream: Arc<str>,
    ) -> Result<StoredLogEvent, StoreError> {
        let mut message = Vec::with_capacity(256);
        messages.write(row, &mut message)?;
        let ingested = self.ingestion_times.as_ref().map_or(0, |a| a.value(row));
        Ok(StoredLogEvent {
            position: self.position(row),
            ingestion_time: Timestamp::from_millis(ingested),
            stream,
            message: Bytes::from(message),
        })
    }
}

/// Puts messages together.
pub(crate) struct Messages<'a> {
    layout: &'a Layout,
    templates: Option<&'a Int32Array>,
    texts: Option<&'a StringArray>,
    cells: Vec<Option<Cells<'a>>>,
}

impl Messages<'_> {
    /// Appends the message of a row.
    pub(crate) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), StoreError> {
        self.try_write(row, out)
            .ok_or_else(|| StoreError::damaged("a log part", "a message cannot be put together"))
    }

    fn try_write(&self, row: usize, out: &mut Vec<u8>) -> Option<()> {
        let Some(template) = self.layout.template(self.templates?.value(row)) else {
            let texts = self.texts?;
            out.extend_from_slice(texts.is_valid(row).then(|| texts.value(row))?.as_bytes());
            return Some(());
        };
        let (first, rest) = template.literals.split_first()?;
        out.extend_from_slice(first);
        for (slot, literal) in template.slots.iter().zip(rest) {
            self.cells.get(*slot as usize)?.as_ref()?.write(row, out);
            out.extend_from_slice(literal);
        }
        Some(())
    }
}
