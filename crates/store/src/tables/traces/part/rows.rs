//! Rows to and from Arrow.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, FixedSizeBinaryBuilder, Int64Array, RecordBatch,
    UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, UInt32Type, UInt64Type};
use base::Timestamp;
use bytes::Bytes;
use signals::TraceId;

use crate::error::StoreError;
use crate::tables::traces::api::{IndexRow, StoredSegment, trace_time};

/// Columns in file order; the first [`INDEX_COLUMNS`] are all a time scan needs.
pub(super) const TRACE_ID: usize = 0;
pub(super) const TRACE_TIME: usize = 1;
pub(super) const END_TIME: usize = 2;
pub(super) const FIRST_TIME: usize = 3;
pub(super) const LAST_TIME: usize = 4;
pub(super) const UNFINISHED: usize = 5;
const LONE: usize = 6;
pub(super) const INDEX_COLUMNS: usize = 7;
const SEGMENT_ID: usize = 7;
const SEQUENCE: usize = 8;
const PARENT_ID: usize = 9;
const IN_PROGRESS: usize = 10;
const START_TIME: usize = 11;
const RECEIVED: usize = 12;
const VERSIONS: usize = 13;
const DOCUMENT: usize = 14;

pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |name: &str, kind: DataType, nullable: bool| Field::new(name, kind, nullable);
    Arc::new(Schema::new(vec![
        field("trace_id", DataType::FixedSizeBinary(16), false),
        field("trace_time", DataType::Int64, false),
        field("end_time", DataType::Int64, true),
        field("first_time", DataType::Int64, false),
        field("last_time", DataType::Int64, false),
        field("is_unfinished", DataType::Boolean, false),
        field("is_lone_subsegment", DataType::Boolean, false),
        field("segment_id", DataType::UInt64, false),
        field("sequence", DataType::UInt64, false),
        field("parent_id", DataType::UInt64, true),
        field("in_progress", DataType::Boolean, false),
        field("start_time", DataType::Int64, false),
        field("received", DataType::Int64, false),
        field("versions", DataType::UInt32, false),
        field("document", DataType::Binary, false),
    ]))
});

pub(super) fn to_batch(rows: &[(TraceId, StoredSegment)]) -> Result<RecordBatch, StoreError> {
    let format = |error: arrow::error::ArrowError| StoreError::format("a trace part", error);
    let mut ids = FixedSizeBinaryBuilder::with_capacity(rows.len(), 16);
    let bytes = rows.iter().map(|(_, row)| row.document.len()).sum();
    let mut documents = BinaryBuilder::with_capacity(rows.len(), bytes);
    for (id, row) in rows {
        ids.append_value(id.bits().to_be_bytes()).map_err(format)?;
        documents.append_value(&row.document);
    }
    let times = |of: fn(&StoredSegment) -> Timestamp| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, row)| of(row).as_millis())))
    };
    let flags = |of: fn(&StoredSegment) -> bool| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, row)| Some(of(row))).collect::<BooleanArray>())
    };
    let trace_times = rows.iter().map(|(id, row)| trace_time(*id, row.start_time, row.received).as_millis());
    let ends = rows.iter().map(|(_, row)| row.end_time.map(Timestamp::as_millis));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.finish()),
        Arc::new(Int64Array::from_iter_values(trace_times)),
        Arc::new(ends.collect::<Int64Array>()),
        times(|row| row.first_time),
        times(|row| row.last_time),
        flags(|row| row.is_unfinished),
        flags(|row| row.is_lone_subsegment),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|(_, row)| row.id))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|(_, row)| row.sequence))),
        Arc::new(rows.iter().map(|(_, row)| row.parent_id).collect::<UInt64Array>()),
        flags(|row| row.in_progress),
        times(|row| row.start_time),
        times(|row| row.received),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(_, row)| row.versions))),
        Arc::new(documents.finish()),
    ];
    RecordBatch::try_new(SCHEMA.clone(), columns).map_err(format)
}

/// Rows of a batch with all columns.
pub(super) fn from_batch(batch: &RecordBatch) -> Vec<(TraceId, StoredSegment)> {
    let times = |column: usize| batch.column(column).as_primitive::<Int64Type>();
    let flags = |column: usize| batch.column(column).as_boolean();
    let numbers = |column: usize| batch.column(column).as_primitive::<UInt64Type>();
    let counts = |column: usize| batch.column(column).as_primitive::<UInt32Type>();
    let ids = batch.column(TRACE_ID).as_fixed_size_binary();
    let documents = batch.column(DOCUMENT).as_binary::<i32>();
    let at = |column: usize, row: usize| Timestamp::from_millis(times(column).value(row));
    (0..batch.num_rows())
        .map(|row| {
            let id = trace_id(ids.value(row));
            let parents = numbers(PARENT_ID);
            let segment = StoredSegment {
                id: numbers(SEGMENT_ID).value(row),
                parent_id: parents.is_valid(row).then(|| parents.value(row)),
                is_lone_subsegment: flags(LONE).value(row),
                in_progress: flags(IN_PROGRESS).value(row),
                start_time: at(START_TIME, row),
                end_time: times(END_TIME).is_valid(row).then(|| at(END_TIME, row)),
                first_time: at(FIRST_TIME, row),
                last_time: at(LAST_TIME, row),
                is_unfinished: flags(UNFINISHED).value(row),
                received: at(RECEIVED, row),
                sequence: numbers(SEQUENCE).value(row),
                versions: counts(VERSIONS).value(row),
                document: Bytes::copy_from_slice(documents.value(row)),
            };
            (id, segment)
        })
        .collect()
}

/// Index rows of a batch of the index columns.
pub(super) fn index_rows(batch: &RecordBatch) -> impl Iterator<Item = (TraceId, IndexRow)> + '_ {
    let time = |column: usize, row: usize| {
        Timestamp::from_millis(batch.column(column).as_primitive::<Int64Type>().value(row))
    };
    let flag = |column: usize, row: usize| batch.column(column).as_boolean().value(row);
    (0..batch.num_rows()).map(move |row| {
        let index = IndexRow {
            trace_time: time(TRACE_TIME, row),
            end_time: batch.column(END_TIME).is_valid(row).then(|| time(END_TIME, row)),
            first_time: time(FIRST_TIME, row),
            last_time: time(LAST_TIME, row),
            is_unfinished: flag(UNFINISHED, row),
            is_lone_subsegment: flag(LONE, row),
        };
        (trace_id(batch.column(TRACE_ID).as_fixed_size_binary().value(row)), index)
    })
}

pub(super) fn trace_id(bytes: &[u8]) -> TraceId {
    TraceId::from_bits(bytes.iter().fold(0, |bits, byte| bits << 8 | u128::from(*byte)))
}
