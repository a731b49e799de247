//! `Pipeline` → logical plan, one file per stage.
//!
//! A field is a [`Lowered`] expression over the plan's columns. Columns get names of their own and are never
//! replaced, so that a field that is defined again, and the keys of an earlier `sort`, stay what they were.
//! The order of rows is kept as a list of keys and becomes a sort only where it matters.

mod aggregate;
mod dedup;
mod expression;
mod extend;
mod extract;
mod limit;
mod prune;
mod sort;

use std::collections::HashMap;
use std::sync::Arc;

use base::{TimeRange, Timestamp};
use datafusion::common::{Column, Result, plan_datafusion_err};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::expr_rewriter::normalize_sorts;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use lang::plan::{Pipeline, Stage};
use store::tables::logs::{FieldKind, LogColumn};

use crate::tables::{LogEventsTable, LogSource, ScanState};
pub(crate) use expression::{Kind, Lowered};

/// What a pipeline is lowered against.
pub(crate) struct Input {
    pub(crate) source: Arc<dyn LogSource>,
    /// `@log` of each group of the source.
    pub(crate) groups: Vec<Arc<str>>,
    pub(crate) range: TimeRange,
    /// When the query started.
    pub(crate) now: Timestamp,
    /// Rows at most.
    pub(crate) limit: usize,
}

/// A plan whose columns are those of `output`, then, for events, group, time and sequence.
pub(crate) struct LoweredQuery {
    pub(crate) plan: LogicalPlan,
    pub(crate) output: Vec<(Arc<str>, Kind)>,
    pub(crate) yields_events: bool,
    pub(crate) scan: Arc<ScanState>,
}

const TIMESTAMP: &str = "timestamp";
const SEQUENCE: &str = "sequence";
const GROUP: &str = "group";

pub(crate) fn lower(pipeline: &Pipeline, input: &Input) -> Result<LoweredQuery> {
    let (mut table, fields) = scan(pipeline, input);
    table.prune(prune::prune(&pipeline.stages));
    table.newest(limit::newest(&pipeline.stages, input.limit));
    let state = table.state();
    let columns = datafusion::catalog::TableProvider::schema(&table);
    let columns = columns.fields().iter().map(|field| field.name().clone()).collect();
    let plan = LogicalPlanBuilder::scan("log_events", provider_as_source(Arc::new(table)), None)?;
    let mut lowering = Lowering {
        plan: Some(plan),
        columns,
        fields,
        order: vec![descending(column(TIMESTAMP)), descending(column(SEQUENCE))],
        time: Some(column(TIMESTAMP)),
        made: 0,
        input,
    };
    for stage in &pipeline.stages {
        lowering.stage(stage)?;
    }
    lowering.finish(pipeline, state)
}

/// A plan in the making.
struct Lowering<'a> {
    /// Always there between calls; a builder is consumed by each of its steps.
    plan: Option<LogicalPlanBuilder>,
    /// All columns of the plan.
    columns: Vec<String>,
    /// What can be named; everything else is missing.
    fields: HashMap<String, Lowered>,
    /// The order of rows.
    order: Vec<Sort>,
    /// The time by which rows are "newest first": of the event, or of a group's newest event.
    time: Option<Expr>,
    made: usize,
    input: &'a Input,
}

