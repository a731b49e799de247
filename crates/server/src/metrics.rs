//! The server's own figures, as Prometheus text at `/_nephoscope/metrics`.
//!
//! Labels are bounded: only services and operations of the models become label values.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Upper bounds of the duration histogram, in seconds.
const BOUNDS: [f64; 14] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// A figure supplied by another part of the program when metrics are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// Full metric name, e.g. `nephoscope_store_wal_bytes`.
    pub name: String,
    pub help: &'static str,
    /// Label names and values.
    pub labels: Vec<(&'static str, String)>,
    pub value: f64,
}

/// The same figures as numbers; counts are since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub services: BTreeMap<&'static str, ServiceFigures>,
    /// Names as AWS would give them, e.g. `BytesReceived`.
    pub counters: Vec<(&'static str, u64)>,
    pub requests_in_flight: i64,
    pub connections: i64,
    pub gauges: Vec<Gauge>,
}

/// What one service answered.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ServiceFigures {
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    /// Of all requests together.
    pub duration_secs: f64,
}

/// Counters kept by the request path.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, &'static str, u16), u64>>,
    durations: Mutex<BTreeMap<&'static str, Histogram>>,
    pub(crate) in_flight: AtomicI64,
    pub(crate) connections: AtomicI64,
    pub(crate) bytes_received: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    pub(crate) audit_recorded: AtomicU64,
    pub(crate) audit_failed: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) daemon_received: AtomicU64,
    pub(crate) daemon_rejected: AtomicU64,
    pub(crate) daemon_dropped: AtomicU64,
    pub(crate) otlp_spans: AtomicU64,
    pub(crate) socket_received: AtomicU64,
    pub(crate) socket_dropped: AtomicU64,
    pub(crate) otlp_log_records: AtomicU64,
    pub(crate) otlp_data_points: AtomicU64,
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum_secs: f64,
}

impl Metrics {
    pub(crate) fn answered(
        &self,
        service: &'static str,
        operation: &'static str,
        status: u16,
        took: Duration,
    ) {
        *self.requests.lock().entry((service, operation, status)).or_default() += 1;
        let secs = took.as_secs_f64();
        let mut durations = self.durations.lock();
        let histogram = durations.entry(service).or_default();
        histogram.count += 1;
        histogram.sum_secs += secs;
        if let Some(bucket) = BOUNDS.iter().position(|bound| secs <= *bound) {
            histogram.buckets[bucket] += 1;
        }
    }

    /// Everything that is counted here, without gauges of others.
    pub(crate) fn figures(&self) -> Figures {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut services: BTreeMap<&'static str, ServiceFigures> = BTreeMap::new();
        for ((service, _, status), count) in self.requests.lock().iter() {
            let figures = services.entry(service).or_default();
            figures.requests += count;
            match status {
                400..500 => figures.client_errors += count,
                500.. => figures.server_errors += count,
                _ => {}
            }
        }
        for (service, histogram) in self.durations.lock().iter() {
            services.entry(service).or_default().duration_secs = histogram.sum_secs;
        }
        Figures {
            services,
            counters: vec![
                ("BytesReceived", load(&self.bytes_received)),
                ("BytesSent", load(&self.bytes_sent)),
                ("AuditEvents", load(&self.audit_recorded)),
                ("AuditFailures", load(&self.audit_failed)),
                ("Panics", load(&self.panics)),
                ("SegmentDocumentsReceived", load(&self.daemon_received)),
                ("SegmentDocumentsRejected", load(&self.daemon_rejected)),
                ("SegmentDocumentsDropped", load(&self.daemon_dropped)),
                ("SpansReceived", load(&self.otlp_spans)),
            ],
            requests_in_flight: self.in_flight.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            gauges: Vec::new(),
        }
    }

