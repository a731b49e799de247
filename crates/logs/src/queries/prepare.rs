//! From a query text to a query that can run: what it reads, fixed as of now.

use std::collections::HashMap;
use std::sync::Arc;

use base::{Scope, TimeRange, Timestamp};
use lang::plan::{
    BinaryOp, Expr, GroupSelector, Lookup, LookupKeys, Pipeline, Source, SourceTime, Stage, Value,
};
use query::{LogQuery, LookupTable, NestedSource};
use store::tables::logs::LogGroupKey;

use super::Question;
use crate::Logs;
use crate::data_protection::Masker;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup};
use crate::identifier::from_identifier;

/// Groups that a query names.
const GROUPS_MAX: usize = 50;
/// AWS: groups that `SOURCE logGroups(…)` may choose (CWL_QuerySyntax-Source).
const SELECTED_MAX: usize = 10_000;

/// Which language a query text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Cwli,
    Ppl,
    Sql,
}

/// A query as it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) language: Language,
    /// Names of groups, unless the text says what it reads.
    pub(crate) groups: Option<Vec<String>>,
    /// Seconds since the epoch, both included.
    pub(crate) start_secs: i64,
    pub(crate) end_secs: i64,
    pub(crate) limit: Option<usize>,
    /// ARN of who asks.
    pub(crate) user: String,
}

/// What one source reads.
struct Reads {
    groups: Vec<FoundGroup>,
    range: TimeRange,
}

impl Logs {
    /// Compiles a query, fixes what it reads, and starts it; returns its id.
    pub(crate) fn start_insights_query(
        &self,
        scope: &Scope,
        now: Timestamp,
        asked: Asked,
    ) -> Result<String, LogsError> {
        if asked.start_secs > asked.end_secs {
            return Err(LogsError::invalid(
                "Query's end date and time must be after its start date and time.",
            ));
        }
        let mut pipeline = compile(&asked)?;
        let range = TimeRange::new(
            Timestamp::from_secs(asked.start_secs),
            Timestamp::from_secs(asked.end_secs.saturating_add(1)),
        );
        let outer = match (&pipeline.source, &asked.groups) {
            (Some(source), None) => self.read_source(scope, now, source, range)?,
            (None, Some(names)) => Reads { groups: self.named(scope, names.clone())?, range },
            _ => {
                return Err(LogsError::invalid(
                    "Exactly one of logGroupName, logGroupNames, logGroupIdentifiers and a source in the query \
                     must be specified.",
                ));
            }
        };
        check_classes(&outer.groups, &pipeline)?;
        let mut maskers: Vec<Arc<Masker>> =
            outer.groups.iter().filter_map(|group| self.masker(group)).collect();
        let mut nested = Vec::new();
        for inner in pipeline.nested() {
            let reads = match &inner.pipeline.source {
                Some(source) => self.read_source(scope, now, source, outer.range)?,
                None => Reads { groups: outer.groups.clone(), range: outer.range },
            };
            check_classes(&reads.groups, &inner.pipeline)?;
            maskers.extend(reads.groups.iter().filter_map(|group| self.masker(group)));
            if !inner.pipeline.index_fields.is_empty() {
                let message = "filterIndex is not supported inside another query".to_owned();
                return Err(LogsError::MalformedQuery { message, place: None });
            }
            nested.push(NestedSource {
                source: self.visible_snapshot(&reads.groups, now),
                groups: self.shown_groups(scope, &reads.groups),
                range: reads.range,
            });
        }
        let lookups = self.lookup_tables(scope, &pipeline)?;
        let reads = self.indexed(outer, &mut pipeline);
        let id = self.entropy.uuid().to_string();
        let groups: Vec<LogGroupKey> = self.sources(&reads.groups).into_iter().map(|(key, _)| key).collect();
        let maskers = if pipeline.unmasks { Vec::new() } else { maskers };
        let query = LogQuery {
            source: self.visible_snapshot(&reads.groups, now),
            groups: self.shown_groups(scope, &reads.groups),
            range: reads.range,
            pipeline,
            limit: asked.limit,
            nested,
            lookups,
        };
        let question = Question {
            id: id.clone(),
            scope: scope.clone(),
            text: asked.text,
            language: asked.language,
            groups,
            start_secs: asked.start_secs,
            end_secs: asked.end_secs,
            created: now,
            user: asked.user,
            maskers,
        };
        self.queries.start(question, query)?;
        Ok(id)
    }

    /// What `@log` shows for each part of the store that is read.
    fn shown_groups(&self, scope: &Scope, groups: &[FoundGroup]) -> Vec<Arc<str>> {
        let sources = self.sources(groups);
        sources.iter().map(|(key, _)| Arc::from(format!("{}:{}", scope.account, key.name))).collect()
    }

