//! Joins blocks into one, in order: what flush and compaction do before they write a part.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, StringArray, UInt32Array, UInt64Array,
};
use arrow::compute;
use base::Timestamp;
use hashbrown::HashMap;
use indexmap::IndexMap;

use super::block::Block;
use super::json::Class;
use super::layout::{FIRST_TEMPLATE, FieldColumn, Layout, Template, UNSHREDDED};
use super::shred::COLUMNS_MAX;
use super::stats::Tombstones;
use super::values::{self, Encoding};
use crate::error::StoreError;

/// Shapes one part may have; messages of the rarer ones become text.
const PART_TEMPLATES_MAX: usize = 1024;

/// The rows that are neither deleted nor expired; `None` if all are.
pub(crate) fn live_rows(
    block: &Block,
    tombstones: &Tombstones,
    cut: Timestamp,
) -> Result<Option<Block>, StoreError> {
    let kept = block.rows_in(base::TimeRange::new(cut, Timestamp::MAX));
    let block = block.slice(kept.start, kept.len());
    match dead_rows(&block, tombstones) {
        None => Ok(Some(block)),
        Some(dead) => {
            let keep = BooleanArray::new(!&dead, None);
            Ok(Some(block.filter(&keep)?))
        }
    }
    .map(|b| b.filter(|b| b.rows() > 0))
}

/// Rows of deleted streams; `None` if there is none.
pub(crate) fn dead_rows(block: &Block, tombstones: &Tombstones) -> Option<arrow::buffer::BooleanBuffer> {
    if tombstones.is_empty() {
        return None;
    }
    let (keys, names) = block.stream_keys()?;
    let deleted: Vec<Option<u64>> =
        names.iter().map(|n| n.and_then(|n| tombstones.get(n).copied())).collect();
    if deleted.iter().all(Option::is_none) {
        return None;
    }
    let sequences = block.sequences.as_ref()?.values();
    let dead = keys.values().iter().zip(sequences.iter()).map(|(key, sequence)| {
        deleted.get(*key as usize).copied().flatten().is_some_and(|until| *sequence <= until)
    });
    let dead = arrow::buffer::BooleanBuffer::from_iter(dead);
    (dead.count_set_bits() > 0).then_some(dead)
}

/// Joins complete blocks into one in the order of positions.
pub(crate) fn merge(blocks: &[Block]) -> Result<Block, StoreError> {
    let union = Union::of(blocks);
    let rows: Vec<usize> = blocks.iter().map(Block::rows).collect();
    let mut layout = Layout { templates: union.templates, ..Layout::default() };
    blocks.iter().for_each(|b| layout.unshredded.merge(&b.layout.unshredded));
    let (templates, texts) = join_texts(blocks, &union.mapping, &mut layout)?;
    let mut fields: Vec<Option<ArrayRef>> = Vec::with_capacity(union.columns.len());
    for ((path, class), escapes) in &union.columns {
        let of_block = |block: &Block| {
            let index = block.layout.columns.iter().position(|c| c.path == *path && c.class == *class)?;
            Some((block.layout.columns[index].encoding, block.fields[index].clone()?))
        };
        let stretches: Vec<_> = blocks.iter().map(|b| (b.rows(), of_block(b))).collect();
        let (encoding, array) = values::concat(*class, &stretches)?;
        layout.columns.push(FieldColumn { path: path.clone(), class: *class, encoding, escapes: *escapes });
        fields.push(Some(array));
    }
    let streams: Vec<_> =
        blocks.iter().map(|b| (b.rows(), b.streams.clone().map(|s| (Encoding::Dictionary, s)))).collect();
    let (streams, ..) = values::concat_dictionaries(rows.iter().sum(), &streams);
    let joined = Block {
        layout: Arc::new(layout),
        timestamps: concat(blocks, |b| Some(Arc::new(b.timestamps.clone())))?.as_primitive().clone(),
        sequences: Some(concat(blocks, |b| Some(Arc::new(b.sequences.clone()?)))?.as_primitive().clone()),
        ingestion_times: Some(
            concat(blocks, |b| Some(Arc::new(b.ingestion_times.clone()?)))?.as_primitive().clone(),
        ),
        streams: Some(streams),
        templates: Some(templates),
        texts: Some(texts),
        fields,
    };
    in_order(joined)
}

