//! Background work of SNS.

mod outbox;
mod status;
mod upkeep;

use std::sync::Arc;

use base::task::{Task, TaskDriver};
use signals::{LogSink, MetricSink};

use crate::Sns;

/// Registers every task of this service. Deliveries that a stop interrupted are taken up at once.
pub fn register(
    driver: &Arc<TaskDriver>,
    sns: &Arc<Sns>,
    metrics: Arc<dyn MetricSink>,
    logs: Arc<dyn LogSink>,
) {
    let deliveries: Arc<dyn Task> = Arc::new(outbox::SnsOutbox { sns: sns.clone() });
    let signal = driver.register(deliveries);
    sns.outbox.set_task(signal.clone());
    signal.activate();
    driver.register(Arc::new(status::SnsDeliveryStatus { sns: sns.clone(), metrics, logs }));
    driver.register(Arc::new(upkeep::SnsUpkeep { sns: sns.clone() }));
}

#[cfg(test)]
pub(crate) use outbox::SnsOutbox;
#[cfg(test)]
pub(crate) use upkeep::SnsUpkeep;
