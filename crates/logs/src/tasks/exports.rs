//! `logs_exports`: runs export tasks, and takes up again those a stop interrupted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Scope, Timestamp};
use catalog::{Prefix, RecordKey};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::Logs;
use crate::export::run::ExportError;
use crate::export::{KEPT_MAX, Status};
use crate::group::name_of;

/// A bucket that cannot be reached is tried again after this.
const PAUSE: Duration = Duration::from_secs(30);
/// A task whose bucket could not be reached for so long fails.
const TRIED_MILLIS: i64 = 3_600_000;

pub(super) struct LogsExports {
    pub(super) logs: Arc<Logs>,
    /// Since when tasks cannot go on.
    pub(super) stuck: Mutex<HashMap<RecordKey, Timestamp>>,
}

#[async_trait]
impl Task for LogsExports {
    fn name(&self) -> &'static str {
        super::EXPORTS
    }

    fn period(&self) -> Duration {
        Duration::from_secs(600)
    }

    fn next_activation(&self) -> Option<Timestamp> {
        let is_stuck = !self.stuck.lock().is_empty();
        is_stuck.then(|| self.logs.clock.now() + PAUSE)
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let mut ended = 0;
        let mut stuck = Vec::new();
        for (key, scope) in self.open_tasks() {
            let id = name_of(&key);
            let (status, message) = match self.logs.export(&scope, &id, stop).await {
                Ok(()) => (Status::Completed, "Completed successfully".to_owned()),
                Err(ExportError::Stopped) => break,
                Err(ExportError::Cancelled) => (Status::Cancelled, "Cancelled".to_owned()),
                Err(ExportError::Hopeless(reason)) => (Status::Failed, reason),
                Err(ExportError::Later(reason)) => {
                    let now = self.logs.clock.now();
                    let since = *self.stuck.lock().entry(key.clone()).or_insert(now);
                    if now.millis_since(since) < TRIED_MILLIS {
                        stuck.push(format!("export task {id}: {reason}"));
                        continue;
                    }
                    (Status::Failed, reason)
                }
            };
            self.stuck.lock().remove(&key);
            self.logs.end_export(&scope, &id, status, &message).await.or_else(ended_already)?;
            self.forget_oldest(&scope).await?;
            ended += 1;
        }
        if stuck.is_empty() {
            return Ok(Activity::new(ended, format!("ended {ended} export tasks")));
        }
        Err(stuck.join("; ").into())
    }
}

/// A task whose record is gone needs no end.
fn ended_already(error: ExportError) -> Result<(), ExportError> {
    match error {
        ExportError::Cancelled => Ok(()),
        other => Err(other),
    }
}

impl LogsExports {
    fn open_tasks(&self) -> Vec<(RecordKey, Scope)> {
        let tasks = self.logs.export_tasks.list(&Prefix::everything(), None, usize::MAX);
        let open = tasks.into_iter().filter(|task| !task.status.is_final());
        open.filter_map(|task| Some((task.key.clone(), task.key.scope()?))).collect()
    }

    async fn forget_oldest(&self, scope: &Scope) -> Result<(), TaskError> {
        let tasks = self.logs.export_tasks_of(scope);
        for (id, _) in tasks.iter().skip(KEPT_MAX).filter(|(_, task)| task.status.is_final()) {
            let key = crate::export::task_key(scope, id);
            let Some(found) = self.logs.export_tasks.get(&key) else { continue };
            self.logs.export_tasks.delete(key, found.version).await?;
        }
        Ok(())
    }
}
