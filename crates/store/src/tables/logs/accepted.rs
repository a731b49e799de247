//! Events in the order of acceptance, for whoever delivers each of them from a durable cursor.
//!
//! Rows lie in order of time, so their sequences are looked at first; only the rows of a page are then put
//! together. Parts and granules all of whose rows were accepted before the cursor are not touched.

use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::api::{AcceptedPage, LogPosition, StoredLogEvent};
use super::block::Block;
use super::chunk::{Chunk, TailBatch};
use super::group::GroupView;
use super::index::GRANULE_ROWS;
use super::part::{Need, OpenPart, Part};
use super::read::Names;
use super::snapshot::LogSnapshot;
use super::stats::{EVENT_OVERHEAD_BYTES, is_dead_row};
use crate::error::StoreError;

/// Rows looked for at once, whatever the caller asks for.
const PAGE_ROWS_MAX: usize = 10_000;

/// Where a row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    sequence: u64,
    /// Part, chunk or batch of the tail, by its number among all of them.
    source: u32,
    row: u32,
}

/// The first so many places by sequence.
struct Earliest {
    places: BinaryHeap<Place>,
    count: usize,
}

impl Earliest {
    /// Whether a row of this sequence can be among them.
    fn admits(&self, sequence: u64) -> bool {
        self.places.len() < self.count || self.places.peek().is_some_and(|last| sequence < last.sequence)
    }

    fn add(&mut self, place: Place) {
        if self.admits(place.sequence) {
            self.places.push(place);
            if self.places.len() > self.count {
                self.places.pop();
            }
        }
    }
}

