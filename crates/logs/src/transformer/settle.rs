//! Which transformer a group is under: its own, or else the one of an account policy that selects it.

use std::ops::ControlFlow;

use base::{Scope, Timestamp};
use catalog::CommitError;

use super::{Current, Step, Transformation, transformation_key};
use crate::Logs;
use crate::account_policy::PolicyKind;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup, group_key, groups_of, name_of};

/// What happens to the group's own transformer.
pub(crate) enum OwnChange {
    /// Nothing: an account policy may have changed.
    Keep,
    Put(Vec<Step>),
    Delete,
}

impl Logs {
    /// Puts the transformer into force that the group should have now. Fails with `NotFound` if its own one is to be
    /// deleted and there is none.
    pub(crate) async fn settle_transformer(
        &self,
        scope: &Scope,
        name: &str,
        change: &OwnChange,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        // Nothing is ingested meanwhile: which events are transformed is known to the event.
        let _changing = self.locks.deleting(scope, name).await;
        let key = transformation_key(scope, name);
        loop {
            let group = self.group(scope, name)?;
            let earlier = self.transformations.get(&key);
            let current = earlier.as_ref().and_then(|record| record.current.as_ref());
            let own = current.filter(|current| current.inherited.is_none());
            let wanted = match change {
                OwnChange::Put(steps) => Some((steps.clone(), None)),
                OwnChange::Keep if own.is_some() => return Ok(()),
                OwnChange::Delete if own.is_none() => return Err(missing()),
                OwnChange::Keep | OwnChange::Delete => self.account_transformer(&group),
            };
            let (same_origin, same_steps) = match (&wanted, current) {
                (Some((steps, inherited)), Some(current)) => {
                    (*inherited == current.inherited, *steps == current.steps)
                }
                (None, None) => (true, true),
                _ => (false, false),
            };
            if same_origin && same_steps && !matches!(change, OwnChange::Put(_)) {
                return Ok(());
            }
            let accepted = self.events.last_sequence(&group.store_key());
            let mut record = match &earlier {
                Some(earlier) => Transformation::clone(earlier),
                None => Transformation {
                    incarnation: self.catalog.next_id("log_group_incarnation").await?,
                    current: None,
                    stretches: Vec::new(),
                },
            };
            let created = own.filter(|_| same_origin).map_or(now, |current| current.creation_time);
            record.end(accepted);
            record.current = wanted.map(|(steps, inherited)| Current {
                creation_time: created,
                last_modified_time: now,
                steps,
                accepted_before: accepted,
                inherited,
            });
            let version = group.record.version;
            let transaction =
                self.catalog.transaction().require(&self.groups, group_key(scope, name), version);
            let transaction = match earlier {
                Some(earlier) => {
                    transaction.update(&self.transformations, key.clone(), earlier.version, record)
                }
                None => transaction.insert(&self.transformations, key.clone(), record),
            };
            match transaction.commit().await {
                Ok(_) => {
                    self.rules.forget(&group.store_key());
                    return Ok(());
                }
                Err(CommitError::Failed(error)) => return Err(error.into()),
                // The group changed meanwhile: look again.
                Err(_) => {}
            }
        }
    }

    /// The processors of the account policy that selects the group, and the policy's name.
    fn account_transformer(&self, group: &FoundGroup) -> Option<(Vec<Step>, Option<String>)> {
        if group.record.class != Class::Standard {
            return None;
        }
        let mut policies =
            self.account_policies.selecting(&group.scope, PolicyKind::Transformer, &group.name);
        let (name, policy) = policies.next()?;
        Some((serde_json::from_str(&policy.document).ok()?, Some(name)))
    }

    /// An account policy with a transformer was put or deleted: it comes into force for every group it is for.
    pub(crate) async fn settle_all_transformers(
        &self,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        let mut names = Vec::new();
        self.groups.scan(&groups_of(scope), None, |key, _| {
            names.push(name_of(key));
            ControlFlow::Continue(())
        });
        for name in names {
            match self.settle_transformer(scope, &name, &OwnChange::Keep, now).await {
                // It was deleted meanwhile.
                Ok(()) | Err(LogsError::GroupMissing) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

pub(crate) fn missing() -> LogsError {
    LogsError::NotFound("The specified log group has no transformer.".into())
}
