//! Account policies: put, describe, delete.

mod delete_account_policy;
mod describe_account_policies;
mod put_account_policy;

pub(super) use delete_account_policy::delete_account_policy;
pub(super) use describe_account_policies::describe_account_policies;
pub(super) use put_account_policy::put_account_policy;

use base::Scope;
use shapes::logs::{AccountPolicy as Shape, Scope as PolicyScope};

use crate::account_policy::{AccountPolicy, PolicyKind};

fn shape(scope: &Scope, kind: PolicyKind, name: &str, policy: &AccountPolicy) -> Shape {
    Shape {
        policy_name: Some(name.to_owned()),
        policy_document: Some(policy.document.clone()),
        last_updated_time: Some(policy.updated.as_millis()),
        policy_type: Some(kind.shape()),
        scope: Some(PolicyScope::All),
        selection_criteria: policy.selection_criteria.clone(),
        account_id: Some(scope.account.as_str().to_owned()),
    }
}
