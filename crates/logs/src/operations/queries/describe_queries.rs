//! DescribeQueries: newest first.

use base::page_token;
use shapes::logs::{DescribeQueriesRequest, DescribeQueriesResponse, QueryInfo};
use smithy::Cx;

use super::{language, status};
use crate::Logs;
use crate::error::LogsError;
use crate::operations::page_start;
use crate::queries::Started;

/// Queries of a page, if the caller names no number.
const PAGE_MAX: usize = 1_000;

pub(in crate::operations) async fn describe_queries(
    cx: Cx<Logs>,
    input: DescribeQueriesRequest,
) -> Result<DescribeQueriesResponse, LogsError> {
    let purpose = format!(
        "DescribeQueries|{}|{:?}|{:?}|{:?}",
        cx.scope(),
        input.log_group_name,
        input.status,
        input.query_language
    );
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let start = start.as_deref().and_then(<[String]>::first);
    let shown = |query: &Started| {
        let group = input.log_group_name.as_deref();
        group.is_none_or(|name| query.question.groups.iter().any(|group| group.name.as_ref() == name))
            && input.status.as_ref().is_none_or(|wanted| *wanted == status(query.job.status()))
            && input.query_language.as_ref().is_none_or(|wanted| *wanted == language(&query.question))
    };
    let mut queries = cx.service.queries.list(cx.scope());
    if let Some(last) = start {
        // A query that was forgotten meanwhile was among the oldest: nothing is left behind it.
        let next = queries.iter().position(|query| query.question.id == *last);
        queries.drain(..next.map_or(queries.len(), |at| at + 1));
    }
    queries.retain(|query| shown(query));
    let limit = input.max_results.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE_MAX);
    let more = queries.len() > limit;
    queries.truncate(limit);
    let last = queries.last().filter(|_| more);
    let next_token = last.map(|query| page_token::encode(&purpose, &[&query.question.id]));
    Ok(DescribeQueriesResponse {
        queries: Some(queries.iter().map(|query| shape(query)).collect()),
        next_token,
    })
}

fn shape(query: &Started) -> QueryInfo {
    let Started { question, job } = query;
    let ended = job.status().is_final();
    QueryInfo {
        query_id: Some(question.id.clone()),
        query_string: Some(question.described_text()),
        status: Some(status(job.status())),
        create_time: Some(question.created.as_millis()),
        log_group_name: question.groups.first().map(|group| group.name.as_ref().to_owned()),
        query_language: Some(language(question)),
        query_duration: ended.then(|| i64::try_from(job.duration().as_millis()).unwrap_or(i64::MAX)),
        bytes_scanned: ended.then(|| job.statistics().bytes_scanned as f64),
        user_identity: Some(question.user.clone()),
    }
}
