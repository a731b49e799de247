//! Filter policies in their read form, kept as long as their subscription doesn't change.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{RecordKey, Versioned};
use parking_lot::Mutex;

use super::Subscription;
use crate::filter_policy::{FilterPolicy, PolicyScope};

/// Policies kept read; beyond it the table starts over.
const KEPT_MAX: usize = 20_000;

/// The version a policy was read at, and the policy, unless it wants everything.
type Read = (u64, Option<Arc<FilterPolicy>>);

#[derive(Default)]
pub(crate) struct Filters(Mutex<HashMap<RecordKey, Read>>);

impl Filters {
    /// The policy of a subscription; `None` for one that wants everything.
    pub(crate) fn of(
        &self,
        key: &RecordKey,
        subscription: &Versioned<Subscription>,
    ) -> Option<Arc<FilterPolicy>> {
        let text = subscription.attribute("FilterPolicy")?;
        if let Some((version, policy)) = self.0.lock().get(key)
            && *version == subscription.version
        {
            return policy.clone();
        }
        let scope = subscription.attribute("FilterPolicyScope").and_then(PolicyScope::by_name);
        let scope = scope.unwrap_or(PolicyScope::MessageAttributes);
        // Checked when it was set.
        let policy = FilterPolicy::parse(text, scope).ok().flatten().map(Arc::new);
        let mut kept = self.0.lock();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key.clone(), (subscription.version, policy.clone()));
        policy
    }
}
