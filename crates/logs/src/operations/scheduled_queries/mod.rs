//! Scheduled queries: create, get, update, list, delete, history.

mod create_scheduled_query;
mod delete_scheduled_query;
mod get_scheduled_query;
mod get_scheduled_query_history;
mod list_scheduled_queries;
mod update_scheduled_query;

pub(super) use create_scheduled_query::create_scheduled_query;
pub(super) use delete_scheduled_query::delete_scheduled_query;
pub(super) use get_scheduled_query::get_scheduled_query;
pub(super) use get_scheduled_query_history::get_scheduled_query_history;
pub(super) use list_scheduled_queries::list_scheduled_queries;
pub(super) use update_scheduled_query::update_scheduled_query;

use base::Timestamp;
use shapes::logs::{
    DestinationConfiguration, ExecutionStatus, LookupTableConfiguration, QueryLanguage, S3Configuration,
    ScheduledQueryState, StartQueryRequest, StartQueryResponse,
};
use smithy::Cx;

use super::queries;
use crate::Logs;
use crate::error::LogsError;
use crate::scheduled_query::schedule::Schedule;
use crate::scheduled_query::{RunStatus, S3Destination, ScheduledQuery, TableDestination};

const GROUPS_MAX: usize = 50;

/// Starts the query of a run: the same way that a client's query takes.
pub(crate) async fn start(cx: Cx<Logs>, request: StartQueryRequest) -> Result<StartQueryResponse, LogsError> {
    queries::start_query(cx, request).await
}

/// What create and update have in common.
struct Given {
    description: Option<String>,
    language: QueryLanguage,
    query: String,
    groups: Option<Vec<String>>,
    expression: String,
    timezone: Option<String>,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
    destination: Option<DestinationConfiguration>,
    first: Option<i64>,
    last: Option<i64>,
    role_arn: String,
    state: Option<ScheduledQueryState>,
}

impl Given {
    /// The record of a query of that name that is put now.
    fn record(self, name: String, now: Timestamp) -> Result<ScheduledQuery, LogsError> {
        let invalid = |message: String| LogsError::Validation(message.into());
        let timezone = self.timezone.unwrap_or_else(|| "UTC".to_owned());
        if Schedule::parse(&self.expression, &timezone).is_none() {
            return Err(invalid(format!(
                "The schedule expression {} with time zone {timezone} is not valid.",
                self.expression
            )));
        }
        if let QueryLanguage::Unknown(other) = &self.language {
            return Err(invalid(format!("Invalid queryLanguage: {other}")));
        }
        if self.language == QueryLanguage::Cwli {
            lang::compile(&self.query).map_err(|error| invalid(error.message))?;
        }
        if self.groups.as_ref().is_some_and(|groups| groups.len() > GROUPS_MAX) {
            return Err(invalid(format!("A query must name 1 to {GROUPS_MAX} log groups.")));
        }
        let (start, end) = (self.start_offset.unwrap_or(0), self.end_offset.unwrap_or(0));
        if start < 0 || end < 0 || (self.start_offset.is_some() && start < end) {
            return Err(invalid("startTimeOffset must not be less than endTimeOffset.".to_owned()));
        }
        if self.first.zip(self.last).is_some_and(|(first, last)| first > last) {
            return Err(invalid("scheduleStartTime must not be after scheduleEndTime.".to_owned()));
        }
        let destination = self.destination.unwrap_or_default();
        Ok(ScheduledQuery {
            name,
            description: self.description,
            language: self.language.as_str().to_owned(),
            query: self.query,
            groups: self.groups,
            expression: self.expression,
            timezone,
            start_offset_secs: self.start_offset,
            end_offset_secs: self.end_offset,
            s3: destination.s3_configuration.map(s3_destination),
            lookup_table: destination.lookup_table_configuration.map(table_destination),
            first: self.first.map(Timestamp::from_millis),
            last: self.last.map(Timestamp::from_millis),
            role_arn: self.role_arn,
            enabled: match self.state {
                None | Some(ScheduledQueryState::Enabled) => true,
                Some(ScheduledQueryState::Disabled) => false,
                Some(ScheduledQueryState::Unknown(other)) => {
                    return Err(invalid(format!("Invalid state: {other}")));
                }
            },
            created: now,
            updated: now,
            considered: now,
            last_triggered: None,
            last_status: None,
            tags: std::collections::BTreeMap::new(),
        })
    }
}

fn s3_destination(given: S3Configuration) -> S3Destination {
    S3Destination {
        uri: given.destination_identifier,
        role_arn: given.role_arn,
        owner: given.owner_account_id,
        kms_key_id: given.kms_key_id,
    }
}

fn table_destination(given: LookupTableConfiguration) -> TableDestination {
    TableDestination {
        name: given.table_name,
        role_arn: given.role_arn,
        description: given.description,
        kms_key_id: given.kms_key_id,
        tags: given.tags.unwrap_or_default(),
    }
}

fn state_shape(query: &ScheduledQuery) -> ScheduledQueryState {
    if query.enabled { ScheduledQueryState::Enabled } else { ScheduledQueryState::Disabled }
}

fn language_shape(query: &ScheduledQuery) -> QueryLanguage {
    match query.language.as_str() {
        "PPL" => QueryLanguage::Ppl,
        "SQL" => QueryLanguage::Sql,
        _ => QueryLanguage::Cwli,
    }
}

fn status_shape(status: RunStatus) -> ExecutionStatus {
    match status {
        RunStatus::Running => ExecutionStatus::Running,
        RunStatus::InvalidQuery => ExecutionStatus::InvalidQuery,
        RunStatus::Complete => ExecutionStatus::Complete,
        RunStatus::Failed => ExecutionStatus::Failed,
        RunStatus::Timeout => ExecutionStatus::Timeout,
    }
}

fn destination_shape(query: &ScheduledQuery) -> Option<DestinationConfiguration> {
    let s3_configuration = query.s3.clone().map(|s3| S3Configuration {
        destination_identifier: s3.uri,
        role_arn: s3.role_arn,
        owner_account_id: s3.owner,
        kms_key_id: s3.kms_key_id,
    });
    let lookup_table_configuration = query.lookup_table.clone().map(|table| LookupTableConfiguration {
        table_name: table.name,
        role_arn: table.role_arn,
        description: table.description,
        kms_key_id: table.kms_key_id,
        tags: Some(table.tags).filter(|tags| !tags.is_empty()),
    });
    (s3_configuration.is_some() || lookup_table_configuration.is_some())
        .then_some(DestinationConfiguration { s3_configuration, lookup_table_configuration })
}
