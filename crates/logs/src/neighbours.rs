//! What the service hands over to others, and through what: connected by the binary, recorded in tests.

use std::sync::Arc;

use signals::{Buckets, MetricSink, TargetSink};
use store::tables::metrics::MetricTable;

/// The sinks of one server that Logs writes to.
#[derive(Clone)]
pub struct Neighbours {
    /// Takes data of metric filters, embedded metrics and the service's own `AWS/Logs` metrics.
    pub metrics: Arc<dyn MetricSink>,
    /// The metric data kept: looked at before a metric filter's default value is published.
    pub stored_metrics: Arc<MetricTable>,
    /// Takes what subscription filters deliver.
    pub targets: Arc<dyn TargetSink>,
    /// Take export tasks' and scheduled queries' objects.
    pub buckets: Arc<dyn Buckets>,
}
