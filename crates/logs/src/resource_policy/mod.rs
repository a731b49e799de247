//! Resource policies: who else may write to log groups. Kept and shown; this server decides by signatures alone.

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};

/// Policies of an account and Region that are for no single group.
pub(crate) const ACCOUNT_POLICIES_MAX: usize = 10;

/// What is kept of a resource policy; its name, or the name of its group, is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResourcePolicy {
    pub(crate) document: String,
    pub(crate) last_updated: Timestamp,
    /// Of the policy of a group: its name, if it was given one.
    pub(crate) name: Option<String>,
    /// Of the policy of a group: changes with every update.
    pub(crate) revision: Option<String>,
}

impl Record for ResourcePolicy {
    const COLLECTION: &'static str = "log_resource_policy";
    const VERSION: u32 = 1;
}

const ACCOUNT: &str = "account";
const GROUP: &str = "group";

pub(crate) fn account_policy_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[ACCOUNT, name])
}

pub(crate) fn group_policy_key(scope: &Scope, group: &str) -> RecordKey {
    RecordKey::new(scope, &[GROUP, group])
}

pub(crate) fn account_policies_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[ACCOUNT])
}

pub(crate) fn group_policies_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[GROUP])
}

/// The policy of one group.
pub(crate) fn group_policy(scope: &Scope, group: &str) -> Prefix {
    Prefix::new(scope, &[GROUP, group])
}
