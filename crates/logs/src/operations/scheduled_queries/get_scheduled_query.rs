//! GetScheduledQuery: by name or ARN.

use shapes::logs::{GetScheduledQueryRequest, GetScheduledQueryResponse, ScheduleType};
use smithy::Cx;

use super::{destination_shape, language_shape, state_shape, status_shape};
use crate::Logs;
use crate::error::LogsError;
use crate::scheduled_query::query_arn;

pub(in crate::operations) async fn get_scheduled_query(
    cx: Cx<Logs>,
    input: GetScheduledQueryRequest,
) -> Result<GetScheduledQueryResponse, LogsError> {
    let found = cx.service.scheduled_query(cx.scope(), &input.identifier)?;
    let query = &found.record.record;
    Ok(GetScheduledQueryResponse {
        scheduled_query_arn: Some(query_arn(cx.scope(), &found.id)),
        name: Some(query.name.clone()),
        description: query.description.clone(),
        query_language: Some(language_shape(query)),
        query_string: Some(query.query.clone()),
        log_group_identifiers: query.groups.clone(),
        schedule_expression: Some(query.expression.clone()),
        timezone: Some(query.timezone.clone()),
        start_time_offset: query.start_offset_secs,
        end_time_offset: query.end_offset_secs,
        destination_configuration: destination_shape(query),
        state: Some(state_shape(query)),
        schedule_type: Some(ScheduleType::CustomerManaged),
        last_triggered_time: query.last_triggered.map(|at| at.as_millis()),
        last_execution_status: query.last_status.map(status_shape),
        schedule_start_time: query.first.map(|at| at.as_millis()),
        schedule_end_time: query.last.map(|at| at.as_millis()),
        execution_role_arn: Some(query.role_arn.clone()),
        creation_time: Some(query.created.as_millis()),
        last_updated_time: Some(query.updated.as_millis()),
    })
}
