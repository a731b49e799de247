//! One run of a scheduled query: the query, then its destinations.

use std::sync::Arc;

use base::{Scope, Timestamp};
use bytes::Bytes;
use catalog::CommitError;
use query::{QueryStatus, Row};
use shapes::logs::{QueryLanguage, StartQueryRequest};
use signals::Principal;
use smithy::{Caller, Cx};
use tokio_util::sync::CancellationToken;

use super::{
    FoundQuery, Run, RunDestination, RunStatus, S3Destination, ScheduledQuery, TableDestination, query_key,
    run_key, runs_of,
};
use crate::Logs;
use crate::error::LogsError;
use crate::lookup_table::{LookupTable, Replace, write_csv};

impl Logs {
    /// Runs a query for the time it was due and keeps how that went. Nothing is kept if the server stops meanwhile;
    /// the run is then made again.
    pub(crate) async fn run_scheduled(
        self: &Arc<Self>,
        scope: &Scope,
        found: &FoundQuery,
        triggered: Timestamp,
        stop: &CancellationToken,
    ) -> Result<Option<RunStatus>, LogsError> {
        let query = &found.record.record;
        let mut run = Run {
            triggered,
            query_id: None,
            status: RunStatus::Running,
            error: None,
            destinations: Vec::new(),
        };
        match crate::operations::start_scheduled(self.cx_of(scope, query), request(query, triggered)).await {
            Ok(started) => {
                run.query_id = started.query_id;
                self.keep_run(scope, found, &run).await?;
                if !self.finish_query(scope, &mut run, stop).await {
                    return Ok(None);
                }
            }
            Err(error) if is_invalid(&error) => {
                run.status = RunStatus::InvalidQuery;
                run.error = Some(error.to_string());
            }
            Err(error) => {
                run.status = RunStatus::Failed;
                run.error = Some(error.to_string());
            }
        }
        if run.status == RunStatus::Complete {
            run.destinations = self.send_results(scope, query, &run).await;
        }
        self.keep_run(scope, found, &run).await?;
        self.keep_outcome(scope, found, &run).await?;
        self.forget_runs(scope, &found.id).await?;
        Ok(Some(run.status))
    }

    /// Waits for the end of the query; `false` if the server stops first.
    async fn finish_query(&self, scope: &Scope, run: &mut Run, stop: &CancellationToken) -> bool {
        let started = run.query_id.as_deref().and_then(|id| self.queries.find(scope, id));
        let Some(started) = started else {
            run.status = RunStatus::Failed;
            return true;
        };
        let status = tokio::select! {
            status = started.job.finished() => status,
            () = stop.cancelled() => {
                started.job.cancel();
                return false;
            }
        };
        run.status = match status {
            QueryStatus::Complete => RunStatus::Complete,
            QueryStatus::Timeout => RunStatus::Timeout,
            _ => RunStatus::Failed,
        };
        run.error = started.job.failure().map(|failure| failure.to_string());
        true
    }

    /// On whose behalf it runs: the role that was named for it.
    fn cx_of(self: &Arc<Self>, scope: &Scope, query: &ScheduledQuery) -> Cx<Logs> {
        let principal = Principal {
            arn: query.role_arn.clone(),
            kind: "AssumedRole".to_owned(),
            principal_id: scope.account.as_str().to_owned(),
            user_name: None,
            access_key_id: None,
        };
        let caller = Caller {
            scope: scope.clone(),
            principal,
            source_ip: "logs.amazonaws.com".to_owned(),
            user_agent: "logs.amazonaws.com".to_owned(),
            request_id: self.entropy.uuid().to_string(),
        };
        Cx { service: self.clone(), caller: Arc::new(caller), now: self.clock.now() }
    }

    async fn send_results(&self, scope: &Scope, query: &ScheduledQuery, run: &Run) -> Vec<RunDestination> {
        let rows = run
            .query_id
            .as_deref()
            .and_then(|id| self.queries.find(scope, id))
            .and_then(|started| started.job.rows(0, usize::MAX))
            .unwrap_or_default();
        let mut destinations = Vec::new();
        if let Some(s3) = &query.s3 {
            let result = self.send_to_bucket(s3, run, &rows).await;
            destinations.push(destination(false, s3.uri.clone(), result));
        }
        if let Some(table) = &query.lookup_table {
            let result = self.send_to_table(scope, table, &rows).await;
            destinations.push(destination(true, table.name.clone(), result));
        }
        destinations
    }