fn concat(blocks: &[Block], of: impl Fn(&Block) -> Option<ArrayRef>) -> Result<ArrayRef, StoreError> {
    let arrays: Option<Vec<ArrayRef>> = blocks.iter().map(of).collect();
    let arrays = arrays.ok_or_else(|| StoreError::damaged("log rows", "a column is not loaded"))?;
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    compute::concat(&arrays).map_err(|e| StoreError::format("log rows", e))
}

fn in_order(block: Block) -> Result<Block, StoreError> {
    let times = block.timestamps.values();
    let sequences: &[u64] = block.sequences.as_ref().map_or(&[], |s: &UInt64Array| s.values());
    let key = |row: usize| (times[row], sequences[row]);
    if (1..block.rows()).all(|row| key(row - 1) < key(row)) {
        return Ok(block);
    }
    let mut order: Vec<(i64, u64, u32)> =
        (0..block.rows()).map(|row| (times[row], sequences[row], row as u32)).collect();
    // Stretches in order are the rule here, which the stable sort makes use of.
    order.sort();
    let order = UInt32Array::from_iter_values(order.into_iter().map(|(_, _, row)| row));
    block.take(&order)
}

/// Template numbers and texts of all blocks. Messages whose template was not taken over become text.
fn join_texts(
    blocks: &[Block],
    mapping: &[Vec<Option<i32>>],
    layout: &mut Layout,
) -> Result<(Int32Array, StringArray), StoreError> {
    let mut templates: Vec<i32> = Vec::with_capacity(blocks.iter().map(Block::rows).sum());
    let mut texts: Vec<ArrayRef> = Vec::with_capacity(blocks.len());
    for (block, mapping) in blocks.iter().zip(mapping) {
        let missing = || StoreError::damaged("log rows", "a column is not loaded");
        let numbers = block.templates.as_ref().ok_or_else(missing)?.values();
        let kept = block.texts.as_ref().ok_or_else(missing)?;
        let mapped = |number: i32| match usize::try_from(number - FIRST_TEMPLATE) {
            Err(_) => number,
            Ok(index) => mapping.get(index).copied().flatten().unwrap_or(UNSHREDDED),
        };
        if mapping.iter().all(Option::is_some) {
            templates.extend(numbers.iter().map(|n| mapped(*n)));
            texts.push(Arc::new(kept.clone()));
            continue;
        }
        let messages = block.messages();
        let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(block.rows()));
        for (row, number) in numbers.iter().enumerate() {
            let start = bytes.len();
            let mapped = mapped(*number);
            let as_text = mapped < FIRST_TEMPLATE;
            if as_text {
                messages.write(row, &mut bytes)?;
            }
            templates.push(mapped);
            places.push(as_text.then_some(start..bytes.len()));
        }
        let bytes = String::from_utf8(bytes).map_err(|e| StoreError::format("log text", e))?;
        let array = StringArray::from_iter(places.into_iter().map(|p| p.map(|range| &bytes[range])));
        texts.push(Arc::new(array));
        let dropped = block.layout.templates.iter().zip(mapping).filter(|(_, m)| m.is_none());
        for column in dropped.flat_map(|(t, _)| &t.slots).map(|s| &block.layout.columns[*s as usize]) {
            layout.unshredded.add(&column.path, column.kind());
        }
    }
    let arrays: Vec<&dyn Array> = texts.iter().map(AsRef::as_ref).collect();
    let texts = compute::concat(&arrays).map_err(|e| StoreError::format("log text", e))?;
    Ok((templates.into(), texts.as_string().clone()))
}

/// What the blocks' layouts have in common, within the limits of a part.
struct Union {
    columns: IndexMap<(Arc<str>, Class), bool>,
    templates: Vec<Template>,
    /// For each block, its templates' numbers in the union.
    mapping: Vec<Vec<Option<i32>>>,
}

