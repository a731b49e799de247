//! The columns a scan hands out, made from blocks.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, UInt32Array};
use arrow::compute;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMillisecondType};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::api::LogColumn;
use super::block::Block;
use super::fields::{field, field_keys, kind_type, view_of};
use super::layout::Layout;
use super::part::Need;
use super::values::Encoding;
use crate::error::StoreError;

pub(crate) fn schema(columns: &[LogColumn]) -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let of = |column: &LogColumn| match column {
        LogColumn::Timestamp => Field::new("@timestamp", time.clone(), false),
        LogColumn::IngestionTime => Field::new("@ingestionTime", time.clone(), false),
        LogColumn::Sequence => Field::new("@sequence", DataType::UInt64, false),
        LogColumn::Stream => Field::new("@logStream", DataType::Utf8View, false),
        LogColumn::Group => Field::new("@group", DataType::UInt32, false),
        LogColumn::Message => Field::new("@message", DataType::Utf8View, false),
        LogColumn::Field { path, kind } => Field::new(path, kind_type(*kind), true),
        LogColumn::StreamKeys => Field::new("@logStream", Encoding::Dictionary.data_type(), false),
        LogColumn::FieldKeys { path } => Field::new(path, Encoding::Dictionary.data_type(), true),
    };
    Arc::new(Schema::new(columns.iter().map(of).collect::<Vec<_>>()))
}

/// What must be loaded of a part for these columns.
pub(crate) fn need_of(columns: &[LogColumn], layout: &Layout) -> Need {
    let mut need = Need::default();
    for column in columns {
        match column {
            LogColumn::Timestamp | LogColumn::Group => {}
            LogColumn::IngestionTime => need.ingestion_times = true,
            LogColumn::Sequence => need.sequences = true,
            LogColumn::Stream | LogColumn::StreamKeys => need.streams = true,
            LogColumn::Message => need = need.with_messages(layout),
            LogColumn::Field { path, .. } | LogColumn::FieldKeys { path } => {
                need = need_field(need, path, layout)
            }
        }
    }
    need
}

/// Also what a field is served from.
pub(crate) fn need_field(mut need: Need, path: &str, layout: &Layout) -> Need {
    for (index, _) in layout.columns_of(path) {
        need = need.with_field(index);
    }
    let unshredded = &layout.unshredded;
    if unshredded.more || unshredded.kinds.contains_key(path) {
        need.templates = true;
        need.texts = true;
    }
    need
}

/// The block with no more columns than these need.
pub(crate) fn restrict(block: &Block, need: &Need) -> Block {
    let wanted: HashSet<usize> = need.fields.iter().copied().collect();
    let fields = block.fields.iter().enumerate();
    Block {
        layout: block.layout.clone(),
        timestamps: block.timestamps.clone(),
        sequences: block.sequences.clone().filter(|_| need.sequences),
        ingestion_times: block.ingestion_times.clone().filter(|_| need.ingestion_times),
        streams: block.streams.clone().filter(|_| need.streams),
        templates: block.templates.clone().filter(|_| need.templates),
        texts: block.texts.clone().filter(|_| need.texts),
        fields: fields.map(|(i, f)| f.clone().filter(|_| wanted.contains(&i))).collect(),
    }
}

/// A batch of the columns asked for. What they need must be loaded.
pub(crate) fn project(
    block: &Block,
    columns: &[LogColumn],
    group: u32,
    schema: &SchemaRef,
) -> Result<RecordBatch, StoreError> {
    let missing = || StoreError::damaged("log rows", "a column is not loaded");
    let time = |a: &arrow::array::Int64Array| -> ArrayRef {
        Arc::new(a.reinterpret_cast::<TimestampMillisecondType>())
    };
    let of = |column: &LogColumn| -> Result<ArrayRef, StoreError> {
        Ok(match column {
            LogColumn::Timestamp => time(&block.timestamps),
            LogColumn::IngestionTime => time(block.ingestion_times.as_ref().ok_or_else(missing)?),
            LogColumn::Sequence => Arc::new(block.sequences.clone().ok_or_else(missing)?),
            LogColumn::Group => Arc::new(UInt32Array::from_value(group, block.rows())),
            LogColumn::Stream => {
                let (keys, names) = block.stream_keys().ok_or_else(missing)?;
                compute::take(&StringViewArray::from(names), keys, None)
                    .map_err(|e| StoreError::format("log streams", e))?
            }
            LogColumn::Message => messages(block)?,
            LogColumn::Field { path, kind } => field(block, path, *kind)?,
            LogColumn::StreamKeys => block.streams.clone().ok_or_else(missing)?,
            LogColumn::FieldKeys { path } => field_keys(block, path)?,
        })
    };
    let arrays = columns.iter().map(of).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(block.rows()));
    RecordBatch::try_new_with_options(schema.clone(), arrays, &options)
        .map_err(|e| StoreError::format("log rows", e))
}

fn messages(block: &Block) -> Result<ArrayRef, StoreError> {
    if let (Some(texts), Some(templates)) = (&block.texts, &block.templates)
        && templates.values().iter().all(|t| *t < super::layout::FIRST_TEMPLATE)
    {
        return Ok(Arc::new(StringViewArray::from(texts)));
    }
    let view = block.messages();
    let mut bytes = Vec::with_capacity(block.rows() * 256);
    let mut offsets = Vec::with_capacity(block.rows() + 1);
    offsets.push(0i32);
    let mut pieces: Vec<StringViewArray> = Vec::new();
    for row in 0..block.rows() {
        view.write(row, &mut bytes)?;
        offsets.push(bytes.len() as i32);
        // Offsets have 31 bits; a message has at most 20.
        if bytes.len() > 1 << 30 {
            let full = std::mem::take(&mut bytes);
            pieces.push(view_of(full, std::mem::replace(&mut offsets, vec![0]), None)?);
        }
    }
    pieces.push(view_of(bytes, offsets, None)?);
    if pieces.len() == 1 {
        return Ok(Arc::new(pieces.remove(0)));
    }
    let pieces: Vec<&dyn Array> = pieces.iter().map(|p| p as &dyn Array).collect();
    let joined = compute::concat(&pieces).map_err(|e| StoreError::format("log text", e))?;
    debug_assert_eq!(joined.as_string_view().len(), block.rows());
    Ok(joined)
}
