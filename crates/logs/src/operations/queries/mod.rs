//! Insights queries: start, poll, stop, list.

mod describe_queries;
mod get_query_results;
mod list_log_groups_for_query;
mod start_query;
mod stop_query;

pub(super) use describe_queries::describe_queries;
pub(super) use get_query_results::get_query_results;
pub(super) use list_log_groups_for_query::list_log_groups_for_query;
pub(super) use start_query::start_query;
pub(super) use stop_query::stop_query;

use std::sync::Arc;

use query::QueryStatus;
use shapes::logs::{QueryLanguage, QueryStatus as StatusShape};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::queries::{Language, Question, Started};

fn find(cx: &Cx<Logs>, id: &str) -> Result<Arc<Started>, LogsError> {
    let missing = || LogsError::NotFound(format!("Query ID {id} does not exist.").into());
    cx.service.queries.find(cx.scope(), id).ok_or_else(missing)
}

fn status(status: QueryStatus) -> StatusShape {
    match status {
        QueryStatus::Scheduled => StatusShape::Scheduled,
        QueryStatus::Running => StatusShape::Running,
        QueryStatus::Complete => StatusShape::Complete,
        QueryStatus::Failed => StatusShape::Failed,
        QueryStatus::Cancelled => StatusShape::Cancelled,
        QueryStatus::Timeout => StatusShape::Timeout,
    }
}

fn language(question: &Question) -> QueryLanguage {
    match question.language {
        Language::Cwli => QueryLanguage::Cwli,
        Language::Ppl => QueryLanguage::Ppl,
        Language::Sql => QueryLanguage::Sql,
    }
}
