//! Insights queries that were started: what was asked, and how they stand.
//!
//! Kept in memory: a restart forgets them, as it forgets running queries. The engine bounds and drops their
//! results; here the queries themselves are bounded, the oldest ended one going first.

mod history;
mod prepare;

use std::sync::Arc;

use base::{Clock, Scope, Timestamp};
use parking_lot::Mutex;
use query::{Engine, EngineError, JobHandle, LogQuery};
use store::tables::logs::LogGroupKey;

use crate::data_protection::Masker;
use crate::error::LogsError;
use history::History;
pub(crate) use prepare::{Asked, Language, missing};

/// What was asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) scope: Scope,
    /// As it was sent.
    pub(crate) text: String,
    pub(crate) language: Language,
    /// The groups it reads, in the order of the engine's group indexes.
    pub(crate) groups: Vec<LogGroupKey>,
    /// Seconds since the epoch, both included.
    pub(crate) start_secs: i64,
    pub(crate) end_secs: i64,
    pub(crate) created: Timestamp,
    /// ARN of who asked.
    pub(crate) user: String,
    /// What masks the values of the results; none if the query shows originals.
    pub(crate) maskers: Vec<Arc<Masker>>,
}

/// A query that was started.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) question: Question,
    pub(crate) job: JobHandle,
}

impl Question {
    /// The text with its source made explicit, as DescribeQueries shows it (observed).
    pub(crate) fn described_text(&self) -> String {
        let mut groups: Vec<String> = self.groups.iter().map(|group| format!("\"{}\"", group.name)).collect();
        if self.language != Language::Cwli
            || self.text.trim_start().to_ascii_lowercase().starts_with("source")
        {
            return self.text.clone();
        }
        // A group with transformed events is read in two places.
        groups.dedup();
        let (start, end) = (self.start_secs, self.end_secs);
        format!("SOURCE {} START={start}000 END={end}999 | {}", groups.join(" "), self.text)
    }
}

pub(crate) struct Queries {
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    history: Mutex<History>,
}

impl Queries {
    pub(crate) fn new(engine: Arc<Engine>, clock: Arc<dyn Clock>) -> Self {
        Self { engine, clock, history: Mutex::default() }
    }

    /// Starts a query; it can be found from now on.
    pub(crate) fn start(&self, question: Question, query: LogQuery) -> Result<(), LogsError> {
        let mut history = self.history.lock();
        history.admit(&question.scope, self.clock.now())?;
        let job = self.engine.start(query).map_err(|error| match error {
            EngineError::TooManyQueries => LogsError::LimitExceeded,
            EngineError::Start(_) => LogsError::Internal(Box::new(error)),
        })?;
        history.push(Arc::new(Started { question, job }));
        Ok(())
    }

    /// The query, if it is that account's and Region's.
    pub(crate) fn find(&self, scope: &Scope, id: &str) -> Option<Arc<Started>> {
        let mut history = self.history.lock();
        history.trim(self.clock.now());
        history.find(id).filter(|query| query.question.scope == *scope)
    }

    /// All queries of that account and Region, newest first.
    pub(crate) fn list(&self, scope: &Scope) -> Vec<Arc<Started>> {
        let mut history = self.history.lock();
        history.trim(self.clock.now());
        history.newest_first().filter(|query| query.question.scope == *scope).cloned().collect()
    }
}
