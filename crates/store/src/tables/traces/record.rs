//! A batch of segments as a record of the log. Format: `docs/formats/trace-wal.md`.

use base::{AccountId, Region, Scope, Timestamp};
use bytes::Bytes;
use signals::TraceId;

use super::api::StoredSegment;
use crate::error::StoreError;
use crate::wal::WalPosition;

const VERSION: u8 = 1;
/// Rows of one record; a row's sequence is its record's position and its number in it.
pub(super) const ROWS_BITS: u32 = 20;
pub(super) const ROWS_MAX: usize = 1 << ROWS_BITS;

const LONE: u8 = 1;
const IN_PROGRESS: u8 = 2;
const UNFINISHED: u8 = 4;
const HAS_PARENT: u8 = 8;
const HAS_END: u8 = 16;

/// The sequence of row `number` of the record at `position`.
pub(super) fn sequence(position: WalPosition, number: usize) -> u64 {
    position.0 << ROWS_BITS | number as u64
}

pub(super) fn encode(scope: &Scope, rows: &[(TraceId, StoredSegment)]) -> Vec<u8> {
    let documents: usize = rows.iter().map(|(_, row)| row.document.len()).sum();
    let mut out = Vec::with_capacity(documents + rows.len() * 90 + 96);
    out.push(VERSION);
    for text in [scope.account.as_str(), scope.region.as_str()] {
        out.push(text.len() as u8);
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    for (trace_id, row) in rows {
        let flags = [
            (row.is_lone_subsegment, LONE),
            (row.in_progress, IN_PROGRESS),
            (row.is_unfinished, UNFINISHED),
            (row.parent_id.is_some(), HAS_PARENT),
            (row.end_time.is_some(), HAS_END),
        ];
        out.push(flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum());
        out.extend_from_slice(&trace_id.bits().to_be_bytes());
        out.extend_from_slice(&row.id.to_le_bytes());
        if let Some(parent) = row.parent_id {
            out.extend_from_slice(&parent.to_le_bytes());
        }
        let times = [
            Some(row.start_time),
            row.end_time,
            Some(row.first_time),
            Some(row.last_time),
            Some(row.received),
        ];
        for time in times.into_iter().flatten() {
            out.extend_from_slice(&time.as_millis().to_le_bytes());
        }
        out.extend_from_slice(&(row.document.len() as u32).to_le_bytes());
        out.extend_from_slice(&row.document);
    }
    out
}

pub(super) fn decode(
    position: WalPosition,
    payload: &[u8],
) -> Result<(Scope, Vec<(TraceId, StoredSegment)>), StoreError> {
    let mut reader = Reader { bytes: payload };
    let decoded = reader.batch(position);
    decoded
        .filter(|_| reader.bytes.is_empty())
        .ok_or_else(|| StoreError::damaged(format!("trace record {}", position.0), "it cannot be decoded"))
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn batch(&mut self, position: WalPosition) -> Option<(Scope, Vec<(TraceId, StoredSegment)>)> {
        if self.byte()? != VERSION {
            return None;
        }
        let scope = Scope::new(AccountId::new(self.text()?).ok()?, Region::new(self.text()?).ok()?);
        let count = usize::try_from(self.u32()?).ok().filter(|count| *count <= ROWS_MAX)?;
        let rows =
            (0..count).map(|number| self.row(sequence(position, number))).collect::<Option<Vec<_>>>()?;
        Some((scope, rows))
    }

    fn row(&mut self, sequence: u64) -> Option<(TraceId, StoredSegment)> {
        let flags = self.byte()?;
        let trace_id = TraceId::from_bits(u128::from_be_bytes(self.take(16)?.try_into().ok()?));
        let id = self.u64()?;
        let parent_id = if flags & HAS_PARENT != 0 { Some(self.u64()?) } else { None };
        let start_time = self.time()?;
        let end_time = if flags & HAS_END != 0 { Some(self.time()?) } else { None };
        let (first_time, last_time, received) = (self.time()?, self.time()?, self.time()?);
        let length = usize::try_from(self.u32()?).ok()?;
        let row = StoredSegment {
            id,
            parent_id,
            is_lone_subsegment: flags & LONE != 0,
            in_progress: flags & IN_PROGRESS != 0,
            start_time,
            end_time,
            first_time,
            last_time,
            is_unfinished: flags & UNFINISHED != 0,
            received,
            sequence,
            versions: 1,
            document: Bytes::copy_from_slice(self.take(length)?),
        };
        Some((trace_id, row))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(|millis| Timestamp::from_millis(millis as i64))
    }
}
