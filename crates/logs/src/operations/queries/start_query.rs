//! StartQuery: compiles the text, fixes what it reads, and starts it.

use std::sync::Arc;

use base::Timestamp;
use shapes::logs::{QueryLanguage, StartQueryRequest, StartQueryResponse};
use smithy::Cx;
use store::tables::logs::LogSnapshot;

use crate::Logs;
use crate::error::LogsError;
use crate::group::FoundGroup;
use crate::identifier::from_identifier;
use crate::queries::{Asked, Language, missing};
use crate::transformer::Sources;

pub(in crate::operations) async fn start_query(
    cx: Cx<Logs>,
    input: StartQueryRequest,
) -> Result<StartQueryResponse, LogsError> {
    let asked = Asked {
        language: language(&input)?,
        groups: names(&cx, &input)?,
        start_secs: input.start_time,
        end_secs: input.end_time,
        limit: input.limit.and_then(|limit| usize::try_from(limit).ok()),
        user: cx.caller.principal.arn.clone(),
        text: input.query_string,
    };
    let id = cx.service.start_insights_query(cx.scope(), cx.now, asked)?;
    Ok(StartQueryResponse { query_id: Some(id) })
}

fn language(input: &StartQueryRequest) -> Result<Language, LogsError> {
    match &input.query_language {
        None | Some(QueryLanguage::Cwli) => Ok(Language::Cwli),
        Some(QueryLanguage::Ppl) => Ok(Language::Ppl),
        Some(QueryLanguage::Sql) => Ok(Language::Sql),
        Some(other) => Err(LogsError::invalid(format!("Invalid queryLanguage: {}", other.as_str()))),
    }
}

/// Names of the groups, from at most one of the three members.
fn names(cx: &Cx<Logs>, input: &StartQueryRequest) -> Result<Option<Vec<String>>, LogsError> {
    let (name, list, identifiers) =
        (&input.log_group_name, &input.log_group_names, &input.log_group_identifiers);
    let names = match (name, list, identifiers) {
        (Some(name), None, None) => vec![name.clone()],
        (None, Some(names), None) => names.clone(),
        (None, None, Some(identifiers)) => {
            let named =
                |identifier: &String| match from_identifier(cx.scope(), identifier, "logGroupIdentifiers") {
                    Err(LogsError::GroupMissing) => Err(missing(cx.scope(), identifier)),
                    other => other,
                };
            identifiers.iter().map(named).collect::<Result<_, _>>()?
        }
        (None, None, None) => return Ok(None),
        _ => {
            return Err(LogsError::invalid(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.",
            ));
        }
    };
    Ok(Some(names))
}

impl Logs {
    /// What the groups hold and what is not expired, as of now.
    pub(crate) fn visible_snapshot(&self, groups: &[FoundGroup], now: Timestamp) -> Arc<LogSnapshot> {
        let (mut keys, mut hidden) = (Vec::new(), Vec::new());
        for group in groups {
            for (key, stretches) in self.query_sources(group) {
                keys.push(key);
                hidden.push((group.visible_from(now), stretches));
            }
        }
        let mut snapshot = self.events.snapshot(&keys);
        for (index, (before, stretches)) in hidden.into_iter().enumerate() {
            snapshot.hide_before(index, before);
            snapshot.hide_accepted(index, &stretches);
        }
        Arc::new(snapshot)
    }

    /// The parts of the store that are read, in the order of the snapshot's groups.
    pub(crate) fn sources(&self, groups: &[FoundGroup]) -> Sources {
        groups.iter().flat_map(|group| self.query_sources(group)).collect()
    }
}
