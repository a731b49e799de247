//! What the tests share: an API that remembers its calls, and a clock that runs while something waits.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use base::SimulatedClock;
use serde_json::{Value, json};

use crate::client::{Api, CallError};

/// Answers every call with `{}`, except those that were told to fail.
pub(crate) struct FakeApi {
    calls: Mutex<Vec<(String, Value)>>,
    failures: Mutex<VecDeque<(String, String)>>,
}

impl FakeApi {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), failures: Mutex::default() })
    }

    /// The next calls of `operation` fail with these codes.
    pub(crate) fn fail(&self, operation: &str, codes: &[&str]) {
        let failures = codes.iter().map(|code| (operation.to_owned(), (*code).to_owned()));
        self.failures.lock().unwrap().extend(failures);
    }

    pub(crate) fn bodies(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, _)| name == operation).map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn operations(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }
}

#[async_trait]
impl Api for FakeApi {
    async fn call(&self, _: &'static str, operation: &str, body: &Value) -> Result<Value, CallError> {
        self.calls.lock().unwrap().push((operation.to_owned(), body.clone()));
        let mut failures = self.failures.lock().unwrap();
        let place = failures.iter().position(|(name, _)| name == operation);
        match place.and_then(|place| failures.remove(place)) {
            None => Ok(json!({})),
            Some((_, code)) => {
                let status = if code == "Unreachable" { 0 } else { 400 };
                Err(CallError { operation: operation.to_owned(), code, message: String::new(), status })
            }
        }
    }
}

/// Runs `future` to its end, moving the clock whenever nothing else can happen.
pub(crate) async fn run<F: Future>(clock: &Arc<SimulatedClock>, future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return output;
        }
        if let Some(next) = clock.next_deadline() {
            clock.advance_to(next);
        }
        tokio::task::yield_now().await;
    }
}
