//! The index inside a part: which rows belong to which series, and checksums of every stretch of the file.
//!
//! Series keys are front-coded in blocks of [`BLOCK_SERIES`], each compressed and checked on its own, so that
//! finding a series reads one small block. The directory lists blocks and row groups; the manifest holds the
//! directory's place and checksum, so every byte that is read was checked first.

use base::Timestamp;

use super::super::binary::{Cursor, get_front_coded, put_front_coded, put_varint};
use super::super::tier::Tier;
use crate::error::StoreError;

/// Series of a block.
pub(super) const BLOCK_SERIES: usize = 256;
/// Bytes a block or directory may have when it is decompressed.
const DECOMPRESSED_MAX: usize = 256 << 20;
const META_VERSION: u8 = 1;
const DIRECTORY_VERSION: u8 = 1;

/// A stretch of the file and its CRC32C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) crc: u32,
}

impl Extent {
    pub(super) fn of(file: &[u8], offset: usize, len: usize) -> Self {
        Self { offset: offset as u64, len: len as u64, crc: crc32c::crc32c(&file[offset..offset + len]) }
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, self.len);
        put_varint(out, u64::from(self.crc));
    }

    fn get(cursor: &mut Cursor<'_>) -> Option<Self> {
        Some(Self { offset: cursor.varint()?, len: cursor.varint()?, crc: cursor.varint_u32()? })
    }
}

/// What the manifest says of a part beyond rows and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct PartMeta {
    /// First day of the window the rows are in, counted from the epoch, and its length.
    pub(in super::super) start_day: u32,
    pub(in super::super) days: u32,
    /// The finest tier of any row.
    pub(in super::super) finest: Tier,
    /// Parts of one run come from one merge and have no series in common but at their seams.
    pub(in super::super) run: u64,
    pub(super) directory: Extent,
    pub(super) footer: Extent,
}

impl PartMeta {
    pub(in super::super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![META_VERSION, self.finest as u8];
        put_varint(&mut out, u64::from(self.start_day));
        put_varint(&mut out, u64::from(self.days));
        put_varint(&mut out, self.run);
        self.directory.put(&mut out);
        self.footer.put(&mut out);
        out
    }

    pub(in super::super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.byte()? != META_VERSION {
            return None;
        }
        let finest = Tier::from_code(cursor.byte()?)?;
        let (start_day, days, run) = (cursor.varint_u32()?, cursor.varint_u32()?, cursor.varint()?);
        let (directory, footer) = (Extent::get(&mut cursor)?, Extent::get(&mut cursor)?);
        Some(Self { start_day, days, finest, run, directory, footer })
    }
}

/// One row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowGroup {
    pub(super) first_row: u64,
    pub(super) rows: u64,
    pub(super) extent: Extent,
}

/// One block of series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first_key: Vec<u8>,
    pub(super) first_row: u64,
    pub(super) extent: Extent,
}

/// What a part holds and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) row_groups: Vec<RowGroup>,
    pub(super) blocks: Vec<Block>,
}

impl Directory {
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut out = vec![DIRECTORY_VERSION];
        put_varint(&mut out, self.row_groups.len() as u64);
        for group in &self.row_groups {
            put_varint(&mut out, group.rows);
            group.extent.put(&mut out);
        }
        put_varint(&mut out, self.blocks.len() as u64);
        let mut previous: &[u8] = &[];
        for block in &self.blocks {
            put_front_coded(&mut out, previous, &block.first_key);
            previous = &block.first_key;
            put_varint(&mut out, block.first_row);
            block.extent.put(&mut out);
        }
        compress(&out)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = decompress(bytes)?;
        let mut cursor = Cursor::new(&bytes);
        if cursor.byte()? != DIRECTORY_VERSION {
            return None;
        }
        let mut directory = Directory::default();
        let mut first_row = 0u64;
        for _ in 0..cursor.varint()? {
            let rows = cursor.varint()?;
            directory.row_groups.push(RowGroup { first_row, rows, extent: Extent::get(&mut cursor)? });
            first_row = first_row.checked_add(rows)?;
        }
        let mut key = Vec::new();
        for _ in 0..cursor.varint()? {
            get_front_coded(&mut cursor, &mut key)?;
            let first_row = cursor.varint()?;
            directory.blocks.push(Block {
                first_key: key.clone(),
                first_row,
                extent: Extent::get(&mut cursor)?,
            });
        }
        cursor.is_empty().then_some(directory)
    }

    /// Number of the block that would hold `key`.
    pub(super) fn block_of(&self, key: &[u8]) -> Option<usize> {
        self.blocks.partition_point(|block| block.first_key.as_slice() <= key).checked_sub(1)
    }
}

/// The rows of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct SeriesRows {
    pub(in super::super) first_row: u64,
    pub(in super::super) rows: u64,
    pub(in super::super) first_second: u32,
    pub(in super::super) last_second: u32,
}

/// A decoded block: keys in order.
#[derive(Debug, Default)]
pub(in super::super) struct KeyBlock {
    keys: Vec<u8>,
    entries: Vec<(usize, SeriesRows)>,
}

impl KeyBlock {
    pub(super) fn push(&mut self, key: &[u8], rows: SeriesRows) {
        self.keys.extend_from_slice(key);
        self.entries.push((self.keys.len(), rows));
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(in super::super) fn get(&self, at: usize) -> Option<(&[u8], SeriesRows)> {
        let (end, rows) = *self.entries.get(at)?;
        let start = if at == 0 { 0 } else { self.entries[at - 1].0 };
        Some((&self.keys[start..end], rows))
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&[u8], SeriesRows)> {
        (0..self.entries.len()).filter_map(|at| self.get(at))
    }

    pub(super) fn find(&self, key: &[u8]) -> Option<SeriesRows> {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low.midpoint(high);
            let (found, rows) = self.get(middle)?;
            match found.cmp(key) {
                std::cmp::Ordering::Equal => return Some(rows),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::with_capacity(self.keys.len() / 2);
        let mut previous: &[u8] = &[];
        for (key, rows) in self.iter() {
            put_front_coded(&mut out, previous, key);
            previous = key;
            put_varint(&mut out, rows.rows);
            put_varint(&mut out, u64::from(rows.first_second));
            put_varint(&mut out, u64::from(rows.last_second - rows.first_second));
        }
        compress(&out)
    }

    pub(super) fn decode(bytes: &[u8], mut first_row: u64) -> Option<Self> {
        let bytes = decompress(bytes)?;
        let mut cursor = Cursor::new(&bytes);
        let (mut block, mut key) = (KeyBlock::default(), Vec::new());
        while !cursor.is_empty() {
            get_front_coded(&mut cursor, &mut key)?;
            let rows = cursor.varint()?;
            let first_second = cursor.varint_u32()?;
            let last_second = first_second.checked_add(cursor.varint_u32()?)?;
            block.push(&key, SeriesRows { first_row, rows, first_second, last_second });
            first_row = first_row.checked_add(rows)?;
        }
        Some(block)
    }
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::compress(bytes, 1).map_err(|e| StoreError::format("a metric part's index", e))
}

fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = usize::try_from(zstd::zstd_safe::get_frame_content_size(bytes).ok()??).ok()?;
    if size > DECOMPRESSED_MAX {
        return None;
    }
    zstd::bulk::decompress(bytes, size).ok()
}

/// A second as a time.
pub(super) fn timestamp(second: u32) -> Timestamp {
    Timestamp::from_secs(i64::from(second))
}
