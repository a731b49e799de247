//! Background work of the Logs service.

mod removal;
mod retention;

use std::sync::Arc;

use base::task::Task;

use crate::Logs;

/// Every task of this service, to be registered with the driver.
pub fn all(logs: &Arc<Logs>) -> Vec<Arc<dyn Task>> {
    vec![
        Arc::new(retention::LogsRetention { logs: logs.clone() }),
        Arc::new(removal::LogsRemoval { logs: logs.clone() }),
    ]
}
