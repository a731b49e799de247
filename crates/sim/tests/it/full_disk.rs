//! A full disk: writes are refused by name, nothing acknowledged is lost, and it heals.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Faults, SimulatedClock};
use serde_json::json;
use sim::client::Client;

use crate::harness::{Harness, START, call};

#[derive(Debug, Default)]
struct Disk {
    is_full: AtomicBool,
}

impl Faults for Disk {
    fn reach(&self, point: &'static str) -> io::Result<()> {
        if self.is_full.load(Ordering::SeqCst) && matches!(point, "wal.before_write" | "part.before_put") {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"));
        }
        Ok(())
    }
}

fn put(client: &mut Client, message: &str) -> (u16, String) {
    let input = json!({"logGroupName": "/g", "logStreamName": "s",
        "logEvents": [{"timestamp": START.as_millis(), "message": message}]});
    let answer = client.call("Logs_20140328.PutLogEvents", &input).unwrap();
    (answer.status, answer.json()["__type"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn writes_are_refused_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, disk) = (SimulatedClock::new(START), Arc::new(Disk::default()));
    let server = Harness::start_with(folder.path(), clock.clone(), disk.clone());
    let mut client = server.client();
    call(&mut client, "Logs_20140328.CreateLogGroup", &json!({"logGroupName": "/g"}));
    call(&mut client, "Logs_20140328.CreateLogStream", &json!({"logGroupName": "/g", "logStreamName": "s"}));
    assert_eq!(put(&mut client, "before").0, 200);

    disk.is_full.store(true, Ordering::SeqCst);
    assert_eq!(put(&mut client, "during"), (503, "ServiceUnavailableException".to_owned()));
    let datum = json!({"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 1}]});
    let answer = client.call("GraniteServiceVersion20100801.PutMetricData", &datum).unwrap();
    assert_eq!(answer.status, 503);
    let document = json!({"name": "w", "id": "00000000000000aa", "trace_id": "1-695d4d80-0000000000000000000000aa",
        "start_time": START.as_secs(), "end_time": START.as_secs()});
    let answer =
        client.xray("/TraceSegments", &json!({"TraceSegmentDocuments": [document.to_string()]})).unwrap();
    // X-Ray's model has no exception for an unavailable service, only ThrottledException.
    assert_eq!(answer.status, 429);
    let read = json!({"logGroupName": "/g", "logStreamName": "s", "startFromHead": true});
    assert_eq!(client.call("Logs_20140328.GetLogEvents", &read).unwrap().status, 200, "reading goes on");

    disk.is_full.store(false, Ordering::SeqCst);
    assert_eq!(put(&mut client, "after").0, 200);
    server.stop();
    let server = Harness::start(folder.path(), clock);
    let events = call(&mut server.client(), "Logs_20140328.GetLogEvents", &read);
    let messages: Vec<&str> =
        events["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["before", "after"]);
    server.stop();
}
