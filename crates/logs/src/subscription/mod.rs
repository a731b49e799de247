//! Subscription filters: what of a group's events goes on to a target, and how far each has come.
//!
//! A filter, or the account's subscription policy for a group, has a durable cursor: the sequence of the last
//! event that was delivered, dropped or did not match. Delivery reads on from there, so that a stop or a target
//! that is down loses nothing; a crash between a call and its cursor repeats that call.

pub(crate) mod deliver;
pub(crate) mod payload;
pub(crate) mod selection;
pub(crate) mod target;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, Prefix, Record, RecordKey};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use shapes::logs::Distribution as DistributionShape;
use tokio::sync::Notify;

use crate::Logs;
use crate::account_policy::PolicyKind;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup};

/// Filters of one log group. AWS: cloudwatch_limits_cwl.html.
pub(crate) const FILTERS_MAX: usize = 2;

/// What is kept of a subscription filter; group and name are in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubscriptionFilter {
    pub(crate) pattern: String,
    pub(crate) destination_arn: String,
    pub(crate) role_arn: Option<String>,
    pub(crate) distribution: Distribution,
    pub(crate) apply_on_transformed_logs: bool,
    pub(crate) field_selection_criteria: Option<String>,
    pub(crate) emit_system_fields: Vec<String>,
    pub(crate) creation_time: Timestamp,
    /// Tells a filter from earlier ones of the same name; a filter that is put again keeps it.
    pub(crate) number: u64,
    /// Sequence of the last event that was accepted before there was the filter.
    pub(crate) after: u64,
}

impl Record for SubscriptionFilter {
    const COLLECTION: &'static str = "log_subscription_filter";
    const VERSION: u32 = 1;
}

/// Which shard of a data stream events go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Distribution {
    Random,
    ByLogStream,
}

impl Distribution {
    pub(crate) fn of_request(given: Option<&DistributionShape>) -> Result<Self, LogsError> {
        match given {
            None | Some(DistributionShape::ByLogStream) => Ok(Self::ByLogStream),
            Some(DistributionShape::Random) => Ok(Self::Random),
            Some(DistributionShape::Unknown(other)) => {
                Err(LogsError::invalid(format!("Invalid distribution: {other}")))
            }
        }
    }

    pub(crate) fn shape(self) -> DistributionShape {
        match self {
            Self::Random => DistributionShape::Random,
            Self::ByLogStream => DistributionShape::ByLogStream,
        }
    }
}

/// How far delivery has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeliveryCursor {
    /// The number of the subscription whose cursor this is; that of another one says nothing.
    pub(crate) number: u64,
    /// The last sequence that is done, by the place in the store that is read; where there is none, the `after`
    /// of the subscription.
    pub(crate) done: BTreeMap<String, u64>,
}

impl Record for DeliveryCursor {
    const COLLECTION: &'static str = "log_delivery_cursor";
    const VERSION: u32 = 1;
}

pub(crate) fn filter_key(scope: &Scope, group: &str, filter: &str) -> RecordKey {
    RecordKey::new(scope, &[group, filter])
}

/// Filters, or cursors, of a group.
pub(crate) fn of_group(scope: &Scope, group: &str) -> Prefix {
    Prefix::new(scope, &[group])
}

/// Names one delivery: a filter of a group, or the account's policy applied to a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SubscriptionId {
    pub(crate) scope: Scope,
    pub(crate) group: String,
    pub(crate) is_account_policy: bool,
    pub(crate) name: String,
}

impl SubscriptionId {
    pub(crate) fn cursor_key(&self) -> RecordKey {
        let level = if self.is_account_policy { "policy" } else { "filter" };
        RecordKey::new(&self.scope, &[&self.group, level, &self.name])
    }
}

/// A delivery as it is now set up.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) filter: SubscriptionFilter,
}

/// Subscriptions of one server.
pub(crate) struct Subscriptions {
    pub(crate) filters: Collection<SubscriptionFilter>,
    pub(crate) cursors: Collection<DeliveryCursor>,
    /// Tells a running delivery that there is more to do.
    pub(crate) more: Notify,
    board: Mutex<Board>,
    /// Whether every subscription must be looked at: at start, and after a change of one.
    everything: AtomicBool,
}

#[derive(Default)]
struct Board {
    /// Groups with subscriptions that got events.
    dirty: HashSet<(Scope, String)>,
    /// Deliveries that failed and wait.
    waiting: HashMap<SubscriptionId, Waiting>,
    /// Cursors as they are now, by the number of the subscription: those on disk may be behind by events that did
    /// not match.
    cursors: HashMap<SubscriptionId, DeliveryCursor>,
}

/// A delivery whose target fails.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) since: Timestamp,
    /// Tries in a row that failed.
    pub(crate) failures: u32,
    pub(crate) next: Timestamp,
    pub(crate) reason: String,
}

