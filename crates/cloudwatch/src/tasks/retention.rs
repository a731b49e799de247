//! `alarm_history_retention`: history items that are too old or too many go.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::Timestamp;
use base::task::{Activity, Task, TaskError};
use catalog::{CommitError, Prefix, RecordKey};
use tokio_util::sync::CancellationToken;

use crate::CloudWatch;
use crate::alarm::history::{ITEMS_PER_ALARM_MAX, RETENTION_DAYS, history_place};

/// Items removed by one transaction.
const BATCH: usize = 500;

pub(crate) struct AlarmHistoryRetention {
    pub(crate) cw: Arc<CloudWatch>,
}

#[async_trait]
impl Task for AlarmHistoryRetention {
    fn name(&self) -> &'static str {
        "alarm_history_retention"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let expired = self.expired(self.cw.clock().now());
        let mut removed = 0;
        for batch in expired.chunks(BATCH) {
            if stop.is_cancelled() {
                break;
            }
            let mut transaction = self.cw.catalog().transaction();
            for (key, version) in batch {
                transaction = transaction.delete(&self.cw.alarms().history, key.clone(), *version);
            }
            match transaction.commit().await {
                Ok(_) => removed += batch.len() as u64,
                Err(CommitError::Failed(error)) => return Err(error.into()),
                // Items are removed here only; the next activation looks again.
                Err(_) => {}
            }
        }
        Ok(Activity::new(removed, format!("removed {removed} items of alarms' history")))
    }
}

impl AlarmHistoryRetention {
    fn expired(&self, now: Timestamp) -> Vec<(RecordKey, u64)> {
        let oldest = now.saturating_sub_millis(RETENTION_DAYS * 86_400_000);
        let mut expired = Vec::new();
        // From the newest item of an alarm to its oldest.
        let mut alarm: Option<(Option<base::Scope>, String)> = None;
        let mut count = 0;
        self.cw.alarms().history.scan_back(&Prefix::everything(), None, |key, item| {
            if let Some((name, at, _)) = history_place(key) {
                let this = Some((key.scope(), name));
                count = if alarm == this { count + 1 } else { 1 };
                alarm = this;
                if at < oldest || count > ITEMS_PER_ALARM_MAX {
                    expired.push((key.clone(), item.version));
                }
            }
            ControlFlow::Continue(())
        });
        expired
    }
}
