//! PutMetricData in batches, tried again where that can help.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use serde_json::{Value, json};

use crate::client::{Api, CallError};

/// Data of one call (API_PutMetricData.html).
const DATA_MAX: usize = 1000;
const BYTES_MAX: usize = 999_000;
const TRIES: u32 = 5;
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// Data kept while the server cannot be reached; the oldest go first.
const WAITING_MAX: usize = 100_000;

/// Sends data of one namespace.
pub(crate) struct Publisher {
    api: Arc<dyn Api>,
    clock: Arc<dyn Clock>,
    namespace: String,
    waiting: VecDeque<Value>,
    /// Data nobody will ever see.
    pub(crate) dropped: u64,
}

impl Publisher {
    pub(crate) fn new(api: Arc<dyn Api>, clock: Arc<dyn Clock>, namespace: String) -> Self {
        Self { api, clock, namespace, waiting: VecDeque::new(), dropped: 0 }
    }

    /// Sends `data` and what earlier calls left. What cannot be sent now is kept for the next call.
    pub(crate) async fn send(&mut self, data: Vec<Value>) {
        self.waiting.extend(data);
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        while !self.waiting.is_empty() {
            let count = self.batch_length();
            let batch: Vec<&Value> = self.waiting.iter().take(count).collect();
            let body = json!({ "Namespace": self.namespace, "MetricData": batch });
            match self.call(&body).await {
                Ok(()) => {}
                Err(error) if error.is_temporary() => {
                    tracing::warn!(%error, waiting = self.waiting.len(), "metrics cannot be sent now");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, count, "metrics were refused and are dropped");
                    self.dropped += count as u64;
                }
            }
            self.waiting.drain(..count);
        }
    }

    /// How many of those waiting go into one call.
    fn batch_length(&self) -> usize {
        let mut bytes = 0;
        let fits = |datum: &&Value| {
            bytes += datum.to_string().len() + 1;
            bytes <= BYTES_MAX
        };
        self.waiting.iter().take(DATA_MAX).take_while(fits).count().max(1)
    }

    async fn call(&self, body: &Value) -> Result<(), CallError> {
        let mut pause = PAUSE_FIRST;
        for attempt in 1.. {
            match self.api.call("monitoring", "PutMetricData", body).await {
                Ok(_) => return Ok(()),
                Err(error) if !error.is_temporary() || attempt == TRIES => return Err(error),
                Err(_) => self.clock.sleep(pause).await,
            }
            pause *= 2;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base::{SimulatedClock, Timestamp};

    use super::*;
    use crate::testing::{FakeApi, run};

    fn data(count: usize) -> Vec<Value> {
        (0..count).map(|n| json!({ "MetricName": format!("m{n}"), "Value": n })).collect()
    }

    fn publisher(api: &Arc<FakeApi>, clock: &Arc<SimulatedClock>) -> Publisher {
        Publisher::new(api.clone(), clock.clone(), "CWAgent".to_owned())
    }

    #[tokio::test]
    async fn a_call_has_a_thousand_data_at_most() {
        let (api, clock) = (FakeApi::new(), SimulatedClock::new(Timestamp::EPOCH));
        publisher(&api, &clock).send(data(2500)).await;
        let lengths: Vec<usize> =
            api.bodies("PutMetricData").iter().map(|b| b["MetricData"].as_array().unwrap().len()).collect();
        assert_eq!(lengths, [1000, 1000, 500]);
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_tried_again_and_loses_nothing() {
        let (api, clock) = (FakeApi::new(), SimulatedClock::new(Timestamp::EPOCH));
        let mut publisher = publisher(&api, &clock);
        api.fail("PutMetricData", &["Unreachable"; 6]);
        run(&clock, publisher.send(data(2))).await;
        assert_eq!(api.bodies("PutMetricData").len(), 5, "five tries");
        run(&clock, publisher.send(data(1))).await;
        let last = api.bodies("PutMetricData").pop().unwrap();
        assert_eq!(last["MetricData"].as_array().unwrap().len(), 3);
        assert_eq!(publisher.dropped, 0);
    }

    #[tokio::test]
    async fn what_is_refused_is_not_tried_again() {
        let (api, clock) = (FakeApi::new(), SimulatedClock::new(Timestamp::EPOCH));
        let mut publisher = publisher(&api, &clock);
        api.fail("PutMetricData", &["InvalidParameterValue"]);
        publisher.send(data(2)).await;
        assert_eq!((api.bodies("PutMetricData").len(), publisher.dropped), (1, 2));
        assert!(publisher.waiting.is_empty());
    }
}
