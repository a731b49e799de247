//! `logs_usage`: hands what was counted at ingestion to CloudWatch, a minute at a time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use tokio_util::sync::CancellationToken;

use crate::Logs;

pub(super) struct LogsUsage {
    pub(super) logs: Arc<Logs>,
}

#[async_trait]
impl Task for LogsUsage {
    fn name(&self) -> &'static str {
        "logs_usage"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn activate(&self, _: &CancellationToken) -> Result<Activity, TaskError> {
        let ended = self.logs.usage.take_before(self.logs.clock.now());
        let mut published = 0;
        for (scope, data) in ended {
            published += data.len() as u64;
            self.logs.neighbours.metrics.put_metric_data(&scope, data).await?;
        }
        Ok(Activity::new(published, format!("published {published} counts of ingested log events")))
    }
}
