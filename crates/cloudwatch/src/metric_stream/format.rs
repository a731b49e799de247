//! What a stream hands on: JSON lines, or OpenTelemetry messages in the two versions AWS writes.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-opentelemetry-translation.html>.

use base::{Scope, Timestamp};
use prost::Message;
use serde_json::{Map, Value, json};
use signals::{Dist, MetricIdentity, Unit};

use super::Format;
use crate::metric::statistic::Statistic;

const MINUTE_NANOS: u64 = 60_000_000_000;

/// One minute of one metric in one unit.
#[derive(Debug, Clone)]
pub(crate) struct Minute<'a> {
    pub(crate) metric: &'a MetricIdentity,
    pub(crate) unit: Unit,
    pub(crate) at: Timestamp,
    pub(crate) dist: &'a Dist,
    /// By their names, in the order configured.
    pub(crate) statistics: Vec<&'a str>,
}

/// Where minutes come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamIdentity<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) name: &'a str,
    pub(crate) arn: &'a str,
}

/// Appends minutes to a record.
pub(crate) fn append(out: &mut Vec<u8>, format: Format, stream: &StreamIdentity<'_>, minutes: &[Minute<'_>]) {
    match format {
        Format::Json => {
            for minute in minutes {
                out.extend_from_slice(json_line(stream, minute).to_string().as_bytes());
                out.push(b'\n');
            }
        }
        Format::OpenTelemetry07 | Format::OpenTelemetry10 => {
            out.extend(request(format, stream, minutes).encode_length_delimited_to_vec());
        }
    }
}

fn json_line(stream: &StreamIdentity<'_>, minute: &Minute<'_>) -> Value {
    let Minute { metric, unit, at, dist, statistics } = minute;
    let dimensions: Map<String, Value> =
        metric.dimensions.iter().map(|d| (d.name.to_string(), Value::from(&*d.value))).collect();
    let mut value = json!({"count": dist.count, "sum": dist.sum, "max": dist.max, "min": dist.min});
    for name in statistics {
        if let Some(number) = Statistic::parse_extended(name).ok().and_then(|statistic| statistic.of(dist)) {
            value[*name] = number.into();
        }
    }
    json!({
        "metric_stream_name": stream.name,
        "account_id": stream.scope.account.as_str(),
        "region": stream.scope.region.as_str(),
        "namespace": &*metric.namespace,
        "metric_name": &*metric.name,
        "dimensions": dimensions,
        "timestamp": at.as_millis(),
        "value": value,
        "unit": unit.name(),
    })
}

fn request(format: Format, stream: &StreamIdentity<'_>, minutes: &[Minute<'_>]) -> otlp::Request {
    let attributes = vec![
        otlp::text("cloud.provider", "aws"),
        otlp::text("cloud.account.id", stream.scope.account.as_str()),
        otlp::text("cloud.region", stream.scope.region.as_str()),
        otlp::text("aws.exporter.arn", stream.arn),
    ];
    let metrics = minutes.iter().map(|minute| otlp::Metric {
        name: format!("amazonaws.com/{}/{}", minute.metric.namespace, minute.metric.name),
        unit: otlp_unit(minute.unit),
        summary: Some(otlp::Summary { points: vec![point(format, minute)] }),
    });
    otlp::Request {
        resource_metrics: vec![otlp::ResourceMetrics {
            resource: Some(otlp::Resource { attributes }),
            scope_metrics: vec![otlp::ScopeMetrics { metrics: metrics.collect() }],
        }],
    }
}

fn point(format: Format, minute: &Minute<'_>) -> otlp::Point {
    let Minute { metric, at, dist, statistics, .. } = minute;
    let start = u64::try_from(at.as_millis()).unwrap_or(0) * 1_000_000;
    let quantile = |quantile, value| otlp::Quantile { quantile, value };
    let mut quantiles = vec![quantile(0.0, dist.min), quantile(1.0, dist.max)];
    for name in statistics {
        if let Ok(statistic @ Statistic::Percentile(percent)) = Statistic::parse_extended(name)
            && let Some(value) = statistic.of(dist)
        {
            quantiles.push(quantile(percent / 100.0, value));
        }
    }
    let dimensions = || metric.dimensions.iter().map(|d| (&*d.name, &*d.value));
    let own = [("Namespace", &*metric.namespace), ("MetricName", &*metric.name)];
    let (mut labels, mut attributes) = (Vec::new(), Vec::new());
    if format == Format::OpenTelemetry07 {
        let label = |(key, value): (&str, &str)| otlp::Label { key: key.to_owned(), value: value.to_owned() };
        labels.extend(own.into_iter().chain(dimensions()).map(label));
    } else {
        attributes.extend(own.map(|(key, value)| otlp::text(key, value)));
        let values = dimensions().map(|(key, value)| otlp::text(key, value)).collect();
        attributes.push(otlp::list("Dimensions", values));
    }
    otlp::Point {
        labels,
        start_time_unix_nano: start,
        time_unix_nano: start + MINUTE_NANOS,
        count: dist.count as u64,
        sum: dist.sum,
        quantiles,
        attributes,
    }
}

/// A unit as OpenTelemetry spells it.
fn otlp_unit(unit: Unit) -> String {
    let (name, per_second) = match unit.name().strip_suffix("/Second") {
        Some(name) => (name, "/s"),
        None => (unit.name(), ""),
    };
    let unit = match name {
        "Seconds" => "s",
        "Microseconds" => "us",
        "Milliseconds" => "ms",
        "Bytes" => "By",
        "Kilobytes" => "kBy",
        "Megabytes" => "MBy",
        "Gigabytes" => "GBy",
        "Terabytes" => "TBy",
        "Bits" => "bit",
        "Kilobits" => "kbit",
        "Megabits" => "MBit",
        "Gigabits" => "GBit",
        "Terabits" => "Tbit",
        "Percent" => "%",
        "Count" => "{Count}",
        _ => "1",
    };
    format!("{unit}{per_second}")
}

