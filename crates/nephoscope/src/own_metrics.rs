//! The server's own figures as metrics of the default account, in namespace `Nephoscope`.
//!
//! Counts are what was added since the activation before; the first activation after a start only looks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Clock, Scope, Timestamp};
use server::{Figures, Gauge, ServiceFigures};
use signals::{Dimension, MetricDatum, MetricIdentity, MetricSink, MetricValue, Resolution, SinkError};
use tokio_util::sync::CancellationToken;

const NAMESPACE: &str = "Nephoscope";

/// Reads the figures.
pub(crate) type Reader = Box<dyn Fn() -> Figures + Send + Sync>;

/// Puts them every minute.
pub(crate) struct OwnMetrics {
    pub(crate) read: Reader,
    /// Resident memory of this process in bytes, where that is known.
    pub(crate) memory: fn() -> Option<u64>,
    pub(crate) sink: Arc<dyn MetricSink>,
    pub(crate) scope: Scope,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) before: Mutex<Option<Figures>>,
}

#[async_trait]
impl Task for OwnMetrics {
    fn name(&self) -> &'static str {
        "own_metrics"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn activate(&self, _: &CancellationToken) -> Result<Activity, TaskError> {
        let figures = (self.read)();
        let before = {
            let mut before = self.before.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            before.replace(figures.clone())
        };
        let memory = (self.memory)();
        let data = data(&figures, before.as_ref(), memory, self.clock.now());
        let count = data.len() as u64;
        match self.sink.put_metric_data(&self.scope, data).await {
            Ok(()) => Ok(Activity::new(count, format!("{count} data put"))),
            // Of all data these can best be done without.
            Err(SinkError::Overloaded(why)) => Ok(Activity::new(0, format!("left out: {why}"))),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is put: counts since `before`, and levels as they are.
fn data(figures: &Figures, before: Option<&Figures>, memory: Option<u64>, at: Timestamp) -> Vec<MetricDatum> {
    let mut data = Data { at, data: Vec::new() };
    data.put("RequestsInFlight", "Count", figures.requests_in_flight as f64, &[]);
    data.put("Connections", "Count", figures.connections as f64, &[]);
    if let Some(bytes) = memory {
        data.put("MemoryUsed", "Bytes", bytes as f64, &[]);
    }
    for gauge in figures.gauges.iter().filter(|gauge| !is_counter(gauge)) {
        data.gauge(gauge);
    }
    let Some(before) = before else { return data.data };
    for ((name, now), (_, then)) in figures.counters.iter().zip(&before.counters) {
        let unit = if name.starts_with("Bytes") { "Bytes" } else { "Count" };
        data.put(name, unit, now.saturating_sub(*then) as f64, &[]);
    }
    let mut all = ServiceFigures::default();
    for (service, now) in &figures.services {
        let grown = grown(now, before.services.get(service).copied().unwrap_or_default());
        data.service(&grown, &[("Service", service)]);
        all.requests += grown.requests;
        all.client_errors += grown.client_errors;
        all.server_errors += grown.server_errors;
        all.duration_secs += grown.duration_secs;
    }
    data.service(&all, &[]);
    let failures = |figures: &Figures| -> f64 {
        let of_tasks = figures.gauges.iter().filter(|gauge| gauge.name == "nephoscope_task_failures");
        of_tasks.map(|gauge| gauge.value).sum()
    };
    data.put("TaskFailures", "Count", (failures(figures) - failures(before)).max(0.0), &[]);
    data.data
}

/// Gauges that count, of which only the sum of failures is put.
fn is_counter(gauge: &Gauge) -> bool {
    matches!(gauge.name.as_str(), "nephoscope_task_failures" | "nephoscope_task_activations")
        || gauge.name.ends_with("_total")
}

fn grown(now: &ServiceFigures, before: ServiceFigures) -> ServiceFigures {
    ServiceFigures {
        requests: now.requests.saturating_sub(before.requests),
        client_errors: now.client_errors.saturating_sub(before.client_errors),
        server_errors: now.server_errors.saturating_sub(before.server_errors),
        duration_secs: (now.duration_secs - before.duration_secs).max(0.0),
    }
}

struct Data {
    at: Timestamp,
    data: Vec<MetricDatum>,
}

impl Data {
    fn put(&mut self, name: &str, unit: &str, value: f64, dimensions: &[(&str, &str)]) {
        let dimension =
            |(name, value): &(&str, &str)| Dimension { name: (*name).into(), value: (*value).into() };
        self.data.push(MetricDatum {
            metric: MetricIdentity::new(NAMESPACE, name, dimensions.iter().map(dimension).collect()),
            timestamp: self.at,
            unit: unit.into(),
            resolution: Resolution::Standard,
            value: MetricValue::Single(value),
        });
    }

    fn service(&mut self, figures: &ServiceFigures, dimensions: &[(&str, &str)]) {
        self.put("Requests", "Count", figures.requests as f64, dimensions);
        self.put("ClientErrors", "Count", figures.client_errors as f64, dimensions);
        self.put("ServerErrors", "Count", figures.server_errors as f64, dimensions);
        if figures.requests > 0 {
            let mean = 1000.0 * figures.duration_secs / figures.requests as f64;
            self.put("Latency", "Milliseconds", mean, dimensions);
        }
    }

    /// `nephoscope_wal_bytes` becomes `WalBytes`; labels become dimensions.
    fn gauge(&mut self, gauge: &Gauge) {
        let bare = gauge.name.strip_prefix("nephoscope_").unwrap_or(&gauge.name);
        let unit = if bare.ends_with("_bytes") { "Bytes" } else { "Count" };
        let labels: Vec<(String, &str)> =
            gauge.labels.iter().map(|(name, value)| (camel_case(name), value.as_str())).collect();
        let dimensions: Vec<(&str, &str)> =
            labels.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        if gauge.value.is_finite() {
            self.put(&camel_case(bare), unit, gauge.value, &dimensions);
        }
    }
}

fn camel_case(snake: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    snake.split('_').filter_map(word).collect()
}

/// Resident memory from `/proc`; `None` on other systems.
pub(crate) fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(requests: u64, received: u64, failures: f64) -> Figures {
        let gauge = |name: &str, labels, value| Gauge { name: name.to_owned(), help: "", labels, value };
        Figures {
            services: [(
                "logs",
                ServiceFigures {
                    requests,
                    client_errors: 1,
                    server_errors: 0,
                    duration_secs: 0.5 * requests as f64,
                },
            )]
            .into(),
            counters: vec![("BytesReceived", received)],
            requests_in_flight: 2,
            connections: 3,
            gauges: vec![
                gauge("nephoscope_wal_bytes", vec![], 77.0),
                gauge("nephoscope_queue_length", vec![("queue", "sns".to_owned())], 5.0),
                gauge("nephoscope_task_failures", vec![("task", "x".to_owned())], failures),
            ],
        }
    }

    fn shown(data: &[MetricDatum]) -> Vec<String> {
        let line = |datum: &MetricDatum| {
            let MetricValue::Single(value) = datum.value else { panic!("a distribution") };
            let dimensions: Vec<_> =
                datum.metric.dimensions.iter().map(|d| format!("{}={}", d.name, d.value)).collect();
            format!("{} {value} {} [{}]", datum.metric.name, datum.unit, dimensions.join(","))
        };
        data.iter().map(line).collect()
    }

    #[test]
    fn counts_are_differences_and_levels_are_not() {
        let first = figures(10, 1000, 0.0);
        let levels = [
            "RequestsInFlight 2 Count []",
            "Connections 3 Count []",
            "MemoryUsed 9 Bytes []",
            "WalBytes 77 Bytes []",
            "QueueLength 5 Count [Queue=sns]",
        ];
        assert_eq!(shown(&data(&first, None, Some(9), Timestamp::EPOCH)), levels);
        let second = figures(30, 1500, 1.0);
        let all = shown(&data(&second, Some(&first), Some(9), Timestamp::EPOCH));
        assert_eq!(all[..5], levels);
        assert_eq!(
            all[5..],
            [
                "BytesReceived 500 Bytes []",
                "Requests 20 Count [Service=logs]",
                "ClientErrors 0 Count [Service=logs]",
                "ServerErrors 0 Count [Service=logs]",
                "Latency 500 Milliseconds [Service=logs]",
                "Requests 20 Count []",
                "ClientErrors 0 Count []",
                "ServerErrors 0 Count []",
                "Latency 500 Milliseconds []",
                "TaskFailures 1 Count []",
            ]
        );
    }
}
