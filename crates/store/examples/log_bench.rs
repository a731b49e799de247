//! Loads generated log events and prints what they cost: `log_bench [EVENTS] [FOLDER]`.
//!
//! The events look like those of the load generator: 284-byte JSON lines of ten hosts over six hours.

use std::sync::Arc;
use std::time::Duration;

use base::{AccountId, Clock, NoFaults, Region, Scope, SystemClock, SystemEntropy, TimeRange, Timestamp};
use futures::TryStreamExt;
use signals::LogEvent;
use store::tables::logs::{FieldKind, LogColumn, LogGroupKey, LogRead, LogScan, LogSnapshot, Prune};
use store::{Store, StoreCapabilities, StoreConfig, durable_local};

const BATCH: usize = 3300;
const START: i64 = 1_790_000_000_000;
const SPAN: i64 = 6 * 3_600_000;
const NEEDLE: &str = "needle7f3a91c2";

type Error = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let folder = arguments.next().unwrap_or_else(|| "/tmp/log_bench".to_owned());
    if std::fs::exists(&folder)? {
        return Err(format!("{folder} exists").into());
    }
    let clock = SystemClock::new();
    let capabilities = StoreCapabilities {
        objects: durable_local(&std::path::Path::new(&folder).join("objects"))?,
        clock: clock.clone(),
        entropy: SystemEntropy::new(),
        faults: Arc::new(NoFaults),
    };
    let store = Store::open(StoreConfig::new(&folder), capabilities)?;
    let scope = Scope::new(AccountId::new("123456789012")?, Region::new("eu-west-1")?);
    let group = LogGroupKey { scope, name: "/bench/web".into(), incarnation: 1 };
    load(&store, &group, &clock, count).await?;
    let bytes = folder_bytes(std::path::Path::new(&folder).join("objects"))?;
    println!("parts           {:8.2} bytes/event", bytes as f64 / count as f64);
    queries(&store.logs().snapshot(&[group]), &clock, count).await
}

async fn load(store: &Store, group: &LogGroupKey, clock: &SystemClock, count: usize) -> Result<(), Error> {
    let mut random = Random(1);
    let per_event = |spent: Duration| spent.as_nanos() as f64 / count as f64;
    let (mut generating, mut appending) = (Duration::ZERO, Duration::ZERO);
    let mut text_bytes = 0;
    let cpu_before = cpu();
    let mut generating_cpu = Duration::ZERO;
    for first in (0..count).step_by(BATCH) {
        let (began, cpu_began) = (clock.monotonic(), cpu());
        let host = first / BATCH % 10;
        let batch: Vec<LogEvent> = (first..count.min(first + BATCH))
            .map(|i| {
                let time = START + (i as i128 * i128::from(SPAN) / count as i128) as i64;
                let needle = (0..7).any(|k| i == count * (2 * k + 1) / 14);
                LogEvent::new(Timestamp::from_millis(time), line(&mut random, time, host, needle))
            })
            .collect();
        text_bytes += batch.iter().map(|e| e.message.len()).sum::<usize>();
        let made = clock.monotonic();
        generating_cpu += cpu() - cpu_began;
        let stream: Arc<str> = format!("web-{host:02}").into();
        store.logs().append(group, &stream, Timestamp::from_millis(START + SPAN), batch).await?;
        generating += made - began;
        appending += clock.monotonic() - made;
    }
    let appended = cpu();
    println!("generate        {:8.0} ns/event, {} bytes", per_event(generating), text_bytes / count);
    println!("append + seal   {:8.0} ns/event (wall)", per_event(appending));
    let began = clock.monotonic();
    store.flush(Timestamp::from_millis(START + SPAN)).await?;
    println!("last flush      {:8.0} ns/event (wall)", per_event(clock.monotonic() - began));
    let whole = cpu() - cpu_before - generating_cpu;
    println!(
        "cpu             {:8.0} ns/event, {:.0} of it before the last flush",
        per_event(whole),
        per_event(appended - cpu_before - generating_cpu)
    );
    Ok(())
}

