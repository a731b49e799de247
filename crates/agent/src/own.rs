//! The agent's own figures, in namespace `Nephoscope/Agent`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use base::Timestamp;
use serde_json::{Value, json};

use crate::client::{Api, CallError};
use crate::logs::rejected;

pub(crate) const NAMESPACE: &str = "Nephoscope/Agent";

/// What was counted since it was last published.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    events_sent: AtomicU64,
    pub(crate) events_dropped: AtomicU64,
    bytes_sent: AtomicU64,
    send_errors: AtomicU64,
    pub(crate) statsd_parse_errors: AtomicU64,
}

impl Counters {
    /// The counts as data, which are zero from now on.
    pub(crate) fn take(&self, dimensions: &BTreeMap<String, String>, at: Timestamp) -> Vec<Value> {
        let dimensions: Vec<Value> =
            dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        let datum = |(name, unit, counter): (&str, &str, &AtomicU64)| {
            json!({
                "MetricName": name,
                "Unit": unit,
                "Value": counter.swap(0, Ordering::Relaxed) as f64,
                "Timestamp": at.as_secs(),
                "Dimensions": dimensions,
            })
        };
        [
            ("EventsSent", "Count", &self.events_sent),
            ("EventsDropped", "Count", &self.events_dropped),
            ("BytesSent", "Bytes", &self.bytes_sent),
            ("SendErrors", "Count", &self.send_errors),
            ("StatsdParseErrors", "Count", &self.statsd_parse_errors),
        ]
        .map(datum)
        .into()
    }
}

/// An API whose calls are counted.
pub(crate) struct CountedApi {
    pub(crate) api: Arc<dyn Api>,
    pub(crate) counters: Arc<Counters>,
}

#[async_trait]
impl Api for CountedApi {
    async fn call(&self, service: &'static str, operation: &str, body: &Value) -> Result<Value, CallError> {
        let answer = self.api.call(service, operation, body).await;
        let add = |counter: &AtomicU64, count: u64| {
            counter.fetch_add(count, Ordering::Relaxed);
        };
        match &answer {
            // What is missing is made, and is no error.
            Err(error) if error.code == "ResourceNotFoundException" => {}
            Err(_) => add(&self.counters.send_errors, 1),
            Ok(answer) => {
                let events = body.get("logEvents").and_then(Value::as_array).map_or(0, |e| e.len() as u64);
                let dropped = rejected(answer, events);
                add(&self.counters.events_sent, events.saturating_sub(dropped));
                add(&self.counters.events_dropped, dropped);
                add(&self.counters.bytes_sent, body.to_string().len() as u64);
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeApi;

    #[tokio::test]
    async fn calls_are_counted_once() {
        let (fake, counters) = (FakeApi::new(), Arc::new(Counters::default()));
        let api = CountedApi { api: fake.clone(), counters: counters.clone() };
        let body = json!({ "logEvents": [{ "message": "a" }, { "message": "b" }] });
        fake.fail("PutLogEvents", &["ResourceNotFoundException", "ThrottlingException"]);
        for _ in 0..3 {
            let _ = api.call("logs", "PutLogEvents", &body).await;
        }
        let host = BTreeMap::from([("host".to_owned(), "web1".to_owned())]);
        let values = |data: Vec<Value>| -> Vec<(String, f64)> {
            let of = |datum: &Value| {
                (datum["MetricName"].as_str().unwrap().to_owned(), datum["Value"].as_f64().unwrap())
            };
            data.iter().map(of).collect()
        };
        let data = counters.take(&host, Timestamp::EPOCH);
        assert_eq!(data[0]["Dimensions"], json!([{ "Name": "host", "Value": "web1" }]));
        let length = body.to_string().len() as f64;
        let expected = [
            ("EventsSent", 2.0),
            ("EventsDropped", 0.0),
            ("BytesSent", length),
            ("SendErrors", 1.0),
            ("StatsdParseErrors", 0.0),
        ];
        assert_eq!(values(data), expected.map(|(name, value)| (name.to_owned(), value)));
        assert!(values(counters.take(&host, Timestamp::EPOCH)).iter().all(|(_, value)| *value == 0.0));
    }
}