    /// The groups of these names, each once.
    fn named(&self, scope: &Scope, mut names: Vec<String>) -> Result<Vec<FoundGroup>, LogsError> {
        names.sort_unstable();
        names.dedup();
        if names.is_empty() || names.len() > GROUPS_MAX {
            return Err(LogsError::invalid(format!("A query must name 1 to {GROUPS_MAX} log groups.")));
        }
        names.iter().map(|name| self.group(scope, name).map_err(|_| missing(scope, name))).collect()
    }

    fn read_source(
        &self,
        scope: &Scope,
        now: Timestamp,
        source: &Source,
        range: TimeRange,
    ) -> Result<Reads, LogsError> {
        let refuse = |message: String| LogsError::MalformedQuery { message, place: Some(source.place) };
        if let Some(name) = source.data_sources.first() {
            return Err(refuse(format!("the data source '{name}' is not supported")));
        }
        let mut groups = match source.names.is_empty() {
            true => Vec::new(),
            false => {
                let names = source.names.iter().map(|name| {
                    from_identifier(scope, name, "queryString").map_err(|error| match error {
                        LogsError::GroupMissing => missing(scope, name),
                        other => other,
                    })
                });
                self.named(scope, names.collect::<Result<_, _>>()?)?
            }
        };
        if let Some(selector) = &source.groups {
            groups.extend(self.selected(scope, selector).map_err(refuse)?);
        }
        let bound = |time: SourceTime| match time {
            SourceTime::Millis(millis) => Ok(Timestamp::from_millis(millis)),
            SourceTime::Now => Ok(now),
            SourceTime::Ago(period) => period
                .millis()
                .map(|millis| now.saturating_sub_millis(millis))
                .ok_or_else(|| refuse(format!("{period} has no fixed length"))),
        };
        let start = source.start.map(bound).transpose()?.unwrap_or(range.start);
        // A source's end is included, as that of the request.
        let end = source.end.map(bound).transpose()?.map(|end| end.saturating_add_millis(1));
        let end = end.unwrap_or(range.end);
        if start > end {
            return Err(refuse("the source ends before it starts".to_owned()));
        }
        Ok(Reads { groups, range: TimeRange::new(start, end) })
    }

    fn selected(&self, scope: &Scope, selector: &GroupSelector) -> Result<Vec<FoundGroup>, String> {
        if let Some(other) = selector.account_identifiers.iter().find(|id| **id != *scope.account.as_str()) {
            return Err(format!("the account '{other}' is not linked to account '{}'", scope.account));
        }
        let class = |name: &String| match name.as_str() {
            "STANDARD" => Ok(Class::Standard),
            "INFREQUENT_ACCESS" => Ok(Class::InfrequentAccess),
            other => Err(format!("unknown log class '{other}'")),
        };
        let classes = selector.classes.iter().map(class).collect::<Result<Vec<_>, _>>()?;
        let mut groups = Vec::new();
        for group in self.all_groups(scope) {
            let prefixes = &selector.name_prefixes;
            let named = prefixes.is_empty() || prefixes.iter().any(|prefix| group.name.starts_with(prefix));
            let classed = match classes.is_empty() {
                true => group.record.class == Class::Standard,
                false => classes.contains(&group.record.class),
            };
            if named && classed {
                groups.push(group);
            }
        }
        if groups.len() > SELECTED_MAX {
            return Err(format!("the source has more than {SELECTED_MAX} log groups"));
        }
        Ok(groups)
    }

    /// Leaves of what is read that which has an index on all fields of `filterIndex`: groups that have them, and
    /// events that were ingested since.
    fn indexed(&self, mut reads: Reads, pipeline: &mut Pipeline) -> Reads {
        if pipeline.index_fields.is_empty() {
            return reads;
        }
        let fields = &pipeline.index_fields;
        reads.groups.retain(|group| fields.iter().all(|field| self.is_indexed(group, field)));
        let binary = |op, left, right| Expr::Binary { op, left: Box::new(left), right: Box::new(right) };
        let field = |name: &str| Expr::Field(name.to_owned());
        let mut covered = Vec::with_capacity(reads.groups.len());
        for group in &reads.groups {
            let policy = self.index_policy_in_force(group);
            let indexed = policy.iter().flat_map(|policy| &policy.fields);
            let since = indexed.filter(|field| fields.contains(&field.name)).map(|field| field.since).max();
            let millis = since.map_or(0, Timestamp::as_millis) as f64;
            for log in self.shown_groups(&group.scope, std::slice::from_ref(group)) {
                let name = Expr::Literal(Value::String(log.to_string()));
                let of_group = binary(BinaryOp::Equal, field("@log"), name);
                let since = Expr::Literal(Value::Number(millis));
                let later = binary(BinaryOp::GreaterOrEqual, field("@ingestionTime"), since);
                covered.push(binary(BinaryOp::And, of_group, later));
            }
        }
        let covered = covered.into_iter().reduce(|all, one| binary(BinaryOp::Or, all, one));
        pipeline.stages.splice(0..0, covered.map(Stage::Filter));
        reads
    }

