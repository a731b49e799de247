//! Export tasks: events of a group, as gzip files in a bucket.
//!
//! A task's record says which stream comes next, so that a task that was interrupted goes on with that stream and
//! writes its files again under the same names.

pub(crate) mod run;

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};
use shapes::logs::ExportTaskStatusCode;

use crate::Logs;

/// Finished tasks kept of an account and Region; of more, the oldest go.
pub(crate) const KEPT_MAX: usize = 1_000;

/// What is kept of an export task; its id is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExportTask {
    pub(crate) name: Option<String>,
    pub(crate) group: String,
    pub(crate) incarnation: u64,
    pub(crate) stream_prefix: Option<String>,
    /// First and last time of events, both included.
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) status: Status,
    pub(crate) message: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) completed: Option<Timestamp>,
    /// Every stream up to this one is written.
    pub(crate) written_through: Option<String>,
}

impl Record for ExportTask {
    const COLLECTION: &'static str = "log_export_task";
    const VERSION: u32 = 1;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    Pending,
    Running,
    PendingCancel,
    Cancelled,
    Completed,
    Failed,
}

impl Status {
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed | Self::Failed)
    }

    pub(crate) fn shape(self) -> ExportTaskStatusCode {
        match self {
            Self::Pending => ExportTaskStatusCode::Pending,
            Self::Running => ExportTaskStatusCode::Running,
            Self::PendingCancel => ExportTaskStatusCode::PendingCancel,
            Self::Cancelled => ExportTaskStatusCode::Cancelled,
            Self::Completed => ExportTaskStatusCode::Completed,
            Self::Failed => ExportTaskStatusCode::Failed,
        }
    }
}

pub(crate) fn task_key(scope: &Scope, id: &str) -> RecordKey {
    RecordKey::new(scope, &[id])
}

pub(crate) fn tasks_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

/// Key of an object of a task: `parts` below the prefix. A `/` in a stream's name becomes `-`.
pub(crate) fn object_key(prefix: &str, parts: &[&str]) -> String {
    let mut key = prefix.trim_matches('/').to_owned();
    for part in parts {
        if !key.is_empty() {
            key.push('/');
        }
        key.push_str(&part.replace('/', "-"));
    }
    key
}

impl Logs {
    /// Tasks of an account and Region, newest first.
    pub(crate) fn export_tasks_of(&self, scope: &Scope) -> Vec<(String, std::sync::Arc<ExportTask>)> {
        let entries = self.export_tasks.list(&tasks_of(scope), None, usize::MAX);
        let mut tasks: Vec<_> =
            entries.into_iter().map(|e| (crate::group::name_of(&e.key), e.value.record)).collect();
        tasks.sort_by(|(a_id, a), (b_id, b)| (b.created, b_id).cmp(&(a.created, a_id)));
        tasks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_layout() {
        let key = object_key("exports", &["id", "2024/06/01/[$LATEST]x", "000000.gz"]);
        assert_eq!(key, "exports/id/2024-06-01-[$LATEST]x/000000.gz");
        assert_eq!(object_key("/a/b/", &["aws-logs-write-test"]), "a/b/aws-logs-write-test");
        assert_eq!(object_key("", &["x"]), "x");
    }
}
