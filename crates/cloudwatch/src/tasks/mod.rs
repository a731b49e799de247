//! Background work of CloudWatch.

pub(crate) mod dispatch;
pub(crate) mod evaluation;
pub(crate) mod metric_streams;
pub(crate) mod retention;

use std::sync::Arc;

use base::task::TaskDriver;

use crate::CloudWatch;

/// Registers every task of this service; they run from now on.
pub fn register(driver: &Arc<TaskDriver>, service: &Arc<CloudWatch>) {
    let alarms = service.alarms();
    let evaluation = driver.register(Arc::new(evaluation::AlarmEvaluation::new(service.clone())));
    let dispatch = driver.register(Arc::new(dispatch::AlarmDispatch { cw: service.clone() }));
    driver.register(Arc::new(retention::AlarmHistoryRetention { cw: service.clone() }));
    driver.register(Arc::new(metric_streams::MetricStreamDelivery { cw: service.clone() }));
    // What a stop interrupted is taken up at once.
    evaluation.activate();
    dispatch.activate();
    let _ = alarms.evaluation.set(evaluation);
    let _ = alarms.dispatch.set(dispatch);
}
