//! `Pipeline` → logical plan, one file per stage.
//!
//! A field is a [`Lowered`] expression over the plan's columns. Columns get names of their own and are never
//! replaced, so that a field that is defined again, and the keys of an earlier `sort`, stay what they were.
//! The order of rows is kept as a list of keys and becomes a sort only where it matters.

mod aggregate;
mod dedup;
mod discover;
mod explode;
mod expression;
mod extend;
mod extract;
mod join;
mod limit;
mod lookup;
mod pattern;
mod prune;
mod sort;
mod steps;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base::{TimeRange, Timestamp};
use datafusion::common::{Column, Result, plan_datafusion_err};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::expr_rewriter::normalize_sorts;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use lang::plan::{Pipeline, Stage};
use parking_lot::Mutex;
use store::tables::logs::{FieldKind, LogColumn};

use crate::lookup::LookupTable;
use crate::steps::Fed;
use crate::tables::{LogEventsTable, LogSource, ScanState};
pub(crate) use expression::{Kind, Lowered};

/// What a pipeline is lowered against.
#[derive(Clone)]
pub(crate) struct Input {
    pub(crate) source: Arc<dyn LogSource>,
    /// `@log` of each group of the source.
    pub(crate) groups: Vec<Arc<str>>,
    pub(crate) range: TimeRange,
    /// When the query started.
    pub(crate) now: Timestamp,
    /// Rows at most.
    pub(crate) limit: usize,
    /// What the queries inside the query read, by their index.
    pub(crate) nested: Vec<NestedInput>,
    pub(crate) lookups: Arc<HashMap<String, Arc<LookupTable>>>,
}

/// What a query inside the query reads.
#[derive(Clone)]
pub(crate) struct NestedInput {
    pub(crate) source: Arc<dyn LogSource>,
    pub(crate) groups: Vec<Arc<str>>,
    pub(crate) range: TimeRange,
}

/// The scans of a query, the outer one's first.
pub(crate) type Scans = Arc<Mutex<Vec<Arc<ScanState>>>>;

/// A plan whose columns are those of `output`, then, for events, group, time and sequence.
pub(crate) struct LoweredQuery {
    pub(crate) plan: LogicalPlan,
    pub(crate) output: Vec<(Arc<str>, Kind)>,
    pub(crate) yields_events: bool,
    pub(crate) scans: Vec<Arc<ScanState>>,
    /// Where the plan shows that feeds the first step over all rows, if there is one.
    pub(crate) fed: Fed,
}

const TIMESTAMP: &str = "timestamp";
const SEQUENCE: &str = "sequence";
const GROUP: &str = "group";
const MESSAGE: &str = "message";

pub(crate) fn lower(pipeline: &Pipeline, input: &Input) -> Result<LoweredQuery> {
    let newest = limit::newest(&pipeline.stages, input.limit);
    let mut lowering = Lowering::begin(pipeline, &[], input, newest, Arc::default())?;
    lowering.stages(pipeline)?;
    lowering.finish(pipeline)
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
    /// Columns that were given names.
    named: usize,
    /// What those names begin with, so that those of a nested query are others.
    made_before: String,
    /// Fields that stages made; all others are the event's own.
    made: HashSet<String>,
    /// Every name in the pipeline.
    wanted: HashSet<String>,
    /// Whether a later stage looks into messages.
    wants_message: bool,
    /// Whether lines may hold JSON behind other text.
    embedded: bool,
    scans: Scans,
    fed: Fed,
    input: &'a Input,
}

impl<'a> Lowering<'a> {
    /// A plan that reads the events, or only the `newest`. `extra` are fields that are named outside of the
    /// pipeline.
    fn begin(
        pipeline: &Pipeline,
        extra: &[String],
        input: &'a Input,
        newest: Option<usize>,
        scans: Scans,
    ) -> Result<Self> {
        let embedded = discover::may_embed(&input.groups);
        let (mut table, fields) = scan(pipeline, extra, input, embedded);
        let special = |path: &str| discover::is_derived(path, embedded);
        table.prune(prune::prune(&pipeline.stages, &special));
        table.newest(newest);
        scans.lock().push(table.state());
        let columns = datafusion::catalog::TableProvider::schema(&table);
        let columns = columns.fields().iter().map(|field| field.name().clone()).collect();
        let plan = LogicalPlanBuilder::scan("log_events", provider_as_source(Arc::new(table)), None)?;
        let mut wanted: HashSet<String> = prune::names(pipeline).into_iter().collect();
        wanted.extend(extra.iter().cloned());
        Ok(Self {
            plan: Some(plan),
            columns,
            fields,
            order: vec![descending(column(TIMESTAMP)), descending(column(SEQUENCE))],
            time: Some(column(TIMESTAMP)),
            named: 0,
            made_before: "c".to_owned(),
            made: HashSet::new(),
            wanted,
            wants_message: prune::looks_into_messages(pipeline),
            embedded,
            scans,
            fed: Fed::default(),
            input,
        })
    }

