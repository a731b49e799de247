//! PutAccountPolicy: creates or replaces a policy by type and name; with `dryRun`, says what a retention policy
//! would change.

use std::ops::ControlFlow;
use std::sync::Arc;

use base::Scope;
use catalog::CommitError;
use shapes::logs::{
    DryRunResult, LogGroupImpact, PutAccountPolicyRequest, PutAccountPolicyResponse, Scope as PolicyScope,
};
use smithy::Cx;

use super::shape;
use crate::Logs;
use crate::account_policy::criteria::Selection;
use crate::account_policy::{AccountPolicy, PolicyKind, document, policy_key};
use crate::error::LogsError;
use crate::group::retention::RetentionDays;
use crate::group::{FoundGroup, groups_of, name_of};

/// Groups that a dry run names.
const IMPACTED_MAX: usize = 20;

pub(in crate::operations) async fn put_account_policy(
    cx: Cx<Logs>,
    input: PutAccountPolicyRequest,
) -> Result<PutAccountPolicyResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let kind = PolicyKind::of_request(&input.policy_type)?;
    let name = input.policy_name.as_str();
    if let Some(PolicyScope::Unknown(other)) = &input.scope {
        return Err(LogsError::invalid(format!("Invalid scope: {other}")));
    }
    if name.is_empty() || name.starts_with("aws/") {
        return Err(LogsError::invalid("policyName must not be empty and must not start with aws/"));
    }
    document::check(kind, &input.policy_document)?;
    let selection = document::check_criteria(kind, input.selection_criteria.as_deref())?;
    if input.dry_run == Some(true) {
        if kind != PolicyKind::Retention {
            return Err(LogsError::invalid(
                "dryRun is supported for policies of type RETENTION_POLICY only.",
            ));
        }
        let days = document::retention(&input.policy_document)?.days;
        let result = dry_run(logs, scope, &selection, days);
        return Ok(PutAccountPolicyResponse { account_policy: None, dry_run_result: Some(result) });
    }
    check_others(logs, scope, kind, name, &selection)?;
    if kind == PolicyKind::SubscriptionFilter {
        let document = document::subscription(&input.policy_document)?;
        logs.check_target(scope, &document.destination_arn, document.role_arn.as_deref(), cx.now).await?;
    }
    let policy = AccountPolicy {
        document: input.policy_document,
        selection_criteria: input.selection_criteria,
        created: cx.now,
        updated: cx.now,
        number: logs.catalog.next_id("log_subscription").await?,
        after: if kind == PolicyKind::SubscriptionFilter { last_sequence(logs, scope) } else { 0 },
    };
    let policy = store(logs, scope, kind, name, policy).await?;
    logs.account_policy_changed(scope, kind, Some(&policy.document), cx.now).await?;
    if kind == PolicyKind::SubscriptionFilter {
        logs.subscriptions.changed();
        logs.wake(crate::tasks::SUBSCRIPTIONS);
    }
    Ok(PutAccountPolicyResponse {
        account_policy: Some(shape(scope, kind, name, &policy)),
        dry_run_result: None,
    })
}

/// How many there may be, and that no two are for the same group.
fn check_others(
    logs: &Logs,
    scope: &Scope,
    kind: PolicyKind,
    name: &str,
    selection: &Selection,
) -> Result<(), LogsError> {
    let mut others = logs.account_policies.of_kind(scope, kind);
    others.retain(|(other, _)| other != name);
    if others.len() >= kind.policies_max() {
        return Err(LogsError::LimitExceeded);
    }
    // AWS: retention policies may overlap; the longest retention wins.
    let exclusive = matches!(kind, PolicyKind::FieldIndex | PolicyKind::Transformer);
    let overlap = |(other, policy): &(String, Arc<AccountPolicy>)| {
        overlaps(selection, &policy.selection()).then(|| other.clone())
    };
    match others.iter().filter(|_| exclusive).find_map(overlap) {
        Some(other) => Err(LogsError::invalid(format!(
            "The selectionCriteria overlap with those of the policy {other} of the same type."
        ))),
        None => Ok(()),
    }
}

