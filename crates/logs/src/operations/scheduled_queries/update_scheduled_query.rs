//! UpdateScheduledQuery: replaces everything but the name.

use shapes::logs::{
    GetScheduledQueryRequest, GetScheduledQueryResponse, UpdateScheduledQueryRequest,
    UpdateScheduledQueryResponse,
};
use smithy::Cx;

use super::{Given, get_scheduled_query};
use crate::Logs;
use crate::error::LogsError;
use crate::scheduled_query::{ScheduledQuery, query_key};

pub(in crate::operations) async fn update_scheduled_query(
    cx: Cx<Logs>,
    input: UpdateScheduledQueryRequest,
) -> Result<UpdateScheduledQueryResponse, LogsError> {
    let identifier = input.identifier;
    let found = cx.service.scheduled_query(cx.scope(), &identifier)?;
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
    let new = given.record(found.record.name.clone(), cx.now)?;
    let change = |query: &mut ScheduledQuery| {
        *query = ScheduledQuery {
            created: query.created,
            last_triggered: query.last_triggered,
            last_status: query.last_status,
            tags: query.tags.clone(),
            ..new.clone()
        };
        Ok::<(), LogsError>(())
    };
    match cx.service.scheduled_queries.update(&query_key(cx.scope(), &found.id), change).await {
        Ok(_) => {}
        Err(catalog::UpdateError::Missing) => {
            return Err(LogsError::NotFound("The specified scheduled query does not exist.".into()));
        }
        Err(error) => return Err(error.into()),
    }
    cx.service.wake(crate::tasks::SCHEDULED_QUERIES);
    let shown = get_scheduled_query(cx, GetScheduledQueryRequest { identifier }).await?;
    let GetScheduledQueryResponse {
        scheduled_query_arn,
        name,
        description,
        query_language,
        query_string,
        log_group_identifiers,
        schedule_expression,
        timezone,
        start_time_offset,
        end_time_offset,
        destination_configuration,
        state,
        schedule_type,
        last_triggered_time,
        last_execution_status,
        schedule_start_time,
        schedule_end_time,
        execution_role_arn,
        creation_time,
        last_updated_time,
    } = shown;
    Ok(UpdateScheduledQueryResponse {
        scheduled_query_arn,
        name,
        description,
        query_language,
        query_string,
        log_group_identifiers,
        schedule_expression,
        timezone,
        start_time_offset,
        end_time_offset,
        destination_configuration,
        state,
        schedule_type,
        last_triggered_time,
        last_execution_status,
        schedule_start_time,
        schedule_end_time,
        execution_role_arn,
        creation_time,
        last_updated_time,
    })
}
