//! The query engine of a process: one pool of threads and one limit of memory for all queries, and the jobs
//! that run on them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, TimeRange};
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use lang::plan::{Pipeline, Stage};
use tokio::sync::Semaphore;

use crate::jobs::{JobHandle, Kept, Work};
use crate::lookup::LookupTable;
use crate::lower::{Input, NestedInput};
use crate::tables::{GroupByKeys, LogSource};

/// AWS: rows of a query at most, over all pages (`GetQueryResults`).
const ROWS_MAX: usize = 100_000;
/// AWS: rows of a query that names no limit.
const ROWS_DEFAULT: usize = 10_000;

/// Limits of the engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Threads that queries compute on, and partitions of a scan.
    pub threads: usize,
    /// Memory of all running queries together; beyond it they spill to disk, or fail by name.
    pub memory_bytes_max: usize,
    /// Where they spill. Created when first needed.
    pub spill_dir: PathBuf,
    pub spill_bytes_max: u64,
    /// Queries that run at the same time; further ones are `Scheduled`.
    pub running_max: usize,
    /// Queries that run or wait; further ones are refused. AWS's quota is 100.
    pub unfinished_max: usize,
    /// AWS: queries time out after 60 minutes.
    pub deadline: Duration,
    /// Memory of kept results; the oldest are dropped. Also the most that one query may return.
    pub results_bytes_max: usize,
    /// AWS: results live 7 days.
    pub results_lifetime: Duration,
}

impl EngineConfig {
    pub fn new(spill_dir: impl Into<PathBuf>) -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(2, NonZeroUsize::get),
            memory_bytes_max: 512 << 20,
            spill_dir: spill_dir.into(),
            spill_bytes_max: 10 << 30,
            running_max: 4,
            unfinished_max: 100,
            deadline: Duration::from_secs(60 * 60),
            results_bytes_max: 128 << 20,
            results_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// Why the engine or a query did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("too many queries are running or waiting")]
    TooManyQueries,
    #[error("the query engine could not start: {0}")]
    Start(String),
}

/// A query over log events.
pub struct LogQuery {
    pub source: Arc<dyn LogSource>,
    /// What `@log` shows for each group of the source, in its order.
    pub groups: Vec<Arc<str>>,
    pub pipeline: Pipeline,
    pub range: TimeRange,
    /// Rows at most where the pipeline names no limit; default 10,000, never above 100,000.
    pub limit: Option<usize>,
    /// What the queries inside the query read, by their index.
    pub nested: Vec<NestedSource>,
    /// The lookup tables that the query names, as they are when it starts.
    pub lookups: HashMap<String, Arc<LookupTable>>,
}

/// What a query inside the query reads.
#[derive(Clone)]
pub struct NestedSource {
    pub source: Arc<dyn LogSource>,
    /// What `@log` shows for each group of the source, in its order.
    pub groups: Vec<Arc<str>>,
    pub range: TimeRange,
}

/// Runs queries as jobs. Dropping it ends them.
pub struct Engine {
    config: EngineConfig,
    clock: Arc<dyn Clock>,
    session: Arc<SessionState>,
    running: Arc<Semaphore>,
    unfinished: Arc<Semaphore>,
    kept: Arc<Kept>,
    /// Of its own, so that a heavy query does not hold up the threads that answer requests.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Engine {
    pub fn new(config: EngineConfig, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let start = |error: &dyn std::fmt::Display| EngineError::Start(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("query")
            .enable_all()
            .build()
            .map_err(|error| start(&error))?;
        Ok(Self {
            session: Arc::new(session(&config).map_err(|error| start(&error))?),
            running: Arc::new(Semaphore::new(config.running_max.max(1))),
            unfinished: Arc::new(Semaphore::new(config.unfinished_max)),
            kept: Arc::new(Kept::new(config.results_bytes_max, config.results_lifetime)),
            runtime: Some(runtime),
            config,
            clock,
        })
    }

    /// Starts a query and returns at once.
    pub fn start(&self, query: LogQuery) -> Result<JobHandle, EngineError> {
        let admitted =
            Arc::clone(&self.unfinished).try_acquire_owned().map_err(|_| EngineError::TooManyQueries)?;
        let Some(runtime) = &self.runtime else { return Err(EngineError::TooManyQueries) };
        let named = query.pipeline.stages.iter().any(|stage| matches!(stage, Stage::Limit { .. }));
        let limit = if named { ROWS_MAX } else { query.limit.unwrap_or(ROWS_DEFAULT).min(ROWS_MAX) };
        let work = Work {
            input: Input {
                source: query.source,
                groups: query.groups,
                range: query.range,
                now: self.clock.now(),
                limit,
                nested: query
                    .nested
                    .into_iter()
                    .map(|NestedSource { source, groups, range }| NestedInput { source, groups, range })
                    .collect(),
                lookups: Arc::new(query.lookups),
            },
            pipeline: query.pipeline,
            session: Arc::clone(&self.session),
            clock: Arc::clone(&self.clock),
            running: Arc::clone(&self.running),
            kept: Arc::clone(&self.kept),
            deadline: self.config.deadline,
            result_bytes_max: self.config.results_bytes_max,
        };
        Ok(JobHandle::spawn(runtime.handle(), work, admitted))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for threads is not allowed where an async caller drops the engine.
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}

fn session(config: &EngineConfig) -> Result<SessionState, DataFusionError> {
    let pool = FairSpillPool::new(config.memory_bytes_max);
    let pool = TrackConsumersPool::new(pool, NonZeroUsize::MIN.saturating_add(2));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_temp_file_path(config.spill_dir.clone())
        .with_max_temp_directory_size(config.spill_bytes_max)
        .build_arc()?;
    let mut session =
        SessionConfig::new().with_target_partitions(config.threads.max(1)).with_information_schema(false);
    let options = session.options_mut();
    // The scan could not use what a top-n learns, and filters must count what they match.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.execution.sort_spill_reservation_bytes = (config.memory_bytes_max / 32).min(10 << 20);
    Ok(SessionStateBuilder::new()
        .with_config(session)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(GroupByKeys))
        .build())
}
