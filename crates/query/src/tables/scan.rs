//! The leaf of a plan over log events: reads what [`LogSource`] prepared.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use store::tables::logs::{FieldKind, LogColumn, LogPartition, LogScan};

use super::log_events::{LogSource, ScanState, data_type};

/// A scan of log events.
pub(crate) struct LogScanExec {
    source: Arc<dyn LogSource>,
    scan: LogScan,
    schema: SchemaRef,
    state: Arc<ScanState>,
    /// Each is read once.
    partitions: Vec<Mutex<Option<LogPartition>>>,
    properties: Arc<PlanProperties>,
}

impl LogScanExec {
    /// `schema` names the columns of `scan`, which may have one more where none is wanted.
    pub(super) fn try_new(
        source: Arc<dyn LogSource>,
        scan: LogScan,
        schema: SchemaRef,
        state: Arc<ScanState>,
    ) -> Result<Self> {
        let prepared =
            source.scan(scan.clone()).map_err(|error| DataFusionError::External(Box::new(error)))?;
        // The last preparation is the one that runs.
        *state.progress.lock() = Some(Arc::clone(&prepared.progress));
        let mut partitions = prepared.partitions;
        if partitions.is_empty() {
            // The engine plans for at least one.
            partitions.push(Box::new(|| futures::stream::empty().boxed()));
        }
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(Self {
            source,
            scan,
            schema,
            state,
            partitions: partitions.into_iter().map(|partition| Mutex::new(Some(partition))).collect(),
            properties: Arc::new(properties),
        })
    }

    /// Whether a column can be handed out as a dictionary.
    pub(super) fn has_keys(&self, column: usize) -> bool {
        let text = |column: &LogColumn| {
            matches!(column, LogColumn::Stream | LogColumn::Field { kind: FieldKind::Text, .. })
        };
        column < self.schema.fields().len() && self.scan.columns.get(column).is_some_and(text)
    }

    /// The same scan with these columns as dictionaries.
    pub(super) fn with_keys(&self, columns: &[usize]) -> Result<Self> {
        let mut scan = self.scan.clone();
        let mut fields: Vec<Field> = self.schema.fields().iter().map(|f| f.as_ref().clone()).collect();
        for index in columns {
            let keys = match &scan.columns[*index] {
                LogColumn::Stream => LogColumn::StreamKeys,
                LogColumn::Field { path, kind: FieldKind::Text } => {
                    LogColumn::FieldKeys { path: path.clone() }
                }
                other => return internal_err!("{other:?} has no keys"),
            };
            fields[*index] = Field::new(fields[*index].name(), data_type(&keys), true);
            scan.columns[*index] = keys;
        }
        let schema = Arc::new(Schema::new(fields));
        Self::try_new(Arc::clone(&self.source), scan, schema, Arc::clone(&self.state))
    }
}

impl fmt::Debug for LogScanExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogScanExec").field("scan", &self.scan).finish_non_exhaustive()
    }
}

impl DisplayAs for LogScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogScanExec: columns={:?}", self.scan.columns)
    }
}

impl ExecutionPlan for LogScanExec {
    fn name(&self) -> &'static str {
        "LogScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a scan has no children"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let taken = self.partitions.get(partition).and_then(|partition| partition.lock().take());
        let taken = taken.ok_or_else(|| exec_datafusion_err!("a partition was read twice"))?;
        let (schema, state) = (Arc::clone(&self.schema), Arc::clone(&self.state));
        let batches = taken().map_err(|error| DataFusionError::External(Box::new(error)));
        let batches = batches.map(move |batch| {
            let batch = batch?;
            state.delivered.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            rename(&schema, &batch)
        });
        let stream = RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches);
        Ok(make_cooperative(Box::pin(stream)))
    }
}

/// The batch under the table's own column names.
fn rename(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().take(schema.fields().len()).cloned().collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
