//! Events in memory as a [`LogSource`]. Pruning is applied as strictly as it may be, so that a hint that
//! does not follow from the query shows as a missing row.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::{Clock, SimulatedClock, TimeRange, Timestamp};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    StringViewArray, TimestampMillisecondArray, UInt32Array, UInt64Array,
};
use datafusion::arrow::datatypes::{Field, Int32Type, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use futures::StreamExt;
use query::{Engine, EngineConfig, LogQuery, LogSource, Row};
use serde_json::value::RawValue;
use store::StoreError;
use store::tables::logs::{FieldKind, LogColumn, LogPartition, LogScan, LogScanPlan, Prune, ScanProgress};

/// Rows of a batch: few, so that everything crosses batches.
const BATCH: usize = 3;

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) group: u32,
    pub(crate) stream: String,
    pub(crate) timestamp: i64,
    pub(crate) sequence: u64,
    pub(crate) message: String,
    pub(crate) fields: BTreeMap<String, Scalar>,
}

/// A discovered value: its text as a message shows it, and its class.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) kind: FieldKind,
}

impl Event {
    pub(crate) fn new(group: u32, stream: &str, timestamp: i64, sequence: u64, message: &str) -> Self {
        let mut fields = BTreeMap::new();
        if let Ok(raw) = serde_json::from_str::<&RawValue>(message)
            && raw.get().starts_with('{')
        {
            flatten("", raw, &mut fields);
        }
        Self { group, stream: stream.to_owned(), timestamp, sequence, message: message.to_owned(), fields }
    }
}

fn flatten(path: &str, raw: &RawValue, fields: &mut BTreeMap<String, Scalar>) {
    let text = raw.get();
    // A key that starts with `@` gets one more.
    let join = |name: &str| match path.is_empty() {
        true if name.starts_with('@') => format!("@{name}"),
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    };
    let scalar = |text: &str, kind| Scalar { text: text.to_owned(), kind };
    match text.as_bytes()[0] {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
            members.iter().for_each(|(name, value)| flatten(&join(name), value, fields));
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            elements
                .iter()
                .enumerate()
                .for_each(|(index, value)| flatten(&join(&index.to_string()), value, fields));
        }
        b'n' => {}
        b't' => drop(fields.insert(path.to_owned(), scalar("1", FieldKind::Boolean))),
        b'f' => drop(fields.insert(path.to_owned(), scalar("0", FieldKind::Boolean))),
        b'"' => {
            let value: String = serde_json::from_str(text).unwrap();
            fields.insert(path.to_owned(), scalar(&value, FieldKind::Text));
        }
        _ => {
            let integer = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
            let kind = if integer { FieldKind::Integer } else { FieldKind::Float };
            fields.insert(path.to_owned(), scalar(text, kind));
        }
    }
}

pub(crate) struct Memory(pub(crate) Vec<Event>);

impl LogSource for Memory {
    fn field_kind(&self, path: &str, range: TimeRange) -> Option<FieldKind> {
        let events = self.0.iter().filter(|event| range.contains(Timestamp::from_millis(event.timestamp)));
        let kinds = events.filter_map(|event| event.fields.get(path)).map(|scalar| scalar.kind);
        kinds.reduce(|all, kind| match (all, kind) {
            (all, kind) if all == kind => all,
            (FieldKind::Integer | FieldKind::Float, FieldKind::Integer | FieldKind::Float) => {
                FieldKind::Float
            }
            _ => FieldKind::Text,
        })
    }

    fn message_bytes(&self, range: TimeRange) -> u64 {
        let inside = |event: &&Event| range.contains(Timestamp::from_millis(event.timestamp));
        self.0.iter().filter(inside).map(|event| event.message.len() as u64).sum()
    }

