//! `metric_stream_delivery`: hands on to delivery streams the minutes that are over.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Scope, Timestamp};
use catalog::{Prefix, RecordKey, UpdateError, Versioned};
use signals::target::TargetError;
use tokio_util::sync::CancellationToken;

use crate::metric_stream::MetricStream;
use crate::metric_stream::deliver::{Progress, deliver};
use crate::{CloudWatch, CloudWatchError};

pub(crate) struct MetricStreamDelivery {
    pub(crate) cw: Arc<CloudWatch>,
}

#[async_trait]
impl Task for MetricStreamDelivery {
    fn name(&self) -> &'static str {
        "metric_stream_delivery"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(20)
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let now = self.cw.clock().now();
        let (mut handed_on, mut failures) = (0, 0);
        for (key, scope, name, stream) in self.running() {
            if stop.is_cancelled() {
                break;
            }
            match self.advance(&key, &scope, &name, &stream, now).await {
                Ok(progress) => {
                    handed_on += progress.handed_on;
                    failures += u64::from(progress.failure.is_some());
                }
                Err(error) => {
                    tracing::warn!(%error, stream = name, "a metric stream could not be read for");
                    failures += 1;
                }
            }
        }
        let summary = format!("handed on {handed_on} metrics; {failures} metric streams wait");
        Ok(Activity::new(handed_on, summary))
    }
}

impl MetricStreamDelivery {
    fn running(&self) -> Vec<(RecordKey, Scope, String, Versioned<MetricStream>)> {
        let mut running = Vec::new();
        self.cw.metric_streams().records.scan(&Prefix::everything(), None, |key, stream| {
            if stream.running
                && let (Some(scope), Some(name)) = (key.scope(), key.parts().pop())
            {
                running.push((key.clone(), scope, name, stream.clone()));
            }
            ControlFlow::Continue(())
        });
        running
    }

    async fn advance(
        &self,
        key: &RecordKey,
        scope: &Scope,
        name: &str,
        stream: &MetricStream,
        now: Timestamp,
    ) -> Result<Progress, CloudWatchError> {
        let mut progress = deliver(&self.cw, scope, name, stream, now).await?;
        match &progress.failure {
            // The same call would be refused again: the minute is given up rather than held on to for ever.
            Some(error @ TargetError::Refused(_)) => {
                tracing::warn!(%error, stream = name, "a minute of a metric stream was refused");
                progress.next_minute = progress.next_minute.saturating_add_millis(60_000);
            }
            Some(error) => tracing::warn!(%error, stream = name, "a metric stream waits"),
            None => {}
        }
        if progress.next_minute == stream.next_minute {
            return Ok(progress);
        }
        let change = |current: &mut MetricStream| {
            // A stream that was stopped and started meanwhile begins anew.
            if current.running && current.next_minute == stream.next_minute {
                current.next_minute = progress.next_minute;
            }
            Ok::<(), CloudWatchError>(())
        };
        match self.cw.metric_streams().records.update(key, change).await {
            Ok(_) | Err(UpdateError::Missing) => Ok(progress),
            Err(error) => Err(error.into()),
        }
    }
}
