//! Lookup tables: create, update, get, describe, delete.

mod create_lookup_table;
mod delete_lookup_table;
mod describe_lookup_tables;
mod get_lookup_table;
mod update_lookup_table;

pub(super) use create_lookup_table::create_lookup_table;
pub(super) use delete_lookup_table::delete_lookup_table;
pub(super) use describe_lookup_tables::describe_lookup_tables;
pub(super) use get_lookup_table::get_lookup_table;
pub(super) use update_lookup_table::update_lookup_table;

use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;

/// The text of a table: from exactly one of a body and a query.
fn body(cx: &Cx<Logs>, given: Option<String>, query_id: Option<String>) -> Result<String, LogsError> {
    match (given, query_id) {
        (Some(body), None) => Ok(body),
        (None, Some(query_id)) => cx.service.query_as_csv(cx.scope(), &query_id),
        _ => Err(LogsError::invalid("Exactly one of tableBody and queryId must be specified.")),
    }
}

/// AWS: the key must exist; this server keeps no keys, so none does.
fn check_key(kms_key_id: Option<&String>) -> Result<(), LogsError> {
    match kms_key_id {
        Some(key) => Err(LogsError::invalid(format!("The specified KMS key does not exist: {key}"))),
        None => Ok(()),
    }
}
