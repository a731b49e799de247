//! Field index policies: put, describe, delete; and the indexes they make.

mod describe_field_indexes;

pub(super) use describe_field_indexes::describe_field_indexes;

use catalog::CommitError;
use shapes::logs::{
    DeleteIndexPolicyRequest, DeleteIndexPolicyResponse, DescribeIndexPoliciesRequest,
    DescribeIndexPoliciesResponse, IndexPolicy as Shape, IndexSource, PutIndexPolicyRequest,
    PutIndexPolicyResponse,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup, group_key};
use crate::identifier::{from_identifier, group_arn};
use crate::index_policy::{IndexPolicy, index_key, parse};

pub(super) async fn put_index_policy(
    cx: Cx<Logs>,
    input: PutIndexPolicyRequest,
) -> Result<PutIndexPolicyResponse, LogsError> {
    let name = from_identifier(cx.scope(), &input.log_group_identifier, "logGroupIdentifier")?;
    let fields = parse(&input.policy_document)?;
    let group = change(&cx, &name, Some((input.policy_document, fields))).await?;
    Ok(PutIndexPolicyResponse { index_policy: shape(&cx.service, &group) })
}

pub(super) async fn delete_index_policy(
    cx: Cx<Logs>,
    input: DeleteIndexPolicyRequest,
) -> Result<DeleteIndexPolicyResponse, LogsError> {
    let name = from_identifier(cx.scope(), &input.log_group_identifier, "logGroupIdentifier")?;
    change(&cx, &name, None).await?;
    Ok(DeleteIndexPolicyResponse {})
}

pub(super) async fn describe_index_policies(
    cx: Cx<Logs>,
    input: DescribeIndexPoliciesRequest,
) -> Result<DescribeIndexPoliciesResponse, LogsError> {
    let [identifier] = input.log_group_identifiers.as_slice() else {
        return Err(LogsError::invalid("logGroupIdentifiers must have exactly one element."));
    };
    let name = from_identifier(cx.scope(), identifier, "logGroupIdentifiers")?;
    let group = cx.service.group(cx.scope(), &name)?;
    let policies = shape(&cx.service, &group).into_iter().collect();
    Ok(DescribeIndexPoliciesResponse { index_policies: Some(policies), next_token: None })
}

/// Puts another policy, or none, into force.
async fn change(
    cx: &Cx<Logs>,
    name: &str,
    document: Option<(String, Vec<(String, bool)>)>,
) -> Result<FoundGroup, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let key = index_key(scope, name);
    loop {
        let group = logs.group(scope, name)?;
        if group.record.class != Class::Standard {
            return Err(LogsError::invalid(
                "Field index policies are only supported for log groups of the STANDARD class.",
            ));
        }
        let earlier = logs.index_policies.get(&key);
        if document.is_none() && earlier.as_ref().is_none_or(|earlier| earlier.document.is_none()) {
            return Err(LogsError::NotFound("The specified log group has no index policy.".into()));
        }
        let mut record = earlier.as_ref().map_or_else(|| IndexPolicy::new(cx.now), |e| IndexPolicy::clone(e));
        record.change(document.clone(), cx.now);
        let version = group.record.version;
        let transaction = logs.catalog.transaction().require(&logs.groups, group_key(scope, name), version);
        let transaction = match earlier {
            Some(earlier) => transaction.update(&logs.index_policies, key.clone(), earlier.version, record),
            None => transaction.insert(&logs.index_policies, key.clone(), record),
        };
        match transaction.commit().await {
            Ok(_) => return Ok(group),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            // The group or the policy changed meanwhile: look again.
            Err(_) => {}
        }
    }
}

fn shape(logs: &Logs, group: &FoundGroup) -> Option<Shape> {
    let policy = logs.index_policy_in_force(group)?;
    let source = if policy.account_policy.is_some() { IndexSource::Account } else { IndexSource::LogGroup };
    Some(Shape {
        last_update_time: Some(policy.updated.as_millis()),
        log_group_identifier: Some(group_arn(&group.scope, &group.name)),
        policy_document: Some(policy.document),
        policy_name: policy.account_policy,
        source: Some(source),
    })
}
