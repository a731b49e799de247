//! Log groups: the record that is kept of one, and what its class and retention mean.

pub(crate) mod retention;
pub(crate) mod tags;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey, Versioned};
use serde::{Deserialize, Serialize};
use shapes::logs::LogGroupClass;
use store::tables::logs::LogGroupKey;

use crate::Logs;
use crate::account_policy::PolicyKind;
use crate::error::LogsError;
use crate::transformer::OwnChange;
use retention::RetentionDays;

/// Log groups per account and Region.
pub(crate) const GROUPS_MAX: usize = 1_000_000;

/// What is kept of a log group; its name is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogGroup {
    /// Tells a group from earlier ones of the same name.
    pub(crate) incarnation: u64,
    pub(crate) creation_time: Timestamp,
    pub(crate) class: Class,
    /// `None` keeps events for ever.
    pub(crate) retention: Option<RetentionDays>,
    pub(crate) deletion_protection: bool,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for LogGroup {
    const COLLECTION: &'static str = "log_group";
    const VERSION: u32 = 1;
}

/// The class of a group, fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Class {
    Standard,
    InfrequentAccess,
    Delivery,
    Essentials,
}

impl Class {
    pub(crate) fn of_request(class: Option<&LogGroupClass>) -> Result<Self, LogsError> {
        Ok(match class {
            None | Some(LogGroupClass::Standard) => Self::Standard,
            Some(LogGroupClass::InfrequentAccess) => Self::InfrequentAccess,
            Some(LogGroupClass::Delivery) => Self::Delivery,
            Some(LogGroupClass::Essentials) => Self::Essentials,
            Some(LogGroupClass::Unknown(other)) => {
                return Err(LogsError::invalid(format!("Invalid logGroupClass: {other}")));
            }
        })
    }

    pub(crate) fn shape(self) -> LogGroupClass {
        match self {
            Self::Standard => LogGroupClass::Standard,
            Self::InfrequentAccess => LogGroupClass::InfrequentAccess,
            Self::Delivery => LogGroupClass::Delivery,
            Self::Essentials => LogGroupClass::Essentials,
        }
    }

    /// Whether a listing that asks for `wanted` shows this class.
    pub(crate) fn is_shown_for(self, wanted: Self) -> bool {
        // AWS: asking for either of these returns both (API_DescribeLogGroups.html).
        let same = |class| matches!(class, Self::InfrequentAccess | Self::Essentials);
        self == wanted || same(self) && same(wanted)
    }

    /// GetLogEvents and FilterLogEvents exist for the Standard class only (CloudWatch_Logs_Log_Classes.html).
    pub(crate) fn check_readable(self, operation: &str) -> Result<(), LogsError> {
        if self == Self::Standard {
            return Ok(());
        }
        let class = self.shape();
        Err(LogsError::invalid(format!(
            "{operation} is not supported for log groups of the {} class.",
            class.as_str()
        )))
    }

    /// Insights queries Standard, Infrequent Access and Essentials groups.
    pub(crate) fn is_queryable(self) -> bool {
        self != Self::Delivery
    }
}

/// A group that exists.
#[derive(Debug, Clone)]
pub(crate) struct FoundGroup {
    pub(crate) name: Arc<str>,
    pub(crate) scope: Scope,
    pub(crate) record: Versioned<LogGroup>,
}

impl FoundGroup {
    /// Its place in the store.
    pub(crate) fn store_key(&self) -> LogGroupKey {
        LogGroupKey {
            scope: self.scope.clone(),
            name: self.name.clone(),
            incarnation: self.record.incarnation,
        }
    }

    /// Time of the oldest event that is not expired.
    pub(crate) fn visible_from(&self, now: Timestamp) -> Timestamp {
        self.record.visible_from(now)
    }
}

impl LogGroup {
    /// The retention in force: Delivery groups have a fixed one.
    pub(crate) fn effective_retention(&self) -> Option<RetentionDays> {
        match self.class {
            // AWS: the API reference says one day, the user guide two; events are kept for the longer.
            Class::Delivery => Some(RetentionDays::DELIVERY),
            _ => self.retention,
        }
    }

    pub(crate) fn visible_from(&self, now: Timestamp) -> Timestamp {
        self.effective_retention().map_or(Timestamp::MIN, |days| days.oldest(now))
    }
}

pub(crate) fn group_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

pub(crate) fn groups_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

/// The name in a group's key.
pub(crate) fn name_of(key: &RecordKey) -> String {
    key.parts().pop().unwrap_or_default()
}

/// Events of a deleted group that may still be in the store. Written in the transaction that deletes the group,
/// removed when the store has let go of the events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GroupRemoval {
    pub(crate) name: String,
    pub(crate) incarnation: u64,
}

impl Record for GroupRemoval {
    const COLLECTION: &'static str = "log_group_removal";
    const VERSION: u32 = 1;
}

pub(crate) fn removal_key(scope: &Scope, incarnation: u64) -> RecordKey {
    RecordKey::new(scope, &[&format!("{incarnation:020}")])
}

impl Logs {
    pub(crate) fn group(&self, scope: &Scope, name: &str) -> Result<FoundGroup, LogsError> {
        let record = self.groups.get(&group_key(scope, name)).ok_or(LogsError::GroupMissing)?;
        Ok(FoundGroup { name: name.into(), scope: scope.clone(), record })
    }

    /// All groups of an account and Region, by name.
    pub(crate) fn all_groups(&self, scope: &Scope) -> Vec<FoundGroup> {
        let mut found = Vec::new();
        self.groups.scan(&groups_of(scope), None, |key, record| {
            let name = name_of(key).into();
            found.push(FoundGroup { name, scope: scope.clone(), record: record.clone() });
            ControlFlow::Continue(())
        });
        found
    }

    /// Creates a group, by request or because a producer needs it.
    pub(crate) async fn create_group(
        &self,
        scope: &Scope,
        name: &str,
        group: impl FnOnce(u64) -> LogGroup,
    ) -> Result<(), LogsError> {
        let key = group_key(scope, name);
        if self.groups.contains(&key) {
            return Err(LogsError::GroupExists);
        }
        if self.groups.total() >= GROUPS_MAX && self.groups.count(&groups_of(scope)) >= GROUPS_MAX {
            return Err(LogsError::LimitExceeded);
        }
        let incarnation = self.catalog.next_id("log_group_incarnation").await?;
        let group = group(incarnation);
        let now = group.creation_time;
        match self.groups.insert(key, group).await {
            Ok(_) if self.account_policies.has_any(PolicyKind::Transformer) => {
                self.settle_transformer(scope, name, &OwnChange::Keep, now).await
            }
            Ok(_) => Ok(()),
            Err(catalog::CommitError::Exists { .. }) => Err(LogsError::GroupExists),
            Err(error) => Err(error.into()),
        }
    }
}
