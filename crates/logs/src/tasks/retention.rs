//! `logs_retention`: expired events leave the store. Reads hide them from the moment they expire, so this may take
//! its time.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use catalog::{Prefix, RecordKey};
use store::tables::logs::LogGroupKey;
use tokio_util::sync::CancellationToken;

use crate::Logs;
use crate::group::{name_of, retention};

pub(super) struct LogsRetention {
    pub(super) logs: Arc<Logs>,
}

#[async_trait]
impl Task for LogsRetention {
    fn name(&self) -> &'static str {
        "logs_retention"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let due = retention::due(self.groups(), self.logs.clock.now());
        let (mut expired, mut touched) = (0, 0);
        for (group, before) in due {
            if stop.is_cancelled() {
                break;
            }
            let events = self.logs.events.expire(&group, before).await?;
            expired += events;
            touched += u64::from(events > 0);
        }
        Ok(Activity::new(expired, format!("expired {expired} log events of {touched} log groups")))
    }
}

impl LogsRetention {
    fn groups(&self) -> Vec<(LogGroupKey, Option<retention::RetentionDays>)> {
        let mut transformed: HashMap<RecordKey, u64> = HashMap::new();
        self.logs.transformations.scan(&Prefix::everything(), None, |key, record| {
            transformed.insert(key.clone(), record.incarnation);
            ControlFlow::Continue(())
        });
        let mut groups = Vec::new();
        self.logs.groups.scan(&Prefix::everything(), None, |key, group| {
            if let (Some(days), Some(scope)) = (group.effective_retention(), key.scope()) {
                let place = LogGroupKey { scope, name: name_of(key).into(), incarnation: group.incarnation };
                if let Some(incarnation) = transformed.get(key) {
                    groups.push((LogGroupKey { incarnation: *incarnation, ..place.clone() }, Some(days)));
                }
                groups.push((place, Some(days)));
            }
            ControlFlow::Continue(())
        });
        groups
    }
}
