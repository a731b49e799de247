//! `tests/cases/*.txt`: data, then queries with their rows. Sections are parted by `===`; the first holds
//! `group NAME` and `event STREAM MILLIS MESSAGE` lines, each other one a query, `----` and its rows. Queries read
//! the first group; `also NAME` begins groups that only queries inside queries read, by their `SOURCE`. `table
//! NAME COLUMN,…` and `row CELL,…` make lookup tables; `range FROM TO` sets the range in milliseconds.
//! `BLESS=1` rewrites the rows.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use base::{TimeRange, Timestamp};
use query::{LogQuery, LookupTable, NestedSource};

use crate::memory::{self, Event, Memory};

#[derive(Default)]
struct Data {
    groups: Vec<String>,
    events: Vec<Event>,
    others: Vec<(String, Vec<Event>)>,
    tables: HashMap<String, Arc<LookupTable>>,
    range: Option<TimeRange>,
}

fn cells(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn data(section: &str) -> Data {
    let mut data = Data::default();
    let mut tables: Vec<(String, Vec<String>, Vec<Vec<String>>)> = Vec::new();
    let mut sequence = 0;
    for line in section.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("group ") {
            data.groups.push(name.to_owned());
            continue;
        }
        if let Some(name) = line.strip_prefix("also ") {
            data.others.push((name.to_owned(), Vec::new()));
            continue;
        }
        if let Some((name, columns)) = line.strip_prefix("table ").and_then(|line| line.split_once(' ')) {
            tables.push((name.to_owned(), cells(columns), Vec::new()));
            continue;
        }
        if let Some(row) = line.strip_prefix("row ") {
            tables.last_mut().unwrap().2.push(cells(row));
            continue;
        }
        if let Some((from, to)) = line.strip_prefix("range ").and_then(|line| line.split_once(' ')) {
            let at = |text: &str| Timestamp::from_millis(text.parse().unwrap());
            data.range = Some(TimeRange::new(at(from), at(to)));
            continue;
        }
        let mut parts = line.strip_prefix("event ").unwrap_or_else(|| panic!("{line}")).splitn(3, ' ');
        let (stream, time, message) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        sequence += 1;
        let message = message.replace("\\t", "\t");
        let time = time.parse().unwrap();
        match data.others.last_mut() {
            Some((_, events)) => events.push(Event::new(0, stream, time, sequence, &message)),
            None => {
                let group = data.groups.len() as u32 - 1;
                data.events.push(Event::new(group, stream, time, sequence, &message));
            }
        }
    }
    let tables = tables.into_iter();
    data.tables =
        tables.map(|(name, columns, rows)| (name, Arc::new(LookupTable::new(columns, rows)))).collect();
    data
}

impl Data {
    fn query(&self, text: &str) -> LogQuery {
        let mut query = memory::query(Arc::new(Memory(self.events.clone())), &self.groups, text);
        query.range = self.range.unwrap_or(query.range);
        query.lookups = self.tables.clone();
        for nested in query.pipeline.nested() {
            let names = nested.pipeline.source.as_ref().map(|source| source.names.clone());
            let (events, groups) = match names {
                None => (self.events.clone(), self.groups.clone()),
                Some(names) => {
                    let account = |name: &String| format!("111111111111:{name}");
                    let other = self.others.iter().find(|(name, _)| *name == account(&names[0]));
                    match other {
                        Some((name, events)) => (events.clone(), vec![name.clone()]),
                        None => (self.events.clone(), self.groups.clone()),
                    }
                }
            };
            let groups = groups.iter().map(|name| Arc::from(name.as_str())).collect();
            query.nested.push(NestedSource { source: Arc::new(Memory(events)), groups, range: query.range });
        }
        query
    }
}

#[tokio::test]
async fn queries_have_their_rows() {
    let bless = env::var_os("BLESS").is_some();
    let engine = memory::engine(|_| {});
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let mut sections = text.split("\n===\n");
        let header = sections.next().unwrap();
        let data = data(header);
        let mut blessed = header.to_owned();
        for section in sections {
            let (query, expected) = section.split_once("\n----").unwrap_or((section.trim(), ""));
            let job = engine.start(data.query(query)).unwrap();
            job.finished().await;
            if let Some(failure) = job.failure().filter(|_| bless) {
                println!("{query}: {failure}");
                continue;
            }
            assert_eq!(job.failure(), None, "{query}");
            let rows: Vec<String> = job.rows(0, usize::MAX).unwrap().iter().map(memory::print).collect();
            let rows = rows.join("\n");
            if !bless {
                assert_eq!(rows, expected.trim(), "{}: {query}", file.display());
            }
            blessed.push_str(&format!("\n===\n{query}\n----\n{rows}"));
            count += 1;
        }
        if bless {
            fs::write(&file, blessed.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(count > 80, "the cases are there");
}
