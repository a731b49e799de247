//! `sns_delivery_status`: hands figures and status events to metrics and logs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use signals::{LogSink, MetricSink};
use tokio_util::sync::CancellationToken;

use crate::Sns;

pub(super) struct SnsDeliveryStatus {
    pub(super) sns: Arc<Sns>,
    pub(super) metrics: Arc<dyn MetricSink>,
    pub(super) logs: Arc<dyn LogSink>,
}

#[async_trait]
impl Task for SnsDeliveryStatus {
    fn name(&self) -> &'static str {
        "sns_delivery_status"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(15)
    }

    async fn activate(&self, _: &CancellationToken) -> Result<Activity, TaskError> {
        let handed = self.sns.status.hand_on(self.metrics.as_ref(), self.logs.as_ref()).await?;
        Ok(Activity::new(handed, format!("handed on {handed} figures and events")))
    }
}
