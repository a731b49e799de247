//! Writing what a task asks for.

use std::io::Write;
use std::sync::Arc;

use base::{Scope, TimeRange};
use bytes::Bytes;
use catalog::UpdateError;
use flate2::Compression;
use flate2::write::GzEncoder;
use signals::BucketError;
use store::tables::logs::{LogPosition, LogRead, StoredLogEvent};
use tokio_util::sync::CancellationToken;

use super::{ExportTask, Status, object_key, task_key};
use crate::Logs;
use crate::error::LogsError;
use crate::group::FoundGroup;

/// Compressed bytes after which a file ends.
const FILE_BYTES: usize = 8 << 20;
const PAGE_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 1 << 20;

/// Why a task does not go on now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The server stops.
    #[error("the server stops")]
    Stopped,
    /// Somebody cancelled the task, or deleted its record.
    #[error("the task was cancelled")]
    Cancelled,
    /// It cannot succeed.
    #[error("{0}")]
    Hopeless(String),
    /// It may go on later.
    #[error("{0}")]
    Later(String),
}

impl From<BucketError> for ExportError {
    fn from(error: BucketError) -> Self {
        match error {
            BucketError::Missing(_) | BucketError::Refused(_) => Self::Hopeless(error.to_string()),
            BucketError::Unavailable(_) => Self::Later(error.to_string()),
        }
    }
}

impl From<LogsError> for ExportError {
    fn from(error: LogsError) -> Self {
        Self::Later(error.to_string())
    }
}

impl Logs {
    /// Writes what is left of a task; `Ok` when everything is written.
    pub(crate) async fn export(
        &self,
        scope: &Scope,
        id: &str,
        stop: &CancellationToken,
    ) -> Result<(), ExportError> {
        let task = self.begin_export(scope, id).await?;
        let group = self.group(scope, &task.group).ok().filter(|g| g.record.incarnation == task.incarnation);
        let Some(group) = group else {
            return Err(ExportError::Hopeless("The specified log group does not exist.".to_owned()));
        };
        let prefix = task.stream_prefix.as_deref().unwrap_or_default();
        for (stream, _) in self.streams_with_prefix(scope, &task.group, prefix) {
            if task.written_through.as_deref().is_some_and(|through| *stream <= *through) {
                continue;
            }
            let wrote = self.export_stream(&task, &group, id, &stream, stop).await?;
            // Of streams without events only the memory of this run is lost.
            if wrote {
                self.note_written(scope, id, &stream).await?;
            }
            if stop.is_cancelled() {
                return Err(ExportError::Stopped);
            }
        }
        Ok(())
    }

    async fn begin_export(&self, scope: &Scope, id: &str) -> Result<Arc<ExportTask>, ExportError> {
        self.change_export(scope, id, |task| match task.status {
            Status::Pending | Status::Running => {
                task.status = Status::Running;
                Ok(())
            }
            _ => Err(ExportError::Cancelled),
        })
        .await
    }

    async fn note_written(&self, scope: &Scope, id: &str, stream: &str) -> Result<(), ExportError> {
        self.change_export(scope, id, |task| match task.status {
            Status::Running => {
                task.written_through = Some(stream.to_owned());
                Ok(())
            }
            _ => Err(ExportError::Cancelled),
        })
        .await
        .map(|_| ())
    }

    /// Ends a task.
    pub(crate) async fn end_export(
        &self,
        scope: &Scope,
        id: &str,
        status: Status,
        message: &str,
    ) -> Result<(), ExportError> {
        let now = self.clock.now();
        let end = |task: &mut ExportTask| {
            // Whoever cancelled it after the last file was too late, or the end came first.
            task.status = status;
            task.message = Some(message.to_owned());
            task.completed = Some(now);
            Ok(())
        };
        self.change_export(scope, id, end).await.map(|_| ())
    }

    async fn change_export(
        &self,
        scope: &Scope,
        id: &str,
        change: impl FnMut(&mut ExportTask) -> Result<(), ExportError>,
    ) -> Result<Arc<ExportTask>, ExportError> {
        match self.export_tasks.update(&task_key(scope, id), change).await {
            Ok(changed) => Ok(changed.record),
            Err(UpdateError::Missing) => Err(ExportError::Cancelled),
            Err(UpdateError::Refused(error)) => Err(error),
            Err(UpdateError::Failed(error)) => Err(ExportError::Later(error.to_string())),
        }
    }

    /// Writes the files of one stream; whether there were any.
    async fn export_stream(
        &self,
        task: &ExportTask,
        group: &FoundGroup,
        id: &str,
        stream: &str,
        stop: &CancellationToken,
    ) -> Result<bool, ExportError> {
        let places = self.original_places(group);
        let streams = [Arc::from(stream)];
        let start = task.from.max(group.visible_from(self.clock.now()));
        let range = TimeRange::new(start, task.to.saturating_add_millis(1));
        let snapshot = self.events.snapshot(&places);
        let mut files = Files { task, id, stream, number: 0, file: None };
        for place in 0..places.len() {
            let mut from: Option<LogPosition> = None;
            loop {
                if stop.is_cancelled() {
                    return Err(ExportError::Stopped);
                }
                if self
                    .export_tasks
                    .get(&task_key(&group.scope, id))
                    .is_none_or(|t| t.status != Status::Running)
                {
                    return Err(ExportError::Cancelled);
                }
                let read = LogRead {
                    streams: Some(&streams),
                    stream_prefix: None,
                    range,
                    from,
                    descending: false,
                    limit: PAGE_EVENTS,
                    bytes_max: PAGE_BYTES,
                    must_contain: &[],
                    field_tests: &[],
                    matcher: None,
                    examine_max: usize::MAX,
                };
                let page = snapshot.read(place, &read).await.map_err(LogsError::from)?;
                for event in &page.events {
                    files.add(self, group, event);
                }
                files.write(self, FILE_BYTES).await?;
                match page.resume {
                    Some(resume) => from = Some(resume),
                    None => break,
                }
            }
        }
        files.write(self, 0).await?;
        Ok(files.number > 0)
    }
}

/// The files of one stream.
struct Files<'a> {
    task: &'a ExportTask,
    id: &'a str,
    stream: &'a str,
    /// Of the next file.
    number: u32,
    file: Option<GzEncoder<Vec<u8>>>,
}

impl Files<'_> {
    fn add(&mut self, logs: &Logs, group: &FoundGroup, event: &StoredLogEvent) {
        let file = self.file.get_or_insert_with(|| GzEncoder::new(Vec::new(), Compression::default()));
        let text = std::str::from_utf8(&event.message).unwrap_or("\u{fffd}");
        let text = logs.shown_text(group, event.ingestion_time, text);
        let time = event.position.timestamp.to_iso8601_millis();
        writeln!(file, "{time} {text}").expect("memory takes bytes");
    }

    /// Writes the file if it has at least so many bytes.
    async fn write(&mut self, logs: &Logs, bytes_min: usize) -> Result<(), ExportError> {
        let Some(file) = self.file.take_if(|file| file.get_ref().len() >= bytes_min) else { return Ok(()) };
        let bytes = Bytes::from(file.finish().expect("memory takes bytes"));
        let name = format!("{:06}.gz", self.number);
        let key = object_key(&self.task.prefix, &[self.id, self.stream, &name]);
        logs.neighbours.buckets.put_object(&self.task.bucket, &key, bytes).await?;
        self.number += 1;
        Ok(())
    }
}