    fn scan(&self, scan: LogScan) -> Result<LogScanPlan, StoreError> {
        let progress = Arc::new(ScanProgress::default());
        let inside = |event: &&Event| scan.range.contains(Timestamp::from_millis(event.timestamp));
        let mut events: Vec<Event> = self.0.iter().filter(inside).cloned().collect();
        progress.rows_total.store(events.len() as u64, Ordering::Relaxed);
        events.retain(|event| scan.prune.iter().all(|hint| holds(hint, event)));
        progress
            .rows_skipped
            .store(progress.rows_total.load(Ordering::Relaxed) - events.len() as u64, Ordering::Relaxed);
        if let Some(newest) = scan.newest {
            events.sort_by_key(|event| std::cmp::Reverse((event.timestamp, event.sequence)));
            events.truncate(newest);
        }
        let fields = scan.columns.iter().map(|column| {
            let name = match column {
                LogColumn::Field { path, .. } | LogColumn::FieldKeys { path } => path.clone(),
                other => format!("{other:?}"),
            };
            Field::new(name, array(column, &[]).data_type().clone(), true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let share = if scan.newest.is_some() { events.len() } else { events.len().div_ceil(scan.partitions) };
        let partitions = events.chunks(share.max(1)).map(|events| {
            let batches: Vec<Result<RecordBatch, StoreError>> = events
                .chunks(BATCH)
                .map(|events| {
                    let columns = scan.columns.iter().map(|column| array(column, events)).collect();
                    Ok(RecordBatch::try_new(Arc::clone(&schema), columns).unwrap())
                })
                .collect();
            let (rows, bytes) = (events.len(), events.iter().map(|event| event.message.len()).sum::<usize>());
            let progress = Arc::clone(&progress);
            Box::new(move || {
                progress.rows_scanned.fetch_add(rows as u64, Ordering::Relaxed);
                progress.bytes_scanned.fetch_add(bytes as u64, Ordering::Relaxed);
                futures::stream::iter(batches).boxed()
            }) as LogPartition
        });
        Ok(LogScanPlan { schema: Arc::clone(&schema), partitions: partitions.collect(), progress })
    }
}

fn holds(hint: &Prune, event: &Event) -> bool {
    match hint {
        Prune::MessageContains(needle) => event.message.contains(needle),
        Prune::StreamIn(streams) => streams.iter().any(|stream| **stream == *event.stream),
        Prune::FieldEquals { path, value } => event.fields.get(path).is_some_and(|scalar| {
            match (scalar.text.trim().parse::<f64>(), value.trim().parse::<f64>()) {
                (Ok(left), Ok(right)) => left == right,
                _ => scalar.text == *value,
            }
        }),
    }
}

fn array(column: &LogColumn, events: &[Event]) -> ArrayRef {
    let times =
        || Arc::new(events.iter().map(|event| Some(event.timestamp)).collect::<TimestampMillisecondArray>());
    let texts = |text: fn(&Event) -> &str| {
        Arc::new(events.iter().map(|event| Some(text(event))).collect::<StringViewArray>())
    };
    match column {
        LogColumn::Timestamp | LogColumn::IngestionTime => times(),
        LogColumn::Sequence => Arc::new(events.iter().map(|event| event.sequence).collect::<UInt64Array>()),
        LogColumn::Group => Arc::new(events.iter().map(|event| event.group).collect::<UInt32Array>()),
        LogColumn::Stream => texts(|event| &event.stream),
        LogColumn::Message => texts(|event| &event.message),
        LogColumn::StreamKeys => keys(events.iter().map(|event| Some(event.stream.as_str()))),
        LogColumn::FieldKeys { path } => {
            keys(events.iter().map(|event| event.fields.get(path).map(|scalar| scalar.text.as_str())))
        }
        LogColumn::Field { path, kind } => {
            let scalars = events.iter().map(|event| event.fields.get(path));
            match kind {
                FieldKind::Integer => Arc::new(
                    scalars
                        .map(|scalar| scalar.and_then(|scalar| scalar.text.parse().ok()))
                        .collect::<Int64Array>(),
                ),
                FieldKind::Float => Arc::new(
                    scalars
                        .map(|scalar| scalar.and_then(|scalar| scalar.text.parse().ok()))
                        .collect::<Float64Array>(),
                ),
                FieldKind::Boolean => Arc::new(
                    scalars.map(|scalar| scalar.map(|scalar| scalar.text == "1")).collect::<BooleanArray>(),
                ),
                FieldKind::Text => Arc::new(
                    scalars
                        .map(|scalar| scalar.map(|scalar| scalar.text.as_str()))
                        .collect::<StringViewArray>(),
                ),
            }
        }
    }
}

/// Each batch with a dictionary of its own, in which the first value stands twice.
fn keys<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> ArrayRef {
    let texts: Vec<Option<&str>> = texts.collect();
    let values: Vec<&str> = texts.iter().flatten().take(1).chain(texts.iter().flatten()).copied().collect();
    let mut next = 0;
    let keys = texts.iter().map(|text| {
        text.map(|_| {
            next += 1;
            next
        })
    });
    let keys: Int32Array = keys.collect();
    Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(StringArray::from(values))).unwrap())
}

pub(crate) fn clock() -> Arc<SimulatedClock> {
    SimulatedClock::new(Timestamp::from_secs(1_800_000_000))
}

pub(crate) fn engine(change: impl FnOnce(&mut EngineConfig)) -> Engine {
    let mut config = EngineConfig::new(std::env::temp_dir().join("nephoscope-query-tests"));
    config.threads = 2;
    change(&mut config);
    Engine::new(config, clock() as Arc<dyn Clock>).unwrap()
}

pub(crate) fn query(source: Arc<dyn LogSource>, groups: &[String], text: &str) -> LogQuery {
    let pipeline = lang::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let groups = groups.iter().map(|name| Arc::from(name.as_str())).collect();
    let range = TimeRange::new(Timestamp::from_secs(0), Timestamp::from_secs(4_000_000_000));
    LogQuery { source, groups, pipeline, range, limit: None, nested: Vec::new(), lookups: HashMap::new() }
}

/// A row as the cases write it.
pub(crate) fn print(row: &Row) -> String {
    let pair = |(name, value): &(Arc<str>, String)| {
        format!("{name}={}", value.escape_debug().to_string().replace("\\\"", "\""))
    };
    match row.values.is_empty() {
        true => "(empty)".to_owned(),
        false => row.values.iter().map(pair).collect::<Vec<_>>().join(" ; "),
    }
}
