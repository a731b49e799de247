//! `tests/cases/*.txt`: data, then queries with their rows. Sections are parted by `===`; the first holds
//! `group NAME` and `event STREAM MILLIS MESSAGE` lines, each other one a query, `----` and its rows.
//! `BLESS=1` rewrites the rows.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use crate::memory::{self, Event, Memory};

fn data(section: &str) -> (Vec<String>, Vec<Event>) {
    let (mut groups, mut events) = (Vec::new(), Vec::new());
    for line in section.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("group ") {
            groups.push(name.to_owned());
            continue;
        }
        let mut parts = line.strip_prefix("event ").unwrap_or_else(|| panic!("{line}")).splitn(3, ' ');
        let (stream, time, message) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (group, sequence) = (groups.len() - 1, events.len() + 1);
        let message = message.replace("\\t", "\t");
        events.push(Event::new(group as u32, stream, time.parse().unwrap(), sequence as u64, &message));
    }
    (groups, events)
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
        let (groups, events) = data(header);
        let source = Arc::new(Memory(events));
        let mut blessed = header.to_owned();
        for section in sections {
            let (query, expected) = section.split_once("\n----").unwrap_or((section.trim(), ""));
            let job = engine.start(memory::query(source.clone(), &groups, query)).unwrap();
            job.finished().await;
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
