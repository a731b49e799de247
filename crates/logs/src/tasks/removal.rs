//! `logs_removal`: finishes deletions of log groups that were interrupted between catalog and store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use catalog::Prefix;
use store::tables::logs::LogGroupKey;
use tokio_util::sync::CancellationToken;

use crate::Logs;
use crate::error::LogsError;
use crate::group::removal_key;

/// Deletions finished by one activation.
const REMOVALS_MAX: usize = 10_000;

pub(super) struct LogsRemoval {
    pub(super) logs: Arc<Logs>,
}

#[async_trait]
impl Task for LogsRemoval {
    fn name(&self) -> &'static str {
        "logs_removal"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(600)
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let mut removed = 0;
        for entry in self.logs.removals.list(&Prefix::everything(), None, REMOVALS_MAX) {
            let Some(scope) = entry.key.scope().filter(|_| !stop.is_cancelled()) else { break };
            let name = entry.name.as_str().into();
            self.logs.remove_events(LogGroupKey { scope, name, incarnation: entry.incarnation }).await?;
            removed += 1;
        }
        Ok(Activity::new(removed, format!("removed the events of {removed} deleted log groups")))
    }
}

impl Logs {
    /// Removes the events of a group that the catalog no longer has, then the note about it.
    pub(crate) async fn remove_events(&self, group: LogGroupKey) -> Result<(), LogsError> {
        self.events.delete_group(&group).await?;
        let key = removal_key(&group.scope, group.incarnation);
        if let Some(removal) = self.removals.get(&key) {
            match self.removals.delete(key, removal.version).await {
                Ok(())
                | Err(catalog::CommitError::Missing { .. } | catalog::CommitError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
