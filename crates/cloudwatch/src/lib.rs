//! CloudWatch metrics (`monitoring`): operations in `operations/`, the rules of metrics in `metric/`.
//!
//! Source of behaviour: the API reference
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/>) and the user guide
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/>).

mod alarm;
mod anomaly;
mod dashboard;
mod error;
mod insights_sql;
mod math;
mod metric;
mod metric_stream;
mod operations;
mod query_definition;
mod search;
mod tags;
pub mod tasks;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::{Clock, Entropy};
use catalog::{Catalog, CatalogError};
use signals::target::TargetSink;
use store::tables::metrics::MetricTable;

pub use alarm::AlarmOutlets;
pub use error::CloudWatchError;
pub use operations::table;

/// The service: its data and what it was configured to do.
pub struct CloudWatch {
    metrics: Arc<MetricTable>,
    catalog: Arc<Catalog>,
    tags: tags::Tags,
    anomaly: anomaly::Anomaly,
    query_definitions: query_definition::QueryDefinitions,
    metric_streams: metric_stream::MetricStreams,
    targets: Arc<dyn TargetSink>,
    dashboards: dashboard::Dashboards,
    alarms: alarm::book::Alarms,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    config: CloudWatchConfig,
}

/// What the service is made of.
pub struct CloudWatchParts {
    pub metrics: Arc<MetricTable>,
    pub catalog: Arc<Catalog>,
    /// Tells sinks and tasks the time; operations use the time of their request.
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Who takes what alarms hand over.
    pub outlets: AlarmOutlets,
    /// Takes what metric streams hand on.
    pub targets: Arc<dyn TargetSink>,
    pub config: CloudWatchConfig,
}

/// What an installation can choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloudWatchConfig {
    /// Refuse namespaces that begin with `AWS/` from callers that are not services. Off in open mode, where
    /// local emitters of such metrics have no service identity.
    pub reserve_aws_namespaces: bool,
}

impl CloudWatch {
    /// Fails where the catalog has records that do not decode.
    pub fn new(parts: CloudWatchParts) -> Result<Arc<Self>, CatalogError> {
        let CloudWatchParts { metrics, catalog, clock, entropy, outlets, targets, config } = parts;
        let tags = tags::Tags::new(&catalog)?;
        let anomaly = anomaly::Anomaly::new(&catalog)?;
        let query_definitions = query_definition::QueryDefinitions::new(&catalog)?;
        let metric_streams = metric_stream::MetricStreams::new(&catalog)?;
        let dashboards = dashboard::Dashboards::new(&catalog)?;
        let alarms = alarm::book::Alarms::new(&catalog, outlets)?;
        Ok(Arc::new(Self {
            metrics,
            catalog,
            tags,
            anomaly,
            query_definitions,
            metric_streams,
            targets,
            dashboards,
            alarms,
            clock,
            entropy,
            config,
        }))
    }

    pub(crate) fn metrics(&self) -> &Arc<MetricTable> {
        &self.metrics
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Anomaly detectors.
    pub(crate) fn anomaly(&self) -> &anomaly::Anomaly {
        &self.anomaly
    }

    pub(crate) fn metric_streams(&self) -> &metric_stream::MetricStreams {
        &self.metric_streams
    }

    /// Delivery streams and other targets by their ARNs.
    pub(crate) fn targets(&self) -> &dyn TargetSink {
        &*self.targets
    }

    /// Saved queries.
    pub(crate) fn query_definitions(&self) -> &query_definition::QueryDefinitions {
        &self.query_definitions
    }

    /// Tags of every kind of resource.
    pub(crate) fn tags(&self) -> &tags::Tags {
        &self.tags
    }

    pub(crate) fn dashboards(&self) -> &dashboard::Dashboards {
        &self.dashboards
    }

    /// Alarms and all that is kept about them.
    pub(crate) fn alarms(&self) -> &alarm::book::Alarms {
        &self.alarms
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }

    pub(crate) fn config(&self) -> CloudWatchConfig {
        self.config
    }
}