    fn lookup_tables(
        &self,
        scope: &Scope,
        pipeline: &Pipeline,
    ) -> Result<HashMap<String, Arc<LookupTable>>, LogsError> {
        let mut tables = HashMap::new();
        for pipeline in
            std::iter::once(pipeline).chain(pipeline.nested().into_iter().map(|inner| &inner.pipeline))
        {
            for lookup in pipeline.lookups() {
                let refuse =
                    |message: String| LogsError::MalformedQuery { message, place: Some(lookup.place) };
                let text = self.lookup_table(scope, &lookup.table).map_err(|error| match error {
                    LogsError::NotFound(_) => {
                        refuse(format!("the lookup table '{}' does not exist", lookup.table))
                    }
                    other => other,
                })?;
                let table = read_table(&text).map_err(|error| LogsError::Internal(Box::new(error)))?;
                check_columns(lookup, &table).map_err(refuse)?;
                tables.insert(lookup.table.clone(), Arc::new(table));
            }
        }
        Ok(tables)
    }
}

fn read_table(text: &str) -> Result<LookupTable, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let columns = reader.headers()?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(record?.iter().map(str::to_owned).collect());
    }
    Ok(LookupTable::new(columns, rows))
}

fn compile(asked: &Asked) -> Result<Pipeline, LogsError> {
    let compiled = match asked.language {
        Language::Cwli => lang::compile(&asked.text),
        Language::Ppl => lang::ppl::compile(&asked.text),
        Language::Sql => lang::sql::compile(&asked.text),
    };
    compiled.map_err(|error| LogsError::MalformedQuery {
        message: error.message,
        place: Some((error.start, error.end)),
    })
}

fn check_columns(lookup: &Lookup, table: &LookupTable) -> Result<(), String> {
    let keys: Vec<&String> = match &lookup.keys {
        LookupKeys::Equal(keys) => keys.iter().map(|(column, _)| column).collect(),
        LookupKeys::Cidr { column, .. } => column.iter().collect(),
    };
    let columns = keys.into_iter().chain(lookup.outputs.iter().map(|(column, _)| column));
    match columns.into_iter().find(|column| table.column(column).is_none()) {
        Some(column) => Err(format!("the lookup table '{}' has no column '{column}'", lookup.table)),
        None => Ok(()),
    }
}

pub(crate) fn missing(scope: &Scope, group: &str) -> LogsError {
    let account = &scope.account;
    LogsError::NotFound(format!("Log group '{group}' does not exist for account ID '{account}'").into())
}

/// CloudWatch_Logs_Log_Classes.html: Delivery groups cannot be queried; those beside Standard have at most two
/// `stats` commands and lack some others.
fn check_classes(groups: &[FoundGroup], pipeline: &Pipeline) -> Result<(), LogsError> {
    let stats = pipeline.stages.iter().filter(|stage| matches!(stage, Stage::Aggregate { .. })).count();
    let has = |found: fn(&Stage) -> bool| pipeline.stages.iter().any(found);
    let command = match () {
        () if has(|stage| matches!(stage, Stage::Pattern(pattern) if pattern.baseline.is_some())) => {
            Some("diff")
        }
        () if has(|stage| matches!(stage, Stage::Pattern(_))) => Some("pattern"),
        () if !pipeline.index_fields.is_empty() => Some("filterIndex"),
        () if pipeline.unmasks => Some("unmask"),
        () => None,
    };
    for group in groups {
        let class = group.record.class;
        if !class.is_queryable() {
            return Err(LogsError::invalid("Log groups of the DELIVERY class cannot be queried."));
        }
        if class == Class::Standard {
            continue;
        }
        let class = class.shape();
        if let Some(command) = command {
            return Err(LogsError::invalid(format!(
                "The {command} command is not supported for log groups of the {} class.",
                class.as_str()
            )));
        }
        if stats > 2 {
            return Err(LogsError::invalid(format!(
                "Log groups of the {} class support at most two stats commands.",
                class.as_str()
            )));
        }
    }
    Ok(())
}
