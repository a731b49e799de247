//! The first stage of an aggregation whose keys come as dictionaries.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{
    AggregateExec, AggregateMode, aggregate_expressions, evaluate_many,
};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use super::codes::{KeyCodes, Pairs, pick};

/// Rows of a batch that is put out.
const BATCH_ROWS: usize = 8192;
/// With so many groups, and hardly fewer than rows, they are put out at once: the next stage must merge them
/// anyway.
const GROUPS_MANY: usize = 32_768;

/// In the place of `aggregate`, over an input whose key columns may be dictionaries.
pub(super) struct GroupKeysExec {
    aggregate: AggregateExec,
    input: Arc<dyn ExecutionPlan>,
}

impl GroupKeysExec {
    pub(super) fn new(aggregate: AggregateExec, input: Arc<dyn ExecutionPlan>) -> Self {
        Self { aggregate, input }
    }

    /// Whether it can take the place of this aggregation.
    pub(super) fn can_replace(aggregate: &AggregateExec) -> bool {
        matches!(aggregate.mode(), AggregateMode::Partial)
            && aggregate.group_expr().is_single()
            && !aggregate.group_expr().is_empty()
            && aggregate.limit_options().is_none()
            && aggregate.aggr_expr().iter().all(|function| function.groups_accumulator_supported())
    }
}

impl fmt::Debug for GroupKeysExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupKeysExec").field("aggregate", &self.aggregate).finish_non_exhaustive()
    }
}

impl DisplayAs for GroupKeysExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> =
            self.aggregate.group_expr().expr().iter().map(|(_, name)| name.as_str()).collect();
        let functions: Vec<&str> =
            self.aggregate.aggr_expr().iter().map(|function| function.name()).collect();
        write!(f, "GroupKeysExec: gby={keys:?}, aggr={functions:?}")
    }
}

