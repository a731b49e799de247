//! Log events as a table: the columns a query names, fetched through [`LogSource`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use base::TimeRange;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use parking_lot::Mutex;
use store::StoreError;
use store::tables::logs::{FieldKind, LogColumn, LogScan, LogScanPlan, LogSnapshot, Prune, ScanProgress};

use super::scan::LogScanExec;
use crate::functions::TIME;

/// Events of some log groups, as they were at one moment. [`store`]'s snapshots are the real ones.
pub trait LogSource: Send + Sync {
    /// The kind a discovered field has in that time; `None` if no event has the field.
    fn field_kind(&self, path: &str, range: TimeRange) -> Option<FieldKind>;

    /// UTF-8 bytes of the messages in that time, about.
    fn message_bytes(&self, range: TimeRange) -> u64;

    /// Prepares to read. It must return exactly the events of the range, but for those that pruning or
    /// `newest` allow to leave out.
    fn scan(&self, scan: LogScan) -> Result<LogScanPlan, StoreError>;
}

impl LogSource for LogSnapshot {
    fn field_kind(&self, path: &str, range: TimeRange) -> Option<FieldKind> {
        LogSnapshot::field_kind(self, path, range)
    }

    fn message_bytes(&self, range: TimeRange) -> u64 {
        LogSnapshot::message_bytes(self, range)
    }

    fn scan(&self, scan: LogScan) -> Result<LogScanPlan, StoreError> {
        LogSnapshot::scan(self, scan)
    }
}

/// How far a scan came.
#[derive(Debug, Default)]
pub(crate) struct ScanState {
    pub(crate) progress: Mutex<Option<Arc<ScanProgress>>>,
    /// Rows handed to the query.
    pub(crate) delivered: AtomicU64,
}

/// The table of one query.
pub(crate) struct LogEventsTable {
    source: Arc<dyn LogSource>,
    /// What each column of the schema is.
    columns: Vec<LogColumn>,
    schema: SchemaRef,
    range: TimeRange,
    prune: Vec<Prune>,
    newest: Option<usize>,
    state: Arc<ScanState>,
}

impl LogEventsTable {
    pub(crate) fn new(
        source: Arc<dyn LogSource>,
        columns: Vec<(String, LogColumn)>,
        range: TimeRange,
    ) -> Self {
        let fields = columns.iter().map(|(name, column)| Field::new(name, data_type(column), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        Self { source, columns, schema, range, prune: Vec::new(), newest: None, state: Arc::default() }
    }

    pub(crate) fn prune(&mut self, prune: Vec<Prune>) {
        self.prune = prune;
    }

    pub(crate) fn newest(&mut self, newest: Option<usize>) {
        self.newest = newest;
    }

    pub(crate) fn state(&self) -> Arc<ScanState> {
        Arc::clone(&self.state)
    }
}

impl fmt::Debug for LogEventsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEventsTable").field("columns", &self.columns).finish_non_exhaustive()
    }
}

pub(super) fn data_type(column: &LogColumn) -> DataType {
    match column {
        LogColumn::Timestamp | LogColumn::IngestionTime => TIME,
        LogColumn::Sequence => DataType::UInt64,
        LogColumn::Group => DataType::UInt32,
        LogColumn::Stream | LogColumn::Message => DataType::Utf8View,
        LogColumn::StreamKeys | LogColumn::FieldKeys { .. } => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        LogColumn::Field { kind, .. } => match kind {
            FieldKind::Integer => DataType::Int64,
            FieldKind::Float => DataType::Float64,
            FieldKind::Boolean => DataType::Boolean,
            FieldKind::Text => DataType::Utf8View,
        },
    }
}

#[async_trait]
impl TableProvider for LogEventsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let projection = projection.unwrap_or(&all);
        let schema: SchemaRef = Arc::new(self.schema.project(projection)?);
        let mut columns: Vec<LogColumn> =
            projection.iter().map(|index| self.columns[*index].clone()).collect();
        if columns.is_empty() {
            // Only the number of rows is wanted; times are the cheapest column.
            columns.push(LogColumn::Timestamp);
        }
        let scan = LogScan {
            columns,
            range: self.range,
            prune: self.prune.clone(),
            newest: self.newest,
            partitions: state.config().target_partitions(),
        };
        let (source, state) = (Arc::clone(&self.source), Arc::clone(&self.state));
        Ok(Arc::new(LogScanExec::try_new(source, scan, schema, state)?))
    }
}
