//! Segments that only the log holds, by trace.

use foldhash::HashMap;
use signals::TraceId;

use super::api::StoredSegment;
use crate::wal::WalPosition;

#[derive(Debug, Default)]
pub(super) struct Memtable {
    rows: HashMap<TraceId, Vec<StoredSegment>>,
    row_count: usize,
    bytes: usize,
    first: Option<WalPosition>,
    last: Option<WalPosition>,
}

impl Memtable {
    pub(super) fn insert(
        &mut self,
        position: WalPosition,
        rows: impl IntoIterator<Item = (TraceId, StoredSegment)>,
    ) {
        self.first.get_or_insert(position);
        self.last = Some(position);
        for (id, row) in rows {
            self.bytes += row.memory_bytes();
            self.row_count += 1;
            self.rows.entry(id).or_default().push(row);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.row_count == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Positions of the first and last record in it.
    pub(super) fn positions(&self) -> Option<(WalPosition, WalPosition)> {
        self.first.zip(self.last)
    }

    pub(super) fn get(&self, id: TraceId) -> &[StoredSegment] {
        self.rows.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (TraceId, &StoredSegment)> {
        self.rows.iter().flat_map(|(id, rows)| rows.iter().map(|row| (*id, row)))
    }

    /// All rows in the order of parts.
    pub(super) fn sorted(&self) -> Vec<(TraceId, StoredSegment)> {
        let mut rows: Vec<_> = self.iter().map(|(id, row)| (id, row.clone())).collect();
        rows.sort_unstable_by_key(|(id, row)| (*id, row.id, row.sequence));
        rows
    }
}
