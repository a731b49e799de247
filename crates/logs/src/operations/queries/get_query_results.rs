//! GetQueryResults: how a query stands, and its rows by pages.

use base::page_token;
use query::{QueryStatistics, Row};
use shapes::logs::{
    GetQueryResultsRequest, GetQueryResultsResponse, QueryStatistics as StatisticsShape, ResultField,
};
use smithy::Cx;
use store::tables::logs::LogPosition;

use super::{find, language, status};
use crate::Logs;
use crate::error::LogsError;
use crate::event::pointer;
use crate::operations::page_start;
use crate::queries::Question;

/// Rows of a page, if the caller names no number.
const PAGE_ROWS_MAX: usize = 10_000;

pub(in crate::operations) async fn get_query_results(
    cx: Cx<Logs>,
    input: GetQueryResultsRequest,
) -> Result<GetQueryResultsResponse, LogsError> {
    let query = find(&cx, &input.query_id)?;
    let (question, job) = (&query.question, &query.job);
    let purpose = format!("GetQueryResults|{}", question.id);
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let start = match start.as_deref().and_then(<[String]>::first) {
        None => 0,
        Some(row) => row.parse::<usize>().map_err(|_| LogsError::bad_token())?,
    };
    let limit = input.max_items.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE_ROWS_MAX);
    // Read in this order: a query that ends in between shows no rows yet, but never a wrong end.
    let found = job.status();
    let gone = || LogsError::NotFound(format!("The results of query ID {} are gone.", question.id).into());
    let rows = job.rows(start, limit).ok_or_else(gone)?;
    let statistics = job.statistics();
    let end = start + rows.len();
    // With maxItems 0 there is no page to go on from.
    let more = !rows.is_empty() && statistics.result_count.is_some_and(|count| (end as u64) < count);
    Ok(GetQueryResultsResponse {
        query_language: Some(language(question)),
        results: Some(rows.into_iter().map(|row| shape(question, row)).collect()),
        statistics: Some(figures(&statistics)),
        status: Some(status(found)),
        encryption_key: None,
        next_token: more.then(|| page_token::encode(&purpose, &[&end.to_string()])),
    })
}

/// Fields in the order of the query; rows that are events end with their pointer.
fn shape(question: &Question, row: Row) -> Vec<ResultField> {
    let field = |name: &str, value| ResultField { field: Some(name.to_owned()), value: Some(value) };
    let mut fields: Vec<ResultField> =
        row.values.into_iter().map(|(name, value)| field(&name, masked(question, &name, value))).collect();
    if let Some(event) = row.event
        && let Some(group) = question.groups.get(event.group as usize)
    {
        let position = LogPosition { timestamp: event.timestamp, sequence: event.sequence };
        fields.push(field("@ptr", pointer::encode(group, position)));
    }
    fields
}

/// A value as it is shown: any policy of the groups masks it, whenever its events were ingested.
fn masked(question: &Question, name: &str, value: String) -> String {
    question.maskers.iter().fold(value, |value, masker| match masker.mask_value(name, &value) {
        std::borrow::Cow::Owned(masked) => masked,
        std::borrow::Cow::Borrowed(_) => value,
    })
}

fn figures(statistics: &QueryStatistics) -> StatisticsShape {
    StatisticsShape {
        records_matched: Some(statistics.records_matched as f64),
        records_scanned: Some(statistics.records_scanned as f64),
        bytes_scanned: Some(statistics.bytes_scanned as f64),
        estimated_records_skipped: Some(statistics.records_skipped as f64),
        estimated_bytes_skipped: Some(statistics.bytes_skipped as f64),
        log_groups_scanned: Some(statistics.log_groups_scanned as f64),
        result_count: statistics.result_count.map(|count| count as f64),
    }
}
