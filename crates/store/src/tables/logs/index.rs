//! Which granules of a part cannot hold a text: a bitmap of hashed trigrams of all message bytes per
//! granule, and Bloom filters of the values of columns whose values hardly repeat.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int32Type;

use super::block::Block;
use super::json::Class;
use super::layout::{FIRST_TEMPLATE, FieldColumn};
use super::values::{Cells, Encoding};
use crate::error::StoreError;

/// Rows of a granule: also the rows of a page.
pub(crate) const GRANULE_ROWS: usize = 8192;
/// Bytes of a granule's trigram bitmap.
pub(crate) const BITMAP_BYTES: usize = 1 << 13;
/// Bloom bits a row: about one false hit in seventy.
const BLOOM_BITS_PER_ROW: usize = 9;
const BLOOM_PROBES: u64 = 6;
const BLOOM_COLUMNS_MAX: usize = 8;
const BLOOM_TEXT_BYTES_MAX: usize = 128;
/// With so many random digits in a granule nearly every trigram of digits occurs.
const SATURATED_DIGITS: usize = 16_384;

fn trigram_bit(bytes: &[u8]) -> u16 {
    let value = u32::from(bytes[0]) | u32::from(bytes[1]) << 8 | u32::from(bytes[2]) << 16;
    (value.wrapping_mul(0x9E37_79B1) >> 16) as u16
}

struct Bitmap<'a>(&'a mut [u8]);

impl Bitmap<'_> {
    fn add(&mut self, text: &[u8]) {
        for trigram in text.windows(3) {
            let bit = trigram_bit(trigram);
            self.0[usize::from(bit >> 3)] |= 1 << (bit & 7);
        }
    }
}

/// Whether a message of the granule can contain the needle.
pub(crate) fn may_contain(bitmap: &[u8], needle: &[u8]) -> bool {
    needle.windows(3).all(|trigram| {
        let bit = trigram_bit(trigram);
        bitmap.get(usize::from(bit >> 3)).is_none_or(|byte| byte & 1 << (bit & 7) != 0)
    })
}

/// The bitmaps of all granules of a complete block, one behind the other.
pub(crate) fn trigrams(block: &Block) -> Result<Vec<u8>, StoreError> {
    let granules = block.rows().div_ceil(GRANULE_ROWS);
    let mut bitmaps = vec![0u8; granules * BITMAP_BYTES];
    let mut scratch = Scratch::default();
    for (granule, bitmap) in bitmaps.chunks_exact_mut(BITMAP_BYTES).enumerate() {
        let start = granule * GRANULE_ROWS;
        let rows = start..(start + GRANULE_ROWS).min(block.rows());
        add_granule(block, rows, &mut Bitmap(bitmap), &mut scratch)?;
    }
    Ok(bitmaps)
}

#[derive(Default)]
struct Scratch {
    text: Vec<u8>,
    seen: Vec<u32>,
    granule: u32,
}

/// The two bytes before and behind a slot.
type Context = (Vec<u8>, Vec<u8>);

