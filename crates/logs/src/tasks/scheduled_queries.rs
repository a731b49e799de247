//! `logs_scheduled_queries`: runs the queries that are due.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Scope, Timestamp};
use catalog::Prefix;
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::Logs;
use crate::group::name_of;
use crate::scheduled_query::FoundQuery;

/// Queries that run at a time.
const RUNNING_MAX: usize = 4;

pub(super) struct LogsScheduledQueries {
    pub(super) logs: Arc<Logs>,
}

#[async_trait]
impl Task for LogsScheduledQueries {
    fn name(&self) -> &'static str {
        super::SCHEDULED_QUERIES
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn next_activation(&self) -> Option<Timestamp> {
        self.queries().iter().filter_map(|(_, found)| found.record.next_run()).min()
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let now = self.logs.clock.now();
        let due = self.queries().into_iter().filter_map(|(scope, found)| {
            let triggered = found.record.due(now)?;
            Some((scope, found, triggered))
        });
        let runs = due.map(|(scope, found, triggered)| async move {
            self.logs.run_scheduled(&scope, &found, triggered, stop).await
        });
        let runs: Vec<_> = stream::iter(runs).buffer_unordered(RUNNING_MAX).collect().await;
        let mut ran = 0;
        for run in runs {
            ran += u64::from(run?.is_some());
        }
        Ok(Activity::new(ran, format!("ran {ran} scheduled queries")))
    }
}

impl LogsScheduledQueries {
    fn queries(&self) -> Vec<(Scope, FoundQuery)> {
        let entries = self.logs.scheduled_queries.list(&Prefix::everything(), None, usize::MAX);
        let found = entries.into_iter().filter_map(|entry| {
            let scope = entry.key.scope()?;
            Some((scope, FoundQuery { id: name_of(&entry.key), record: entry.value }))
        });
        found.collect()
    }
}
