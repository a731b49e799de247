//! Starting, moving through time, and stopping a whole server.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{Faults, NoFaults, SeededEntropy, SimulatedClock, SystemClock, Timestamp};
use nephoscope::config::{Config, OrOff, Settings};
use nephoscope::wiring::{Capabilities, Nephoscope};
use serde_json::{Value, json};
use sim::client::{Answer, Client};

pub(crate) const ACCOUNT: &str = "111122223333";

/// 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_767_225_600);

pub(crate) struct Harness {
    runtime: tokio::runtime::Runtime,
    server: Option<Nephoscope>,
    clock: Arc<SimulatedClock>,
    address: SocketAddr,
}

impl Harness {
    pub(crate) fn start(folder: &Path, clock: Arc<SimulatedClock>) -> Self {
        Self::start_with(folder, clock, Arc::new(NoFaults))
    }

    pub(crate) fn start_with(folder: &Path, clock: Arc<SimulatedClock>, faults: Arc<dyn Faults>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let settings = Settings {
            listen: Some(vec!["127.0.0.1:0".parse().unwrap()]),
            data_dir: Some(folder.to_owned()),
            xray_daemon: Some(OrOff::Off),
            emf: Some(OrOff::Off),
            clock: Some("simulated".to_owned()),
            own_metrics: Some(false),
            ..Settings::default()
        };
        let mut config = Config::new(settings).unwrap();
        config.maintenance_period = Duration::from_secs(3600);
        let capabilities = Capabilities {
            clock: clock.clone(),
            network_clock: SystemClock::new(),
            entropy: SeededEntropy::new(7),
            objects: store::durable_local(&folder.join("objects")).unwrap(),
            faults,
        };
        let server = runtime.block_on(Nephoscope::start(&config, capabilities)).unwrap();
        let address = server.addresses().plain[0];
        Self { runtime, server: Some(server), clock, address }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address, ACCOUNT, "us-east-1")
    }

    pub(crate) fn now(&self) -> Timestamp {
        base::Clock::now(self.clock.as_ref())
    }

    /// Moves the clock through the server's own page, which lets background work happen on the way.
    pub(crate) fn advance(&self, by: Duration) {
        let answer = self.admin("POST", "/_nephoscope/clock", &json!({"advance_secs": by.as_secs()}));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    pub(crate) fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json")];
        self.client().send(method, path, "logs", &headers, body.to_string().as_bytes()).unwrap()
    }

    pub(crate) fn stop(mut self) {
        let server = self.server.take().unwrap();
        self.runtime.block_on(server.shutdown());
    }
}

/// Calls a JSON operation that must succeed.
pub(crate) fn call(client: &mut Client, target: &str, input: &Value) -> Value {
    let answer = client.call(target, input).unwrap();
    assert_eq!(answer.status, 200, "{target} {input}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}
