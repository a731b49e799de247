//! Queries as jobs: states, cancellation, deadline, progress, and results kept for a while.

mod progress;
mod results;
mod run;
mod subqueries;

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::{Clock, Timestamp};
use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use lang::plan::Pipeline;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::AbortHandle;

use crate::lower::Input;
use crate::steps::Fed;
use crate::tables::ScanState;
use progress::Progress;
pub use progress::QueryStatistics;
pub use results::{EventPosition, Row};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryStatus {
    /// Waits for its turn.
    Scheduled,
    Running,
    Complete,
    Failed,
    Cancelled,
    /// The deadline came first.
    Timeout,
}

impl QueryStatus {
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Running)
    }
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the query needs more memory than it may use: {0}")]
    MemoryLimit(String),
    #[error("the query inside the query took longer than 30 seconds")]
    SubqueryTimeout,
    #[error("the query inside the query found more than {0} values")]
    SubqueryTooLarge(usize),
    #[error("the result of the query is larger than {0} bytes")]
    ResultTooLarge(usize),
    #[error("the stored events could not be read: {0}")]
    Storage(String),
    #[error("the query could not be run: {0}")]
    Internal(String),
}

/// What a job needs to run.
pub(crate) struct Work {
    pub(crate) input: Input,
    pub(crate) pipeline: Pipeline,
    pub(crate) session: Arc<SessionState>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) running: Arc<Semaphore>,
    pub(crate) kept: Arc<Kept>,
    pub(crate) deadline: Duration,
    pub(crate) result_bytes_max: usize,
}

struct Job {
    /// Also wakes who waits for the end.
    status: watch::Sender<QueryStatus>,
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

struct State {
    created: Timestamp,
    ended: Option<Timestamp>,
    abort: Option<AbortHandle>,
    progress: Progress,
    failure: Option<Failure>,
    /// All of the result at the end, before that what there is of it; `None` after it was dropped.
    rows: Option<Vec<Row>>,
    row_bytes: usize,
    row_count: Option<u64>,
}

/// A query that was started. Clones are the same query; it goes on when all are dropped.
#[derive(Clone)]
pub struct JobHandle(Arc<Job>);

impl JobHandle {
    pub(crate) fn spawn(
        runtime: &tokio::runtime::Handle,
        work: Work,
        admitted: OwnedSemaphorePermit,
    ) -> Self {
        let state = State {
            created: work.input.now,
            ended: None,
            abort: None,
            progress: Progress::new(work.input.groups.len()),
            failure: None,
            rows: Some(Vec::new()),
            row_bytes: 0,
            row_count: None,
        };
        let job = Arc::new(Job {
            status: watch::Sender::new(QueryStatus::Scheduled),
            state: Mutex::new(state),
            clock: Arc::clone(&work.clock),
        });
        // Held over the start, so that a job that ends at once finds its handle already there.
        let mut state = job.state.lock();
        let task = runtime.spawn(run::run(Arc::clone(&job), work, admitted));
        state.abort = Some(task.abort_handle());
        drop(state);
        Self(job)
    }

    pub fn status(&self) -> QueryStatus {
        *self.0.status.borrow()
    }

