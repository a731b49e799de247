//! What callers of the log table name: keys, positions, scans.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use base::{Scope, TimeRange, Timestamp};
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::error::StoreError;

/// A log group's place in the store. `incarnation` is given by the catalog when the group is created, so
/// that a group created again under the same name starts empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogGroupKey {
    pub scope: Scope,
    pub name: Arc<str>,
    pub incarnation: u64,
}

/// Total order of the events of a group: time first, then the order in which the server accepted them.
/// `sequence` is unique in the whole store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    pub timestamp: Timestamp,
    pub sequence: u64,
}

/// A kept log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLogEvent {
    pub position: LogPosition,
    pub ingestion_time: Timestamp,
    pub stream: Arc<str>,
    /// UTF-8, byte for byte as it was sent.
    pub message: Bytes,
}

/// What is known of a stream's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStats {
    pub first_event: Timestamp,
    pub last_event: Timestamp,
    pub last_ingestion: Timestamp,
    pub events: u64,
    /// UTF-8 message bytes.
    pub message_bytes: u64,
}

/// A page of events in order, for GetLogEvents and FilterLogEvents.
pub struct LogRead<'a> {
    /// `None` is all streams of the group.
    pub streams: Option<&'a [Arc<str>]>,
    /// Only streams whose name starts so.
    pub stream_prefix: Option<&'a str>,
    pub range: TimeRange,
    /// Start strictly after this position (before it, when descending).
    pub from: Option<LogPosition>,
    pub descending: bool,
    pub limit: usize,
    /// Stop before Σ(message bytes + 26) exceeds this, but return at least one event.
    pub bytes_max: usize,
    /// Texts that a matching message must all contain; used to skip data, and checked.
    pub must_contain: &'a [String],
    /// Tests on JSON fields that a matching message all passes; used to skip data, not otherwise checked.
    pub field_tests: &'a [FieldTest<'a>],
    /// Decides on a message; `None` accepts all.
    pub matcher: Option<&'a (dyn Fn(&str) -> bool + Send + Sync)>,
    /// Give up after about so many messages were examined, with what was found.
    pub examine_max: usize,
}

/// A test on the discovered field at a path.
pub struct FieldTest<'a> {
    pub path: &'a str,
    pub admits: &'a (dyn Fn(FieldText<'_>) -> bool + Send + Sync),
}

/// A discovered value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldText<'a> {
    /// Of a string, unescaped.
    String(&'a str),
    /// A number as it is written, `true` or `false`.
    Literal(&'a str),
}

/// A page, in the order asked for.
#[derive(Debug)]
pub struct LogPage {
    pub events: Vec<StoredLogEvent>,
    /// `None` when nothing is left; otherwise how far the scan came (which may be beyond the last event).
    pub resume: Option<LogPosition>,
}

/// Events in the order in which they were accepted, whatever their times.
#[derive(Debug)]
pub struct AcceptedPage {
    pub events: Vec<StoredLogEvent>,
    /// Everything accepted up to this sequence has been handed out, or is gone; where the next page begins.
    /// Never below what was asked for.
    pub through: u64,
    /// There may be more at once. Otherwise there is more when something is appended.
    pub more: bool,
}

/// The type a discovered field can be served as. A field whose kind differs between messages is `Text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// Arrow `Int64`.
    Integer,
    /// Arrow `Float64`. Any field may be asked for as `Float` and as `Text` side by side: `Text` is the exact
    /// text in the message (`12.300`), `Float` the number, null where the text is no full decimal number.
    Float,
    /// Arrow `Boolean`.
    Boolean,
    /// Arrow `Utf8View`: strings as they are, numbers by their text in the message, booleans as `1`/`0`.
    Text,
}

