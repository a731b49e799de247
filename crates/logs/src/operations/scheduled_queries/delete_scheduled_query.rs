//! DeleteScheduledQuery: with its history.

use catalog::CommitError;
use shapes::logs::{DeleteScheduledQueryRequest, DeleteScheduledQueryResponse};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::scheduled_query::{query_key, runs_of};

pub(in crate::operations) async fn delete_scheduled_query(
    cx: Cx<Logs>,
    input: DeleteScheduledQueryRequest,
) -> Result<DeleteScheduledQueryResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    loop {
        let found = logs.scheduled_query(scope, &input.identifier)?;
        let transaction = logs
            .catalog
            .transaction()
            .delete(&logs.scheduled_queries, query_key(scope, &found.id), found.record.version)
            .delete_all(&logs.scheduled_runs, runs_of(scope, &found.id));
        match transaction.commit().await {
            Ok(_) => return Ok(DeleteScheduledQueryResponse {}),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
}