impl ExecutionPlan for GroupKeysExec {
    fn name(&self) -> &'static str {
        "GroupKeysExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { aggregate: self.aggregate.clone(), input })),
            _ => internal_err!("an aggregation has one child"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reservation =
            MemoryConsumer::new(format!("GroupKeysExec[{partition}]")).register(context.memory_pool());
        let groups = Groups::new(&self.aggregate, &self.input.schema())?;
        let input = self.input.execute(partition, context)?;
        let run = Run { input: Some(input), groups, reservation, ready: None };
        let schema = self.aggregate.schema();
        let batches = futures::stream::try_unfold(run, |mut run| async move {
            Ok(run.next().await?.map(|batch| (batch, run)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

struct Run {
    input: Option<SendableRecordBatchStream>,
    groups: Groups,
    reservation: MemoryReservation,
    /// What is being put out, and how much of it was.
    ready: Option<(RecordBatch, usize)>,
}

impl Run {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some((batch, done)) = &mut self.ready {
                let rows = BATCH_ROWS.min(batch.num_rows() - *done);
                if rows > 0 {
                    let piece = batch.slice(*done, rows);
                    *done += rows;
                    return Ok(Some(piece));
                }
                self.ready = None;
            }
            let Some(input) = &mut self.input else { return Ok(None) };
            match input.next().await {
                Some(batch) => {
                    self.groups.add(&batch?)?;
                    let held = self.reservation.try_resize(self.groups.size());
                    match held {
                        Ok(()) if !self.groups.hardly_reduce() => {}
                        Ok(()) | Err(DataFusionError::ResourcesExhausted(_)) => self.put_out()?,
                        Err(error) => return Err(error),
                    }
                }
                None => {
                    self.input = None;
                    self.put_out()?;
                }
            }
        }
    }

    fn put_out(&mut self) -> Result<()> {
        self.ready = self.groups.take()?.map(|batch| (batch, 0));
        self.reservation.try_resize(self.groups.size())
    }
}

/// The groups so far.
struct Groups {
    schema: SchemaRef,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    codes: Vec<KeyCodes>,
    /// Each key's numbers with those of the keys before it; the first's with nothing.
    pairs: Vec<Pairs>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// Rows since groups were put out last.
    rows: usize,
    numbers: Vec<u32>,
    others: Vec<u32>,
    indices: Vec<usize>,
}

impl Groups {
    fn new(aggregate: &AggregateExec, input: &SchemaRef) -> Result<Self> {
        let keys = aggregate.group_expr().input_exprs();
        let codes =
            keys.iter().map(|key| KeyCodes::new(&key.data_type(input)?)).collect::<Result<Vec<_>>>()?;
        let functions = aggregate.aggr_expr();
        Ok(Self {
            schema: aggregate.schema(),
            arguments: aggregate_expressions(functions, aggregate.mode(), keys.len())?,
            filters: aggregate.filter_expr().to_vec(),
            pairs: keys.iter().map(|_| Pairs::default()).collect(),
            accumulators: functions
                .iter()
                .map(|function| function.create_groups_accumulator())
                .collect::<Result<Vec<_>>>()?,
            keys,
            codes,
            rows: 0,
            numbers: Vec::new(),
            others: Vec::new(),
            indices: Vec::new(),
        })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.number(batch)?;
        let groups = self.pairs.last().map_or(0, Pairs::len);
        let arguments = evaluate_many(&self.arguments, batch)?;
        for ((accumulator, arguments), filter) in
            self.accumulators.iter_mut().zip(&arguments).zip(&self.filters)
        {
            let filter = match filter {
                Some(filter) => Some(filter.evaluate(batch)?.into_array(batch.num_rows())?),
                None => None,
            };
            let filter: Option<&BooleanArray> =
                filter.as_ref().map(|filter| as_boolean_array(filter)).transpose()?;
            accumulator.update_batch(arguments, &self.indices, filter, groups)?;
        }
        Ok(())
    }

    /// Fills `indices` with the group of each row.
    fn number(&mut self, batch: &RecordBatch) -> Result<()> {
        self.numbers.clear();
        self.numbers.resize(batch.num_rows(), 0);
        for ((key, codes), pairs) in self.keys.iter().zip(&mut self.codes).zip(&mut self.pairs) {
            let column = key.evaluate(batch)?.into_array(batch.num_rows())?;
            self.others.clear();
            codes.encode(&column, &mut self.others)?;
            pairs.encode(&mut self.numbers, &self.others);
        }
        self.indices.clear();
        self.indices.extend(self.numbers.iter().map(|number| *number as usize));
        Ok(())
    }

    /// Whether there are nearly as many groups as there were rows.
    fn hardly_reduce(&self) -> bool {
        let groups = self.pairs.last().map_or(0, Pairs::len);
        groups >= GROUPS_MANY && groups * 2 > self.rows
    }

    fn size(&self) -> usize {
        let accumulators: usize = self.accumulators.iter().map(|accumulator| accumulator.size()).sum();
        let codes: usize = self.codes.iter().map(KeyCodes::size).sum();
        accumulators + codes + self.pairs.iter().map(Pairs::size).sum::<usize>()
    }

    /// All groups with the state of their aggregates; begins anew.
    fn take(&mut self) -> Result<Option<RecordBatch>> {
        let groups = self.pairs.last().map_or(0, Pairs::len);
        self.rows = 0;
        if groups == 0 {
            return Ok(None);
        }
        let mut numbers: Vec<u32> = (0..groups as u32).collect();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (codes, pairs) in self.codes.iter_mut().zip(&mut self.pairs).rev() {
            let (before, own) = std::mem::take(pairs).split(&numbers);
            columns.push(pick(&codes.take()?, own)?);
            numbers = before;
        }
        columns.reverse();
        for accumulator in &mut self.accumulators {
            columns.extend(accumulator.state(EmitTo::All)?);
        }
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}
