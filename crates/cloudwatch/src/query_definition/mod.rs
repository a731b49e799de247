//! Saved queries for metric data: texts with a path, kept for clients that write and run them.
//!
//! Expressions are not checked; a path belongs to one definition at a time.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricDataQueryDefinition.html>.

use base::{Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, Record, RecordKey};
use serde::{Deserialize, Serialize};

use crate::CloudWatchError;

/// Definitions of an account in a Region.
pub(crate) const DEFINITIONS_MAX: usize = 1000;
const PATH_BYTES_MAX: usize = 1015;

/// What is kept of a definition; its id is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueryDefinition {
    pub(crate) path: String,
    /// `PROMQL`, `SQL` or `METRIC_MATH`.
    pub(crate) language: String,
    pub(crate) expression: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Record for QueryDefinition {
    const COLLECTION: &'static str = "metric_query_definition";
    const VERSION: u32 = 1;
}

/// The definition that has a path; the path is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PathClaim {
    pub(crate) id: String,
}

impl Record for PathClaim {
    const COLLECTION: &'static str = "metric_query_definition_path";
    const VERSION: u32 = 1;
}

/// All definitions.
pub(crate) struct QueryDefinitions {
    pub(crate) records: Collection<QueryDefinition>,
    pub(crate) paths: Collection<PathClaim>,
}

impl QueryDefinitions {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self { records: catalog.collection()?, paths: catalog.collection()? })
    }
}

pub(crate) fn key(scope: &Scope, id_or_path: &str) -> RecordKey {
    RecordKey::new(scope, &[id_or_path])
}

/// Names between slashes, none of them empty.
pub(crate) fn check_path(path: &str) -> Result<(), CloudWatchError> {
    let sound = path.len() <= PATH_BYTES_MAX && path.split('/').all(|name| !name.is_empty());
    if sound {
        return Ok(());
    }
    Err(CloudWatchError::Validation(format!("The value {path} for parameter Path is invalid.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_names_between_slashes() {
        for good in ["a", "team/app/errors", "ü x"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in ["/a", "a/", "a//b", &"ü".repeat(508)] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
