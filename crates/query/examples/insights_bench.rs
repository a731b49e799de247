//! Times Logs Insights queries over a folder that `log_bench` of the store has filled:
//! `insights_bench FOLDER [REPETITIONS]`. Prints the median wall time and the processor time of each query.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base::{AccountId, Clock, NoFaults, Region, Scope, SystemClock, SystemEntropy, TimeRange, Timestamp};
use query::{Engine, EngineConfig, LogQuery, LogSource, QueryStatus};
use store::tables::logs::LogGroupKey;
use store::{Store, StoreCapabilities, StoreConfig, durable_local};

/// What the data hold is in `crates/store/examples/log_bench.rs`.
const QUERIES: [(&str, &str); 9] = [
    ("rare word", "fields @timestamp, @message | filter @message like /needle7f3a91c2/ | limit 100"),
    ("rare substring", "fields @timestamp, @message | filter @message like /eedle7f3a91c/ | limit 100"),
    ("field equality", "fields @timestamp, @message | filter user = 'user-01234' | limit 1000"),
    ("count by level and minute", "stats count(*) by level, bin(1m)"),
    ("p99 of latency by path", "stats pct(latency_ms, 99) by path"),
    ("top 10 users", "stats count(*) as c by user | sort c desc | limit 10"),
    ("newest 100", "fields @timestamp, @message | sort @timestamp desc | limit 100"),
    ("count", "stats count(*)"),
    (
        "regex over everything",
        "filter @message like /tenant (acme|stark) in [a-z]+-west-[12] cache=m.ss/ | stats count(*)",
    ),
];

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("insights_bench FOLDER [REPETITIONS]")?;
    let repetitions: usize = arguments.next().map_or(Ok(9), |n| n.parse())?;
    let clock = SystemClock::new();
    let capabilities = StoreCapabilities {
        objects: durable_local(&std::path::Path::new(&folder).join("objects"))?,
        clock: clock.clone(),
        entropy: SystemEntropy::new(),
        faults: Arc::new(NoFaults),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let _entered = runtime.enter();
    let store = Store::open(StoreConfig::new(&folder), capabilities)?;
    let scope = Scope::new(AccountId::new("123456789012")?, Region::new("eu-west-1")?);
    let group = LogGroupKey { scope, name: "/bench/web".into(), incarnation: 1 };
    let engine = Engine::new(EngineConfig::new(std::path::Path::new(&folder).join("spill")), clock.clone())?;
    for (name, text) in QUERIES {
        let mut walls = Vec::with_capacity(repetitions);
        let (mut spent, mut rows) = (Duration::ZERO, 0);
        for nth in 0..=repetitions {
            let source: Arc<dyn LogSource> = Arc::new(store.logs().snapshot(std::slice::from_ref(&group)));
            let query = LogQuery {
                source,
                groups: vec!["123456789012:/bench/web".into()],
                pipeline: lang::compile(text).map_err(|error| error.to_string())?,
                range: TimeRange::new(Timestamp::EPOCH, Timestamp::from_secs(4_000_000_000)),
                limit: None,
                nested: Vec::new(),
                lookups: HashMap::new(),
            };
            let (began, cpu_began) = (clock.monotonic(), cpu());
            let job = engine.start(query)?;
            let status = runtime.block_on(job.finished());
            if status != QueryStatus::Complete {
                return Err(format!("{name}: {status:?} {:?}", job.failure()).into());
            }
            // The first one opens parts.
            if nth > 0 {
                walls.push(clock.monotonic() - began);
                spent += cpu().saturating_sub(cpu_began);
            }
            rows = job.rows(0, usize::MAX).map_or(0, |rows| rows.len());
        }
        walls.sort();
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{name:26} {:8.2} ms median, {:8.2} ms least, {:8.2} ms cpu, {rows} rows",
            millis(walls[walls.len() / 2]),
            millis(walls[0]),
            millis(spent) / repetitions as f64
        );
    }
    Ok(())
}

/// Processor time of all threads that live.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = |path: std::path::PathBuf| {
        let stat = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        stat.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
    };
    Duration::from_nanos(tasks.map(|task| nanos(task.path())).sum())
}
