//! Reading the log back at start.

use std::path::Path;

use crate::error::StoreError;
use crate::wal::Replay;
use crate::wal::record::{self, Decoded, WalPosition};
use crate::wal::segment::SegmentList;

/// What replay met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReplayReport {
    pub(crate) records: u64,
    /// Highest position in the log.
    pub(crate) last: WalPosition,
    /// Segments with bytes that are not a record: the torn end of an unacknowledged write, or damage.
    pub(crate) damaged: Vec<String>,
}

/// Hands every record to `replay`, oldest first. A damaged record ends its segment: in the last segment
/// that is the torn end of a write nobody was told of; elsewhere acknowledged records may be lost, which
/// is reported, and the bytes are set aside, never served.
pub(super) fn replay(list: &mut SegmentList, replay: &mut Replay<'_>) -> Result<ReplayReport, StoreError> {
    let mut report = ReplayReport::default();
    let last_index = list.segments.len().wrapping_sub(1);
    for (index, segment) in list.segments.iter_mut().enumerate() {
        let bytes = std::fs::read(&segment.path)
            .map_err(|e| StoreError::io(segment.path.display().to_string(), e))?;
        let mut offset = 0;
        loop {
            match record::decode(&bytes[offset..]) {
                Decoded::Record { position, entries, size } => {
                    if position <= report.last {
                        return Err(StoreError::damaged(
                            segment.path.display().to_string(),
                            format!("record {} after record {}", position.0, report.last.0),
                        ));
                    }
                    for (table, payload) in entries {
                        replay(table, position, payload)?;
                    }
                    report.records += 1;
                    report.last = position;
                    offset += size;
                }
                Decoded::End => break,
                Decoded::Damaged => {
                    note_damage(&segment.path, &bytes, offset, index == last_index, &mut report)?;
                    break;
                }
            }
        }
        segment.bytes = offset as u64;
    }
    Ok(report)
}

fn note_damage(
    path: &Path,
    bytes: &[u8],
    offset: usize,
    is_last: bool,
    report: &mut ReplayReport,
) -> Result<(), StoreError> {
    let name = path.display().to_string();
    report.damaged.push(format!("{name} at byte {offset}"));
    if is_last && !record_follows(&bytes[offset + 1..], report.last) {
        tracing::warn!(
            segment = name,
            offset,
            "the log ends in an incomplete record; it was never acknowledged"
        );
        return Ok(());
    }
    tracing::error!(segment = name, offset, "the log is damaged; acknowledged records may be missing");
    let aside = path.with_extension("damaged");
    std::fs::write(&aside, &bytes[offset..]).map_err(|e| StoreError::io(aside.display().to_string(), e))
}

/// Whether a sound record with a position soon after `last` begins anywhere in `bytes`.
fn record_follows(bytes: &[u8], last: WalPosition) -> bool {
    // The position is looked at first: a checksum at every offset would take hours on a large tail.
    let plausible = |at: usize| {
        let position = bytes[at + 8..at + 16].try_into().map(u64::from_le_bytes).unwrap_or(0);
        position > last.0 && position - last.0 < POSITIONS_PER_SEGMENT_MAX
    };
    (0..bytes.len().saturating_sub(record::HEADER_BYTES))
        .any(|at| plausible(at) && matches!(record::decode(&bytes[at..]), Decoded::Record { .. }))
}

/// More records than a segment can hold.
const POSITIONS_PER_SEGMENT_MAX: u64 = 1 << 24;
