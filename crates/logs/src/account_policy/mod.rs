//! Account policies: settings for all, or selected, log groups of an account and Region.

pub(crate) mod criteria;
pub(crate) mod document;

use std::ops::ControlFlow;
use std::sync::Arc;

use base::{Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};
use shapes::logs::PolicyType;

use crate::error::LogsError;
use crate::subscription::SubscriptionFilter;
use criteria::Selection;

/// What a policy sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PolicyKind {
    DataProtection,
    SubscriptionFilter,
    FieldIndex,
    Transformer,
    MetricExtraction,
    Retention,
}

impl PolicyKind {
    pub(crate) fn of_request(given: &PolicyType) -> Result<Self, LogsError> {
        Ok(match given {
            PolicyType::DataProtectionPolicy => Self::DataProtection,
            PolicyType::SubscriptionFilterPolicy => Self::SubscriptionFilter,
            PolicyType::FieldIndexPolicy => Self::FieldIndex,
            PolicyType::TransformerPolicy => Self::Transformer,
            PolicyType::MetricExtractionPolicy => Self::MetricExtraction,
            PolicyType::RetentionPolicy => Self::Retention,
            PolicyType::Unknown(other) => {
                return Err(LogsError::invalid(format!("Invalid policyType: {other}")));
            }
        })
    }

    pub(crate) fn shape(self) -> PolicyType {
        match self {
            Self::DataProtection => PolicyType::DataProtectionPolicy,
            Self::SubscriptionFilter => PolicyType::SubscriptionFilterPolicy,
            Self::FieldIndex => PolicyType::FieldIndexPolicy,
            Self::Transformer => PolicyType::TransformerPolicy,
            Self::MetricExtraction => PolicyType::MetricExtractionPolicy,
            Self::Retention => PolicyType::RetentionPolicy,
        }
    }

    /// Policies an account may have of this kind that select by criteria; one more may have none.
    pub(crate) fn policies_max(self) -> usize {
        match self {
            Self::DataProtection | Self::SubscriptionFilter => 1,
            Self::FieldIndex => 40,
            Self::Transformer | Self::Retention => 20,
            Self::MetricExtraction => 5,
        }
    }
}

/// What is kept of an account policy; kind and name are in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountPolicy {
    /// As it was put.
    pub(crate) document: String,
    pub(crate) selection_criteria: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// Tells a policy from earlier ones of the same name; one that is put again keeps it.
    pub(crate) number: u64,
    /// Subscription policies: sequence of the last event that was accepted before there was the policy.
    pub(crate) after: u64,
}

impl Record for AccountPolicy {
    const COLLECTION: &'static str = "log_account_policy";
    const VERSION: u32 = 1;
}

impl AccountPolicy {
    pub(crate) fn selection(&self) -> Selection {
        let parse = |text| Selection::parse(text).expect("criteria are checked before they are kept");
        self.selection_criteria.as_deref().map_or_else(Selection::default, parse)
    }

    /// The filter that a subscription policy means.
    pub(crate) fn subscription(&self) -> Option<SubscriptionFilter> {
        let document = document::subscription(&self.document).ok()?;
        Some(SubscriptionFilter {
            pattern: document.filter_pattern,
            destination_arn: document.destination_arn,
            role_arn: document.role_arn,
            distribution: document.distribution,
            apply_on_transformed_logs: false,
            field_selection_criteria: None,
            emit_system_fields: Vec::new(),
            creation_time: self.created,
            number: self.number,
            after: self.after,
        })
    }
}

pub(crate) fn policy_key(scope: &Scope, kind: PolicyKind, name: &str) -> RecordKey {
    RecordKey::new(scope, &[kind.shape().as_str(), name])
}

pub(crate) fn policies_of(scope: &Scope, kind: PolicyKind) -> Prefix {
    Prefix::new(scope, &[kind.shape().as_str()])
}

/// Account policies of one server.
pub(crate) struct AccountPolicies(pub(crate) Collection<AccountPolicy>);

impl AccountPolicies {
    pub(crate) fn open(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self(catalog.collection()?))
    }

    /// Whether any account has a policy of this kind.
    pub(crate) fn has_any(&self, kind: PolicyKind) -> bool {
        if self.0.total() == 0 {
            return false;
        }
        let mut found = false;
        self.0.scan(&Prefix::everything(), None, |key, _| {
            found = key.parts().get(2).is_some_and(|part| part == kind.shape().as_str());
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    }

    /// Policies of a kind, in order of their names.
    pub(crate) fn of_kind(&self, scope: &Scope, kind: PolicyKind) -> Vec<(String, Arc<AccountPolicy>)> {
        if self.0.total() == 0 {
            return Vec::new();
        }
        let entries = self.0.list(&policies_of(scope, kind), None, usize::MAX);
        entries.into_iter().map(|e| (crate::group::name_of(&e.key), e.value.record)).collect()
    }

    /// Policies of a kind that are for this log group, in order of their names.
    pub(crate) fn selecting<'a>(
        &self,
        scope: &Scope,
        kind: PolicyKind,
        group: &'a str,
    ) -> impl Iterator<Item = (String, Arc<AccountPolicy>)> + 'a {
        self.of_kind(scope, kind).into_iter().filter(move |(_, policy)| policy.selection().selects(group))
    }
}
