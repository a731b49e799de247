//! GetScheduledQueryHistory: runs, newest first.

use base::page_token;
use shapes::logs::{
    ActionStatus, GetScheduledQueryHistoryRequest, GetScheduledQueryHistoryResponse,
    ScheduledQueryDestination, ScheduledQueryDestinationType, TriggerHistoryRecord,
};
use smithy::Cx;

use super::status_shape;
use crate::Logs;
use crate::error::LogsError;
use crate::operations::paging::as_validation;
use crate::operations::{describe_limit, page_start};
use crate::scheduled_query::{Run, RunDestination, query_arn};

pub(in crate::operations) async fn get_scheduled_query_history(
    cx: Cx<Logs>,
    input: GetScheduledQueryHistoryRequest,
) -> Result<GetScheduledQueryHistoryResponse, LogsError> {
    let scope = cx.scope();
    let found = cx.service.scheduled_query(scope, &input.identifier)?;
    let statuses = input.execution_statuses.unwrap_or_default();
    let names: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
    let (start, end) = (input.start_time, input.end_time);
    let purpose = format!("GetScheduledQueryHistory|{scope}|{}|{start}|{end}|{}", found.id, names.join(","));
    let token = page_start(&purpose, input.next_token.as_deref()).map_err(as_validation)?;
    let before: i64 = match token.as_deref() {
        Some([before]) => before.parse().map_err(|_| as_validation(LogsError::bad_token()))?,
        _ => i64::MAX,
    };
    let mut runs = cx.service.runs_of_query(scope, &found.id);
    runs.retain(|run| {
        let at = run.triggered.as_millis();
        (start..=end).contains(&at)
            && at < before
            && (names.is_empty() || names.contains(&status_shape(run.status).as_str()))
    });
    let limit = describe_limit(input.max_results);
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next_token = runs
        .last()
        .filter(|_| more)
        .map(|run| page_token::encode(&purpose, &[&run.triggered.as_millis().to_string()]));
    Ok(GetScheduledQueryHistoryResponse {
        name: Some(found.record.name.clone()),
        scheduled_query_arn: Some(query_arn(scope, &found.id)),
        trigger_history: Some(runs.iter().map(|run| shape(run)).collect()),
        next_token,
    })
}

fn shape(run: &Run) -> TriggerHistoryRecord {
    TriggerHistoryRecord {
        query_id: run.query_id.clone(),
        execution_status: Some(status_shape(run.status)),
        triggered_timestamp: Some(run.triggered.as_millis()),
        error_message: run.error.clone(),
        destinations: Some(run.destinations.iter().map(destination).collect()),
    }
}

fn destination(destination: &RunDestination) -> ScheduledQueryDestination {
    let kind = match destination.is_table {
        true => ScheduledQueryDestinationType::LookupTable,
        false => ScheduledQueryDestinationType::S3,
    };
    ScheduledQueryDestination {
        destination_type: Some(kind),
        destination_identifier: Some(destination.identifier.clone()),
        status: Some(if destination.is_complete { ActionStatus::Complete } else { ActionStatus::Failed }),
        processed_identifier: destination.processed.clone(),
        error_message: destination.error.clone(),
    }
}
