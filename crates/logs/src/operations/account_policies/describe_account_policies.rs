//! DescribeAccountPolicies: those of one type, in order of their names.

use base::page_token;
use shapes::logs::{DescribeAccountPoliciesRequest, DescribeAccountPoliciesResponse};
use smithy::Cx;

use super::shape;
use crate::Logs;
use crate::account_policy::{PolicyKind, policies_of, policy_key};
use crate::error::LogsError;
use crate::group::name_of;
use crate::operations::page_start;

const PAGE_MAX: usize = 50;

pub(in crate::operations) async fn describe_account_policies(
    cx: Cx<Logs>,
    input: DescribeAccountPoliciesRequest,
) -> Result<DescribeAccountPoliciesResponse, LogsError> {
    let (policies, scope) = (&cx.service.account_policies, cx.scope());
    let kind = PolicyKind::of_request(&input.policy_type)?;
    let own = |accounts: &Vec<String>| accounts.iter().any(|account| account == scope.account.as_str());
    if input.account_identifiers.as_ref().is_some_and(|accounts| !accounts.is_empty() && !own(accounts)) {
        return Ok(DescribeAccountPoliciesResponse { account_policies: Some(Vec::new()), next_token: None });
    }
    if let Some(name) = &input.policy_name {
        let missing = || LogsError::NotFound(format!("Policy with name [{name}] does not exist.").into());
        let policy = policies.0.get(&policy_key(scope, kind, name)).ok_or_else(missing)?;
        let found = vec![shape(scope, kind, name, &policy)];
        return Ok(DescribeAccountPoliciesResponse { account_policies: Some(found), next_token: None });
    }
    let purpose = format!("DescribeAccountPolicies|{scope}|{}", kind.shape().as_str());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let after = start.as_deref().and_then(<[String]>::first).map(|name| policy_key(scope, kind, name));
    let mut page = policies.0.list(&policies_of(scope, kind), after.as_ref(), PAGE_MAX + 1);
    let more = page.len() > PAGE_MAX;
    page.truncate(PAGE_MAX);
    let last = page.last().filter(|_| more).map(|entry| name_of(&entry.key));
    let shapes = page.iter().map(|entry| shape(scope, kind, &name_of(&entry.key), entry)).collect();
    Ok(DescribeAccountPoliciesResponse {
        account_policies: Some(shapes),
        next_token: last.map(|name| page_token::encode(&purpose, &[&name])),
    })
}
