//! Log events from other doors than PutLogEvents (OTLP, syslog, HTTP ingestion, …), by its rules; groups and streams
//! come into being where the door wants that.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base::Timestamp;
use catalog::CatalogError;
use signals::{LogBatch, LogRejections, LogSink, SinkError};
use store::StoreError;

use crate::Logs;
use crate::error::LogsError;
use crate::event::EVENT_OVERHEAD_BYTES;
use crate::event::acceptance::{BATCH_BYTES_MAX, accepted_range};
use crate::group::{Class, LogGroup};
use crate::pipeline::APPEND_EVENTS_MAX;

#[async_trait]
impl LogSink for Logs {
    async fn put_log_batch(&self, batch: LogBatch) -> Result<LogRejections, SinkError> {
        self.put_batch(batch).await.map_err(sink_error)
    }
}

impl Logs {
    async fn put_batch(&self, batch: LogBatch) -> Result<LogRejections, LogsError> {
        let LogBatch { scope, log_group, log_stream, create, mut events } = batch;
        if events.iter().any(|event| event.message.len() + EVENT_OVERHEAD_BYTES > BATCH_BYTES_MAX) {
            return Err(LogsError::invalid(format!("a log event is larger than {BATCH_BYTES_MAX} bytes")));
        }
        let now = self.clock.now();
        if create {
            self.ensure_stream(&scope, &log_group, &log_stream, now).await?;
        }
        let _appending = self.locks.appending(&scope, &log_group).await;
        let group = self.group(&scope, &log_group)?;
        self.check_stream(&group, &log_stream)?;
        let (taken, kept_by_age) =
            (accepted_range(now, group.visible_from(now)), accepted_range(now, Timestamp::MIN));
        let mut rejections = LogRejections::default();
        events.retain(|event| {
            let time = event.timestamp;
            match () {
                () if taken.contains(&time) => return true,
                () if time > *taken.end() => rejections.too_new += 1,
                () if kept_by_age.contains(&time) => rejections.expired += 1,
                () => rejections.too_old += 1,
            }
            false
        });
        events.sort_by_key(|event| event.timestamp);
        let stream = log_stream.as_str().into();
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(APPEND_EVENTS_MAX));
            self.ingest(&group, &stream, now, events).await?;
            events = rest;
        }
        Ok(rejections)
    }

    async fn ensure_stream(
        &self,
        scope: &base::Scope,
        group: &str,
        stream: &str,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        let found = match self.group(scope, group) {
            Ok(found) => found,
            Err(_) => {
                let record = |incarnation| LogGroup {
                    incarnation,
                    creation_time: now,
                    class: Class::Standard,
                    retention: None,
                    deletion_protection: false,
                    tags: BTreeMap::new(),
                };
                match self.create_group(scope, group, record).await {
                    Ok(()) | Err(LogsError::GroupExists) => self.group(scope, group)?,
                    Err(error) => return Err(error),
                }
            }
        };
        if self.check_stream(&found, stream).is_ok() {
            return Ok(());
        }
        match self.create_stream(scope, group, stream, now).await {
            Ok(()) | Err(LogsError::StreamExists) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn sink_error(error: LogsError) -> SinkError {
    match error {
        LogsError::Catalog(CatalogError::Unwritable(_) | CatalogError::Closed)
        | LogsError::Store(StoreError::NoRoom(_) | StoreError::Cancelled) => {
            SinkError::Overloaded(error.to_string())
        }
        LogsError::Catalog(error) => SinkError::Storage(Box::new(error)),
        LogsError::Store(error) => SinkError::Storage(Box::new(error)),
        LogsError::GroupMissing | LogsError::StreamMissing => SinkError::NotFound(error.to_string()),
        other => SinkError::Rejected(other.to_string()),
    }
}
