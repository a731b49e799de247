//! PutResourcePolicy: of the account by name, or of a log group by ARN.

use catalog::CommitError;
use shapes::logs::{PutResourcePolicyRequest, PutResourcePolicyResponse};
use smithy::Cx;

use super::shape;
use crate::Logs;
use crate::error::LogsError;
use crate::identifier::from_resource_arn;
use crate::resource_policy::{
    ACCOUNT_POLICIES_MAX, ResourcePolicy, account_policies_of, account_policy_key, group_policy_key,
};

pub(in crate::operations) async fn put_resource_policy(
    cx: Cx<Logs>,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let document =
        input.policy_document.ok_or_else(|| LogsError::invalid("policyDocument must be specified."))?;
    if !serde_json::from_str::<serde_json::Value>(&document).is_ok_and(|value| value.is_object()) {
        return Err(LogsError::invalid("The policyDocument is not a valid JSON object."));
    }
    let (name, key, of_group) = match (&input.policy_name, &input.resource_arn) {
        (_, Some(arn)) => {
            let group = from_resource_arn(scope, arn)?;
            logs.group(scope, &group)?;
            let key = group_policy_key(scope, &group);
            (group, key, true)
        }
        (Some(name), None) => (name.clone(), account_policy_key(scope, name), false),
        (None, None) => return Err(LogsError::invalid("policyName or resourceArn must be specified.")),
    };
    let policy = ResourcePolicy {
        document,
        last_updated: cx.now,
        name: input.policy_name.clone().filter(|_| of_group),
        revision: of_group.then(|| logs.entropy.uuid().to_string()),
    };
    let policies = &logs.resource_policies;
    loop {
        let earlier = policies.get(&key);
        let expected = earlier.as_ref().and_then(|earlier| earlier.revision.clone());
        if of_group && input.expected_revision_id != expected {
            return Err(LogsError::Aborted);
        }
        let full = || policies.count(&account_policies_of(scope)) >= ACCOUNT_POLICIES_MAX;
        if earlier.is_none() && !of_group && full() {
            return Err(LogsError::LimitExceeded);
        }
        let transaction = logs.catalog.transaction();
        let transaction = match earlier {
            Some(earlier) => transaction.update(policies, key.clone(), earlier.version, policy.clone()),
            None => transaction.insert(policies, key.clone(), policy.clone()),
        };
        match transaction.commit().await {
            Ok(_) => break,
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(PutResourcePolicyResponse {
        resource_policy: Some(shape(&cx, &name, &policy, of_group)),
        revision_id: policy.revision,
    })
}