impl Subscriptions {
    pub(crate) fn open(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self {
            filters: catalog.collection()?,
            cursors: catalog.collection()?,
            more: Notify::new(),
            board: Mutex::default(),
            everything: AtomicBool::new(true),
        })
    }

    pub(crate) fn has_filter(&self, scope: &Scope, group: &str) -> bool {
        if self.filters.total() == 0 {
            return false;
        }
        let mut found = false;
        self.filters.scan(&of_group(scope, group), None, |_, _| {
            found = true;
            ControlFlow::Break(())
        });
        found
    }

    /// Every subscription is to be looked at again.
    pub(crate) fn changed(&self) {
        self.everything.store(true, Ordering::SeqCst);
        self.more.notify_one();
    }

    pub(crate) fn mark(&self, scope: &Scope, group: &str) {
        self.board.lock().dirty.insert((scope.clone(), group.to_owned()));
        self.more.notify_one();
    }

    /// What is to be looked at: everything, or groups; then it is no longer marked.
    pub(crate) fn take_marks(&self) -> (bool, HashSet<(Scope, String)>) {
        let everything = self.everything.swap(false, Ordering::SeqCst);
        (everything, std::mem::take(&mut self.board.lock().dirty))
    }

    pub(crate) fn waiting(&self, id: &SubscriptionId) -> Option<Waiting> {
        self.board.lock().waiting.get(id).cloned()
    }

    pub(crate) fn set_waiting(&self, id: &SubscriptionId, waiting: Option<Waiting>) {
        let mut board = self.board.lock();
        match waiting {
            Some(waiting) => board.waiting.insert(id.clone(), waiting),
            None => board.waiting.remove(id),
        };
    }

    /// Where the delivery stands.
    pub(crate) fn cursor(&self, subscription: &Subscription) -> DeliveryCursor {
        let number = subscription.filter.number;
        let known = self.board.lock().cursors.get(&subscription.id).cloned();
        let stored =
            || self.cursors.get(&subscription.id.cursor_key()).map(|c| DeliveryCursor::clone(&c.record));
        known
            .or_else(stored)
            .filter(|cursor| cursor.number == number)
            .unwrap_or(DeliveryCursor { number, done: BTreeMap::new() })
    }

    /// Remembers where the delivery stands, without writing it.
    pub(crate) fn remember(&self, id: &SubscriptionId, cursor: DeliveryCursor) {
        self.board.lock().cursors.insert(id.clone(), cursor);
    }

    /// Forgets what is remembered of a subscription that is gone or was changed.
    pub(crate) fn forget(&self, id: &SubscriptionId) {
        let mut board = self.board.lock();
        board.waiting.remove(id);
        board.cursors.remove(id);
    }

    /// As [`Subscriptions::forget`], for everything of a group.
    pub(crate) fn forget_group(&self, scope: &Scope, group: &str) {
        self.forget_where(|id| id.scope == *scope && id.group == group);
    }

    /// As [`Subscriptions::forget`], for an account's policy on all groups.
    pub(crate) fn forget_policy(&self, scope: &Scope, name: &str) {
        self.forget_where(|id| id.is_account_policy && id.scope == *scope && id.name == name);
    }

    fn forget_where(&self, gone: impl Fn(&SubscriptionId) -> bool) {
        let mut board = self.board.lock();
        board.waiting.retain(|id, _| !gone(id));
        board.cursors.retain(|id, _| !gone(id));
    }

    /// Deliveries that failed, in order of their names.
    pub(crate) fn all_waiting(&self) -> Vec<(SubscriptionId, Waiting)> {
        let board = self.board.lock();
        let mut all: Vec<_> = board.waiting.iter().map(|(id, w)| (id.clone(), w.clone())).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

impl Logs {
    /// To be called after events were appended; costs next to nothing where no subscription could want them.
    pub(crate) fn wake_subscriptions(&self, group: &FoundGroup) {
        let subscriptions = &self.subscriptions;
        if subscriptions.filters.total() == 0
            && !self.account_policies.has_any(PolicyKind::SubscriptionFilter)
        {
            return;
        }
        let (scope, name) = (&group.scope, group.name.as_ref());
        let wanted = subscriptions.has_filter(scope, name)
            || self.account_policies.selecting(scope, PolicyKind::SubscriptionFilter, name).next().is_some();
        if wanted {
            subscriptions.mark(scope, name);
            self.wake(crate::tasks::SUBSCRIPTIONS);
        }
    }

    /// The subscriptions of a group, if it exists.
    pub(crate) fn subscriptions_of(&self, scope: &Scope, group: &str) -> Vec<Subscription> {
        let Ok(found) = self.group(scope, group) else { return Vec::new() };
        if found.record.class != Class::Standard {
            return Vec::new();
        }
        let id = |is_account_policy, name: &str| SubscriptionId {
            scope: scope.clone(),
            group: group.to_owned(),
            is_account_policy,
            name: name.to_owned(),
        };
        let own = self.subscriptions.filters.list(&of_group(scope, group), None, FILTERS_MAX);
        let own = own.into_iter().map(|entry| Subscription {
            id: id(false, &crate::group::name_of(&entry.key)),
            filter: SubscriptionFilter::clone(&entry.value.record),
        });
        let policies = self.account_policies.selecting(scope, PolicyKind::SubscriptionFilter, group);
        let of_account = policies.filter_map(|(name, policy)| {
            Some(Subscription { id: id(true, &name), filter: policy.subscription()? })
        });
        own.chain(of_account.collect::<Vec<_>>()).collect()
    }

    /// Every subscription of every group.
    pub(crate) fn all_subscriptions(&self) -> Vec<Subscription> {
        let mut groups: Vec<(Scope, String)> = Vec::new();
        if self.account_policies.has_any(PolicyKind::SubscriptionFilter) {
            self.groups.scan(&Prefix::everything(), None, |key, _| {
                groups.extend(key.scope().map(|scope| (scope, crate::group::name_of(key))));
                ControlFlow::Continue(())
            });
        } else {
            self.subscriptions.filters.scan(&Prefix::everything(), None, |key, _| {
                if let (Some(scope), Some(group)) = (key.scope(), key.parts().into_iter().nth(2)) {
                    groups.push((scope, group));
                }
                ControlFlow::Continue(())
            });
            groups.dedup();
        }
        groups.iter().flat_map(|(scope, group)| self.subscriptions_of(scope, group)).collect()
    }
}