impl LogSnapshot {
    /// Events of one group accepted after the sequence `after`, in the order of acceptance, without those that
    /// are expired or deleted; at most `limit`, and no more than `bytes_max` of Σ(message bytes + 26) but for
    /// the first. Continue with the page's `through`.
    pub async fn read_accepted(
        &self,
        group_index: usize,
        after: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<AcceptedPage, StoreError> {
        let view = self.group(group_index)?;
        let mut page = AcceptedPage { events: Vec::new(), through: after, more: false };
        if view.last_sequence <= after || limit == 0 {
            return Ok(page);
        }
        let parts: Vec<&Arc<Part>> = view.parts.iter().filter(|p| p.max_sequence > after).collect();
        let chunks: Vec<&Arc<Chunk>> = view.chunks.iter().collect();
        let batches: &[Arc<TailBatch>] = view.tail.as_ref().map_or(&[], |t| &t.batches);
        let count = limit.min(PAGE_ROWS_MAX).min(rows_for(bytes_max, view));
        let mut earliest = Earliest { places: BinaryHeap::new(), count };
        for (nth, part) in parts.iter().enumerate() {
            look_at_part(part, after, nth as u32, &mut earliest).await?;
        }
        for (nth, chunk) in chunks.iter().enumerate() {
            look_at_block(&chunk.block, 0, after, (parts.len() + nth) as u32, &mut earliest);
        }
        for (nth, batch) in batches.iter().enumerate() {
            let source = (parts.len() + chunks.len() + nth) as u32;
            for row in 0..batch.events.len() as u32 {
                let sequence = batch.base_sequence + u64::from(row);
                if sequence > after {
                    earliest.add(Place { sequence, source, row });
                }
            }
        }
        let full = earliest.places.len() >= count;
        let places = earliest.places.into_sorted_vec();
        let found = fetch(view, &places, &parts, &chunks, batches).await?;
        page.through = if full { places.last().map_or(after, |p| p.sequence) } else { view.last_sequence };
        page.more = full;
        cut_to_size(&mut page, found, bytes_max);
        Ok(page)
    }
}

/// How many rows fill `bytes_max`, by the size of the group's messages; generously, for the rest is dropped.
fn rows_for(bytes_max: usize, view: &GroupView) -> usize {
    let parts = view.parts.iter().map(|p| p.stats.message_bytes() / p.rows.max(1));
    let chunks = view.chunks.iter().map(|c| c.stats.message_bytes() / (c.block.rows() as u64).max(1));
    let average = parts.chain(chunks).max().unwrap_or_default() + EVENT_OVERHEAD_BYTES;
    (bytes_max / average as usize).saturating_mul(2).max(64)
}

fn cut_to_size(page: &mut AcceptedPage, found: Vec<StoredLogEvent>, bytes_max: usize) {
    let mut bytes = 0usize;
    for event in found {
        bytes = bytes.saturating_add(event.message.len() + EVENT_OVERHEAD_BYTES as usize);
        if bytes > bytes_max && !page.events.is_empty() {
            page.through = page.events.last().map_or(page.through, |e| e.position.sequence);
            page.more = true;
            return;
        }
        page.events.push(event);
    }
}

fn look_at_block(block: &Block, first_row: usize, after: u64, source: u32, earliest: &mut Earliest) {
    let Some(sequences) = &block.sequences else { return };
    for (row, sequence) in sequences.values().iter().enumerate() {
        if *sequence > after && earliest.admits(*sequence) {
            earliest.add(Place { sequence: *sequence, source, row: (first_row + row) as u32 });
        }
    }
}

async fn look_at_part(
    part: &Arc<Part>,
    after: u64,
    source: u32,
    earliest: &mut Earliest,
) -> Result<(), StoreError> {
    let open = part.open().await?;
    let mut granules: Vec<usize> =
        (0..open.granules.len()).filter(|g| open.granules[*g].sequences.end() > &after).collect();
    // What was accepted first is looked at first, so that most of the rest need not be.
    granules.sort_by_key(|g| *open.granules[*g].sequences.start());
    let need = Need { sequences: true, ..Need::default() };
    for granule in granules {
        if !earliest.admits(*open.granules[granule].sequences.start()) {
            break;
        }
        let rows = granule_rows(part, granule);
        let mut at = rows.start;
        for block in part.load(&open, std::slice::from_ref(&rows), &need).await? {
            look_at_block(&block, at, after, source, earliest);
            at += block.rows();
        }
    }
    Ok(())
}

fn granule_rows(part: &Part, granule: usize) -> Range<usize> {
    let start = granule * GRANULE_ROWS;
    start..(start + GRANULE_ROWS).min(part.rows as usize)
}

/// The events at these places that are still there, in order.
async fn fetch(
    view: &GroupView,
    places: &[Place],
    parts: &[&Arc<Part>],
    chunks: &[&Arc<Chunk>],
    batches: &[Arc<TailBatch>],
) -> Result<Vec<StoredLogEvent>, StoreError> {
    let mut by_source = places.to_vec();
    by_source.sort_unstable_by_key(|p| (p.source, p.row));
    let mut found = Vec::with_capacity(places.len());
    let mut names = Names::default();
    for of_source in by_source.chunk_by(|a, b| a.source == b.source) {
        let source = of_source[0].source as usize;
        let rows: Vec<usize> = of_source.iter().map(|p| p.row as usize).collect();
        if let Some(part) = parts.get(source) {
            let open = part.open().await?;
            fetch_from_part(part, &open, &rows, &mut names, &mut found).await?;
        } else if let Some(chunk) = chunks.get(source - parts.len()) {
            let messages = chunk.block.messages();
            for row in rows {
                let stream = names.get(chunk.block.stream(row));
                found.push(chunk.block.event(row, &messages, stream)?);
            }
        } else if let Some(batch) = batches.get(source - parts.len() - chunks.len()) {
            found.extend(rows.into_iter().map(|row| event_of_tail(batch, row)));
        }
    }
    let alive = |event: &StoredLogEvent| {
        event.position.timestamp >= view.cut
            && !is_dead_row(&event.stream, event.position.sequence, &view.tombstones)
    };
    found.retain(alive);
    found.sort_unstable_by_key(|e| e.position.sequence);
    Ok(found)
}

fn event_of_tail(batch: &TailBatch, row: usize) -> StoredLogEvent {
    let event = &batch.events[row];
    StoredLogEvent {
        position: LogPosition { timestamp: event.timestamp, sequence: batch.base_sequence + row as u64 },
        ingestion_time: batch.ingestion_time,
        stream: batch.stream.clone(),
        message: Bytes::clone(&event.message),
    }
}

/// `rows` are in order.
async fn fetch_from_part(
    part: &Arc<Part>,
    open: &OpenPart,
    rows: &[usize],
    names: &mut Names,
    found: &mut Vec<StoredLogEvent>,
) -> Result<(), StoreError> {
    let need = Need::all(&open.layout);
    let size = part.row_group_rows();
    for of_group in rows.chunk_by(|a, b| a / size == b / size) {
        let ranges: Vec<Range<usize>> =
            of_group.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[run.len() - 1] + 1).collect();
        for block in part.load(open, &ranges, &need).await? {
            let messages = block.messages();
            for row in 0..block.rows() {
                found.push(block.event(row, &messages, names.get(block.stream(row)))?);
            }
        }
    }
    Ok(())
}