impl Lowering<'_> {
    fn stage(&mut self, stage: &Stage) -> Result<()> {
        match stage {
            Stage::Filter(condition) => {
                let condition = self.condition(condition)?;
                self.apply(|plan| plan.filter(condition))
            }
            Stage::Extend(items) => self.extend(items),
            Stage::Project(items) => self.project(items),
            Stage::Extract(extract) => self.extract(extract),
            Stage::Aggregate { by, aggregates } => self.aggregate(by, aggregates),
            Stage::Sort(keys) => self.sort(keys),
            Stage::Limit { count, any } => self.limit(*count, *any),
            Stage::Dedup(keys) => self.dedup(keys),
        }
    }

    fn apply(&mut self, step: impl FnOnce(LogicalPlanBuilder) -> Result<LogicalPlanBuilder>) -> Result<()> {
        let plan = self.plan.take().ok_or_else(|| plan_datafusion_err!("a step failed before"))?;
        self.plan = Some(step(plan)?);
        Ok(())
    }

    /// A name that no column has.
    fn fresh(&mut self) -> String {
        self.made += 1;
        format!("c{}", self.made)
    }

    /// Adds columns to the plan.
    fn add(&mut self, computed: Vec<(String, Expr)>) -> Result<()> {
        if computed.is_empty() {
            return Ok(());
        }
        let kept = self.columns.iter().map(|name| column(name)).collect::<Vec<_>>();
        let added = computed.iter().map(|(name, expr)| expr.clone().alias(name)).collect::<Vec<_>>();
        self.apply(|plan| plan.project(kept.into_iter().chain(added)))?;
        self.columns.extend(computed.into_iter().map(|(name, _)| name));
        Ok(())
    }

    fn finish(mut self, pipeline: &Pipeline, scan: Arc<ScanState>) -> Result<LoweredQuery> {
        let mut output = Vec::with_capacity(pipeline.output.len());
        let mut shown = Vec::with_capacity(pipeline.output.len() + 3);
        for (index, name) in pipeline.output.iter().enumerate() {
            let (expr, kind) = self.field(name).shown();
            shown.push(expr.alias(format!("o{index}")));
            output.push((Arc::from(name.as_str()), kind));
        }
        if pipeline.yields_events {
            shown.extend([GROUP, TIMESTAMP, SEQUENCE].map(column));
        }
        let (order, limit) = (std::mem::take(&mut self.order), self.input.limit);
        self.apply(|plan| match order.is_empty() {
            true => plan.limit(0, Some(limit)),
            false => sorted(plan, order, limit),
        })?;
        if !shown.is_empty() {
            self.apply(|plan| plan.project(shown))?;
        }
        let plan = self.plan.ok_or_else(|| plan_datafusion_err!("a step failed before"))?.build()?;
        Ok(LoweredQuery { plan, output, yields_events: pipeline.yields_events, scan })
    }
}

/// The table with every column the pipeline may need, and what can be named in it.
fn scan(pipeline: &Pipeline, input: &Input) -> (LogEventsTable, HashMap<String, Lowered>) {
    let mut columns = vec![
        (TIMESTAMP.to_owned(), LogColumn::Timestamp),
        (SEQUENCE.to_owned(), LogColumn::Sequence),
        (GROUP.to_owned(), LogColumn::Group),
        ("ingestion_time".to_owned(), LogColumn::IngestionTime),
        ("stream".to_owned(), LogColumn::Stream),
        ("message".to_owned(), LogColumn::Message),
    ];
    let mut fields = HashMap::from([
        ("@timestamp".to_owned(), Lowered::new(column(TIMESTAMP), Kind::Time)),
        ("@logStream".to_owned(), Lowered::new(column("stream"), Kind::Text)),
        ("@message".to_owned(), Lowered::new(column("message"), Kind::Text)),
        ("@ingestionTime".to_owned(), Lowered::new(column("ingestion_time"), Kind::Time).into_integer()),
        ("@log".to_owned(), Lowered::group_name(column(GROUP), &input.groups)),
    ]);
    for (index, path) in prune::fields(pipeline).into_iter().enumerate() {
        if fields.contains_key(&path) {
            continue;
        }
        let Some(kind) = input.source.field_kind(&path, input.range) else { continue };
        let name = format!("f{index}");
        let mut lowered = Lowered::new(column(&name), Kind::of(kind));
        if kind == FieldKind::Float {
            // A number is shown as it stands in the message.
            let text = format!("t{index}");
            lowered = lowered.shown_as(column(&text));
            columns.push((text, LogColumn::Field { path: path.clone(), kind: FieldKind::Text }));
        }
        columns.push((name, LogColumn::Field { path: path.clone(), kind }));
        fields.insert(path, lowered);
    }
    (LogEventsTable::new(Arc::clone(&input.source), columns, input.range), fields)
}

/// The first rows in that order. The builder's own sort would look for its keys among the aggregates below
/// and not find what is computed from them.
fn sorted(plan: LogicalPlanBuilder, order: Vec<Sort>, limit: usize) -> Result<LogicalPlanBuilder> {
    let input = plan.build()?;
    let expr = normalize_sorts(order, &input)?;
    let sort = datafusion::logical_expr::Sort { expr, input: Arc::new(input), fetch: Some(limit) };
    Ok(LogicalPlanBuilder::from(LogicalPlan::Sort(sort)))
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// Newest or greatest first, missing last.
fn descending(expr: Expr) -> Sort {
    expr.sort(false, false)
}

/// Smallest first, missing before everything.
fn ascending(expr: Expr) -> Sort {
    expr.sort(true, true)
}
