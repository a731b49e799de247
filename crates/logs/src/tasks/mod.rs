//! Background work of the Logs service.

mod exports;
mod metric_defaults;
mod removal;
mod retention;
mod subscriptions;

use std::sync::Arc;

use base::task::{Task, TaskDriver};

use crate::Logs;

/// Name of the task that delivers subscriptions.
pub(crate) const SUBSCRIPTIONS: &str = "logs_subscriptions";

/// Name of the task that runs export tasks.
pub(crate) const EXPORTS: &str = "logs_exports";

/// Registers every task of this service with the driver. To be called once.
pub fn register(logs: &Arc<Logs>, driver: &Arc<TaskDriver>) {
    let signals = all(logs).into_iter().map(|task| (task.name(), driver.register(task))).collect();
    let signals = logs.signals.get_or_init(|| signals);
    // What a stop interrupted is taken up at once.
    for task in [SUBSCRIPTIONS, EXPORTS] {
        if let Some(signal) = signals.get(task) {
            signal.activate();
        }
    }
}

/// Every task of this service.
pub fn all(logs: &Arc<Logs>) -> Vec<Arc<dyn Task>> {
    vec![
        Arc::new(metric_defaults::MetricDefaults { logs: logs.clone(), recovered: Default::default() }),
        Arc::new(exports::LogsExports { logs: logs.clone(), stuck: Default::default() }),
        Arc::new(subscriptions::LogsSubscriptions { logs: logs.clone() }),
        Arc::new(retention::LogsRetention { logs: logs.clone() }),
        Arc::new(removal::LogsRemoval { logs: logs.clone() }),
    ]
}
