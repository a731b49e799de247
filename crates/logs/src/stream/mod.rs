//! Log streams: the record that is kept of one.

use std::ops::ControlFlow;

use base::{Scope, Timestamp};
use catalog::{CommitError, Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::error::LogsError;
use crate::group::{FoundGroup, group_key};

/// What is kept of a log stream; group and name are in the key, and the times of its events in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogStream {
    pub(crate) creation_time: Timestamp,
}

impl Record for LogStream {
    const COLLECTION: &'static str = "log_stream";
    const VERSION: u32 = 1;
}

pub(crate) fn stream_key(scope: &Scope, group: &str, stream: &str) -> RecordKey {
    RecordKey::new(scope, &[group, stream])
}

pub(crate) fn streams_of(scope: &Scope, group: &str) -> Prefix {
    Prefix::new(scope, &[group])
}

impl Logs {
    /// Fails if the group has no such stream.
    pub(crate) fn check_stream(&self, group: &FoundGroup, stream: &str) -> Result<(), LogsError> {
        let key = stream_key(&group.scope, &group.name, stream);
        if self.streams.contains(&key) { Ok(()) } else { Err(LogsError::StreamMissing) }
    }

    /// Creates a stream, by request or because a producer needs it.
    pub(crate) async fn create_stream(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        loop {
            let found = self.group(scope, group)?;
            let key = stream_key(scope, group, stream);
            let transaction = self
                .catalog
                .transaction()
                .require(&self.groups, group_key(scope, group), found.record.version)
                .insert(&self.streams, key, LogStream { creation_time: now });
            match transaction.commit().await {
                Ok(_) => return Ok(()),
                Err(CommitError::Exists { .. }) => return Err(LogsError::StreamExists),
                // The group changed or went meanwhile: look again.
                Err(CommitError::Conflict { .. } | CommitError::Missing { .. }) => {}
                Err(CommitError::Failed(error)) => return Err(error.into()),
            }
        }
    }

    /// Names and records of a group's streams whose name starts with `prefix`, in name order.
    pub(crate) fn streams_with_prefix(
        &self,
        scope: &Scope,
        group: &str,
        prefix: &str,
    ) -> Vec<(String, LogStream)> {
        let mut found = Vec::new();
        self.streams.scan(&streams_of(scope, group).starting_with(prefix), None, |key, stream| {
            found.push((crate::group::name_of(key), LogStream::clone(&stream.record)));
            ControlFlow::Continue(())
        });
        found
    }
}
