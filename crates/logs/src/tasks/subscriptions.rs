//! `logs_subscriptions`: delivers what subscriptions want and have not got yet.
//!
//! One activation serves all of them side by side, and those that get events meanwhile, so that a slow target
//! delays no other. It ends when nothing is left to do now; targets that fail are tried again after a pause.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::Timestamp;
use base::task::{Activity, Task, TaskError};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::Logs;
use crate::subscription::deliver::Delivered;
use crate::subscription::{Subscription, SubscriptionId};

/// Deliveries that run at a time.
const RUNNING_MAX: usize = 32;
/// Failures that a status names.
const NAMED_MAX: usize = 3;

pub(super) struct LogsSubscriptions {
    pub(super) logs: Arc<Logs>,
}

#[async_trait]
impl Task for LogsSubscriptions {
    fn name(&self) -> &'static str {
        super::SUBSCRIPTIONS
    }

    fn period(&self) -> Duration {
        Duration::from_secs(600)
    }

    fn next_activation(&self) -> Option<Timestamp> {
        self.logs.subscriptions.all_waiting().iter().map(|(_, waiting)| waiting.next).min()
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let total = self.run(stop).await;
        let waiting = self.logs.subscriptions.all_waiting();
        if waiting.is_empty() {
            let Delivered { events, dropped } = total;
            return Ok(Activity::new(events, format!("delivered {events} log events, dropped {dropped}")));
        }
        let named = waiting.iter().take(NAMED_MAX).map(|(id, w)| {
            let since = w.since.to_iso8601_secs();
            format!("{} of log group {} since {since}: {}", id.name, id.group, w.reason)
        });
        let named: Vec<String> = named.collect();
        Err(format!("{} subscriptions are not delivered: {}", waiting.len(), named.join("; ")).into())
    }
}

impl LogsSubscriptions {
    async fn run(&self, stop: &CancellationToken) -> Delivered {
        let logs = &self.logs;
        let mut queue: Vec<Subscription> = Vec::new();
        let mut busy: HashSet<SubscriptionId> = HashSet::new();
        let mut again: HashSet<SubscriptionId> = HashSet::new();
        let mut running = FuturesUnordered::new();
        let mut total = Delivered::default();
        loop {
            for subscription in logs.due_subscriptions() {
                if busy.contains(&subscription.id) {
                    again.insert(subscription.id);
                } else if !queue.iter().any(|queued| queued.id == subscription.id) {
                    queue.push(subscription);
                }
            }
            while running.len() < RUNNING_MAX && !stop.is_cancelled() {
                let Some(subscription) = queue.pop() else { break };
                busy.insert(subscription.id.clone());
                running.push(async move {
                    let result = logs.deliver(&subscription, stop).await;
                    (subscription, result)
                });
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                finished = running.next() => {
                    let Some((subscription, result)) = finished else { continue };
                    let id = &subscription.id;
                    busy.remove(id);
                    match result {
                        Ok(delivered) => {
                            total.events += delivered.events;
                            total.dropped += delivered.dropped;
                        }
                        Err(error) => logs.note(&subscription, Some(error.to_string())),
                    }
                    // Events came while it was on its way.
                    if again.remove(id) {
                        logs.subscriptions.mark(&id.scope, &id.group);
                    }
                }
                () = logs.subscriptions.more.notified() => {}
                () = stop.cancelled() => break,
            }
        }
        total
    }
}

impl Logs {
    /// Subscriptions whose group got events, all after a start or a change, and those whose pause is over.
    fn due_subscriptions(&self) -> Vec<Subscription> {
        let now = self.clock.now();
        let (everything, dirty) = self.subscriptions.take_marks();
        let mut due = if everything {
            self.all_subscriptions()
        } else {
            dirty.iter().flat_map(|(scope, group)| self.subscriptions_of(scope, group)).collect()
        };
        due.retain(|s| self.subscriptions.waiting(&s.id).is_none_or(|waiting| waiting.next <= now));
        for (id, waiting) in self.subscriptions.all_waiting() {
            if waiting.next > now || due.iter().any(|s| s.id == id) {
                continue;
            }
            match self.subscriptions_of(&id.scope, &id.group).into_iter().find(|s| s.id == id) {
                Some(subscription) => due.push(subscription),
                // It was deleted.
                None => self.subscriptions.forget(&id),
            }
        }
        due
    }
}
