//! `logs_anomaly_detectors`: evaluates the detectors that are due.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Scope, Timestamp};
use catalog::Prefix;
use tokio_util::sync::CancellationToken;

use crate::Logs;
use crate::anomaly::{Detector, detector_key};
use crate::group::name_of;

pub(super) struct LogsAnomalyDetectors {
    pub(super) logs: Arc<Logs>,
}

#[async_trait]
impl Task for LogsAnomalyDetectors {
    fn name(&self) -> &'static str {
        super::ANOMALY_DETECTORS
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn next_activation(&self) -> Option<Timestamp> {
        self.detectors().into_iter().map(|(_, _, _, due)| due).min()
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let now = self.logs.clock.now();
        let (mut evaluated, mut found) = (0u64, 0);
        for (scope, id, detector, due) in self.detectors() {
            if stop.is_cancelled() {
                break;
            }
            if due <= now {
                found += self.logs.evaluate_detector(&scope, &id, &detector).await?;
                evaluated += 1;
            }
        }
        Ok(Activity::new(found, format!("evaluated {evaluated} anomaly detectors, found {found} anomalies")))
    }
}

impl LogsAnomalyDetectors {
    /// Those that are enabled and have a group, with when they are due.
    fn detectors(&self) -> Vec<(Scope, String, Arc<Detector>, Timestamp)> {
        let entries = self.logs.detectors.list(&Prefix::everything(), None, usize::MAX);
        let due = entries.into_iter().filter(|entry| entry.enabled).filter_map(|entry| {
            let (scope, id) = (entry.key.scope()?, name_of(&entry.key));
            let group = self.logs.group(&scope, &entry.group).ok()?;
            if group.record.incarnation != entry.incarnation {
                return None;
            }
            let model = self.logs.detector_models.get(&detector_key(&scope, &id));
            let due = match model.and_then(|model| model.evaluated) {
                // The first evaluation trains it, at once.
                None => entry.created,
                Some(last) => last.saturating_add_millis(entry.frequency.millis()),
            };
            Some((scope, id, entry.value.record, due))
        });
        due.collect()
    }
}
