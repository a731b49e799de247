//! CloudWatch metrics (`monitoring`): operations in `operations/`, the rules of metrics in `metric/`.
//!
//! Source of behaviour: the API reference
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/>) and the user guide
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/>).

mod error;
mod metric;
mod operations;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::Clock;
use store::tables::metrics::MetricTable;

pub use error::CloudWatchError;
pub use operations::table;

/// The service: its data and what it was configured to do.
pub struct CloudWatch {
    metrics: Arc<MetricTable>,
    clock: Arc<dyn Clock>,
    config: CloudWatchConfig,
}

/// What an installation can choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloudWatchConfig {
    /// Refuse namespaces that begin with `AWS/` from callers that are not services. Off in open mode, where
    /// local emitters of such metrics have no service identity.
    pub reserve_aws_namespaces: bool,
}

impl CloudWatch {
    /// `clock` tells sinks the time; operations use the time of their request.
    pub fn new(metrics: Arc<MetricTable>, clock: Arc<dyn Clock>, config: CloudWatchConfig) -> Arc<Self> {
        Arc::new(Self { metrics, clock, config })
    }

    pub(crate) fn metrics(&self) -> &MetricTable {
        &self.metrics
    }

    pub(crate) fn config(&self) -> CloudWatchConfig {
        self.config
    }
}