impl Union {
    fn of(blocks: &[Block]) -> Self {
        let mut shapes: IndexMap<Shape<'_>, usize> = IndexMap::new();
        let mut numbers: Vec<Vec<usize>> = Vec::with_capacity(blocks.len());
        for block in blocks {
            let mut counts = vec![0usize; block.layout.templates.len()];
            for number in block.templates.iter().flat_map(|t: &Int32Array| t.values().iter()) {
                if let Ok(index) = usize::try_from(number - FIRST_TEMPLATE)
                    && let Some(count) = counts.get_mut(index)
                {
                    *count += 1;
                }
            }
            let mut of_block = Vec::with_capacity(counts.len());
            for (template, count) in block.layout.templates.iter().zip(counts) {
                let names = template.slots.iter().map(|s| {
                    let column = &block.layout.columns[*s as usize];
                    (column.path.clone(), column.class)
                });
                let shape = Shape { literals: &template.literals, slots: names.collect() };
                let entry = shapes.entry(shape);
                of_block.push(entry.index());
                *entry.or_insert(0) += count;
            }
            numbers.push(of_block);
        }
        let mut by_use: Vec<usize> = (0..shapes.len()).filter(|i| shapes[*i] > 0).collect();
        by_use.sort_by_key(|i| std::cmp::Reverse(shapes[*i]));
        let mut columns: IndexMap<(Arc<str>, Class), bool> = IndexMap::new();
        let mut taken: HashMap<usize, i32> = HashMap::new();
        let mut templates = Vec::new();
        for index in by_use {
            let Some((shape, _)) = shapes.get_index(index) else { continue };
            let new = shape.slots.iter().filter(|name| !columns.contains_key(*name)).count();
            if templates.len() >= PART_TEMPLATES_MAX || columns.len() + new > COLUMNS_MAX {
                continue;
            }
            let slots = shape.slots.iter().map(|name| {
                let entry = columns.entry(name.clone());
                let slot = entry.index() as u32;
                entry.or_insert(false);
                slot
            });
            let slots = slots.collect();
            taken.insert(index, templates.len() as i32 + FIRST_TEMPLATE);
            templates.push(Template { literals: shape.literals.to_vec(), slots });
        }
        // A shape nobody uses needs no number, but must not count as dropped.
        let number =
            |index: &usize| taken.get(index).copied().or((shapes[*index] == 0).then_some(UNSHREDDED));
        let mapping = numbers.iter().map(|of_block| of_block.iter().map(number).collect()).collect();
        for column in blocks.iter().flat_map(|b| &b.layout.columns).filter(|c| c.escapes) {
            if let Some(escapes) = columns.get_mut(&(column.path.clone(), column.class)) {
                *escapes = true;
            }
        }
        Self { columns, templates, mapping }
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Shape<'a> {
    literals: &'a [Box<[u8]>],
    slots: Vec<(Arc<str>, Class)>,
}

/// Message bytes of each row of a complete block.
pub(crate) fn message_lengths(block: &Block) -> Result<Vec<u32>, StoreError> {
    let messages = block.messages();
    let mut text = Vec::with_capacity(1024);
    let length = |row: usize| {
        text.clear();
        messages.write(row, &mut text)?;
        Ok(text.len() as u32)
    };
    (0..block.rows()).map(length).collect()
}

#[cfg(test)]
mod tests {
    use super::super::shred::{Row, shred};
    use super::*;

    #[test]
    fn merged_blocks_hold_every_message_in_order() {
        let messages: Vec<Vec<String>> = vec![
            (0..300).map(|i| format!("{{\"a\":{i},\"b\":\"x{}\"}}", i % 3)).collect(),
            (0..300).map(|i| format!("{{\"a\":{}.5,\"c\":[{i},true]}}", i % 9)).collect(),
            (0..300).map(|i| format!("line {i}")).collect(),
            (0..900).map(|i| format!("{{\"{}\":1}}", i % 700)).collect(),
        ];
        let mut expected = Vec::new();
        let mut blocks = Vec::new();
        for (nth, set) in messages.iter().enumerate() {
            let rows: Vec<Row> = set
                .iter()
                .enumerate()
                .map(|(i, m)| Row {
                    timestamp: (i as i64 * 7919) % 100,
                    sequence: (nth * 10_000 + i) as u64,
                    ingestion_time: 5,
                    stream: 0,
                    message: bytes::Bytes::from(m.clone()),
                })
                .collect();
            expected.extend(rows.iter().map(|r| (r.timestamp, r.sequence, r.message.clone())));
            blocks.push(shred(rows, &[format!("stream {nth}").into()]));
        }
        expected.sort();
        let merged = merge(&blocks).expect("merges");
        let view = merged.messages();
        assert_eq!(merged.rows(), expected.len());
        for (row, (timestamp, sequence, message)) in expected.iter().enumerate() {
            let mut text = Vec::new();
            view.write(row, &mut text).expect("complete");
            let found = (merged.timestamps.value(row), merged.sequence(row), text);
            assert_eq!(found, (*timestamp, *sequence, message.to_vec()));
            assert_eq!(merged.stream(row), format!("stream {}", sequence / 10_000));
        }
    }
}
