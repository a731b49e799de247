//! Decides what to flush and what to merge. Pure: the table does what is decided here.

use base::Timestamp;

/// A group is flushed when it holds so much in memory.
pub(crate) const FLUSH_ROWS: usize = 1_000_000;
pub(crate) const FLUSH_BYTES: usize = 64 << 20;
/// A group is flushed when its oldest row has been in memory for so long.
const FLUSH_AGE_MILLIS: i64 = 60 * 60 * 1000;
/// A group that holds so many rows is flushed when nothing more comes for a while: parts are indexed and
/// small, rows in memory are neither.
const QUIET_ROWS: usize = 65_536;
const QUIET_MILLIS: i64 = 10_000;

/// Parts of one tier are merged when there are so many side by side.
const MERGE_PARTS_MIN: usize = 4;
const MERGE_PARTS_MAX: usize = 32;
/// Limits of a merge, and so of the memory it takes.
const MERGE_ROWS_MAX: u64 = 1_000_000;
const MERGE_BYTES_MAX: u64 = 512 << 20;
/// Each tier is so many times the one before.
const TIER_FACTOR: u64 = 4;
const TIER_ROWS: u64 = 4096;
/// A part with a larger share of dead rows is written anew without them.
const DEAD_SHARE: f64 = 0.3;

/// What a group holds in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InMemory {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    /// When its oldest row was accepted.
    pub(crate) since: Option<Timestamp>,
    /// When a row was accepted last.
    pub(crate) latest: Option<Timestamp>,
}

pub(crate) fn flush_due(held: InMemory, now: Timestamp) -> bool {
    let old = held.since.is_some_and(|since| now.millis_since(since) >= FLUSH_AGE_MILLIS);
    let quiet =
        held.rows >= QUIET_ROWS && held.latest.is_some_and(|latest| now.millis_since(latest) >= QUIET_MILLIS);
    held.rows > 0 && (held.rows >= FLUSH_ROWS || held.bytes >= FLUSH_BYTES || old || quiet)
}

/// A part, as far as merging cares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) id: u64,
    pub(crate) first: Timestamp,
    pub(crate) rows: u64,
    /// Rows that are deleted or expired.
    pub(crate) dead_rows: u64,
    pub(crate) message_bytes: u64,
}

/// The parts to merge next: neighbours in time of about the same size, smallest first, or one part with many
/// dead rows. Empty when there is nothing worth doing.
pub(crate) fn plan_merge(parts: &[Candidate]) -> Vec<u64> {
    let mut parts = parts.to_vec();
    parts.sort_by_key(|p| (p.first, p.id));
    let tier = |p: &Candidate| (p.rows / TIER_ROWS).max(1).ilog(TIER_FACTOR);
    let mut best: Option<(u32, Vec<u64>)> = None;
    let mut run: Vec<Candidate> = Vec::new();
    let mut close = |run: &mut Vec<Candidate>| {
        if run.len() >= MERGE_PARTS_MIN {
            let level = run.iter().map(tier).max().unwrap_or_default();
            if best.as_ref().is_none_or(|(known, _)| level < *known) {
                best = Some((level, run.iter().map(|p| p.id).collect()));
            }
        }
        run.clear();
    };
    for part in &parts {
        let rows: u64 = run.iter().map(|p| p.rows).sum::<u64>() + part.rows;
        let bytes: u64 = run.iter().map(|p| p.message_bytes).sum::<u64>() + part.message_bytes;
        let other_tier = run.first().is_some_and(|first| tier(first) != tier(part));
        if other_tier || rows > MERGE_ROWS_MAX || bytes > MERGE_BYTES_MAX || run.len() >= MERGE_PARTS_MAX {
            close(&mut run);
        }
        if part.rows <= MERGE_ROWS_MAX / MERGE_PARTS_MIN as u64 {
            run.push(*part);
        }
    }
    close(&mut run);
    if let Some((_, ids)) = best {
        return ids;
    }
    let rotten = parts.iter().find(|p| {
        p.dead_rows > 0
            && p.dead_rows as f64 >= p.rows as f64 * DEAD_SHARE
            && p.rows <= MERGE_ROWS_MAX * 2
            && p.message_bytes <= MERGE_BYTES_MAX * 2
    });
    rotten.map(|p| vec![p.id]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: u64, rows: u64) -> Candidate {
        let first = Timestamp::from_secs(id as i64);
        Candidate { id, first, rows, dead_rows: 0, message_bytes: rows * 300 }
    }

    #[test]
    fn neighbours_of_one_size_are_merged() {
        let cases: &[(&[u64], &[u64])] = &[
            (&[100, 200, 300], &[]),
            (&[100, 200, 300, 400], &[0, 1, 2, 3]),
            (&[900_000, 100, 200, 300, 400, 900_000], &[1, 2, 3, 4]),
            (&[200_000, 200_000, 200_000, 200_000, 10, 10, 10, 10], &[4, 5, 6, 7]),
            (&[900_000, 900_000, 900_000, 900_000], &[]),
            (&[100, 100, 200_000, 100, 100], &[]),
        ];
        for (sizes, expected) in cases {
            let parts: Vec<Candidate> =
                sizes.iter().enumerate().map(|(i, rows)| part(i as u64, *rows)).collect();
            assert_eq!(plan_merge(&parts), *expected, "{sizes:?}");
        }
    }

    #[test]
    fn a_part_with_many_dead_rows_is_written_anew() {
        let mut parts = [part(1, 1000), part(2, 1000)];
        parts[1].dead_rows = 400;
        assert_eq!(plan_merge(&parts), [2]);
        parts[1].dead_rows = 100;
        assert!(plan_merge(&parts).is_empty());
    }

    #[test]
    fn size_and_age_make_a_flush_due() {
        let now = Timestamp::from_secs(1_000_000);
        let ago = |millis| Some(now.saturating_sub_millis(millis));
        let held = |rows, bytes, age| InMemory { rows, bytes, since: ago(age), latest: ago(age.min(1_000)) };
        assert!(!flush_due(held(10, 10, 0), now));
        assert!(flush_due(held(FLUSH_ROWS, 10, 0), now));
        assert!(flush_due(held(10, FLUSH_BYTES, 0), now));
        assert!(flush_due(held(10, 10, FLUSH_AGE_MILLIS), now));
        assert!(!flush_due(held(0, 0, FLUSH_AGE_MILLIS), now));
        let quiet = |rows| InMemory { latest: ago(QUIET_MILLIS), ..held(rows, 10, QUIET_MILLIS) };
        assert!(flush_due(quiet(QUIET_ROWS), now));
        assert!(!flush_due(quiet(QUIET_ROWS - 1), now));
        assert!(!flush_due(held(QUIET_ROWS, 10, QUIET_MILLIS), now));
    }
}