    /// Returns when the job has ended.
    pub async fn finished(&self) -> QueryStatus {
        let mut status = self.0.status.subscribe();
        // The sender lives in this handle.
        status.wait_for(|status| status.is_final()).await.map_or(QueryStatus::Failed, |status| *status)
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<Failure> {
        self.0.state.lock().failure.clone()
    }

    /// From start to end, or until now.
    pub fn duration(&self) -> Duration {
        let state = self.0.state.lock();
        let until = state.ended.unwrap_or_else(|| self.0.clock.now());
        Duration::from_millis(u64::try_from(until.millis_since(state.created)).unwrap_or(0))
    }

    pub fn created(&self) -> Timestamp {
        self.0.state.lock().created
    }

    /// Counters, also while it runs.
    pub fn statistics(&self) -> QueryStatistics {
        let state = self.0.state.lock();
        state.progress.statistics(state.row_count)
    }

    /// So many rows from there, as far as there are any yet. `None` if the result was dropped to make room or
    /// for its age.
    pub fn rows(&self, from: usize, count: usize) -> Option<Vec<Row>> {
        let state = self.0.state.lock();
        state.rows.as_ref().map(|rows| rows.iter().skip(from).take(count).cloned().collect())
    }

    /// Ends a job that waits or runs; `false` if it had already ended.
    pub fn cancel(&self) -> bool {
        let cancelled = self.0.end(QueryStatus::Cancelled, |_| {});
        if cancelled && let Some(abort) = self.0.state.lock().abort.take() {
            abort.abort();
        }
        cancelled
    }
}

impl std::fmt::Debug for JobHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobHandle").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Job {
    fn begin(&self) {
        self.status.send_if_modified(|status| {
            let waits = *status == QueryStatus::Scheduled;
            if waits {
                *status = QueryStatus::Running;
            }
            waits
        });
    }

    /// Lets the counters of a plan be seen while it runs. A job that has ended must not hold a plan, nor what
    /// the plan holds.
    fn attach(
        &self,
        scans: Vec<Arc<ScanState>>,
        fed: Fed,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Result<(), Failure> {
        let mut state = self.state.lock();
        if self.status.borrow().is_final() {
            return Err(Failure::Internal("the query has ended".to_owned()));
        }
        state.progress.begin(scans, fed, Arc::clone(plan));
        Ok(())
    }

    /// Adds rows to the result of a job that has not ended; how large it is by then.
    fn extend(&self, more: Vec<Row>) -> usize {
        let bytes = more.iter().map(Row::bytes).sum::<usize>();
        let mut state = self.state.lock();
        if !self.status.borrow().is_final()
            && let Some(rows) = &mut state.rows
        {
            rows.extend(more);
            state.row_bytes += bytes;
        }
        state.row_bytes
    }

    /// Ends the job this way, unless it has ended.
    fn end(&self, ending: QueryStatus, record: impl FnOnce(&mut State)) -> bool {
        let mut state = self.state.lock();
        if self.status.borrow().is_final() {
            return false;
        }
        state.ended = Some(self.clock.now());
        state.progress.end();
        record(&mut state);
        // Before the lock goes: who holds it sees the job either running or ended.
        self.status.send_replace(ending);
        true
    }

    fn drop_rows(&self) {
        let mut state = self.state.lock();
        state.rows = None;
        state.row_bytes = 0;
    }
}

/// Results of jobs that have ended, oldest first. A result whose handles are all gone is not kept.
pub(crate) struct Kept {
    bytes_max: usize,
    lifetime: Duration,
    jobs: Mutex<VecDeque<Weak<Job>>>,
}

impl Kept {
    pub(crate) fn new(bytes_max: usize, lifetime: Duration) -> Self {
        Self { bytes_max, lifetime, jobs: Mutex::new(VecDeque::new()) }
    }

    /// Keeps a result, and drops old ones beyond the limits.
    fn keep(&self, job: &Arc<Job>, now: Timestamp) {
        let mut jobs = self.jobs.lock();
        jobs.push_back(Arc::downgrade(job));
        let mut live: Vec<(Arc<Job>, usize, bool)> = Vec::with_capacity(jobs.len());
        for job in jobs.iter().filter_map(Weak::upgrade) {
            let state = job.state.lock();
            let (bytes, ended) = (state.row_bytes, state.ended.unwrap_or(now));
            drop(state);
            live.push((job, bytes, ended + self.lifetime <= now));
        }
        let mut total: usize = live.iter().map(|(_, bytes, _)| bytes).sum();
        jobs.clear();
        for (job, bytes, expired) in live {
            if expired || total > self.bytes_max {
                job.drop_rows();
                total -= bytes;
            } else {
                jobs.push_back(Arc::downgrade(&job));
            }
        }
    }
}
