//! Pages of events in order, for GetLogEvents and FilterLogEvents.

use std::collections::HashMap;
use std::sync::Arc;

use super::api::{LogPage, LogRead, StoredLogEvent};
use super::block::Block;
use super::cursor::{Step, Walk, Walker};
use super::search::Needle;
use super::snapshot::LogSnapshot;
use super::stats::EVENT_OVERHEAD_BYTES;
use crate::error::StoreError;

impl LogSnapshot {
    /// A page of the events of one group.
    pub async fn read(&self, group_index: usize, read: &LogRead<'_>) -> Result<LogPage, StoreError> {
        let view = self.group(group_index)?;
        let walk = Walk {
            view,
            range: view.visible(read.range),
            from: read.from,
            descending: read.descending,
            streams: read.streams.map(|streams| streams.iter().map(AsRef::as_ref).collect()),
            stream_prefix: read.stream_prefix,
            needles: read.must_contain.iter().map(|text| Needle::new(text)).collect(),
            tests: read.field_tests,
            need: None,
        };
        let mut walker = Walker::new(&walk, view.sources(read.range));
        let mut page = LogPage { events: Vec::new(), resume: None };
        let mut names = Names::default();
        let mut bytes = 0usize;
        while page.events.len() < read.limit {
            let (block, row) = match walker.next(read.examine_max).await? {
                Step::Row(block, row) => (block, row),
                Step::Paused(at) => {
                    page.resume = Some(at);
                    return Ok(page);
                }
                Step::End => return Ok(page),
            };
            let event = event_of(&block, row, &mut names)?;
            let text = || std::str::from_utf8(&event.message).unwrap_or_default();
            if read.matcher.is_some_and(|matches| !matches(text())) {
                continue;
            }
            let size = event.message.len() + EVENT_OVERHEAD_BYTES as usize;
            if !page.events.is_empty() && bytes.saturating_add(size) > read.bytes_max {
                page.resume = page.events.last().map(|e| e.position);
                return Ok(page);
            }
            bytes = bytes.saturating_add(size);
            page.events.push(event);
        }
        if !walker.is_empty() {
            page.resume = page.events.last().map(|e| e.position).or(read.from);
        }
        Ok(page)
    }
}

/// Stream names that were met.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, Arc<str>>);

impl Names {
    pub(crate) fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let shared: Arc<str> = name.into();
        self.0.insert(name.to_owned(), shared.clone());
        shared
    }
}

fn event_of(block: &Block, row: usize, names: &mut Names) -> Result<StoredLogEvent, StoreError> {
    block.event(row, &block.messages(), names.get(block.stream(row)))
}
