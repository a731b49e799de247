//! Metric data from other producers: OTLP, embedded metric format, metric filters, the server's own.

use async_trait::async_trait;
use base::{Scope, Timestamp};
use signals::{MetricDatum, MetricSink, MetricValue, SinkError, Unit, is_storable};
use store::StoreError;

use super::datum::is_in_window;
use crate::CloudWatch;

#[async_trait]
impl MetricSink for CloudWatch {
    async fn put_metric_data(&self, scope: &Scope, data: Vec<MetricDatum>) -> Result<(), SinkError> {
        let now = self.clock.now();
        if let Some(problem) = data.iter().find_map(|datum| problem(datum, now)) {
            return Err(SinkError::Rejected(problem));
        }
        self.metrics.append(scope, data).await.map_err(|error| match error {
            StoreError::NoRoom(detail) => SinkError::Overloaded(detail),
            other => SinkError::Storage(Box::new(other)),
        })
    }
}

/// What keeps a datum from being stored.
fn problem(datum: &MetricDatum, now: Timestamp) -> Option<String> {
    let name = &datum.metric.name;
    if Unit::by_name(&datum.unit).is_none() {
        return Some(format!("metric {name}: {} is not a unit", datum.unit));
    }
    if !is_in_window(datum.timestamp, now) {
        return Some(format!("metric {name}: {} is too old or too new", datum.timestamp.to_iso8601_millis()));
    }
    let sound = match &datum.value {
        MetricValue::Single(value) => is_storable(*value),
        MetricValue::Distribution(dist) => {
            dist.count > 0.0 && [dist.count, dist.sum, dist.min, dist.max].into_iter().all(is_storable)
        }
    };
    (!sound).then(|| format!("metric {name}: a value is not finite or out of range"))
}
