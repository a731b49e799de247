//! DeleteAccountPolicy.

use catalog::CommitError;
use shapes::logs::{DeleteAccountPolicyRequest, DeleteAccountPolicyResponse};
use smithy::Cx;

use crate::Logs;
use crate::account_policy::{PolicyKind, policy_key};
use crate::error::LogsError;

pub(in crate::operations) async fn delete_account_policy(
    cx: Cx<Logs>,
    input: DeleteAccountPolicyRequest,
) -> Result<DeleteAccountPolicyResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let kind = PolicyKind::of_request(&input.policy_type)?;
    if input.dry_run == Some(true) {
        return Err(LogsError::invalid("dryRun is supported by PutAccountPolicy only."));
    }
    let key = policy_key(scope, kind, &input.policy_name);
    let missing =
        || LogsError::NotFound(format!("Policy with name [{}] does not exist.", input.policy_name).into());
    loop {
        let version = logs.account_policies.0.get(&key).ok_or_else(missing)?.version;
        match logs.account_policies.0.delete(key.clone(), version).await {
            Ok(()) => break,
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    logs.account_policy_changed(scope, kind, None, cx.now).await?;
    if kind == PolicyKind::SubscriptionFilter {
        // Cursors of the policy name it by its number; they are of no use any more and are left to their groups.
        logs.subscriptions.forget_policy(scope, &input.policy_name);
    }
    Ok(DeleteAccountPolicyResponse { dry_run_result: None })
}