fn add_granule(
    block: &Block,
    rows: Range<usize>,
    bitmap: &mut Bitmap<'_>,
    scratch: &mut Scratch,
) -> Result<(), StoreError> {
    let missing = || StoreError::damaged("log rows", "a column is not loaded");
    let templates = &block.templates.as_ref().ok_or_else(missing)?.values()[rows.clone()];
    let layout = &block.layout;
    let mut present = vec![false; layout.templates.len() + FIRST_TEMPLATE as usize];
    for number in templates {
        if let Some(flag) = present.get_mut(*number as usize) {
            *flag = true;
        }
    }
    let mut contexts: Vec<Vec<Context>> = vec![Vec::new(); layout.columns.len()];
    // Rows whose trigrams can span more than one slot are indexed by their whole message, like texts.
    let mut whole = vec![true; present.len()];
    for (index, template) in layout.templates.iter().enumerate() {
        let number = index + FIRST_TEMPLATE as usize;
        let inner = template.literals.iter().skip(1).rev().skip(1);
        whole[number] = inner.into_iter().any(|l| l.len() < 2);
        if !present[number] || whole[number] {
            continue;
        }
        template.literals.iter().for_each(|literal| bitmap.add(literal));
        for (slot, pair) in template.slots.iter().zip(template.literals.windows(2)) {
            let before = pair[0][pair[0].len().saturating_sub(2)..].to_vec();
            let behind = pair[1][..pair[1].len().min(2)].to_vec();
            let known = &mut contexts[*slot as usize];
            if !known.contains(&(before.clone(), behind.clone())) {
                known.push((before, behind));
            }
        }
    }
    if present.iter().zip(&whole).any(|(p, w)| *p && *w) {
        let messages = block.messages();
        for (row, _) in rows.clone().zip(templates).filter(|(_, n)| whole[**n as usize]) {
            scratch.text.clear();
            messages.write(row, &mut scratch.text)?;
            bitmap.add(&scratch.text);
        }
    }
    scratch.granule += 1;
    for ((column, array), contexts) in layout.columns.iter().zip(&block.fields).zip(&contexts) {
        let array = array.as_ref().ok_or_else(missing)?;
        for context in contexts {
            add_column(column, array, rows.clone(), context, bitmap, scratch);
        }
    }
    Ok(())
}

fn add_column(
    column: &FieldColumn,
    array: &ArrayRef,
    rows: Range<usize>,
    (before, behind): &Context,
    bitmap: &mut Bitmap<'_>,
    scratch: &mut Scratch,
) {
    let mut add = |text: &mut Vec<u8>, value: &dyn Fn(&mut Vec<u8>)| {
        text.clear();
        text.extend_from_slice(before);
        value(text);
        text.extend_from_slice(behind);
        bitmap.add(text);
    };
    let text = &mut scratch.text;
    match column.encoding {
        Encoding::Dictionary => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = dictionary.values().as_string::<i32>();
            // Marks are per granule and context, so that they need not be cleared.
            scratch.granule += 1;
            scratch.seen.resize(scratch.seen.len().max(values.len()), 0);
            for row in rows.filter(|row| array.is_valid(*row)) {
                let key = dictionary.keys().value(row) as usize;
                if std::mem::replace(&mut scratch.seen[key], scratch.granule) != scratch.granule {
                    add(text, &|out| out.extend_from_slice(values.value(key).as_bytes()));
                }
            }
        }
        Encoding::Hex(width) if rows.len() * usize::from(width) * 2 >= SATURATED_DIGITS * 4 => {
            let digits = b"0123456789abcdef";
            for a in digits {
                for b in digits {
                    add(text, &|out| out.extend_from_slice(&[*a, *b]));
                    digits.iter().for_each(|c| add(text, &|out| out.extend_from_slice(&[*a, *b, *c])));
                }
            }
        }
        Encoding::Bool => {
            add(text, &|out| out.extend_from_slice(b"true"));
            add(text, &|out| out.extend_from_slice(b"false"));
        }
        encoding => {
            let cells = Cells::new(encoding, array.as_ref());
            for row in rows.filter(|row| array.is_valid(*row)) {
                add(text, &|out| cells.write(row, out));
            }
        }
    }
}

/// Whether a Bloom filter over the column is worth its bytes.
pub(crate) fn bloom_columns(block: &Block) -> Vec<usize> {
    let wants = |(column, array): (&FieldColumn, &Option<ArrayRef>)| match (column.encoding, array) {
        (Encoding::Hex(_), _) => true,
        (Encoding::Text, Some(array)) if column.class == Class::String && !column.escapes => {
            let texts = array.as_string::<i32>();
            texts.value_data().len() <= BLOOM_TEXT_BYTES_MAX * array.len()
        }
        _ => false,
    };
    let columns = block.layout.columns.iter().zip(&block.fields).enumerate();
    columns.filter(|(_, c)| wants(*c)).map(|(i, _)| i).take(BLOOM_COLUMNS_MAX).collect()
}

/// Bytes of the filter of a granule with so many rows.
pub(crate) fn bloom_bytes(rows: usize) -> usize {
    (rows * BLOOM_BITS_PER_ROW).div_ceil(64) * 8
}

