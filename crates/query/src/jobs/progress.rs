//! How far a query is, read off its scan and its plan.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::physical_plan::ExecutionPlan;

use crate::steps::Fed;
use crate::tables::ScanState;

/// Counters of a query, as `GetQueryResults` shows them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryStatistics {
    /// Events that pass the filters.
    pub records_matched: u64,
    pub records_scanned: u64,
    /// UTF-8 bytes of their messages.
    pub bytes_scanned: u64,
    pub records_skipped: u64,
    pub bytes_skipped: u64,
    pub log_groups_scanned: u64,
    /// Rows over all pages, once complete.
    pub result_count: Option<u64>,
}

/// The scans of a plan, what feeds its first step over all rows, and the plan.
type Running = (Vec<Arc<ScanState>>, Fed, Arc<dyn ExecutionPlan>);

/// The plan while it runs; its last counters afterwards.
pub(super) struct Progress {
    running: Option<Running>,
    last: QueryStatistics,
}

impl Progress {
    pub(super) fn new(groups: usize) -> Self {
        let log_groups_scanned = groups as u64;
        Self { running: None, last: QueryStatistics { log_groups_scanned, ..QueryStatistics::default() } }
    }

    pub(super) fn begin(&mut self, scans: Vec<Arc<ScanState>>, fed: Fed, plan: Arc<dyn ExecutionPlan>) {
        self.running = Some((scans, fed, plan));
    }

    /// Takes the last counters and lets go of the plan, which holds memory.
    pub(super) fn end(&mut self) {
        self.last = self.statistics(None);
        self.running = None;
    }

    pub(super) fn statistics(&self, result_count: Option<u64>) -> QueryStatistics {
        let mut statistics = QueryStatistics { result_count, ..self.last };
        let Some((scans, fed, plan)) = &self.running else { return statistics };
        let mut delivered = 0;
        for scan in scans {
            delivered += scan.delivered.load(Ordering::Relaxed);
            let progress = scan.progress.lock().clone();
            let Some(progress) = progress else { continue };
            statistics.records_scanned += progress.rows_scanned.load(Ordering::Relaxed);
            statistics.bytes_scanned += progress.bytes_scanned.load(Ordering::Relaxed);
            statistics.records_skipped += progress.rows_skipped.load(Ordering::Relaxed);
            statistics.bytes_skipped += progress.bytes_skipped.load(Ordering::Relaxed);
        }
        statistics.records_matched = matched(fed.get().unwrap_or(plan)).unwrap_or(delivered);
        statistics
    }
}

/// Rows that came out of the last filter over events: above the scan, below whatever joins or drops rows for
/// another reason.
fn matched(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    let mut path = vec![plan];
    // Of a join, the left side is the query's own.
    while let [child, ..] = path[path.len() - 1].children()[..] {
        path.push(child);
    }
    let mut matched = None;
    for node in path.iter().rev() {
        match node.name() {
            "FilterExec" => matched = node.metrics().and_then(|metrics| metrics.output_rows()),
            "AggregateExec"
            | "SortExec"
            | "WindowAggExec"
            | "BoundedWindowAggExec"
            | "GlobalLimitExec"
            | "LocalLimitExec" => break,
            _ => {}
        }
    }
    matched.map(|rows| rows as u64)
}
