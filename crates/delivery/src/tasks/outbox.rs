//! `sns_outbox`: delivers what is due.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::Timestamp;
use base::task::{Activity, Task, TaskError};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::Sns;

pub(crate) struct SnsOutbox {
    pub(crate) sns: Arc<Sns>,
}

#[async_trait]
impl Task for SnsOutbox {
    fn name(&self) -> &'static str {
        "sns_outbox"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn next_activation(&self) -> Option<Timestamp> {
        let latest = self.sns.clock.now() + self.period();
        Some(self.sns.outbox.next_due().map_or(latest, |due| due.min(latest)))
    }

    /// Ends when nothing is due and nothing is under way. What becomes due meanwhile joins in.
    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let outbox = &self.sns.outbox;
        let mut under_way = FuturesUnordered::new();
        let mut attempts = 0;
        loop {
            while under_way.len() < outbox.limits.deliveries_max && !stop.is_cancelled() {
                let Some((key, parcel)) = outbox.take(self.sns.clock.now()) else { break };
                self.sns.pace(&key, &parcel);
                let sns = self.sns.clone();
                under_way.push(async move { sns.deliver(key, parcel).await });
            }
            if under_way.is_empty() {
                break;
            }
            tokio::select! {
                Some(()) = under_way.next() => attempts += 1,
                () = outbox.more.notified() => {}
                // What is under way was not noted as delivered and will be delivered again.
                () = stop.cancelled() => break,
            }
        }
        let (waiting, bytes) = outbox.backlog();
        Ok(Activity::new(attempts, format!("{attempts} deliveries tried; {waiting} wait ({bytes} bytes)")))
    }
}