async fn queries(snapshot: &LogSnapshot, clock: &SystemClock, count: usize) -> Result<(), Error> {
    let text = |path: &str| LogColumn::Field { path: path.to_owned(), kind: FieldKind::Text };
    let scan =
        |columns, prune| LogScan { columns, range: TimeRange::ALL, prune, newest: None, partitions: 2 };
    let contains = |text: &str| vec![Prune::MessageContains(text.to_owned())];
    let equals =
        |path: &str, value: &str| Prune::FieldEquals { path: path.to_owned(), value: value.to_owned() };
    let latency = LogColumn::Field { path: "latency_ms".to_owned(), kind: FieldKind::Float };
    let cases: Vec<(&str, LogScan)> = vec![
        ("level by time", scan(vec![LogColumn::Timestamp, text("level")], vec![])),
        ("latency by path", scan(vec![text("path"), latency], vec![])),
        ("user", scan(vec![text("user")], vec![])),
        ("rare word", scan(vec![LogColumn::Message], contains(NEEDLE))),
        ("substring", scan(vec![LogColumn::Timestamp], contains("deadlock det"))),
        ("crossing text", scan(vec![LogColumn::Timestamp], contains("\"WARN\",\"method\":\"PUT\""))),
        ("level ERROR", scan(vec![LogColumn::Timestamp], vec![equals("level", "ERROR")])),
        (
            "user, status",
            scan(vec![LogColumn::Message], vec![equals("user", "user-00042"), equals("status", "503")]),
        ),
        (
            "unknown id",
            scan(vec![LogColumn::Message], vec![equals("request_id", "00aabbccddeeff0011223344")]),
        ),
        ("all messages", scan(vec![LogColumn::Message], vec![])),
        ("count", scan(vec![], vec![])),
        (
            "newest 100",
            LogScan { newest: Some(100), ..scan(vec![LogColumn::Timestamp, LogColumn::Message], vec![]) },
        ),
    ];
    for (name, scan) in cases {
        let mut best = (Duration::MAX, Duration::MAX);
        let mut rows = 0;
        for _ in 0..4 {
            let (began, cpu_began) = (clock.monotonic(), cpu());
            let plan = snapshot.scan(scan.clone())?;
            let tasks: Vec<_> = plan
                .partitions
                .into_iter()
                .map(|partition| {
                    tokio::spawn(partition().try_fold(0, |n, batch| async move { Ok(n + batch.num_rows()) }))
                })
                .collect();
            rows = 0;
            for task in tasks {
                rows += task.await??;
            }
            best = best.min((clock.monotonic() - began, cpu() - cpu_began));
        }
        println!("{name:15} {:8.2} ms, {:8.2} ms cpu, {rows} rows", millis(best.0), millis(best.1));
    }
    let newest = LogRead {
        streams: None,
        stream_prefix: None,
        range: TimeRange::ALL,
        from: None,
        descending: true,
        limit: 100,
        bytes_max: 1 << 20,
        must_contain: &[],
        field_tests: &[],
        matcher: None,
        examine_max: count,
    };
    for (name, must_contain) in [("read newest", vec![]), ("read needle", vec![NEEDLE.to_owned()])] {
        let mut best = Duration::MAX;
        let mut found = 0;
        for _ in 0..4 {
            let began = clock.monotonic();
            found = snapshot.read(0, &LogRead { must_contain: &must_contain, ..newest }).await?.events.len();
            best = best.min(clock.monotonic() - began);
        }
        println!("{name:15} {:8.2} ms, {found} events", millis(best));
    }
    Ok(())
}

fn millis(spent: Duration) -> f64 {
    spent.as_secs_f64() * 1000.0
}

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let own = stat.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    // Of all threads, when the kernel tells; else of the main one.
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = |path: std::path::PathBuf| {
        let stat = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        stat.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
    };
    Duration::from_nanos(tasks.map(|t| nanos(t.path())).sum::<u64>().max(own))
}

fn folder_bytes(folder: std::path::PathBuf) -> Result<u64, Error> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => folder_bytes(entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

fn line(random: &mut Random, time: i64, host: usize, needle: bool) -> String {
    const NOUNS: [&str; 8] = ["orders", "users", "carts", "items", "search", "login", "payments", "reviews"];
    const VERBS: [&str; 5] = ["", "/list", "/detail", "/update", "/export"];
    const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "us-west-2", "ap-south-1"];
    const TENANTS: [&str; 8] =
        ["acme", "globex", "initech", "umbrella", "stark", "wayne", "hooli", "soylent"];
    const ERRORS: [&str; 4] =
        ["upstream timed out", "connection reset by peer", "deadlock detected", "quota exceeded"];
    let r = random.next();
    let level = match (r & 0xFFFF) % 100 {
        0..80 => "INFO",
        80..92 => "WARN",
        92..98 => "ERROR",
        _ => "DEBUG",
    };
    let path = (((r >> 16 & 0xFFF) * (r >> 28 & 0xFFF) * 40) >> 24) as usize;
    let path = format!("/api/v1/{}{}", NOUNS[path / 5], VERBS[path % 5]);
    let method = ["GET", "GET", "GET", "GET", "GET", "GET", "GET", "POST", "POST", "PUT"]
        [(r >> 40 & 0xFF) as usize % 10];
    let status = match level {
        "ERROR" => 500 + (r & 3),
        "WARN" => 404,
        _ => 200,
    };
    let user = (r >> 20 & 0xFF_FFFF) % 10_000;
    let mut tail = match level {
        "ERROR" => ERRORS[(r & 3) as usize].to_owned(),
        _ if r >> 50 & 1 == 1 => "cache=miss".to_owned(),
        _ => "cache=hit".to_owned(),
    };
    if needle {
        tail = format!("{tail} {NEEDLE}");
    }
    // About log-normal, of 65,536 values.
    let spread: f64 = (0..4).map(|i| (r >> 48 << i & 0xFFFF) as f64 / 65_536.0).sum::<f64>() - 2.0;
    let latency = (3.0 + spread * 1.7).exp();
    let id = format!("{:016x}{:08x}", random.next(), random.next() as u32);
    format!(
        "{{\"ts\":\"{}\",\"level\":\"{level}\",\"method\":\"{method}\",\"path\":\"{path}\",\"status\":{status},\
         \"latency_ms\":{latency:.3},\"request_id\":\"{id}\",\"user\":\"user-{user:05}\",\"host\":\"web-{host:02}\",\
         \"message\":\"{method} {path} done for tenant {} in {} {tail}\"}}",
        Timestamp::from_millis(time).to_iso8601_millis(),
        TENANTS[(r >> 8 & 7) as usize],
        REGIONS[(r >> 11 & 3) as usize],
    )
}
