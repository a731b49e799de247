//! Dashboards: the record that is kept of one, its name, and (in [`check`]) what a body must be.
//!
//! A dashboard belongs to an account and to no Region: whichever Region it was put through, all show it.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html>.

pub(crate) mod check;
pub(crate) mod image;
pub(crate) mod metric_array;
pub(crate) mod time;

use base::{Region, Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, CommitError, Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};

use crate::CloudWatchError;

const NAME_BYTES_MAX: usize = 255;
/// Dashboards per account. AWS has no limit; every body is held in memory.
const DASHBOARDS_MAX: usize = 10_000;
/// Tries of a replacement; each lost one means that another request won.
const PUT_TRIES_MAX: usize = 10;

/// What is kept of a dashboard; its name is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dashboard {
    /// As it was put, byte for byte.
    pub(crate) body: String,
    pub(crate) last_modified: Timestamp,
}

impl Record for Dashboard {
    const COLLECTION: &'static str = "dashboard";
    const VERSION: u32 = 1;
}

/// Where the dashboards of the caller's account are kept: under a Region of their own.
pub(crate) fn global(scope: &Scope) -> Scope {
    let region = Region::new("global").expect("the name is one of a Region");
    Scope::new(scope.account.clone(), region)
}

/// The ARN, which names no Region.
pub(crate) fn dashboard_arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:cloudwatch::{}:dashboard/{name}", scope.region.partition().as_str(), scope.account)
}

pub(crate) fn dashboard_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(&global(scope), &[name])
}

/// All dashboards of an account whose name starts with `prefix`.
pub(crate) fn dashboards_of(scope: &Scope, prefix: &str) -> Prefix {
    Prefix::new(&global(scope), &[]).starting_with(prefix)
}

/// The name in a dashboard's key.
pub(crate) fn name_of(key: &RecordKey) -> String {
    key.parts().pop().unwrap_or_default()
}

/// A name is 1 to 255 letters, digits, dashes and underscores.
pub(crate) fn check_name(name: &str) -> Result<(), CloudWatchError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(());
    }
    Err(invalid_name())
}

/// A prefix may be empty, and may hold dots.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), CloudWatchError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if prefix.len() <= NAME_BYTES_MAX && prefix.bytes().all(legal) { Ok(()) } else { Err(invalid_name()) }
}

fn invalid_name() -> CloudWatchError {
    // AWS: the text ends with a newline (observed, dashboards.md § 1).
    CloudWatchError::InvalidParameterValue(
        "The value for field DashboardName contains invalid characters. It can only contain alphanumerics, \
         dash (-) and underscore (_).\n"
            .to_owned(),
    )
}

/// The dashboards of this server.
pub(crate) struct Dashboards {
    records: Collection<Dashboard>,
}

impl Dashboards {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self { records: catalog.collection()? })
    }

    pub(crate) fn records(&self) -> &Collection<Dashboard> {
        &self.records
    }

    pub(crate) fn exists(&self, scope: &Scope, name: &str) -> bool {
        self.records.contains(&dashboard_key(scope, name))
    }

    /// Creates the dashboard or replaces its body.
    pub(crate) async fn put(
        &self,
        service: &crate::CloudWatch,
        scope: &Scope,
        name: &str,
        dashboard: Dashboard,
        tags: std::collections::BTreeMap<String, String>,
    ) -> Result<(), CloudWatchError> {
        let key = dashboard_key(scope, name);
        for _ in 0..PUT_TRIES_MAX {
            let transaction = service.catalog().transaction();
            let transaction = match self.records.get(&key) {
                // AWS: tags of a dashboard that exists are changed by TagResource only (API_PutDashboard.html).
                Some(current) => {
                    transaction.update(&self.records, key.clone(), current.version, dashboard.clone())
                }
                None => {
                    if self.records.total() >= DASHBOARDS_MAX
                        && self.records.count(&dashboards_of(scope, "")) >= DASHBOARDS_MAX
                    {
                        return Err(CloudWatchError::DashboardInvalidInput {
                            message: format!(
                                "An account must not have more than {DASHBOARDS_MAX} dashboards."
                            ),
                            findings: Vec::new(),
                        });
                    }
                    let transaction = transaction.insert(&self.records, key.clone(), dashboard.clone());
                    let kind = crate::tags::Taggable::Dashboard;
                    service.tags().put(transaction, &global(scope), kind, name, tags.clone())
                }
            };
            match transaction.commit().await {
                Ok(_) => return Ok(()),
                Err(CommitError::Failed(error)) => return Err(error.into()),
                // It was created, replaced or deleted meanwhile: look again.
                Err(_) => {}
            }
        }
        Err(CloudWatchError::Conflict(format!("Dashboard {name} is being changed by other requests")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "A-b_9", &"x".repeat(255)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a.b", "ä", &"x".repeat(256), "a/b"] {
            let error = check_name(bad).unwrap_err().to_string();
            assert!(error.ends_with("underscore (_).\n"), "{bad}");
        }
        assert!(check_prefix("").is_ok() && check_prefix("a.b").is_ok() && check_prefix("a b").is_err());
    }
}