/// The few messages of the OpenTelemetry protocol that are written, with the fields of both versions: 0.7 has labels
/// where 1.0 has attributes, and is the same otherwise.
mod otlp {
    use prost::{Message, Oneof};

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(super) resource_metrics: Vec<ResourceMetrics>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct ResourceMetrics {
        #[prost(message, optional, tag = "1")]
        pub(super) resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub(super) scope_metrics: Vec<ScopeMetrics>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct ScopeMetrics {
        #[prost(message, repeated, tag = "2")]
        pub(super) metrics: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Metric {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "3")]
        pub(super) unit: String,
        #[prost(message, optional, tag = "11")]
        pub(super) summary: Option<Summary>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Summary {
        #[prost(message, repeated, tag = "1")]
        pub(super) points: Vec<Point>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Point {
        #[prost(message, repeated, tag = "1")]
        pub(super) labels: Vec<Label>,
        #[prost(fixed64, tag = "2")]
        pub(super) start_time_unix_nano: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time_unix_nano: u64,
        #[prost(fixed64, tag = "4")]
        pub(super) count: u64,
        #[prost(double, tag = "5")]
        pub(super) sum: f64,
        #[prost(message, repeated, tag = "6")]
        pub(super) quantiles: Vec<Quantile>,
        #[prost(message, repeated, tag = "7")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Quantile {
        #[prost(double, tag = "1")]
        pub(super) quantile: f64,
        #[prost(double, tag = "2")]
        pub(super) value: f64,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Label {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(string, tag = "2")]
        pub(super) value: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct KeyValue {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(message, optional, tag = "2")]
        pub(super) value: Option<AnyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct AnyValue {
        #[prost(oneof = "AnyValueKind", tags = "1, 6")]
        pub(super) kind: Option<AnyValueKind>,
    }

    #[derive(Clone, PartialEq, Oneof)]
    pub(super) enum AnyValueKind {
        #[prost(string, tag = "1")]
        Text(String),
        #[prost(message, tag = "6")]
        List(KeyValueList),
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct KeyValueList {
        #[prost(message, repeated, tag = "1")]
        pub(super) values: Vec<KeyValue>,
    }

    pub(super) fn text(key: &str, value: &str) -> KeyValue {
        let kind = Some(AnyValueKind::Text(value.to_owned()));
        KeyValue { key: key.to_owned(), value: Some(AnyValue { kind }) }
    }

    pub(super) fn list(key: &str, values: Vec<KeyValue>) -> KeyValue {
        let kind = Some(AnyValueKind::List(KeyValueList { values }));
        KeyValue { key: key.to_owned(), value: Some(AnyValue { kind }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Region};
    use signals::Dimension;

    fn rendered(format: Format) -> Vec<u8> {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap());
        let dimension = Dimension { name: "Host".into(), value: "a".into() };
        let metric = MetricIdentity::new("App", "Latency", vec![dimension]);
        let dist = Dist::from_pairs([(1.0, 1.0), (3.0, 3.0)]).unwrap();
        let minute = Minute {
            metric: &metric,
            unit: Unit::by_name("Bytes/Second").unwrap(),
            at: Timestamp::from_secs(1_700_000_040),
            dist: &dist,
            statistics: vec!["p50"],
        };
        let stream = StreamIdentity { scope: &scope, name: "s", arn: "arn:stream" };
        let mut out = Vec::new();
        append(&mut out, format, &stream, &[minute]);
        out
    }

    #[test]
    fn json_is_a_line_a_metric() {
        let line = String::from_utf8(rendered(Format::Json)).unwrap();
        let expected = json!({
            "metric_stream_name": "s", "account_id": "123456789012", "region": "eu-west-1", "namespace": "App",
            "metric_name": "Latency", "dimensions": {"Host": "a"}, "timestamp": 1_700_000_040_000_i64,
            "value": {"count": 4.0, "sum": 10.0, "max": 3.0, "min": 1.0, "p50": 3.0}, "unit": "Bytes/Second",
        });
        assert!(line.ends_with('\n'));
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
    }

    #[test]
    fn opentelemetry_messages_are_prefixed_by_their_length() {
        for format in [Format::OpenTelemetry07, Format::OpenTelemetry10] {
            let bytes = rendered(format);
            let request = otlp::Request::decode_length_delimited(bytes.as_slice()).unwrap();
            let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
            assert_eq!((metric.name.as_str(), metric.unit.as_str()), ("amazonaws.com/App/Latency", "By/s"));
            let point = &metric.summary.as_ref().unwrap().points[0];
            assert_eq!((point.count, point.sum), (4, 10.0));
            assert_eq!(point.time_unix_nano - point.start_time_unix_nano, MINUTE_NANOS);
            let quantiles: Vec<_> = point.quantiles.iter().map(|q| (q.quantile, q.value)).collect();
            assert_eq!(quantiles, [(0.0, 1.0), (1.0, 3.0), (0.5, 3.0)]);
            let old = format == Format::OpenTelemetry07;
            assert_eq!((point.labels.len(), point.attributes.len()), if old { (3, 0) } else { (0, 3) });
        }
    }
}
