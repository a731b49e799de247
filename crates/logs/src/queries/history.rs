//! Which queries are remembered.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use base::{Scope, Timestamp};

use super::Started;
use crate::error::LogsError;

/// Queries of one account and Region that may run or wait at a time. AWS: 100 (cloudwatch_limits_cwl.html).
const RUNNING_MAX: usize = 100;
/// Queries remembered.
const QUERIES_MAX: usize = 10_000;
/// AWS: queries and their results are kept for seven days.
const KEPT_MILLIS: i64 = 7 * 86_400_000;

/// Queries in the order in which they were started.
#[derive(Default)]
pub(super) struct History {
    queries: VecDeque<Arc<Started>>,
    by_id: HashMap<String, Arc<Started>>,
}

impl History {
    /// Whether one more query may start there.
    pub(super) fn admit(&mut self, scope: &Scope, now: Timestamp) -> Result<(), LogsError> {
        self.trim(now);
        let runs = |query: &&Arc<Started>| query.question.scope == *scope && !query.job.status().is_final();
        if self.queries.iter().filter(runs).count() >= RUNNING_MAX {
            return Err(LogsError::LimitExceeded);
        }
        Ok(())
    }

    pub(super) fn push(&mut self, query: Arc<Started>) {
        self.by_id.insert(query.question.id.clone(), query.clone());
        self.queries.push_back(query);
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Started>> {
        self.by_id.get(id).cloned()
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Arc<Started>> {
        self.queries.iter().rev()
    }

    /// Forgets the oldest queries while they are too old, or ended and too many.
    pub(super) fn trim(&mut self, now: Timestamp) {
        while let Some(oldest) = self.queries.front() {
            let old = now.millis_since(oldest.question.created) > KEPT_MILLIS;
            let surplus = self.queries.len() > QUERIES_MAX && oldest.job.status().is_final();
            if !old && !surplus {
                return;
            }
            self.by_id.remove(&oldest.question.id);
            self.queries.pop_front();
        }
    }
}
