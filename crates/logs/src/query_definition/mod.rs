//! Query definitions: saved Insights queries.

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};

/// Definitions of an account and Region.
pub(crate) const DEFINITIONS_MAX: usize = 1000;

/// What is kept of a query definition; its id is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueryDefinition {
    pub(crate) name: String,
    pub(crate) query_string: String,
    pub(crate) last_modified: Timestamp,
    pub(crate) log_group_names: Vec<String>,
    /// `CWLI`, `SQL` or `PPL`.
    pub(crate) language: String,
    pub(crate) parameters: Vec<Parameter>,
    /// Of the request that created it: the same request again makes no other one.
    pub(crate) client_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) default_value: Option<String>,
    pub(crate) description: Option<String>,
}

impl Record for QueryDefinition {
    const COLLECTION: &'static str = "log_query_definition";
    const VERSION: u32 = 1;
}

pub(crate) fn definition_key(scope: &Scope, id: &str) -> RecordKey {
    RecordKey::new(scope, &[id])
}

pub(crate) fn definitions_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}
