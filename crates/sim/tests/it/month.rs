//! A month of a server's life in seconds: retention, roll-ups, flushes and merges, and a restart.

use std::time::Duration;

use base::{SimulatedClock, Timestamp};
use serde_json::{Value, json};
use sim::client::Client;

use crate::harness::{Harness, START, call};

const DAY: Duration = Duration::from_secs(86_400);
const DAYS: i64 = 30;
const EVENTS_PER_DAY: i64 = 10;
const RETENTION_DAYS: i64 = 7;

fn put_day(server: &Harness, client: &mut Client, day: i64) {
    let now = server.now();
    for group in ["/kept", "/forgotten"] {
        let events: Vec<Value> = (0..EVENTS_PER_DAY)
            .map(|i| json!({"timestamp": now.as_millis() + i, "message": format!("{{\"day\":{day},\"i\":{i}}}")}))
            .collect();
        let input = json!({"logGroupName": group, "logStreamName": "s", "logEvents": events});
        call(client, "Logs_20140328.PutLogEvents", &input);
    }
    let datum = json!({"MetricName": "Days", "Value": day, "Timestamp": now.as_secs()});
    let input = json!({"Namespace": "Sim", "MetricData": [datum]});
    call(client, "GraniteServiceVersion20100801.PutMetricData", &input);
    let document = json!({"name": "web", "id": format!("{:016x}", day + 1), "trace_id": trace_id(now),
        "start_time": now.as_secs_f64(), "end_time": now.as_secs_f64() + 0.5});
    let answer =
        client.xray("/TraceSegments", &json!({"TraceSegmentDocuments": [document.to_string()]})).unwrap();
    assert_eq!(answer.json()["UnprocessedTraceSegments"], json!([]));
}

fn trace_id(at: Timestamp) -> String {
    format!("1-{:08x}-{:024x}", at.as_secs(), at.as_secs())
}

fn messages(client: &mut Client, group: &str) -> Vec<String> {
    let (mut found, mut token) = (Vec::new(), Value::Null);
    loop {
        let input = json!({"logGroupName": group, "nextToken": token});
        let page = call(client, "Logs_20140328.FilterLogEvents", &input);
        let events = page["events"].as_array().unwrap();
        found.extend(events.iter().map(|e| e["message"].as_str().unwrap().to_owned()));
        token = page["nextToken"].clone();
        if token.is_null() {
            return found;
        }
    }
}

/// What must be true on day 30, however often the server was restarted on the way.
fn check(server: &Harness, client: &mut Client) {
    assert_eq!(messages(client, "/kept").len() as i64, DAYS * EVENTS_PER_DAY);
    let kept = messages(client, "/forgotten");
    let last_days: Vec<String> = (DAYS - RETENTION_DAYS..DAYS)
        .flat_map(|day| (0..EVENTS_PER_DAY).map(move |i| format!("{{\"day\":{day},\"i\":{i}}}")))
        .collect();
    assert_eq!(kept, last_days);

    let groups = call(client, "Logs_20140328.DescribeLogGroups", &json!({}));
    let stored = |name: &str| {
        let groups = groups["logGroups"].as_array().unwrap();
        groups.iter().find(|g| g["logGroupName"] == name).unwrap()["storedBytes"].as_i64().unwrap()
    };
    assert_eq!(stored("/forgotten"), last_days.iter().map(|m| m.len() as i64 + 26).sum::<i64>());

    let input = json!({"Namespace": "Sim", "MetricName": "Days", "Period": 86_400, "Statistics": ["Sum"],
        "StartTime": START.as_secs(), "EndTime": server.now().as_secs()});
    let points = call(client, "GraniteServiceVersion20100801.GetMetricStatistics", &input);
    let sums: Vec<f64> =
        points["Datapoints"].as_array().unwrap().iter().map(|p| p["Sum"].as_f64().unwrap()).collect();
    assert_eq!(sums, (0..DAYS).map(|day| day as f64).collect::<Vec<_>>());

    let ids = [START + DAY * 29, START + DAY];
    let found = client.xray("/Traces", &json!({"TraceIds": ids.map(trace_id)})).unwrap().json();
    assert_eq!(found["Traces"].as_array().unwrap().len(), 2);

    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
    let by_name =
        json!({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateLogGroup"}]});
    assert_eq!(call(client, target, &by_name)["Events"].as_array().unwrap().len(), 2);
}

#[test]
fn a_month_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SimulatedClock::new(START);
    let mut server = Harness::start(folder.path(), clock.clone());
    let mut client = server.client();
    for group in ["/kept", "/forgotten"] {
        call(&mut client, "Logs_20140328.CreateLogGroup", &json!({"logGroupName": group}));
        call(
            &mut client,
            "Logs_20140328.CreateLogStream",
            &json!({"logGroupName": group, "logStreamName": "s"}),
        );
    }
    let retention = json!({"logGroupName": "/forgotten", "retentionInDays": RETENTION_DAYS});
    call(&mut client, "Logs_20140328.PutRetentionPolicy", &retention);
    for day in 0..DAYS {
        put_day(&server, &mut client, day);
        if day % 10 == 9 {
            server.stop();
            server = Harness::start(folder.path(), clock.clone());
            client = server.client();
        }
        if day < DAYS - 1 {
            server.advance(DAY);
        }
    }
    // Day 30 − 7 is still to come for retention, now and two hours later.
    server.advance(DAY - Duration::from_secs(6 * 3600));
    check(&server, &mut client);
    server.stop();
    let server = Harness::start(folder.path(), clock);
    server.advance(Duration::from_secs(2 * 3600));
    check(&server, &mut server.client());

    server.advance(DAY * 400);
    let mut client = server.client();
    assert_eq!(messages(&mut client, "/forgotten"), Vec::<String>::new());
    let gone = client.xray("/Traces", &json!({"TraceIds": [trace_id(START)]})).unwrap().json();
    assert_eq!(gone["Traces"], json!([]));
    server.stop();
}
