//! Which parts to merge, and merging them.
//!
//! Parts live in windows of days. An open day's parts are merged when four of a size have gathered; when a
//! window has aged past a horizon its parts are rewritten at the coarser tier, in the coarser tier's window.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::api::MetricTableConfig;
use super::flush::PartSink;
use super::head::merge_lists;
use super::part::{Part, PartScan, PartWriter, Window};
use super::tier::{Horizons, Tier};
use crate::error::StoreError;

/// Runs of about one size that are merged together in an open window.
const FAN_IN: usize = 4;
/// A closed window is merged again when late parts together reach this fraction of the largest.
const LATE_FRACTION: u64 = 4;
/// Sizes below this count as one size.
const SMALL_BYTES: u64 = 256 << 10;

/// What the planner sees of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartView {
    pub(super) id: u64,
    pub(super) window: Window,
    pub(super) finest: Tier,
    pub(super) run: u64,
    pub(super) last_second: u32,
    pub(super) size_bytes: u64,
}

impl PartView {
    pub(super) fn of(part: &Part) -> Self {
        Self {
            id: part.entry.id,
            window: Window { start_day: part.meta.start_day, days: part.meta.days },
            finest: part.meta.finest,
            run: part.meta.run,
            last_second: part.seconds().1,
            size_bytes: part.entry.size_bytes,
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Job {
    /// All rows of these parts have expired.
    Expire(Vec<u64>),
    /// Rewrite these parts as one run in this window.
    Merge { window: Window, parts: Vec<u64> },
}

/// The most useful job, if there is anything to do.
pub(super) fn plan(parts: &[PartView], horizons: &Horizons) -> Option<Job> {
    let expired = |p: &&PartView| horizons.all_gone_before(p.last_second.saturating_add(1));
    let gone: Vec<u64> = parts.iter().filter(expired).map(|p| p.id).collect();
    if !gone.is_empty() {
        return Some(Job::Expire(gone));
    }
    let mut windows: BTreeMap<Window, (Option<Tier>, Vec<&PartView>)> = BTreeMap::new();
    for part in parts {
        let (window, tier) = target(part, horizons);
        windows.entry(window).or_insert((tier, Vec::new())).1.push(part);
    }
    windows.into_iter().find_map(|(window, (tier, members))| {
        let parts = select(window, tier, &members)?;
        Some(Job::Merge { window, parts })
    })
}

/// The window a part belongs to by now, and the tier it must have there; `None` while the window is open.
fn target(part: &PartView, horizons: &Horizons) -> (Window, Option<Tier>) {
    for tier in [Tier::Hour, Tier::FiveMinutes, Tier::Minute] {
        let window = Window::of(part.window.start_day, tier);
        let reached = horizons.tier_at(window.end_second() - 1).is_none_or(|t| t >= tier);
        if reached && window.days >= part.window.days {
            return (window, Some(tier));
        }
    }
    (part.window, None)
}

/// The parts of a window to rewrite together; `None` if it is well as it is.
fn select(window: Window, tier: Option<Tier>, members: &[&PartView]) -> Option<Vec<u64>> {
    let all = || Some(members.iter().map(|p| p.id).collect());
    if members.iter().any(|p| tier.is_some_and(|tier| p.finest < tier) || p.window != window) {
        return all();
    }
    let mut runs: BTreeMap<u64, u64> = BTreeMap::new();
    for part in members {
        *runs.entry(part.run).or_default() += part.size_bytes;
    }
    if tier.is_some() && runs.len() > 1 {
        let (total, largest) = (runs.values().sum::<u64>(), runs.values().max().copied().unwrap_or(0));
        if (total - largest) * LATE_FRACTION >= largest {
            return all();
        }
    }
    let mut sizes: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for (run, size) in &runs {
        sizes.entry((size / SMALL_BYTES + 1).ilog2() / 2).or_default().push(*run);
    }
    let chosen = sizes.into_values().find(|runs| runs.len() >= FAN_IN)?;
    Some(members.iter().filter(|p| chosen.contains(&p.run)).map(|p| p.id).collect())
}

/// Merges `inputs` into parts of `window`, handing each to `sink` when it is full.
pub(super) async fn merge(
    inputs: &[Arc<Part>],
    (window, run): (Window, u64),
    horizons: &Horizons,
    config: &MetricTableConfig,
    stop: &CancellationToken,
    sink: &mut PartSink,
) -> Result<(), StoreError> {
    let mut runs: BTreeMap<u64, Vec<Arc<Part>>> = BTreeMap::new();
    for part in inputs {
        runs.entry(part.meta.run).or_default().push(part.clone());
    }
    let mut sources = Vec::new();
    for (_, mut parts) in runs {
        // Parts of a run were written in key order, with increasing ids.
        parts.sort_by_key(|p| p.entry.id);
        let mut scan = PartScan::new(parts);
        let next = scan.next().await?;
        sources.push((scan, next));
    }
    let mut writer = PartWriter::new(window, run, config.row_group_rows)?;
    let mut done = 0u64;
    while let Some(key) =
        sources.iter().filter_map(|(_, next)| next.as_ref().map(|(key, _)| key)).min().cloned()
    {
        let mut lists = Vec::new();
        for (scan, next) in &mut sources {
            if next.as_ref().is_some_and(|(found, _)| *found == key) {
                lists.extend(next.take().map(|(_, buckets)| buckets));
                *next = scan.next().await?;
            }
        }
        writer.push(&key, &horizons.settle(merge_lists(lists)))?;
        if writer.size_bytes() >= config.part_bytes_max {
            let full = std::mem::replace(&mut writer, PartWriter::new(window, run, config.row_group_rows)?);
            if let Some(built) = full.finish()? {
                sink.store(built).await?;
            }
        }
        done += 1;
        if done.is_multiple_of(256) {
            if stop.is_cancelled() {
                return Err(StoreError::Cancelled);
            }
            tokio::task::yield_now().await;
        }
    }
    match writer.finish()? {
        Some(built) => sink.store(built).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::metrics::tier::DAY_SECS;
    use base::Timestamp;

    const TODAY: u32 = 20_000;

    fn part(id: u64, start_day: u32, days: u32, finest: Tier, size_bytes: u64) -> PartView {
        let last_second = (start_day + days) * DAY_SECS - 60;
        PartView { id, window: Window { start_day, days }, finest, run: id, last_second, size_bytes }
    }

    fn plan_at_noon(parts: &[PartView]) -> Option<Job> {
        let now = Timestamp::from_secs(i64::from(TODAY) * 86_400 + 43_200);
        plan(parts, &Horizons::at(now))
    }

    fn merged(start_day: u32, days: u32, parts: &[u64]) -> Option<Job> {
        Some(Job::Merge { window: Window { start_day, days }, parts: parts.to_vec() })
    }

    #[test]
    fn an_open_day_waits_for_four_runs_of_a_size() {
        let mut parts: Vec<_> = (1..=3).map(|id| part(id, TODAY, 1, Tier::Minute, 1000)).collect();
        parts.push(part(4, TODAY, 1, Tier::Minute, 100 << 20));
        assert_eq!(plan_at_noon(&parts), None);
        parts.push(part(5, TODAY, 1, Tier::Minute, 2000));
        assert_eq!(plan_at_noon(&parts), merged(TODAY, 1, &[1, 2, 3, 5]));
    }

    #[test]
    fn a_closed_day_is_rolled_up_and_merged_into_one_run() {
        assert_eq!(plan_at_noon(&[part(1, TODAY - 1, 1, Tier::Second, 9)]), merged(TODAY - 1, 1, &[1]));
        assert_eq!(plan_at_noon(&[part(1, TODAY - 1, 1, Tier::Minute, 9)]), None);
        let late = [part(1, TODAY - 1, 1, Tier::Minute, 900), part(2, TODAY - 1, 1, Tier::Minute, 500)];
        assert_eq!(plan_at_noon(&late), merged(TODAY - 1, 1, &[1, 2]));
        let little = [part(1, TODAY - 1, 1, Tier::Minute, 900), part(2, TODAY - 1, 1, Tier::Minute, 5)];
        assert_eq!(plan_at_noon(&little), None);
    }

    #[test]
    fn aged_windows_move_to_coarser_tiers_and_go_in_the_end() {
        let day = TODAY / 32 * 32 - 128;
        let old: Vec<_> = (0..3).map(|i| part(u64::from(i), day + i, 1, Tier::Minute, 9)).collect();
        assert_eq!(plan_at_noon(&old), merged(day, 32, &[0, 1, 2]));
        let day = (TODAY - 32) / 8 * 8;
        let older: Vec<_> = (0..3).map(|i| part(u64::from(i), day + i, 1, Tier::Minute, 9)).collect();
        assert_eq!(plan_at_noon(&older), merged(day, 8, &[0, 1, 2]));
        assert_eq!(plan_at_noon(&[part(7, TODAY - 460, 1, Tier::Hour, 9)]), Some(Job::Expire(vec![7])));
    }
}
