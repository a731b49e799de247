//! The embedded metric format: metric data inside log events (`spec/logs-api.md` §13).
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

mod directive;
#[cfg(test)]
mod tests;

use base::Timestamp;
use serde_json::{Map, Value};
use signals::MetricDatum;

use directive::Root;

/// What a message says in the format.
#[derive(Debug, Clone, PartialEq)]
pub enum Extraction {
    /// It is not in the format, which is no error.
    Foreign,
    /// It looks like the format and is not JSON.
    Unparsable,
    Metrics {
        data: Vec<MetricDatum>,
        /// Rules broken; what they concern is left out of `data`, the rest is in it.
        errors: usize,
    },
}

/// What a message is read with.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Time of receipt: stamps messages without a time, and bounds the times of the others.
    pub now: Timestamp,
    /// Skip text before the first brace, as CloudWatch does in groups of Lambda functions.
    pub skip_prefix: bool,
    /// Data beyond this count as errors.
    pub data_max: usize,
}

impl Reading {
    pub fn at(now: Timestamp) -> Self {
        Self { now, skip_prefix: false, data_max: DATA_MAX }
    }
}

/// Data of one message. AWS states none; a directive of 100 metrics could otherwise name thousands of dimension sets.
pub const DATA_MAX: usize = 10_000;

/// The metric data in a message.
pub fn metrics_of(message: &str, reading: Reading) -> Extraction {
    // Most messages are something else: one look tells.
    if !message.contains("\"_aws\"") {
        return Extraction::Foreign;
    }
    let text = match reading.skip_prefix {
        true => message.find('{').map_or(message, |at| &message[at..]),
        false => message,
    };
    if !text.trim_start().starts_with('{') {
        return Extraction::Foreign;
    }
    let Ok(root) = serde_json::from_str::<Map<String, Value>>(text) else {
        let looks_like_it = text.contains("\"CloudWatchMetrics\"");
        return if looks_like_it { Extraction::Unparsable } else { Extraction::Foreign };
    };
    let Some(metadata) = root.get("_aws").and_then(Value::as_object) else { return Extraction::Foreign };
    let Some(directives) = metadata.get("CloudWatchMetrics").and_then(Value::as_array) else {
        return Extraction::Foreign;
    };
    let timestamp = match metadata.get("Timestamp") {
        // AWS: the schema requires it; without it the time of ingestion is taken (reported behaviour).
        None => reading.now,
        Some(value) => match value.as_i64().map(Timestamp::from_millis) {
            Some(time) if is_in_window(time, reading.now) => time,
            _ => return Extraction::Metrics { data: Vec::new(), errors: 1 },
        },
    };
    let mut root = Root::new(&root, timestamp, reading.data_max);
    directives.iter().for_each(|directive| root.read(directive));
    let (data, errors) = root.finish();
    Extraction::Metrics { data, errors }
}

/// As PutMetricData: within the past two weeks and the next two hours.
fn is_in_window(time: Timestamp, now: Timestamp) -> bool {
    const HOUR_MILLIS: i64 = 3_600_000;
    now.saturating_sub_millis(14 * 24 * HOUR_MILLIS) <= time
        && time <= now.saturating_add_millis(2 * HOUR_MILLIS)
}