    fn stages(&mut self, pipeline: &Pipeline) -> Result<()> {
        for (index, stage) in pipeline.stages.iter().enumerate() {
            match stage {
                Stage::Pattern(pattern) => {
                    let before =
                        Pipeline { stages: pipeline.stages[..index].to_vec(), ..Pipeline::default() };
                    self.pattern(pattern, &before)?;
                }
                stage => self.stage(stage)?,
            }
        }
        Ok(())
    }

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
            Stage::ExtractAll(extract) => self.extract_all(extract),
            Stage::Explode(explode) => self.explode(explode),
            Stage::Lookup(lookup) => self.lookup(lookup),
            Stage::Join(join) => self.join(join),
            Stage::AppendColumns(append) => self.append_columns(append),
            Stage::Table(step) => self.table_step(step),
            Stage::Relevant { fields, condition } => self.relevant(fields, condition),
            Stage::Estimate => self.estimate(),
            Stage::Pattern(_) => Err(plan_datafusion_err!("a pattern needs the stages before it")),
        }
    }

    fn apply(&mut self, step: impl FnOnce(LogicalPlanBuilder) -> Result<LogicalPlanBuilder>) -> Result<()> {
        let plan = self.plan.take().ok_or_else(|| plan_datafusion_err!("a step failed before"))?;
        self.plan = Some(step(plan)?);
        Ok(())
    }

    /// A name that no column has.
    fn fresh(&mut self) -> String {
        self.named += 1;
        format!("{}{}", self.made_before, self.named)
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

    fn finish(mut self, pipeline: &Pipeline) -> Result<LoweredQuery> {
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
            false => sorted(plan, order, Some(limit)),
        })?;
        if !shown.is_empty() {
            self.apply(|plan| plan.project(shown))?;
        }
        let plan = self.plan.ok_or_else(|| plan_datafusion_err!("a step failed before"))?.build()?;
        let scans = self.scans.lock().clone();
        Ok(LoweredQuery { plan, output, yields_events: pipeline.yields_events, scans, fed: self.fed })
    }
}

/// The table with every column the pipeline may need, and what can be named in it.
fn scan(
    pipeline: &Pipeline,
    extra: &[String],
    input: &Input,
    embedded: bool,
) -> (LogEventsTable, HashMap<String, Lowered>) {
    let mut columns = vec![
        (TIMESTAMP.to_owned(), LogColumn::Timestamp),
        (SEQUENCE.to_owned(), LogColumn::Sequence),
        (GROUP.to_owned(), LogColumn::Group),
        ("ingestion_time".to_owned(), LogColumn::IngestionTime),
        ("stream".to_owned(), LogColumn::Stream),
        (MESSAGE.to_owned(), LogColumn::Message),
    ];
    let mut fields = HashMap::from([
        ("@timestamp".to_owned(), Lowered::new(column(TIMESTAMP), Kind::Time)),
        ("@logStream".to_owned(), Lowered::new(column("stream"), Kind::Text)),
        ("@message".to_owned(), Lowered::new(column(MESSAGE), Kind::Text)),
        ("@ingestionTime".to_owned(), Lowered::new(column("ingestion_time"), Kind::Time).into_integer()),
        ("@log".to_owned(), Lowered::group_name(column(GROUP), &input.groups)),
    ]);
    let mut paths = prune::fields(pipeline);
    paths.extend(extra.iter().cloned());
    for (index, path) in paths.into_iter().enumerate() {
        if fields.contains_key(&path) {
            continue;
        }
        let derived = discover::is_derived(&path, embedded);
        let Some(mut kind) = input.source.field_kind(&path, input.range) else {
            if derived {
                fields.insert(path.clone(), discover::derived(&path, embedded));
            }
            continue;
        };
        if derived {
            // Lines that are no JSON have it as text.
            kind = FieldKind::Text;
        }
        let name = format!("f{index}");
        let mut lowered = Lowered::new(column(&name), Kind::of(kind));
        if kind == FieldKind::Float {
            // A number is shown as it stands in the message.
            let text = format!("t{index}");
            lowered = lowered.shown_as(column(&text));
            columns.push((text, LogColumn::Field { path: path.clone(), kind: FieldKind::Text }));
        }
        columns.push((name, LogColumn::Field { path: path.clone(), kind }));
        if derived {
            lowered = discover::or_derived(lowered, &path, embedded);
        }
        fields.insert(path, lowered);
    }
    (LogEventsTable::new(Arc::clone(&input.source), columns, input.range), fields)
}

/// The first rows in that order. The builder's own sort would look for its keys among the aggregates below
/// and not find what is computed from them.
fn sorted(plan: LogicalPlanBuilder, order: Vec<Sort>, fetch: Option<usize>) -> Result<LogicalPlanBuilder> {
    let input = plan.build()?;
    let expr = normalize_sorts(order, &input)?;
    let sort = datafusion::logical_expr::Sort { expr, input: Arc::new(input), fetch };
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

/// Whether a path leads into a map or list of that name.
fn leads_into(name: &str, path: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
}
