//! ListScheduledQueries: in order of their ids, which are as good as random.

use shapes::logs::{
    ListScheduledQueriesRequest, ListScheduledQueriesResponse, ScheduleType, ScheduledQuerySummary,
};
use smithy::Cx;

use super::{destination_shape, state_shape, status_shape};
use crate::Logs;
use crate::error::LogsError;
use crate::operations::describe_limit;
use crate::operations::paging::{as_validation, named_page};
use crate::scheduled_query::{ScheduledQuery, queries_of, query_arn, query_key};

pub(in crate::operations) async fn list_scheduled_queries(
    cx: Cx<Logs>,
    input: ListScheduledQueriesRequest,
) -> Result<ListScheduledQueriesResponse, LogsError> {
    let scope = cx.scope();
    let wanted = input.state.as_ref().map_or("", |state| state.as_str());
    let purpose = format!("ListScheduledQueries|{scope}|{wanted}");
    // Every query here was made by a user.
    if matches!(&input.schedule_type, Some(kind) if *kind != ScheduleType::CustomerManaged) {
        return Ok(ListScheduledQueriesResponse { scheduled_queries: Some(Vec::new()), next_token: None });
    }
    let (page, next_token) = named_page(
        &cx.service.scheduled_queries,
        &queries_of(scope),
        &purpose,
        input.next_token.as_deref(),
        describe_limit(input.max_results),
        |id| query_key(scope, id),
    )
    .map_err(as_validation)?;
    let shown = page.iter().filter(|(_, query)| wanted.is_empty() || state_shape(query).as_str() == wanted);
    let shape = |(id, query): &(String, std::sync::Arc<ScheduledQuery>)| ScheduledQuerySummary {
        scheduled_query_arn: Some(query_arn(scope, id)),
        name: Some(query.name.clone()),
        state: Some(state_shape(query)),
        schedule_type: Some(ScheduleType::CustomerManaged),
        last_triggered_time: query.last_triggered.map(|at| at.as_millis()),
        last_execution_status: query.last_status.map(status_shape),
        schedule_expression: Some(query.expression.clone()),
        timezone: Some(query.timezone.clone()),
        destination_configuration: destination_shape(query),
        creation_time: Some(query.created.as_millis()),
        last_updated_time: Some(query.updated.as_millis()),
    };
    let scheduled_queries = Some(shown.map(shape).collect());
    Ok(ListScheduledQueriesResponse { scheduled_queries, next_token })
}
