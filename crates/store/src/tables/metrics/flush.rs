//! From a frozen head to parts, and from parts to a commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::api::MetricTableConfig;
use super::part::{BuiltPart, PartWriter, Window};
use super::state::Frozen;
use super::tier::{DAY_SECS, Horizons, Tier};
use crate::core::Core;
use crate::error::StoreError;
use crate::manifest::ManifestEdit;

/// Stores the objects of new parts and gathers the edit that makes them part of the table.
pub(super) struct PartSink {
    core: Arc<Core>,
    pub(super) edit: ManifestEdit,
    /// Paths of all objects that may have been stored.
    pub(super) put: Vec<String>,
}

impl PartSink {
    pub(super) fn new(core: Arc<Core>, edit: ManifestEdit) -> Self {
        Self { core, edit, put: Vec::new() }
    }

    pub(super) async fn store(&mut self, part: BuiltPart) -> Result<(), StoreError> {
        let entry = part.entry(self.core.next_part_id());
        self.put.push(entry.path.clone());
        self.core.put_part(&entry.path, part.bytes).await?;
        self.edit.add.push(entry);
        Ok(())
    }
}

/// The parts of a frozen head: one run for each day.
pub(super) fn build_parts(
    frozen: &Frozen,
    core: &Core,
    config: &MetricTableConfig,
    horizons: &Horizons,
) -> Result<Vec<BuiltPart>, StoreError> {
    let mut writers: BTreeMap<u32, (u64, PartWriter)> = BTreeMap::new();
    let mut built = Vec::new();
    for (key, buckets) in &frozen.series {
        let settled = horizons.settle(buckets.clone());
        for day in settled.chunk_by(|a, b| a.second / DAY_SECS == b.second / DAY_SECS) {
            let number = day[0].second / DAY_SECS;
            let window = Window::of(number, Tier::Minute);
            let (run, writer) = match writers.entry(number) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let run = core.next_part_id();
                    entry.insert((run, PartWriter::new(window, run, config.row_group_rows)?))
                }
            };
            writer.push(key, day)?;
            if writer.size_bytes() >= config.part_bytes_max {
                let full = std::mem::replace(writer, PartWriter::new(window, *run, config.row_group_rows)?);
                built.extend(full.finish()?);
            }
        }
    }
    for (_, writer) in writers.into_values() {
        built.extend(writer.finish()?);
    }
    Ok(built)
}
