//! Background work of the Logs service.

mod metric_defaults;
mod removal;
mod retention;

use std::sync::Arc;

use base::task::Task;

use crate::Logs;

/// Every task of this service, to be registered with the driver.
pub fn all(logs: &Arc<Logs>) -> Vec<Arc<dyn Task>> {
    vec![
        Arc::new(metric_defaults::MetricDefaults { logs: logs.clone(), recovered: Default::default() }),
        Arc::new(retention::LogsRetention { logs: logs.clone() }),
        Arc::new(removal::LogsRemoval { logs: logs.clone() }),
    ]
}
