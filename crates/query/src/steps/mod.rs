//! Steps that need to see all rows before they give any: a plan, and what is done to its rows, as a table.

mod fill_missing;
mod numbered;
mod outlier;
mod patterns;
mod relevant;
mod running;
mod sessions;
mod totals;

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, UInt64Array};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::TryStreamExt;

pub(crate) use fill_missing::FillMissing;
pub(crate) use numbered::Numbered;
pub(crate) use outlier::Outlier;
pub(crate) use patterns::Patterns;
pub(crate) use relevant::Relevant;
pub(crate) use running::{Earlier, FillDown, RunningSum};
pub(crate) use sessions::Sessions;
pub(crate) use totals::Totals;

/// What is done to all rows of a plan.
pub(crate) trait Step: fmt::Debug + Send + Sync + 'static {
    /// The schema of what comes out, given that of what goes in.
    fn schema(&self, input: &Schema) -> Schema;

    /// Takes the rows one batch after the other.
    fn start(&self, input: SchemaRef) -> Box<dyn Running>;
}

/// A step while it runs.
pub(crate) trait Running: Send {
    fn push(&mut self, batch: RecordBatch) -> Result<()>;

    /// Memory that it holds, about.
    fn bytes(&self) -> usize;

    fn finish(self: Box<Self>) -> Result<Vec<ArrayRef>>;
}

/// What is done to all rows at once.
pub(crate) trait WholeStep: fmt::Debug + Clone + Send + Sync + 'static {
    fn schema(&self, input: &Schema) -> Schema;

    fn apply(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>>;
}

impl<S: WholeStep> Step for S {
    fn schema(&self, input: &Schema) -> Schema {
        WholeStep::schema(self, input)
    }

    fn start(&self, input: SchemaRef) -> Box<dyn Running> {
        Box::new(Collected { step: self.clone(), schema: input, batches: Vec::new(), bytes: 0 })
    }
}

struct Collected<S> {
    step: S,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl<S: WholeStep> Running for Collected<S> {
    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        Ok(())
    }

    fn bytes(&self) -> usize {
        // Once as batches, once as the whole.
        self.bytes * 2
    }

    fn finish(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let rows = concat_batches(&self.schema, &self.batches)?;
        drop(self.batches);
        self.step.apply(&rows)
    }
}

/// The plan whose metrics tell what a query matched: the first one that feeds a step.
pub(crate) type Fed = Arc<OnceLock<Arc<dyn ExecutionPlan>>>;

/// A step over a plan as a table.
pub(crate) struct DerivedTable {
    plan: LogicalPlan,
    step: Arc<dyn Step>,
    schema: SchemaRef,
    fed: Fed,
}

impl DerivedTable {
    pub(crate) fn new(plan: LogicalPlan, step: impl Step, fed: Fed) -> Self {
        let schema = Arc::new(step.schema(plan.schema().as_arrow()));
        Self { plan, step: Arc::new(step), schema, fed }
    }
}

impl fmt::Debug for DerivedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DerivedTable").field("step", &self.step).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for DerivedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = state.create_physical_plan(&self.plan).await?;
        // Plans are made from the inside out, so the first one is nearest to the events.
        let _ = self.fed.set(Arc::clone(&plan));
        let rows = StepRows { plan, step: Arc::clone(&self.step), schema: Arc::clone(&self.schema) };
        Ok(Arc::new(StreamingTableExec::try_new(
            Arc::clone(&self.schema),
            vec![Arc::new(rows)],
            projection,
            None,
            false,
            None,
        )?))
    }
}

#[derive(Debug)]
struct StepRows {
    plan: Arc<dyn ExecutionPlan>,
    step: Arc<dyn Step>,
    schema: SchemaRef,
}

impl PartitionStream for StepRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = run(Arc::clone(&self.plan), Arc::clone(&self.step), Arc::clone(&self.schema), context);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::once(rows)))
    }
}

async fn run(
    plan: Arc<dyn ExecutionPlan>,
    step: Arc<dyn Step>,
    schema: SchemaRef,
    context: Arc<TaskContext>,
) -> Result<RecordBatch> {
    let memory = MemoryConsumer::new("rows of a command").register(context.memory_pool());
    let mut running = step.start(plan.schema());
    let mut batches = execute_stream(plan, context)?;
    while let Some(batch) = batches.try_next().await? {
        running.push(batch)?;
        memory.try_resize(running.bytes())?;
    }
    let columns = running.finish()?;
    let rows = columns.first().map_or(0, |column| column.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

/// Positions of so many rows, as a column.
fn positions(rows: usize) -> ArrayRef {
    Arc::new((0..rows as u64).collect::<UInt64Array>())
}

/// The schema with further fields, then the position of the row.
fn with_position(input: &Schema, added: impl IntoIterator<Item = Field>, position: &str) -> Schema {
    let mut fields: Vec<FieldRef> = input.fields().iter().cloned().collect();
    fields.extend(added.into_iter().map(Arc::new));
    fields.push(Arc::new(Field::new(position, DataType::UInt64, false)));
    Schema::new(fields)
}
