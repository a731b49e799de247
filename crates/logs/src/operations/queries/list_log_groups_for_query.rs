//! ListLogGroupsForQuery: the groups that a query reads.

use base::page_token;
use shapes::logs::{ListLogGroupsForQueryRequest, ListLogGroupsForQueryResponse};
use smithy::Cx;

use super::find;
use crate::Logs;
use crate::error::LogsError;
use crate::operations::page_start;

/// AWS: the default of `maxResults` is its least value.
const PAGE_GROUPS: usize = 50;

pub(in crate::operations) async fn list_log_groups_for_query(
    cx: Cx<Logs>,
    input: ListLogGroupsForQueryRequest,
) -> Result<ListLogGroupsForQueryResponse, LogsError> {
    let query = find(&cx, &input.query_id)?;
    let purpose = format!("ListLogGroupsForQuery|{}", input.query_id);
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let mut names: Vec<String> = query.question.groups.iter().map(|group| group.name.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    if let Some(after) = start.as_deref().and_then(<[String]>::first) {
        names.retain(|name| name > after);
    }
    let limit = input.max_results.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE_GROUPS);
    let more = names.len() > limit;
    names.truncate(limit);
    let next_token = names.last().filter(|_| more).map(|last| page_token::encode(&purpose, &[last]));
    Ok(ListLogGroupsForQueryResponse { log_group_identifiers: Some(names), next_token })
}
