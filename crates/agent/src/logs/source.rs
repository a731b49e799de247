//! Following one entry of the configuration: reading, batching, sending, confirming.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Timestamp};
use futures::future::{Either, select};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::send::{Batch, LogSender, Target};
use super::state::StateFile;
use super::tail::{Mark, Read, Tail, matches};
use super::{Rules, compile};
use crate::client::Api;
use crate::config::FileConfig;

const POLL: Duration = Duration::from_secs(1);
/// Files of one entry followed at the same time.
const FILES_MAX: usize = 1000;

/// What following needs from outside.
#[derive(Clone)]
pub(crate) struct Follow {
    pub(crate) api: Arc<dyn Api>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) state_dir: PathBuf,
    pub(crate) flush: Duration,
    /// Ends when everything there is was sent once.
    pub(crate) once: bool,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// Follows an entry until told to stop.
pub(crate) async fn follow(context: Follow, config: FileConfig) -> Result<(), String> {
    let rules = compile(&config)?;
    if !config.publish_multi_logs {
        Source::new(&context, &config, &rules, config.file_path.clone(), config.log_stream.clone())
            .run()
            .await;
        return Ok(());
    }
    let mut known = HashSet::new();
    loop {
        let pattern = config.file_path.clone();
        let (found, given_back) = blocking(rules.clone(), move |rules| matches(&pattern, rules)).await;
        let _ = given_back;
        for path in found {
            if known.len() >= FILES_MAX || !known.insert(path.clone()) {
                continue;
            }
            let path = path.display().to_string();
            let stream = stream_of(&config.log_stream, &path);
            let pattern = glob::Pattern::escape(&path);
            let source = Source::new(&context, &config, &rules, pattern, stream);
            context.tasks.spawn(source.run());
        }
        if context.once || !wait(&context, POLL).await {
            return Ok(());
        }
    }
}

/// The stream of one of several files.
pub(crate) fn stream_of(stream: &str, path: &str) -> String {
    let illegal = |c: char| matches!(c, '/' | ':' | '*' | ' ');
    let path: String = path.chars().map(|c| if illegal(c) { '_' } else { c }).collect();
    format!("{stream}_{path}")
}

/// Sleeps; `false` if told to stop.
async fn wait(context: &Follow, duration: Duration) -> bool {
    let sleep = context.clock.sleep(duration);
    let stopped = std::pin::pin!(context.stop.cancelled());
    matches!(select(sleep, stopped).await, Either::Left(_))
}

/// Runs what blocks where that does no harm, and gives back what it worked on.
async fn blocking<S: Send + 'static, T: Send + 'static>(
    mut subject: S,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> (T, S) {
    let done = tokio::task::spawn_blocking(move || {
        let result = work(&mut subject);
        (result, subject)
    });
    match done.await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// One stream and the log it is fed from.
struct Source {
    context: Follow,
    tail: Option<Tail>,
    sender: LogSender,
    batch: Batch,
    /// When the batch has to go.
    due: Option<Timestamp>,
    /// What is confirmed when the batch was sent.
    mark: Option<Mark>,
}

impl Source {
    fn new(context: &Follow, config: &FileConfig, rules: &Rules, pattern: String, stream: String) -> Self {
        let source = format!("{}\n{}\n{}", pattern, config.log_group, stream);
        let state = StateFile::new(&context.state_dir, &source);
        let target = Target {
            log_group: config.log_group.clone(),
            log_stream: stream,
            log_group_class: config.log_group_class.clone(),
            retention_days: config.retention_days,
        };
        Self {
            context: context.clone(),
            tail: Some(Tail::new(config, pattern, rules.clone(), state)),
            sender: LogSender::new(context.api.clone(), context.clock.clone(), target),
            batch: Batch::default(),
            due: None,
            mark: None,
        }
    }

    async fn run(mut self) {
        loop {
            let found = self.read().await;
            let had_data = !found.is_empty();
            if !self.take(found).await {
                return;
            }
            let now = self.context.clock.now();
            if self.due.is_some_and(|due| due <= now) && !self.flush().await {
                return;
            }
            let is_done = self.context.once && !had_data;
            if is_done || !had_data && !wait(&self.context, POLL).await || self.context.stop.is_cancelled() {
                break;
            }
        }
        self.end().await;
    }

    /// Sends what is left. An event that may go on is cut here only when nothing can follow.
    async fn end(mut self) {
        if self.context.once
            && let Some(tail) = &mut self.tail
        {
            let rest = tail.finish(self.context.clock.now());
            if !self.take(rest).await {
                return;
            }
        }
        self.flush().await;
    }

    async fn read(&mut self) -> Vec<Read> {
        let Some(tail) = self.tail.take() else { return Vec::new() };
        let now = self.context.clock.now();
        let (found, tail) = blocking(tail, move |tail| tail.poll(now)).await;
        self.tail = Some(tail);
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "a log file could not be read");
            Vec::new()
        })
    }

    /// Puts what was read into batches; `false` if told to stop meanwhile.
    async fn take(&mut self, found: Vec<Read>) -> bool {
        for Read { event, mark } in found {
            if let Some(event) = event {
                if !self.batch.has_room(&event) && !self.flush().await {
                    return false;
                }
                self.batch.push(event);
            }
            self.mark = Some(mark);
            let due = self.context.clock.now() + self.context.flush;
            self.due.get_or_insert(due);
        }
        true
    }

    /// Sends the batch and keeps how far that is; `false` if told to stop before it could be sent.
    async fn flush(&mut self) -> bool {
        self.due = None;
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            let stop = self.context.stop.clone();
            let sent = std::pin::pin!(self.sender.send(batch));
            // A last try is made also when stopping.
            let deadline = std::pin::pin!(async {
                stop.cancelled().await;
                self.context.clock.sleep(POLL).await;
            });
            if let Either::Right(_) = select(sent, deadline).await {
                return false;
            }
        }
        let (Some(mark), Some(tail)) = (self.mark.take(), self.tail.take()) else { return true };
        let (stored, tail) = blocking(tail, move |tail| tail.confirm(&mark)).await;
        self.tail = Some(tail);
        if let Err(error) = stored {
            tracing::warn!(%error, "the state of a log file could not be kept");
        }
        true
    }
}
