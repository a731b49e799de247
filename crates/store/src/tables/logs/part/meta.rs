//! What the manifest keeps of a part: enough to leave it alone, and where in the object the rest is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::super::api::FieldKind;
use super::super::layout::{
    Unshredded, put_bytes, put_count, put_u64, take_byte, take_count, take_text, take_u64,
};
use super::super::stats::SourceStats;

/// Version 1 had no sequences in its granules.
pub(super) const VERSION: u8 = 2;
/// The object is checked in blocks of this size.
pub(crate) const CHECK_BYTES: u64 = 1 << 16;

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PartMeta {
    /// Of the object's sections too.
    pub(crate) version: u8,
    pub(crate) row_group_rows: usize,
    /// Columns and templates, and the granules' bounds; compressed.
    pub(crate) layout: Range<u64>,
    /// Trigram bitmaps of the granules; compressed.
    pub(crate) trigrams: Range<u64>,
    /// Bloom filters by column.
    pub(crate) blooms: Vec<(u32, Range<u64>)>,
    /// Where Parquet's own metadata begin; they end with the object.
    pub(crate) footer: u64,
    /// CRC32C of each [`CHECK_BYTES`] of the object.
    pub(crate) checks: Vec<u32>,
    pub(crate) kinds: BTreeMap<Arc<str>, FieldKind>,
    pub(crate) unshredded: Unshredded,
}

const KINDS: [FieldKind; 4] = [FieldKind::Integer, FieldKind::Float, FieldKind::Boolean, FieldKind::Text];

fn put_kinds(out: &mut Vec<u8>, kinds: &BTreeMap<Arc<str>, FieldKind>) {
    put_count(out, kinds.len());
    for (path, kind) in kinds {
        put_bytes(out, path.as_bytes());
        out.push(KINDS.iter().position(|k| k == kind).unwrap_or_default() as u8);
    }
}

fn take_kinds(input: &mut &[u8]) -> Option<BTreeMap<Arc<str>, FieldKind>> {
    let count = take_count(input)?;
    let kind =
        |input: &mut &[u8]| Some((take_text(input)?.into(), *KINDS.get(usize::from(take_byte(input)?))?));
    (0..count).map(|_| kind(input)).collect()
}

fn put_range(out: &mut Vec<u8>, range: &Range<u64>) {
    put_u64(out, range.start);
    put_u64(out, range.end - range.start);
}

fn take_range(input: &mut &[u8]) -> Option<Range<u64>> {
    let start = take_u64(input)?;
    Some(start..start.checked_add(take_u64(input)?)?)
}

impl PartMeta {
    pub(crate) fn encode(&self, stats: &SourceStats) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_count(&mut out, self.row_group_rows);
        put_range(&mut out, &self.layout);
        put_range(&mut out, &self.trigrams);
        put_count(&mut out, self.blooms.len());
        for (column, range) in &self.blooms {
            put_u64(&mut out, u64::from(*column));
            put_range(&mut out, range);
        }
        put_u64(&mut out, self.footer);
        put_count(&mut out, self.checks.len());
        self.checks.iter().for_each(|check| out.extend_from_slice(&check.to_le_bytes()));
        put_kinds(&mut out, &self.kinds);
        put_kinds(&mut out, &self.unshredded.kinds);
        out.push(u8::from(self.unshredded.more));
        stats.encode(&mut out);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, SourceStats)> {
        let input = &mut &bytes[..];
        let version = take_byte(input).filter(|v| (1..=VERSION).contains(v))?;
        let mut meta = PartMeta {
            version,
            row_group_rows: take_count(input).filter(|n| *n > 0)?,
            layout: take_range(input)?,
            trigrams: take_range(input)?,
            ..PartMeta::default()
        };
        for _ in 0..take_count(input)? {
            meta.blooms.push((u32::try_from(take_u64(input)?).ok()?, take_range(input)?));
        }
        meta.footer = take_u64(input)?;
        for _ in 0..take_count(input)? {
            let (check, rest) = input.split_first_chunk::<4>()?;
            meta.checks.push(u32::from_le_bytes(*check));
            *input = rest;
        }
        meta.kinds = take_kinds(input)?;
        meta.unshredded.kinds = take_kinds(input)?;
        meta.unshredded.more = take_byte(input)? == 1;
        let stats = SourceStats::decode(input, &mut BTreeSet::new())?;
        Some((meta, stats))
    }
}
