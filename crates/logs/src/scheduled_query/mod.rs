//! Scheduled queries: Insights queries that run by the clock, and whose results go to a bucket or become a lookup
//! table.

pub(crate) mod run;
pub(crate) mod schedule;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey, Versioned};
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::error::LogsError;
use schedule::Schedule;

/// Scheduled queries of an account and Region.
pub(crate) const QUERIES_MAX: usize = 1_000;
/// Runs kept of one query; of more, the oldest go.
pub(crate) const RUNS_KEPT_MAX: usize = 1_000;

/// What is kept of a scheduled query; its id, which ends its ARN, is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScheduledQuery {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) language: String,
    pub(crate) query: String,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) expression: String,
    pub(crate) timezone: String,
    /// Seconds before the run at which the range that is queried begins and ends.
    pub(crate) start_offset_secs: Option<i64>,
    pub(crate) end_offset_secs: Option<i64>,
    pub(crate) s3: Option<S3Destination>,
    pub(crate) lookup_table: Option<TableDestination>,
    /// Times between which it runs.
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    pub(crate) role_arn: String,
    pub(crate) enabled: bool,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// The run that came last, or when the query was created, changed or enabled: the next one is the first
    /// after this.
    pub(crate) considered: Timestamp,
    pub(crate) last_triggered: Option<Timestamp>,
    pub(crate) last_status: Option<RunStatus>,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct S3Destination {
    /// `s3://BUCKET/PREFIX`.
    pub(crate) uri: String,
    pub(crate) role_arn: String,
    pub(crate) owner: Option<String>,
    pub(crate) kms_key_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableDestination {
    pub(crate) name: String,
    pub(crate) role_arn: String,
    pub(crate) description: Option<String>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for ScheduledQuery {
    const COLLECTION: &'static str = "log_scheduled_query";
    const VERSION: u32 = 1;
}

/// One run; the query's id and when it was due are in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) triggered: Timestamp,
    pub(crate) query_id: Option<String>,
    pub(crate) status: RunStatus,
    pub(crate) error: Option<String>,
    pub(crate) destinations: Vec<RunDestination>,
}

impl Record for Run {
    const COLLECTION: &'static str = "log_scheduled_query_run";
    const VERSION: u32 = 1;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RunStatus {
    Running,
    InvalidQuery,
    Complete,
    Failed,
    Timeout,
}

/// How a result fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunDestination {
    pub(crate) is_table: bool,
    pub(crate) identifier: String,
    pub(crate) is_complete: bool,
    /// Object or table that was written.
    pub(crate) processed: Option<String>,
    pub(crate) error: Option<String>,
}

pub(crate) fn query_key(scope: &Scope, id: &str) -> RecordKey {
    RecordKey::new(scope, &[id])
}

pub(crate) fn queries_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

pub(crate) fn run_key(scope: &Scope, id: &str, triggered: Timestamp) -> RecordKey {
    RecordKey::new(scope, &[id, &format!("{:020}", triggered.as_millis().max(0))])
}

pub(crate) fn runs_of(scope: &Scope, id: &str) -> Prefix {
    Prefix::new(scope, &[id])
}

pub(crate) fn query_arn(scope: &Scope, id: &str) -> String {
    scope.arn("logs", &format!("scheduled-query:{id}"))
}

/// A scheduled query with its id.
#[derive(Clone)]
pub(crate) struct FoundQuery {
    pub(crate) id: String,
    pub(crate) record: Versioned<ScheduledQuery>,
}

impl ScheduledQuery {
    pub(crate) fn schedule(&self) -> Option<Schedule> {
        Schedule::parse(&self.expression, &self.timezone)
    }

    /// When it is due next, if ever.
    pub(crate) fn next_run(&self) -> Option<Timestamp> {
        if !self.enabled {
            return None;
        }
        let from = match self.first {
            // The first time itself counts.
            Some(first) => self.considered.max(first.saturating_sub_millis(1)),
            None => self.considered,
        };
        self.schedule()?.next_after(from).filter(|next| self.last.is_none_or(|last| *next <= last))
    }

    /// The latest run that is due at `now`: of those that were missed, only the last is made up for.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let mut due = self.next_run().filter(|next| *next <= now)?;
        // What was missed for long is not walked through minute by minute.
        let recent = now.saturating_sub_millis(86_400_000);
        let mut later = Self { considered: due.max(recent), ..self.clone() };
        while let Some(next) = later.next_run().filter(|next| *next <= now) {
            due = next;
            later.considered = next;
        }
        Some(due)
    }
}

impl Logs {
    pub(crate) fn scheduled_queries_of(&self, scope: &Scope) -> Vec<FoundQuery> {
        let entries = self.scheduled_queries.list(&queries_of(scope), None, usize::MAX);
        entries
            .into_iter()
            .map(|entry| FoundQuery { id: crate::group::name_of(&entry.key), record: entry.value })
            .collect()
    }

    /// The query that a name or an ARN names.
    pub(crate) fn scheduled_query(&self, scope: &Scope, identifier: &str) -> Result<FoundQuery, LogsError> {
        let missing = || LogsError::NotFound("The specified scheduled query does not exist.".into());
        if identifier.starts_with("arn:") {
            let id = identifier.strip_prefix(&query_arn(scope, "")).ok_or_else(missing)?;
            let record = self.scheduled_queries.get(&query_key(scope, id)).ok_or_else(missing)?;
            return Ok(FoundQuery { id: id.to_owned(), record });
        }
        let all = self.scheduled_queries_of(scope);
        all.into_iter().find(|query| query.record.name == identifier).ok_or_else(missing)
    }

    /// Runs of a query, newest first.
    pub(crate) fn runs_of_query(&self, scope: &Scope, id: &str) -> Vec<Arc<Run>> {
        let mut runs: Vec<_> = self
            .scheduled_runs
            .list(&runs_of(scope, id), None, usize::MAX)
            .into_iter()
            .map(|entry| entry.value.record)
            .collect();
        runs.reverse();
        runs
    }
}
