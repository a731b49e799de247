//! StartQuery: compiles the text, fixes what it reads, and starts it.

use std::sync::Arc;

use base::{TimeRange, Timestamp};
use lang::plan::{Pipeline, Stage};
use query::LogQuery;
use shapes::logs::{QueryLanguage, StartQueryRequest, StartQueryResponse};
use smithy::Cx;
use store::tables::logs::{LogGroupKey, LogSnapshot};

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup};
use crate::identifier::from_identifier;
use crate::queries::Question;
use crate::transformer::Sources;

/// Groups of one query.
const GROUPS_MAX: usize = 50;

pub(in crate::operations) async fn start_query(
    cx: Cx<Logs>,
    input: StartQueryRequest,
) -> Result<StartQueryResponse, LogsError> {
    check_language(&input)?;
    let names = names(&cx, &input)?;
    if input.start_time > input.end_time {
        return Err(LogsError::invalid("Query's end date and time must be after its start date and time."));
    }
    let pipeline = lang::compile(&input.query_string).map_err(|error| LogsError::MalformedQuery {
        message: error.message,
        place: Some((error.start, error.end)),
    })?;
    let groups = groups(&cx, names, &pipeline)?;
    let id = cx.service.entropy.uuid().to_string();
    let sources = cx.service.sources(&groups);
    let log = |(key, _): &(LogGroupKey, _)| Arc::from(format!("{}:{}", cx.scope().account, key.name));
    let query = LogQuery {
        source: cx.service.visible_snapshot(&groups, cx.now),
        groups: sources.iter().map(log).collect(),
        range: TimeRange::new(
            Timestamp::from_secs(input.start_time),
            Timestamp::from_secs(input.end_time.saturating_add(1)),
        ),
        pipeline,
        limit: input.limit.and_then(|limit| usize::try_from(limit).ok()),
    };
    let question = Question {
        id: id.clone(),
        scope: cx.scope().clone(),
        text: input.query_string,
        groups: sources.into_iter().map(|(key, _)| key).collect(),
        start_secs: input.start_time,
        end_secs: input.end_time,
        created: cx.now,
        user: cx.caller.principal.arn.clone(),
    };
    cx.service.queries.start(question, query)?;
    Ok(StartQueryResponse { query_id: Some(id) })
}

/// The other two languages belong to a later issue; a text in one of them cannot be compiled here.
fn check_language(input: &StartQueryRequest) -> Result<(), LogsError> {
    let language = match &input.query_language {
        None | Some(QueryLanguage::Cwli) => return Ok(()),
        Some(other) => other.as_str(),
    };
    let end = input.query_string.chars().count();
    let message = format!("Query cannot be compiled: query language {language} is not supported");
    Err(LogsError::MalformedQuery { message, place: Some((0, end)) })
}

/// Names of the groups, from exactly one of the three members.
fn names(cx: &Cx<Logs>, input: &StartQueryRequest) -> Result<Vec<String>, LogsError> {
    let (name, list, identifiers) =
        (&input.log_group_name, &input.log_group_names, &input.log_group_identifiers);
    let mut names = match (name, list, identifiers) {
        (Some(name), None, None) => vec![name.clone()],
        (None, Some(names), None) => names.clone(),
        (None, None, Some(identifiers)) => {
            let named =
                |identifier: &String| match from_identifier(cx.scope(), identifier, "logGroupIdentifiers") {
                    Err(LogsError::GroupMissing) => Err(missing(cx, identifier)),
                    other => other,
                };
            identifiers.iter().map(named).collect::<Result<_, _>>()?
        }
        _ => {
            return Err(LogsError::invalid(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.",
            ));
        }
    };
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.len() > GROUPS_MAX {
        return Err(LogsError::invalid(format!("A query must name 1 to {GROUPS_MAX} log groups.")));
    }
    Ok(names)
}

fn groups(cx: &Cx<Logs>, names: Vec<String>, pipeline: &Pipeline) -> Result<Vec<FoundGroup>, LogsError> {
    let mut groups = Vec::with_capacity(names.len());
    for name in names {
        let group = cx.service.group(cx.scope(), &name).map_err(|_| missing(cx, &name))?;
        check_class(&group, pipeline)?;
        groups.push(group);
    }
    Ok(groups)
}

fn missing(cx: &Cx<Logs>, group: &str) -> LogsError {
    let account = &cx.scope().account;
    LogsError::NotFound(format!("Log group '{group}' does not exist for account ID '{account}'").into())
}

/// CloudWatch_Logs_Log_Classes.html: Delivery groups cannot be queried, and those beside Standard have at most two
/// `stats` commands.
fn check_class(group: &FoundGroup, pipeline: &Pipeline) -> Result<(), LogsError> {
    let class = group.record.class;
    if !class.is_queryable() {
        return Err(LogsError::invalid("Log groups of the DELIVERY class cannot be queried."));
    }
    let stats = pipeline.stages.iter().filter(|stage| matches!(stage, Stage::Aggregate { .. })).count();
    if class != Class::Standard && stats > 2 {
        let class = class.shape();
        return Err(LogsError::invalid(format!(
            "Log groups of the {} class support at most two stats commands.",
            class.as_str()
        )));
    }
    Ok(())
}

impl Logs {
    /// What the groups hold and what is not expired, as of now.
    fn visible_snapshot(&self, groups: &[FoundGroup], now: Timestamp) -> Arc<LogSnapshot> {
        let (mut keys, mut hidden) = (Vec::new(), Vec::new());
        for group in groups {
            for (key, stretches) in self.query_sources(group) {
                keys.push(key);
                hidden.push((group.visible_from(now), stretches));
            }
        }
        let mut snapshot = self.events.snapshot(&keys);
        for (index, (before, stretches)) in hidden.into_iter().enumerate() {
            snapshot.hide_before(index, before);
            snapshot.hide_accepted(index, &stretches);
        }
        Arc::new(snapshot)
    }

    /// The parts of the store that are read, in the order of the snapshot's groups.
    fn sources(&self, groups: &[FoundGroup]) -> Sources {
        groups.iter().flat_map(|group| self.query_sources(group)).collect()
    }
}
