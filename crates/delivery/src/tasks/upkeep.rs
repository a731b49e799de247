//! `sns_upkeep`: removes what its time is over for: subscriptions nobody confirmed, unsubscribed ones that can no
//! longer come back, ids that count no more, and messages without a parcel.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::Timestamp;
use base::task::{Activity, Task, TaskError};
use catalog::{Collection, CommitError, Prefix, Record, RecordKey};
use tokio_util::sync::CancellationToken;

use crate::Sns;
use crate::subscription::State;

/// Removals by one activation, of each kind.
const REMOVALS_MAX: usize = 10_000;

pub(crate) struct SnsUpkeep {
    pub(crate) sns: Arc<Sns>,
}

#[async_trait]
impl Task for SnsUpkeep {
    fn name(&self) -> &'static str {
        "sns_upkeep"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let sns = &self.sns;
        let now = sns.clock.now();
        let is_over = |expires: Timestamp| expires <= now;
        let mut removed = 0;
        removed += remove(&sns.subscriptions, stop, |_, subscription| match subscription.state {
            State::Pending { expires, .. } | State::Deleted { expires, .. } => is_over(expires),
            State::Confirmed { .. } => false,
        })
        .await?;
        removed += remove(&sns.outbox.accepted, stop, |_, accepted| is_over(accepted.until)).await?;
        let held = sns.outbox.schedule.lock().held();
        // A message that is being accepted at this moment is not yet held: leave young ones alone.
        let young = now - Duration::from_secs(600);
        removed += remove(&sns.outbox.messages, stop, |key, message| {
            let id = key.parts().pop().unwrap_or_default();
            message.published < young && key.scope().is_some_and(|scope| !held.contains(&(scope, id)))
        })
        .await?;
        Ok(Activity::new(removed, format!("removed {removed} records")))
    }
}

async fn remove<R: Record>(
    collection: &Collection<R>,
    stop: &CancellationToken,
    is_over: impl Fn(&RecordKey, &R) -> bool,
) -> Result<u64, TaskError> {
    let mut over = Vec::new();
    collection.scan(&Prefix::everything(), None, |key, value| {
        if is_over(key, &value.record) {
            over.push((key.clone(), value.version));
        }
        if over.len() < REMOVALS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let mut removed = 0;
    for (key, version) in over {
        if stop.is_cancelled() {
            break;
        }
        match collection.delete(key, version).await {
            Ok(()) => removed += 1,
            // It changed meanwhile.
            Err(CommitError::Missing { .. } | CommitError::Conflict { .. } | CommitError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(removed)
}