    /// Prometheus text format 0.0.4.
    pub(crate) fn render(&self, gauges: &[Gauge]) -> String {
        let mut text = String::with_capacity(8192);
        self.render_requests(&mut text);
        self.render_durations(&mut text);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        for (name, kind, help, value) in [
            (
                "requests_in_flight",
                "gauge",
                "Requests being answered.",
                self.in_flight.load(Ordering::Relaxed) as f64,
            ),
            ("connections", "gauge", "Open connections.", self.connections.load(Ordering::Relaxed) as f64),
            ("received_bytes_total", "counter", "Body bytes received.", load(&self.bytes_received)),
            ("sent_bytes_total", "counter", "Body bytes sent.", load(&self.bytes_sent)),
            ("audit_events_total", "counter", "API calls recorded.", load(&self.audit_recorded)),
            (
                "audit_failures_total",
                "counter",
                "API calls whose record could not be kept.",
                load(&self.audit_failed),
            ),
            ("panics_total", "counter", "Requests that ended in a defect.", load(&self.panics)),
            (
                "daemon_documents_total",
                "counter",
                "Segment documents received by the daemon protocol.",
                load(&self.daemon_received),
            ),
            (
                "daemon_rejected_total",
                "counter",
                "Datagrams or documents the daemon protocol rejected.",
                load(&self.daemon_rejected),
            ),
            (
                "daemon_dropped_total",
                "counter",
                "Segment documents dropped because the daemon queue was full.",
                load(&self.daemon_dropped),
            ),
            (
                "socket_messages_total",
                "counter",
                "Messages received by syslog and as embedded metrics.",
                load(&self.socket_received),
            ),
            (
                "socket_messages_dropped_total",
                "counter",
                "Messages received by syslog and as embedded metrics that were not stored.",
                load(&self.socket_dropped),
            ),
            ("otlp_spans_total", "counter", "Spans received by OTLP.", load(&self.otlp_spans)),
            (
                "otlp_log_records_total",
                "counter",
                "Log records received by OTLP.",
                load(&self.otlp_log_records),
            ),
            (
                "otlp_data_points_total",
                "counter",
                "Data points received by OTLP.",
                load(&self.otlp_data_points),
            ),
        ] {
            let _ = writeln!(
                text,
                "# HELP nephoscope_{name} {help}\n# TYPE nephoscope_{name} {kind}\nnephoscope_{name} {value}"
            );
        }
        render_gauges(&mut text, gauges);
        text
    }

    fn render_requests(&self, text: &mut String) {
        text.push_str(
            "# HELP nephoscope_requests_total Requests answered.\n# TYPE nephoscope_requests_total counter\n",
        );
        for ((service, operation, status), count) in self.requests.lock().iter() {
            let _ = writeln!(
                text,
                "nephoscope_requests_total{{service=\"{service}\",operation=\"{operation}\",status=\"{status}\"}} {count}"
            );
        }
    }

    fn render_durations(&self, text: &mut String) {
        const NAME: &str = "nephoscope_request_duration_seconds";
        let _ = writeln!(
            text,
            "# HELP {NAME} Time from a request's head to its answer.\n# TYPE {NAME} histogram"
        );
        for (service, histogram) in self.durations.lock().iter() {
            let mut cumulative = 0;
            for (bound, count) in BOUNDS.iter().zip(histogram.buckets) {
                cumulative += count;
                let _ = writeln!(text, "{NAME}_bucket{{service=\"{service}\",le=\"{bound}\"}} {cumulative}");
            }
            let Histogram { count, sum_secs, .. } = histogram;
            let _ = writeln!(text, "{NAME}_bucket{{service=\"{service}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(text, "{NAME}_sum{{service=\"{service}\"}} {sum_secs}");
            let _ = writeln!(text, "{NAME}_count{{service=\"{service}\"}} {count}");
        }
    }
}

fn render_gauges(text: &mut String, gauges: &[Gauge]) {
    let mut last = "";
    for gauge in gauges {
        if gauge.name != last {
            let _ = writeln!(text, "# HELP {0} {1}\n# TYPE {0} gauge", gauge.name, gauge.help);
            last = &gauge.name;
        }
        text.push_str(&gauge.name);
        if !gauge.labels.is_empty() {
            let labels: Vec<String> =
                gauge.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
            let _ = write!(text, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(text, " {}", gauge.value);
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_prometheus_text() {
        let metrics = Metrics::default();
        metrics.answered("logs", "PutLogEvents", 200, Duration::from_millis(3));
        metrics.answered("logs", "PutLogEvents", 200, Duration::from_secs(60));
        let gauge = Gauge {
            name: "nephoscope_x".into(),
            help: "X.",
            labels: vec![("task", "a\"b".into())],
            value: 1.5,
        };
        let text = metrics.render(&[gauge]);
        for line in [
            r#"nephoscope_requests_total{service="logs",operation="PutLogEvents",status="200"} 2"#,
            r#"nephoscope_request_duration_seconds_bucket{service="logs",le="0.005"} 1"#,
            r#"nephoscope_request_duration_seconds_bucket{service="logs",le="10"} 1"#,
            r#"nephoscope_request_duration_seconds_bucket{service="logs",le="+Inf"} 2"#,
            r#"nephoscope_x{task="a\"b"} 1.5"#,
            "nephoscope_requests_in_flight 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} not in\n{text}");
        }
    }
}
