//! Resource policies: put, describe, delete.

mod put_resource_policy;

pub(super) use put_resource_policy::put_resource_policy;

use base::page_token;
use catalog::CommitError;
use shapes::logs::{
    DeleteResourcePolicyRequest, DescribeResourcePoliciesRequest, DescribeResourcePoliciesResponse,
    PolicyScope, ResourcePolicy as Shape,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::name_of;
use crate::identifier::{from_resource_arn, group_arn};
use crate::operations::{describe_limit, page_start};
use crate::resource_policy::{
    ResourcePolicy, account_policies_of, account_policy_key, group_policies_of, group_policy,
    group_policy_key,
};

pub(super) async fn describe_resource_policies(
    cx: Cx<Logs>,
    input: DescribeResourcePoliciesRequest,
) -> Result<DescribeResourcePoliciesResponse, LogsError> {
    let scope = cx.scope();
    let (within, of_groups) = match (&input.policy_scope, &input.resource_arn) {
        (Some(PolicyScope::Unknown(other)), _) => {
            return Err(LogsError::invalid(format!("Invalid policyScope: {other}")));
        }
        (Some(PolicyScope::Account), Some(_)) => {
            return Err(LogsError::invalid("resourceArn can only be used with the policyScope RESOURCE."));
        }
        (_, Some(arn)) => (group_policy(scope, &from_resource_arn(scope, arn)?), true),
        (Some(PolicyScope::Resource), None) => (group_policies_of(scope), true),
        (None | Some(PolicyScope::Account), None) => (account_policies_of(scope), false),
    };
    let purpose = format!("DescribeResourcePolicies|{scope}|{of_groups}|{:?}", input.resource_arn);
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let key = if of_groups { group_policy_key } else { account_policy_key };
    let after = start.as_deref().and_then(<[String]>::first).map(|name| key(scope, name));
    let limit = describe_limit(input.limit);
    let mut found = cx.service.resource_policies.list(&within, after.as_ref(), limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more).map(|entry| name_of(&entry.key));
    let policies = found.iter().map(|entry| shape(&cx, &name_of(&entry.key), entry, of_groups)).collect();
    Ok(DescribeResourcePoliciesResponse {
        next_token: last.map(|name| page_token::encode(&purpose, &[&name])),
        resource_policies: Some(policies),
    })
}

pub(super) async fn delete_resource_policy(
    cx: Cx<Logs>,
    input: DeleteResourcePolicyRequest,
) -> Result<(), LogsError> {
    let (key, name) = match (&input.policy_name, &input.resource_arn) {
        (_, Some(arn)) => {
            let group = from_resource_arn(cx.scope(), arn)?;
            (group_policy_key(cx.scope(), &group), arn.clone())
        }
        (Some(name), None) => (account_policy_key(cx.scope(), name), name.clone()),
        (None, None) => return Err(LogsError::invalid("policyName or resourceArn must be specified.")),
    };
    let missing = || LogsError::NotFound(format!("Policy with name [{name}] does not exist.").into());
    let policies = &cx.service.resource_policies;
    let found = policies.get(&key).ok_or_else(missing)?;
    if input.resource_arn.is_some() && input.expected_revision_id != found.revision {
        return Err(LogsError::Aborted);
    }
    match policies.delete(key, found.version).await {
        Ok(()) => Ok(()),
        Err(CommitError::Missing { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

/// `name` is the one in the key: the policy's or its group's.
fn shape(cx: &Cx<Logs>, name: &str, policy: &ResourcePolicy, of_group: bool) -> Shape {
    Shape {
        last_updated_time: Some(policy.last_updated.as_millis()),
        policy_document: Some(policy.document.clone()),
        policy_name: if of_group { policy.name.clone() } else { Some(name.to_owned()) },
        policy_scope: Some(if of_group { PolicyScope::Resource } else { PolicyScope::Account }),
        resource_arn: of_group.then(|| group_arn(cx.scope(), name)),
        revision_id: policy.revision.clone(),
    }
}
