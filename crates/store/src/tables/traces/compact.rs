//! Merging small parts of a day into larger ones, and removing what is past retention.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use base::{Scope, Timestamp};
use signals::TraceId;
use tokio_util::sync::CancellationToken;

use super::api::{MODIFIABLE_MILLIS, RETENTION_MILLIS, StoredSegment, StoredTrace};
use super::part::{Part, PartWriter};
use super::table::TraceTable;
use crate::error::StoreError;

/// So many small parts of a day are merged.
const PARTS_MIN: usize = 4;
/// At most so many at a time.
const PARTS_MAX: usize = 16;

impl TraceTable {
    /// Removes parts all of whose traces are past retention. Single rows of such traces are hidden by
    /// reads and dropped by compaction. A trace can grow for seven days, and its first row says how old it
    /// is, so rows go only when the last row of the same trace may go too.
    pub(super) async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        let before = droppable(now);
        let mut changes = 0;
        for (scope, parts) in self.parts() {
            let expired: Vec<_> =
                parts.into_iter().filter(|part| part.meta.span.received.1 < before).collect();
            if !expired.is_empty() {
                self.replace_parts(&scope, &expired, Vec::new()).await?;
                changes += expired.len() as u64;
            }
        }
        Ok(changes)
    }

    /// Merges what is due, one group of parts after another.
    pub(super) async fn compact(&self, now: Timestamp, stop: &CancellationToken) -> Result<u64, StoreError> {
        let mut changes = 0;
        for (scope, parts) in self.parts() {
            for group in choose(&parts, self.config.compact_bytes_max) {
                if stop.is_cancelled() {
                    return Ok(changes);
                }
                if self.merge(&scope, &group, now, stop).await? {
                    changes += 1;
                }
            }
        }
        Ok(changes)
    }

    /// Merges parts into one. `false` if it was stopped.
    async fn merge(
        &self,
        scope: &Scope,
        parts: &[Arc<Part>],
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Result<bool, StoreError> {
        let before = droppable(now);
        let mut streams = Vec::with_capacity(parts.len());
        let mut heads = BinaryHeap::new();
        for part in parts {
            let mut stream = part.clone().all_rows(&self.core).await?;
            if let Some((id, row)) = stream.next().await? {
                heads.push(Reverse(Head { key: (id, row.id, row.sequence), stream: streams.len(), row }));
            }
            streams.push(stream);
        }
        let mut writer = PartWriter::new()?;
        let mut versions: Vec<StoredSegment> = Vec::new();
        let mut current: Option<(TraceId, u64)> = None;
        let mut written = 0u64;
        while let Some(Reverse(Head { key, stream, row })) = heads.pop() {
            if let Some((id, row)) = streams[stream].next().await? {
                heads.push(Reverse(Head { key: (id, row.id, row.sequence), stream, row }));
            }
            if current != Some((key.0, key.1)) {
                written += collapse(current, &mut versions, before, &mut writer)?;
                current = Some((key.0, key.1));
                if written.is_multiple_of(1024) {
                    if stop.is_cancelled() {
                        return Ok(false);
                    }
                    tokio::task::yield_now().await;
                }
            }
            versions.push(row);
        }
        written += collapse(current, &mut versions, before, &mut writer)?;
        let added =
            if written == 0 { Vec::new() } else { vec![self.put_part(scope, writer.finish()?).await?] };
        self.replace_parts(scope, parts, added).await?;
        Ok(true)
    }
}

/// A stream's next row.
struct Head {
    key: (TraceId, u64, u64),
    stream: usize,
    row: StoredSegment,
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// Writes the one version of a segment that counts; it remembers how many it stands for and when the
/// first came. Returns how many rows were written.
fn collapse(
    current: Option<(TraceId, u64)>,
    versions: &mut Vec<StoredSegment>,
    before: Timestamp,
    writer: &mut PartWriter,
) -> Result<u64, StoreError> {
    let rows = std::mem::take(versions);
    let Some((id, _)) = current else { return Ok(0) };
    let Some(trace) = StoredTrace::assemble(id, rows) else { return Ok(0) };
    let mut written = 0;
    for mut row in trace.segments {
        if row.received >= before {
            row.received = trace.first_received;
            writer.push(id, row)?;
            written += 1;
        }
    }
    Ok(written)
}

/// Rows received before this belong to traces past retention, whatever else came of them.
fn droppable(now: Timestamp) -> Timestamp {
    now.saturating_sub_millis(RETENTION_MILLIS + MODIFIABLE_MILLIS)
}

/// Groups of small parts of one day each, so that retention can drop whole parts.
fn choose(parts: &[Arc<Part>], bytes_max: u64) -> Vec<Vec<Arc<Part>>> {
    let mut days: BTreeMap<i64, Vec<Arc<Part>>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.entry.size_bytes < bytes_max) {
        let day = part.meta.span.received.0.as_millis().div_euclid(86_400_000);
        days.entry(day).or_default().push(part.clone());
    }
    let mut groups = Vec::new();
    for (_, mut small) in days {
        small.sort_unstable_by_key(|part| part.entry.size_bytes);
        let mut bytes = 0;
        let group: Vec<_> = small
            .into_iter()
            .take(PARTS_MAX)
            .take_while(|part| {
                bytes += part.entry.size_bytes;
                bytes <= 2 * bytes_max
            })
            .collect();
        if group.len() >= PARTS_MIN {
            groups.push(group);
        }
    }
    groups
}