fn overlaps(one: &Selection, other: &Selection) -> bool {
    match (one.prefixes(), other.prefixes()) {
        (Some(one), Some(other)) => {
            one.iter().any(|a| other.iter().any(|b| a.starts_with(b) || b.starts_with(a)))
        }
        // Data sources and prefixes stand side by side; everything overlaps with prefixes.
        (None, Some(_)) => one.tests.is_empty(),
        (Some(_), None) => other.tests.is_empty(),
        (None, None) => one == other,
    }
}

/// The last sequence of any group of the account and Region: what is accepted later has a higher one.
fn last_sequence(logs: &Logs, scope: &Scope) -> u64 {
    let mut groups = Vec::new();
    logs.groups.scan(&groups_of(scope), None, |key, record| {
        let name = name_of(key).into();
        let group = FoundGroup { name, scope: scope.clone(), record: record.clone() };
        groups.push(group);
        ControlFlow::Continue(())
    });
    let places = groups.iter().flat_map(|group| logs.all_store_keys(group));
    places.map(|key| logs.events.last_sequence(&key)).max().unwrap_or_default()
}

async fn store(
    logs: &Logs,
    scope: &Scope,
    kind: PolicyKind,
    name: &str,
    policy: AccountPolicy,
) -> Result<Arc<AccountPolicy>, LogsError> {
    let key = policy_key(scope, kind, name);
    let collection = &logs.account_policies.0;
    loop {
        let before = collection.get(&key);
        let policy = Arc::new(match &before {
            Some(before) => AccountPolicy {
                created: before.created,
                number: before.number,
                after: before.after,
                ..policy.clone()
            },
            None => policy.clone(),
        });
        let transaction = logs.catalog.transaction();
        let transaction = match before {
            Some(before) => {
                transaction.update(collection, key.clone(), before.version, AccountPolicy::clone(&policy))
            }
            None => transaction.insert(collection, key.clone(), AccountPolicy::clone(&policy)),
        };
        match transaction.commit().await {
            Ok(_) => return Ok(policy),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
}

/// What the retention policy would change.
fn dry_run(logs: &Logs, scope: &Scope, selection: &Selection, days: Option<RetentionDays>) -> DryRunResult {
    let (mut increased, mut decreased, mut unchanged) = (0, 0, 0);
    let mut impacts = Vec::new();
    logs.groups.scan(&groups_of(scope), None, |key, record| {
        let name = name_of(key);
        if !selection.selects(&name) {
            return ControlFlow::Continue(());
        }
        let length = |days: Option<RetentionDays>| days.map_or(i32::MAX, RetentionDays::days);
        let text = |days: Option<RetentionDays>| {
            days.map_or_else(|| "NEVER_EXPIRE".to_owned(), |days| days.days().to_string())
        };
        let current = record.effective_retention();
        match length(days).cmp(&length(current)) {
            std::cmp::Ordering::Greater => increased += 1,
            std::cmp::Ordering::Less => decreased += 1,
            std::cmp::Ordering::Equal => unchanged += 1,
        }
        if days != current {
            let group =
                FoundGroup { name: name.as_str().into(), scope: scope.clone(), record: record.clone() };
            let stored = logs.events.stored_bytes(&group.store_key());
            impacts.push(LogGroupImpact {
                log_group_name: Some(name),
                current_retention: Some(text(current)),
                proposed_retention: Some(text(days)),
                stored_bytes: i64::try_from(stored).ok(),
            });
        }
        ControlFlow::Continue(())
    });
    impacts.sort_by_key(|impact| std::cmp::Reverse(impact.stored_bytes));
    impacts.truncate(IMPACTED_MAX);
    DryRunResult {
        total_matched_log_groups: Some(increased + decreased + unchanged),
        increased_retention_log_group_count: Some(increased),
        decreased_retention_log_group_count: Some(decreased),
        unchanged_retention_log_group_count: Some(unchanged),
        failed_analysis_count: Some(0),
        top_log_groups_impacted: Some(impacts),
    }
}
