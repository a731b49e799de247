//! Load of every kind, each record with a name of its own, and what was acknowledged.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use sim::client::Client;
use sim::ledger::Ledger;

use crate::child::{Child, Ending};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const GROUP: &str = "/crash";
const EVENTS_PER_BATCH: usize = 7;
/// Traces asked for in one call.
const TRACES_PER_CALL: usize = 5;

/// What one round sent.
struct Round {
    number: u64,
    /// By log stream, which is created in the round.
    events: Ledger,
    streams: Ledger,
    traces: Ledger,
    /// Sum and count of acknowledged metric values, and of the attempt that got no answer.
    metric_acknowledged: (f64, f64),
    metric_in_flight: Option<f64>,
}

pub(crate) struct Load {
    rounds: Vec<Round>,
}

/// Shared by the loaders of a round.
struct Stop {
    acknowledged: AtomicU64,
    stop: AtomicBool,
}

impl Stop {
    fn count(&self) {
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    fn is_set(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

impl Load {
    pub(crate) fn new() -> Self {
        Self { rounds: Vec::new() }
    }

    /// Sends until the server dies, killing it when `ending` says so.
    pub(crate) fn run(&mut self, address: SocketAddr, number: u64, server: &mut Child, ending: &Ending) {
        let stop = Arc::new(Stop { acknowledged: AtomicU64::new(0), stop: AtomicBool::new(false) });
        let start = |f: fn(SocketAddr, u64, &Stop) -> Part| {
            let stop = stop.clone();
            std::thread::spawn(move || f(address, number, &stop))
        };
        let loaders = [start(log_events), start(metric_data), start(trace_segments), start(log_streams)];
        let most = match ending {
            Ending::KillAfterRecords(n) => *n,
            // A point that is never reached must not make the round endless.
            Ending::AbortAt(_) => 400,
        };
        while stop.acknowledged.load(Ordering::SeqCst) < most && !server.is_dead() {
            std::thread::yield_now();
        }
        server.signal_kill();
        stop.stop.store(true, Ordering::SeqCst);
        let mut round = Round {
            number,
            events: Ledger::default(),
            streams: Ledger::default(),
            traces: Ledger::default(),
            metric_acknowledged: (0.0, 0.0),
            metric_in_flight: None,
        };
        for loader in loaders {
            match loader.join().expect("loaders do not panic") {
                Part::Events(ledger) => round.events = ledger,
                Part::Streams(ledger) => round.streams = ledger,
                Part::Traces(ledger) => round.traces = ledger,
                Part::Metric { acknowledged, in_flight } => {
                    round.metric_acknowledged = acknowledged;
                    round.metric_in_flight = in_flight;
                }
            }
        }
        self.rounds.push(round);
    }

    pub(crate) fn verify_last(&self, address: SocketAddr) -> Result<(), String> {
        self.rounds.last().map_or(Ok(()), |round| round.verify(address))
    }

    pub(crate) fn verify_everything(&self, address: SocketAddr) -> Result<(), String> {
        let records: usize =
            self.rounds.iter().map(|r| r.events.len() + r.traces.len() + r.streams.len()).sum();
        if !self.rounds.is_empty() && records == 0 {
            return Err("no round sent anything".to_owned());
        }
        self.rounds.iter().try_for_each(|round| round.verify(address))
    }
}

enum Part {
    Events(Ledger),
    Streams(Ledger),
    Traces(Ledger),
    Metric { acknowledged: (f64, f64), in_flight: Option<f64> },
}

fn client(address: SocketAddr) -> Client {
    Client::new(address, ACCOUNT, REGION)
}

fn now_millis() -> i64 {
    use base::Clock;
    base::SystemClock::new().now().as_millis()
}

/// An acknowledged call; anything else ends the loader, for the server is dying.
fn acknowledged(answer: std::io::Result<sim::client::Answer>) -> Option<Value> {
    answer.ok().filter(|a| a.status == 200).map(|a| a.json())
}

fn log_events(address: SocketAddr, round: u64, stop: &Stop) -> Part {
    let (mut client, mut ledger) = (client(address), Ledger::default());
    let stream = format!("events-{round}");
    // Whether these two are there already does not matter here.
    let _ = client.call("Logs_20140328.CreateLogGroup", &json!({"logGroupName": GROUP}));
    let _ = client
        .call("Logs_20140328.CreateLogStream", &json!({"logGroupName": GROUP, "logStreamName": stream}));
    let transformation =
        json!({"metricNamespace": "Crash", "metricName": format!("plain{round}"), "metricValue": "1"});
    let filter = json!({"logGroupName": GROUP, "filterName": format!("plain{round}"),
        "filterPattern": format!("\"plain {round} \""), "metricTransformations": [transformation]});
    if acknowledged(client.call("Logs_20140328.PutMetricFilter", &filter)).is_none() {
        return Part::Events(ledger);
    }
    for batch in 0.. {
        let names: Vec<String> = (0..EVENTS_PER_BATCH)
            .map(|i| match i % 2 {
                0 => format!("plain {round} {batch} {i}"),
                _ => json!({"round": round, "batch": batch, "i": i, "level": "INFO"}).to_string(),
            })
            .collect();
        names.iter().for_each(|name| ledger.attempt(name));
        let now = now_millis();
        let events: Vec<Value> = names.iter().map(|m| json!({"timestamp": now, "message": m})).collect();
        let input = json!({"logGroupName": GROUP, "logStreamName": stream, "logEvents": events});
        if acknowledged(client.call("Logs_20140328.PutLogEvents", &input)).is_none() || stop.is_set() {
            break;
        }
        names.iter().for_each(|name| ledger.acknowledge(name));
        stop.count();
    }
    Part::Events(ledger)
}

fn metric_data(address: SocketAddr, round: u64, stop: &Stop) -> Part {
    let mut client = client(address);
    let (mut count, mut sum) = (0.0, 0.0);
    for n in 1..10_000u32 {
        let value = f64::from(n);
        let datum = json!({"MetricName": format!("m{round}"), "Value": value});
        let input = json!({"Namespace": "Crash", "MetricData": [datum]});
        if acknowledged(client.call("GraniteServiceVersion20100801.PutMetricData", &input)).is_none() {
            return Part::Metric { acknowledged: (count, sum), in_flight: Some(value) };
        }
        count += 1.0;
        sum += value;
        stop.count();
        if stop.is_set() {
            break;
        }
    }
    Part::Metric { acknowledged: (count, sum), in_flight: None }
}

/// Number and sum of a metric's recent values, and the answer that says so.
fn statistics(client: &mut Client, metric: &str) -> Result<(f64, f64, Value), String> {
    let now = now_millis() / 1000;
    let input = json!({"Namespace": "Crash", "MetricName": metric, "Period": 3600,
        "StartTime": now - 7200, "EndTime": now + 3600, "Statistics": ["SampleCount", "Sum"]});
    let answer = client
        .call("GraniteServiceVersion20100801.GetMetricStatistics", &input)
        .map_err(|e| e.to_string())?
        .json();
    let (mut count, mut sum) = (0.0, 0.0);
    for point in answer["Datapoints"].as_array().into_iter().flatten() {
        count += point["SampleCount"].as_f64().unwrap_or(f64::NAN);
        sum += point["Sum"].as_f64().unwrap_or(f64::NAN);
    }
    Ok((count, sum, answer))
}

fn trace_id(round: u64, n: u64) -> String {
    format!("1-{:08x}-{round:012x}{n:012x}", now_millis() / 1000)
}

fn trace_segments(address: SocketAddr, round: u64, stop: &Stop) -> Part {
    let (mut client, mut ledger) = (client(address), Ledger::default());
    for n in 1.. {
        let id = trace_id(round, n);
        ledger.attempt(&id);
        let secs = now_millis() as f64 / 1000.0;
        let document = json!({"name": "crash", "id": format!("{n:016x}"), "trace_id": id, "start_time": secs, "end_time": secs});
        let input = json!({"TraceSegmentDocuments": [document.to_string()]});
        if acknowledged(client.xray("/TraceSegments", &input)).is_none() || stop.is_set() {
            break;
        }
        ledger.acknowledge(&id);
        stop.count();
    }
    Part::Traces(ledger)
}

fn log_streams(address: SocketAddr, round: u64, stop: &Stop) -> Part {
    let (mut client, mut ledger) = (client(address), Ledger::default());
    let group = format!("/crash/streams/{round}");
    if acknowledged(client.call("Logs_20140328.CreateLogGroup", &json!({"logGroupName": group}))).is_none() {
        return Part::Streams(ledger);
    }
    for n in 0.. {
        let name = format!("s{n:06}");
        ledger.attempt(&name);
        let input = json!({"logGroupName": group, "logStreamName": name});
        if acknowledged(client.call("Logs_20140328.CreateLogStream", &input)).is_none() || stop.is_set() {
            break;
        }
        ledger.acknowledge(&name);
        stop.count();
    }
    Part::Streams(ledger)
}

impl Round {
    fn verify(&self, address: SocketAddr) -> Result<(), String> {
        let mut client = client(address);
        self.verify_events(&mut client)
            .map_err(|why| format!("log events of round {}: {why}", self.number))?;
        self.verify_metric(&mut client).map_err(|why| format!("metric of round {}: {why}", self.number))?;
        self.verify_traces(&mut client).map_err(|why| format!("traces of round {}: {why}", self.number))?;
        self.verify_streams(&mut client).map_err(|why| format!("log streams of round {}: {why}", self.number))
    }

    fn verify_events(&self, client: &mut Client) -> Result<(), String> {
        let mut found = Vec::new();
        let mut token = Value::Null;
        loop {
            let input = json!({"logGroupName": GROUP, "logStreamName": format!("events-{}", self.number),
                "startFromHead": true, "nextToken": token, "limit": 1000});
            let answer = client.call("Logs_20140328.GetLogEvents", &input).map_err(|e| e.to_string())?;
            if answer.status != 200 {
                let nothing_acknowledged = self.events.acknowledged().next().is_none();
                return if nothing_acknowledged {
                    Ok(())
                } else {
                    Err(String::from_utf8_lossy(&answer.body).into())
                };
            }
            let page = answer.json();
            let events = page["events"].as_array().cloned().unwrap_or_default();
            found.extend(events.iter().filter_map(|e| e["message"].as_str().map(str::to_owned)));
            if page["nextForwardToken"] == token {
                break;
            }
            token = page["nextForwardToken"].clone();
        }
        self.events.verify(found.iter().map(String::as_str))?;
        self.verify_derived(client, found.iter().filter(|message| message.starts_with("plain ")).count())
    }

    /// The metric filter counted each event that is there, and no other.
    fn verify_derived(&self, client: &mut Client, events: usize) -> Result<(), String> {
        let (count, sum, answer) = statistics(client, &format!("plain{}", self.number))?;
        match (count, sum) == (events as f64, events as f64) {
            true => Ok(()),
            false => Err(format!("{events} events match the metric filter, which counted {count}: {answer}")),
        }
    }

    fn verify_metric(&self, client: &mut Client) -> Result<(), String> {
        let (count, sum, answer) = statistics(client, &format!("m{}", self.number))?;
        let (least_count, least_sum) = self.metric_acknowledged;
        let with_last = self.metric_in_flight.map(|value| (least_count + 1.0, least_sum + value));
        if (count, sum) == (least_count, least_sum) || Some((count, sum)) == with_last {
            return Ok(());
        }
        Err(format!(
            "{count} values with sum {sum}, not {:?} or {with_last:?}: {}",
            self.metric_acknowledged, answer
        ))
    }

    fn verify_traces(&self, client: &mut Client) -> Result<(), String> {
        let ids: Vec<&str> = self.traces.acknowledged().collect();
        let mut found: HashMap<String, usize> = HashMap::new();
        for some in ids.chunks(TRACES_PER_CALL) {
            let answer = client.xray("/Traces", &json!({"TraceIds": some})).map_err(|e| e.to_string())?;
            for trace in answer.json()["Traces"].as_array().into_iter().flatten() {
                let segments = trace["Segments"].as_array().map_or(0, Vec::len);
                *found.entry(trace["Id"].as_str().unwrap_or_default().to_owned()).or_default() += segments;
            }
        }
        self.traces.verify(found.iter().flat_map(|(id, n)| std::iter::repeat_n(id.as_str(), *n)))
    }

    /// Each stream that was created is there, and so is exactly one audit event of it.
    fn verify_streams(&self, client: &mut Client) -> Result<(), String> {
        let group = format!("/crash/streams/{}", self.number);
        let (mut found, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = json!({"logGroupName": group, "nextToken": token});
            let answer =
                client.call("Logs_20140328.DescribeLogStreams", &input).map_err(|e| e.to_string())?;
            let page = answer.json();
            let streams = page["logStreams"].as_array().cloned().unwrap_or_default();
            found.extend(streams.iter().filter_map(|s| s["logStreamName"].as_str().map(str::to_owned)));
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        self.streams.verify(found.iter().map(String::as_str))?;
        let recorded = self.recorded_streams(client, &group)?;
        self.streams.verify(recorded.iter().map(String::as_str)).map_err(|why| format!("audit events: {why}"))
    }

    fn recorded_streams(&self, client: &mut Client, group: &str) -> Result<Vec<String>, String> {
        let (mut found, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = json!({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateLogStream"}],
                "NextToken": token});
            let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
            let answer = client.call(target, &input).map_err(|e| e.to_string())?;
            if answer.status != 200 {
                return Err(String::from_utf8_lossy(&answer.body).into());
            }
            let page = answer.json();
            for event in page["Events"].as_array().into_iter().flatten() {
                let record: Value = serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap_or("null"))
                    .map_err(|e| e.to_string())?;
                let parameters = &record["requestParameters"];
                if parameters["logGroupName"] == group && record["errorCode"].is_null() {
                    found.extend(parameters["logStreamName"].as_str().map(str::to_owned));
                }
            }
            token = page["NextToken"].clone();
            if token.is_null() {
                return Ok(found);
            }
        }
    }
}