/// The filters of all granules for one column, one behind the other.
pub(crate) fn bloom(column: &FieldColumn, array: &ArrayRef) -> Vec<u8> {
    let mut filters = Vec::new();
    for start in (0..array.len()).step_by(GRANULE_ROWS) {
        let rows = start..(start + GRANULE_ROWS).min(array.len());
        let at = filters.len();
        filters.resize(at + bloom_bytes(rows.len()), 0);
        let filter = &mut filters[at..];
        for row in rows.filter(|row| array.is_valid(*row)) {
            let value = match column.encoding {
                Encoding::Hex(_) => array.as_fixed_size_binary().value(row),
                _ => array.as_string::<i32>().value(row).as_bytes(),
            };
            probes(value, filter.len()).for_each(|bit| filter[bit / 8] |= 1 << (bit % 8));
        }
    }
    filters
}

/// Whether a granule's filter admits the value.
pub(crate) fn bloom_admits(filter: &[u8], value: &[u8]) -> bool {
    filter.is_empty() || probes(value, filter.len()).all(|bit| filter[bit / 8] & 1 << (bit % 8) != 0)
}

fn probes(value: &[u8], bytes: usize) -> impl Iterator<Item = usize> {
    let hash = xxhash_rust::xxh3::xxh3_64(value);
    let (bits, step) = (bytes as u64 * 8, hash.rotate_left(32) | 1);
    (0..BLOOM_PROBES).map(move |i| {
        let mixed = hash.wrapping_add(i.wrapping_mul(step));
        ((u128::from(mixed) * u128::from(bits)) >> 64) as usize
    })
}

#[cfg(test)]
mod tests {
    use super::super::shred::{Row, shred};
    use super::*;

    fn block(messages: &[String]) -> Block {
        let rows = messages.iter().enumerate().map(|(i, m)| Row {
            timestamp: i as i64,
            sequence: i as u64,
            ingestion_time: 0,
            stream: 0,
            message: bytes::Bytes::from(m.clone()),
        });
        shred(rows.collect(), &["s".into()])
    }

    #[test]
    fn every_part_of_every_message_is_admitted() {
        let messages: Vec<String> = (0..2000u64)
            .map(|i| match i % 5 {
                0 => format!("{{\"a\":[{},{},{}],\"s\":\"\"}}", i % 10, i, i * 3),
                1 => format!(
                    "{{\"id\":\"{:032x}\",\"t\":\"2026-01-01T00:00:{:02}.000Z\"}}",
                    i * 77_777,
                    i % 60
                ),
                2 => format!("plain {i}"),
                3 => format!("{{\"s\":\"x\",\"n\":{}.25,\"b\":{}}}", i, i % 2 == 1),
                _ => format!("{{\"s\":\"value {} é\",\"n\":null,\"m\":{{\"k\":\"{i}\"}}}}", i % 40),
            })
            .collect();
        let block = block(&messages);
        let bitmaps = trigrams(&block).expect("indexes");
        for message in &messages {
            let bytes = message.as_bytes();
            assert!(may_contain(&bitmaps, bytes), "{message}");
            for at in 0..bytes.len().saturating_sub(4) {
                assert!(may_contain(&bitmaps, &bytes[at..at + 4]), "{message} at {at}");
            }
        }
        assert!(!may_contain(&bitmaps, b"needle7f3a91c2"));
        assert!(may_contain(&bitmaps, b"ab"));
    }

    #[test]
    fn blooms_admit_what_is_there_and_little_else() {
        let messages: Vec<String> = (0..20_000u64)
            .map(|i| format!("{{\"id\":\"{:016x}\"}}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .collect();
        let block = block(&messages);
        assert_eq!(bloom_columns(&block), [0]);
        let array = block.fields[0].clone().expect("loaded");
        let filters = bloom(&block.layout.columns[0], &array);
        let first = &filters[..bloom_bytes(GRANULE_ROWS)];
        let value = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        assert!((0..GRANULE_ROWS as u64).all(|i| bloom_admits(first, &value(i))));
        let false_hits = (1 << 20..(1 << 20) + 10_000).filter(|i| bloom_admits(first, &value(*i))).count();
        assert!(false_hits < 400, "{false_hits} of 10000");
    }
}
