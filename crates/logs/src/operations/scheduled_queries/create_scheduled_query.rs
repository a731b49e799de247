//! CreateScheduledQuery.

use shapes::logs::{CreateScheduledQueryRequest, CreateScheduledQueryResponse};
use smithy::Cx;

use super::{Given, state_shape};
use crate::Logs;
use crate::error::LogsError;
use crate::group::tags;
use crate::operations::paging::as_validation;
use crate::scheduled_query::{QUERIES_MAX, query_arn, query_key};

pub(in crate::operations) async fn create_scheduled_query(
    cx: Cx<Logs>,
    input: CreateScheduledQueryRequest,
) -> Result<CreateScheduledQueryResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let given_tags = input.tags.unwrap_or_default();
    tags::check_keys(given_tags.keys()).map_err(as_validation)?;
    let given = Given {
        description: input.description,
        language: input.query_language,
        query: input.query_string,
        groups: input.log_group_identifiers,
        expression: input.schedule_expression,
        timezone: input.timezone,
        start_offset: input.start_time_offset,
        end_offset: input.end_time_offset,
        destination: input.destination_configuration,
        first: input.schedule_start_time,
        last: input.schedule_end_time,
        role_arn: input.execution_role_arn,
        state: input.state,
    };
    let mut query = given.record(input.name, cx.now)?;
    query.tags = given_tags;
    // Names are looked at and taken one after another.
    let _creating = logs.scheduled_gate.lock().await;
    let all = logs.scheduled_queries_of(scope);
    if all.iter().any(|other| other.record.name == query.name) {
        return Err(LogsError::Conflict(
            format!("A scheduled query with the name {} already exists.", query.name).into(),
        ));
    }
    if all.len() >= QUERIES_MAX {
        return Err(LogsError::QuotaExceeded("Resource limit exceeded.".into()));
    }
    let id = logs.entropy.uuid().to_string();
    let state = state_shape(&query);
    logs.scheduled_queries
        .insert(query_key(scope, &id), query)
        .await
        .map_err(crate::operations::deliveries::conflict)?;
    logs.wake(crate::tasks::SCHEDULED_QUERIES);
    Ok(CreateScheduledQueryResponse { scheduled_query_arn: Some(query_arn(scope, &id)), state: Some(state) })
}
