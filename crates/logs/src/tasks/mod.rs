//! Background work of the Logs service.

mod anomalies;
mod exports;
mod metric_defaults;
mod removal;
mod retention;
mod scheduled_queries;
mod subscriptions;
mod usage;

use std::sync::Arc;

use base::task::{Task, TaskDriver};

use crate::Logs;

/// Name of the task that delivers subscriptions.
pub(crate) const SUBSCRIPTIONS: &str = "logs_subscriptions";

/// Name of the task that runs export tasks.
pub(crate) const EXPORTS: &str = "logs_exports";

/// Name of the task that runs scheduled queries.
pub(crate) const SCHEDULED_QUERIES: &str = "logs_scheduled_queries";

/// Name of the task that evaluates anomaly detectors.
pub(crate) const ANOMALY_DETECTORS: &str = "logs_anomaly_detectors";

/// Registers every task of this service with the driver. To be called once.
pub fn register(logs: &Arc<Logs>, driver: &Arc<TaskDriver>) {
    let signals = all(logs).into_iter().map(|task| (task.name(), driver.register(task))).collect();
    let signals = logs.signals.get_or_init(|| signals);
    // What a stop interrupted is taken up at once.
    for task in [SUBSCRIPTIONS, EXPORTS, SCHEDULED_QUERIES, ANOMALY_DETECTORS] {
        if let Some(signal) = signals.get(task) {
            signal.activate();
        }
    }
}

/// Every task of this service.
pub fn all(logs: &Arc<Logs>) -> Vec<Arc<dyn Task>> {
    vec![
        Arc::new(usage::LogsUsage { logs: logs.clone() }),
        Arc::new(metric_defaults::MetricDefaults { logs: logs.clone(), recovered: Default::default() }),
        Arc::new(exports::LogsExports { logs: logs.clone(), stuck: Default::default() }),
        Arc::new(scheduled_queries::LogsScheduledQueries { logs: logs.clone() }),
        Arc::new(anomalies::LogsAnomalyDetectors { logs: logs.clone() }),
        Arc::new(subscriptions::LogsSubscriptions { logs: logs.clone() }),
        Arc::new(retention::LogsRetention { logs: logs.clone() }),
        Arc::new(removal::LogsRemoval { logs: logs.clone() }),
    ]
}