    /// Writes the rows as GetQueryResults shows them. The object that was written is named. (AWS documents neither
    /// name nor form of the object.)
    async fn send_to_bucket(&self, s3: &S3Destination, run: &Run, rows: &[Row]) -> Result<String, String> {
        let rest = s3.uri.strip_prefix("s3://").unwrap_or(&s3.uri);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let id = run.query_id.as_deref().unwrap_or_default();
        let file = format!("{id}.json");
        let day = &run.triggered.to_iso8601_secs()[..10];
        let key = crate::export::object_key(prefix, &[day, &file]);
        let field = |(name, value): &(Arc<str>, String)| {
            let name: &str = name;
            serde_json::json!({"field": name, "value": value})
        };
        let shown: Vec<Vec<_>> = rows.iter().map(|row| row.values.iter().map(field).collect()).collect();
        let document = serde_json::json!({
            "queryId": id,
            "triggeredTimestamp": run.triggered.as_millis(),
            "results": shown,
        });
        let body = Bytes::from(document.to_string());
        let buckets = &self.neighbours.buckets;
        buckets.put_object(bucket, &key, body).await.map_err(|error| error.to_string())?;
        Ok(format!("s3://{bucket}/{key}"))
    }

    async fn send_to_table(
        &self,
        scope: &Scope,
        table: &TableDestination,
        rows: &[Row],
    ) -> Result<String, String> {
        let texts: Vec<Vec<(&str, &str)>> = rows
            .iter()
            .map(|row| row.values.iter().map(|(name, value)| (&**name, value.as_str())).collect())
            .collect();
        let described = |before: Option<&LookupTable>, new: LookupTable| LookupTable {
            description: table.description.clone(),
            tags: before.map_or_else(|| table.tags.clone(), |before| before.tags.clone()),
            ..new
        };
        let text = write_csv(&texts).map_err(|error| error.to_string())?;
        self.put_lookup_table(scope, &table.name, &text, Replace::Either, described)
            .await
            .map(|_| crate::lookup_table::table_arn(scope, &table.name))
            .map_err(|error| error.to_string())
    }

    async fn keep_run(&self, scope: &Scope, found: &FoundQuery, run: &Run) -> Result<(), LogsError> {
        let key = run_key(scope, &found.id, run.triggered);
        loop {
            let transaction = self.catalog.transaction();
            let transaction = match self.scheduled_runs.get(&key) {
                Some(before) => {
                    transaction.update(&self.scheduled_runs, key.clone(), before.version, run.clone())
                }
                None => transaction.insert(&self.scheduled_runs, key.clone(), run.clone()),
            };
            match transaction.commit().await {
                Ok(_) => return Ok(()),
                Err(CommitError::Failed(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
    }

    /// Notes in the query's record what came of the run. A query that was deleted meanwhile stays deleted.
    async fn keep_outcome(&self, scope: &Scope, found: &FoundQuery, run: &Run) -> Result<(), LogsError> {
        let note = |query: &mut ScheduledQuery| {
            query.considered = query.considered.max(run.triggered);
            query.last_triggered = Some(run.triggered);
            query.last_status = Some(run.status);
            Ok::<(), LogsError>(())
        };
        match self.scheduled_queries.update(&query_key(scope, &found.id), note).await {
            Ok(_) | Err(catalog::UpdateError::Missing) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn forget_runs(&self, scope: &Scope, id: &str) -> Result<(), LogsError> {
        let runs = self.scheduled_runs.list(&runs_of(scope, id), None, usize::MAX);
        for entry in runs.iter().take(runs.len().saturating_sub(super::RUNS_KEPT_MAX)) {
            let deleted = self.scheduled_runs.delete(entry.key.clone(), entry.value.version).await;
            if let Err(CommitError::Failed(error)) = deleted {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

fn destination(is_table: bool, identifier: String, result: Result<String, String>) -> RunDestination {
    let (processed, error) = match result {
        Ok(processed) => (Some(processed), None),
        Err(error) => (None, Some(error)),
    };
    RunDestination { is_table, identifier, is_complete: processed.is_some(), processed, error }
}

/// What the query asks at a run.
fn request(query: &ScheduledQuery, triggered: Timestamp) -> StartQueryRequest {
    let back = |secs: Option<i64>| triggered.as_secs().saturating_sub(secs.unwrap_or(0));
    StartQueryRequest {
        query_language: Some(match query.language.as_str() {
            "PPL" => QueryLanguage::Ppl,
            "SQL" => QueryLanguage::Sql,
            _ => QueryLanguage::Cwli,
        }),
        log_group_identifiers: query.groups.clone(),
        start_time: back(query.start_offset_secs),
        end_time: back(query.end_offset_secs),
        query_string: query.query.clone(),
        ..StartQueryRequest::default()
    }
}

fn is_invalid(error: &LogsError) -> bool {
    matches!(
        error,
        LogsError::MalformedQuery { .. } | LogsError::InvalidParameter(_) | LogsError::NotFound(_)
    )
}