/// A column of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LogColumn {
    /// `@timestamp`: `Timestamp(Millisecond, None)`.
    Timestamp,
    /// `@ingestionTime`: `Timestamp(Millisecond, None)`.
    IngestionTime,
    /// Acceptance order: `UInt64`.
    Sequence,
    /// `@logStream`: `Utf8View`.
    Stream,
    /// Index into the snapshot's groups: `UInt32`.
    Group,
    /// `@message`: `Utf8View`.
    Message,
    /// A discovered JSON field by its dotted path, served as `kind`.
    Field { path: String, kind: FieldKind },
    /// `Stream` as `Dictionary(Int32, Utf8)`.
    StreamKeys,
    /// `Field` of kind `Text` as `Dictionary(Int32, Utf8)`: batches of one stretch of rows mostly share their
    /// dictionary. Values may occur twice in a dictionary, and may be unused.
    FieldKeys { path: String },
}

/// Something that must hold for every row of interest. The scan uses it to skip rows, pages, row groups and
/// parts; it may still return rows for which it does not hold, and never withholds one for which it does.
#[derive(Debug, Clone, PartialEq)]
pub enum Prune {
    /// The message contains this text.
    MessageContains(String),
    /// The field's text, or its number, equals this (both sides coerced as in Insights).
    FieldEquals { path: String, value: String },
    /// The stream is one of these.
    StreamIn(Vec<Arc<str>>),
}

/// A scan for the query engine.
#[derive(Debug, Clone)]
pub struct LogScan {
    pub columns: Vec<LogColumn>,
    pub range: TimeRange,
    /// All of them must hold.
    pub prune: Vec<Prune>,
    /// `Some(n)`: the caller wants only the newest n rows by (timestamp, sequence), so rows that cannot be
    /// among them may be left out; there is then one partition, newest first. Only given when every row of
    /// `range` counts, that is, when there is no filter beyond `prune: []`.
    pub newest: Option<usize>,
    /// How many partitions may be read in parallel.
    pub partitions: usize,
}

/// A prepared scan.
pub struct LogScanPlan {
    /// Columns as asked for, in that order, named `@timestamp`, `@ingestionTime`, `@sequence`,
    /// `@logStream`, `@group`, `@message` and by path.
    pub schema: SchemaRef,
    pub partitions: Vec<LogPartition>,
    /// Rows and message bytes in range before pruning, and what pruning skipped.
    pub progress: Arc<ScanProgress>,
}

/// One independently readable share of a scan; batches come in no promised order unless `newest` was set.
pub type LogPartition = Box<dyn FnOnce() -> BoxStream<'static, Result<RecordBatch, StoreError>> + Send>;

/// Counters of a scan, updated while it runs.
#[derive(Debug, Default)]
pub struct ScanProgress {
    pub rows_total: std::sync::atomic::AtomicU64,
    pub rows_scanned: std::sync::atomic::AtomicU64,
    pub bytes_scanned: std::sync::atomic::AtomicU64,
    pub rows_skipped: std::sync::atomic::AtomicU64,
    pub bytes_skipped: std::sync::atomic::AtomicU64,
}

// The table itself offers (see `table.rs`):
//
//   LogTable::append(&self, group: &LogGroupKey, stream: &Arc<str>, ingestion_time: Timestamp,
//                    events: Vec<LogEvent>) -> Result<LogPosition of the first, StoreError>   durable on return
//   LogTable::stream_stats(&self, group, stream: &str) -> Option<StreamStats>
//   LogTable::stored_bytes(&self, group) -> u64                 Σ(message bytes + 26) of kept events
//   LogTable::snapshot(&self, groups: &[LogGroupKey]) -> LogSnapshot
//   LogTable::delete_stream / delete_group                      durable on return
//   LogTable::expire(&self, group, before: Timestamp) -> Result<u64, StoreError>       retention
//   LogTable::flush(), LogTable::compact()                      background work
//
//   LogSnapshot::read(&self, group_index: usize, &LogRead<'_>) -> Result<LogPage, StoreError>    (async)
//   LogSnapshot::get(&self, group_index: usize, LogPosition) -> Result<Option<StoredLogEvent>, StoreError>  (async)
//   LogSnapshot::field_kind(&self, path: &str, range: TimeRange) -> Option<FieldKind>   None: nowhere present
//   LogSnapshot::scan(&self, LogScan) -> Result<LogScanPlan, StoreError>
