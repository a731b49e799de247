//! How fast PutLogEvents bodies are read: 3,300 events of 284 bytes, themselves JSON and so full of escapes.
//! Run with `cargo run --release -p wire --example put_log_events`.

use base::{Clock as _, SystemClock};
use bytes::Bytes;
use http::HeaderMap;
use shapes::logs::operations::PutLogEvents;
use shapes::logs::{InputLogEvent, PutLogEventsRequest};
use smithy::{CheckedReader, Operation as _, Protocol, Shape as _};
use wire::{WireRequest, codec};

const EVENTS: usize = 3_300;
const ROUNDS: u32 = 200;

fn main() {
    let events = (0..EVENTS).map(|i| InputLogEvent {
        timestamp: 1_700_000_000_000 + i as i64,
        message: format!(
            r#"{{"time":"2026-01-31T12:00:00.{:03}Z","level":"INFO","service":"checkout","requestId":"8c5b7f0e-{i:012}","route":"/api/v1/orders/{{id}}","status":200,"duration_ms":{}.5,"user":{{"id":{i},"plan":"pro"}},"message":"order placed","tags":["a","b"],"pad":"{}"}}"#,
            i % 1000,
            i % 97,
            "x".repeat(30)
        ),
    });
    let request = PutLogEventsRequest {
        log_group_name: "g".to_owned(),
        log_stream_name: "s".to_owned(),
        log_events: events.collect(),
        ..PutLogEventsRequest::default()
    };
    let body = Bytes::from(wire::json::to_json(&request).unwrap_or_default());
    let headers = HeaderMap::new();
    let clock = SystemClock::new();
    let started = clock.monotonic();
    for _ in 0..ROUNDS {
        let request = WireRequest { method: "POST", path: "/", query: None, headers: &headers, body: &body };
        let read = codec(Protocol::AwsJson1_1).read(&request, PutLogEvents::SCHEMA, &mut |reader| {
            let input = PutLogEventsRequest::read(&mut CheckedReader::new(reader))?;
            assert_eq!(input.log_events.len(), EVENTS);
            Ok(())
        });
        assert_eq!(read, Ok(()));
    }
    let elapsed = clock.monotonic() - started;
    let events = f64::from(ROUNDS) * EVENTS as f64;
    println!(
        "{} bytes a request, {:.0} ns an event, {:.0} MB/s",
        body.len(),
        elapsed.as_nanos() as f64 / events,
        body.len() as f64 * f64::from(ROUNDS) / 1e6 / elapsed.as_secs_f64()
    );
}
