//! Encodes a block as a part's object.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit, TimestampMillisecondType};
use arrow::record_batch::RecordBatch;
use base::Timestamp;
use bytes::Bytes;
use hashbrown::HashSet;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding as ParquetEncoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::schema::types::ColumnPath;

use super::super::StreamStats;
use super::super::block::Block;
use super::super::index::{GRANULE_ROWS, bloom, bloom_columns, trigrams};
use super::super::json::Class;
use super::super::layout::{put_count, put_i64, put_u64, union};
use super::super::merge::message_lengths;
use super::super::stats::{SourceStats, StreamEntry};
use super::super::values::Encoding;
use super::meta::{PartMeta, VERSION};
use super::object::checks_of;
use crate::error::StoreError;

/// Rows of a row group when messages are of usual size.
const ROW_GROUP_ROWS: usize = 131_072;
/// Messages kept as text may make a row group this large.
const ROW_GROUP_TEXT_BYTES: usize = 64 << 20;
const PAGE_BYTES_MAX: usize = 4 << 20;
const DICTIONARY_BYTES_MAX: usize = 8 << 20;
/// Compression level of Parquet pages and of the index.
const ZSTD_LEVEL: i32 = 1;

/// Columns in front of those of the fields.
pub(crate) const FIXED_COLUMNS: [&str; 6] =
    ["@timestamp", "@sequence", "@ingestionTime", "@logStream", "@template", "@message"];

/// A part ready to be put.
pub(crate) struct EncodedPart {
    pub(crate) object: Bytes,
    pub(crate) meta: Vec<u8>,
    pub(crate) rows: u64,
    pub(crate) min_time: Timestamp,
    pub(crate) max_time: Timestamp,
}

/// Name of a field's column in the object: one letter for the class, then the path.
fn column_name(path: &str, class: Class) -> String {
    let letter = match class {
        Class::String => 's',
        Class::Number => 'n',
        Class::Bool => 'b',
    };
    format!("{letter}:{path}")
}

/// Encodes a complete block in order, which must have rows.
pub(crate) fn encode_part(block: &Block) -> Result<EncodedPart, StoreError> {
    let format = |e: parquet::errors::ParquetError| StoreError::format("a log part", e);
    let missing = || StoreError::damaged("log rows", "a column is not loaded");
    let text_bytes = block.texts.as_ref().map_or(0, |t| t.value_data().len());
    let row_group_rows = row_group_rows(block.rows(), text_bytes);
    let lengths = message_lengths(block)?;
    let stats = stats_of(block, &lengths);

    let (schema, columns) = columns_of(block).ok_or_else(missing)?;
    let schema = Arc::new(schema);
    let properties = properties(block, &columns, row_group_rows);
    let buffer = Vec::with_capacity(block.rows() * 32 + text_bytes / 4 + 4096);
    let mut writer = ArrowWriter::try_new(buffer, schema.clone(), Some(properties)).map_err(format)?;
    let batch = RecordBatch::try_new(schema, columns).map_err(|e| StoreError::format("a log part", e))?;
    for start in (0..block.rows()).step_by(row_group_rows) {
        let rows = row_group_rows.min(block.rows() - start);
        writer.write(&batch.slice(start, rows)).map_err(format)?;
        writer.flush().map_err(format)?;
    }
    let mut meta = PartMeta {
        row_group_rows,
        kinds: Default::default(),
        unshredded: block.layout.unshredded.clone(),
        ..PartMeta::default()
    };
    for column in &block.layout.columns {
        let kind = column.kind();
        meta.kinds.entry(column.path.clone()).and_modify(|k| *k = union(*k, kind)).or_insert(kind);
    }
    write_sections(&mut writer, block, &lengths, &mut meta)?;
    writer.append_key_value_metadata(KeyValue::new(
        "nephoscope.layout".to_owned(),
        format!("{} {}", meta.layout.start, meta.layout.end),
    ));
    writer.append_key_value_metadata(KeyValue::new("nephoscope.version".to_owned(), VERSION.to_string()));
    meta.footer = writer.bytes_written() as u64;
    let object = writer.into_inner().map_err(format)?;
    meta.checks = checks_of(&object);
    Ok(EncodedPart {
        meta: meta.encode(&stats),
        rows: block.rows() as u64,
        min_time: block.timestamp(0),
        max_time: block.timestamp(block.rows() - 1),
        object: Bytes::from(object),
    })
}

fn row_group_rows(rows: usize, text_bytes: usize) -> usize {
    let by_text = match text_bytes {
        0 => ROW_GROUP_ROWS,
        bytes => (ROW_GROUP_TEXT_BYTES as u128 * rows as u128 / bytes as u128) as usize,
    };
    (by_text / GRANULE_ROWS * GRANULE_ROWS).clamp(GRANULE_ROWS, ROW_GROUP_ROWS)
}

fn stats_of(block: &Block, lengths: &[u32]) -> SourceStats {
    let mut stats = SourceStats::default();
    let Some((keys, names)) = block.stream_keys() else { return stats };
    let mut by_key: Vec<Option<StreamEntry>> = vec![None; names.len()];
    for (row, length) in lengths.iter().enumerate() {
        let at = block.timestamp(row);
        let ingested = block.ingestion_times.as_ref().map_or(0, |a| a.value(row));
        let ingested = Timestamp::from_millis(ingested);
        let sequence = block.sequence(row);
        let entry = by_key[keys.value(row) as usize].get_or_insert(StreamEntry {
            stats: StreamStats {
                first_event: at,
                last_event: at,
                last_ingestion: ingested,
                events: 0,
                message_bytes: 0,
            },
            max_sequence: sequence,
        });
        entry.stats.last_event = at;
        entry.stats.last_ingestion = entry.stats.last_ingestion.max(ingested);
        entry.stats.events += 1;
        entry.stats.message_bytes += u64::from(*length);
        entry.max_sequence = entry.max_sequence.max(sequence);
    }
    for (name, entry) in names.iter().zip(by_key) {
        if let (Some(name), Some(entry)) = (name, entry) {
            stats.add(&name.into(), entry);
        }
    }
    stats
}

fn columns_of(block: &Block) -> Option<(Schema, Vec<ArrayRef>)> {
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let times = |a: &arrow::array::Int64Array| -> ArrayRef {
        Arc::new(a.reinterpret_cast::<TimestampMillisecondType>())
    };
    let mut fields = vec![
        Field::new(FIXED_COLUMNS[0], time.clone(), false),
        Field::new(FIXED_COLUMNS[1], DataType::UInt64, false),
        Field::new(FIXED_COLUMNS[2], time, false),
        Field::new(FIXED_COLUMNS[3], Encoding::Dictionary.data_type(), false),
        Field::new(FIXED_COLUMNS[4], DataType::Int32, false),
        Field::new(FIXED_COLUMNS[5], DataType::Utf8, true),
    ];
    let mut columns: Vec<ArrayRef> = vec![
        times(&block.timestamps),
        Arc::new(block.sequences.clone()?),
        times(block.ingestion_times.as_ref()?),
        block.streams.clone()?,
        Arc::new(block.templates.clone()?),
        Arc::new(block.texts.clone()?),
    ];
    for (column, array) in block.layout.columns.iter().zip(&block.fields) {
        let name = column_name(&column.path, column.class);
        fields.push(Field::new(name, column.encoding.data_type(), true));
        columns.push(array.clone()?);
    }
    Some((Schema::new(fields), columns))
}

fn properties(block: &Block, columns: &[ArrayRef], row_group_rows: usize) -> WriterProperties {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default());
    let mut builder = WriterProperties::builder()
        .set_created_by("nephoscope".to_owned())
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(zstd)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_data_page_row_count_limit(GRANULE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES_MAX)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX);
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    for name in &FIXED_COLUMNS[..3] {
        builder = plain(builder, path(name), ParquetEncoding::DELTA_BINARY_PACKED);
    }
    builder = plain(builder, path(FIXED_COLUMNS[5]), ParquetEncoding::DELTA_LENGTH_BYTE_ARRAY);
    for (column, array) in block.layout.columns.iter().zip(&columns[FIXED_COLUMNS.len()..]) {
        let path = path(&column_name(&column.path, column.class));
        builder = match column.encoding {
            Encoding::Dictionary | Encoding::Bool => builder,
            Encoding::Text => plain(builder, path, ParquetEncoding::DELTA_LENGTH_BYTE_ARRAY),
            // Random bytes only cost time to compress.
            Encoding::Hex(_) => plain(builder, path.clone(), ParquetEncoding::PLAIN)
                .set_column_compression(path, Compression::UNCOMPRESSED),
            Encoding::Time => plain(builder, path, ParquetEncoding::DELTA_BINARY_PACKED),
            Encoding::Double => plain(builder, path, ParquetEncoding::BYTE_STREAM_SPLIT),
            Encoding::Integer | Encoding::Decimal(_) => match integer_encoding(array) {
                None => builder,
                Some(encoding) => plain(builder, path, encoding),
            },
        };
    }
    builder.build()
}

fn plain(
    builder: WriterPropertiesBuilder,
    column: ColumnPath,
    encoding: ParquetEncoding,
) -> WriterPropertiesBuilder {
    builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding)
}

/// `None` is a dictionary: for few values. Deltas are for values that follow on one another; else each byte
/// of the values is compressed on its own.
fn integer_encoding(array: &ArrayRef) -> Option<ParquetEncoding> {
    const SAMPLE: usize = 16_384;
    const DISTINCT_MAX: usize = 1024;
    let values = array.as_primitive::<Int64Type>().values();
    let sample = &values[..values.len().min(SAMPLE)];
    let mut distinct = HashSet::with_capacity(DISTINCT_MAX);
    for value in sample {
        distinct.insert(*value);
        if distinct.len() > DISTINCT_MAX {
            break;
        }
    }
    if distinct.len() <= DISTINCT_MAX {
        return None;
    }
    let bits = |v: i64| u64::from(64 - v.unsigned_abs().leading_zeros());
    let of_values: u64 = sample.iter().map(|v| bits(*v)).sum();
    let of_deltas: u64 = sample.windows(2).map(|w| bits(w[1].wrapping_sub(w[0]))).sum();
    Some(match of_deltas * 10 < of_values * 7 {
        true => ParquetEncoding::DELTA_BINARY_PACKED,
        false => ParquetEncoding::BYTE_STREAM_SPLIT,
    })
}

/// Layout, granules and indexes, behind the row groups and before Parquet's footer.
fn write_sections(
    writer: &mut ArrowWriter<Vec<u8>>,
    block: &Block,
    lengths: &[u32],
    meta: &mut PartMeta,
) -> Result<(), StoreError> {
    let mut layout = Vec::new();
    block.layout.encode(&mut layout);
    put_count(&mut layout, block.rows().div_ceil(GRANULE_ROWS));
    for (nth, lengths) in lengths.chunks(GRANULE_ROWS).enumerate() {
        let first = nth * GRANULE_ROWS;
        let last = first + lengths.len() - 1;
        for row in [first, last] {
            put_i64(&mut layout, block.timestamps.value(row));
            put_u64(&mut layout, block.sequence(row));
        }
        put_u64(&mut layout, lengths.iter().map(|l| u64::from(*l)).sum());
        put_u64(&mut layout, u64::from(lengths.iter().copied().max().unwrap_or_default()));
        let sequences = (first..=last).map(|row| block.sequence(row));
        put_u64(&mut layout, sequences.clone().min().unwrap_or_default());
        put_u64(&mut layout, sequences.max().unwrap_or_default());
    }
    meta.layout = section(writer, &compress(&layout)?)?;
    meta.trigrams = section(writer, &compress(&trigrams(block)?)?)?;
    for column in bloom_columns(block) {
        if let Some(array) = &block.fields[column] {
            let filters = bloom(&block.layout.columns[column], array);
            meta.blooms.push((column as u32, section(writer, &filters)?));
        }
    }
    Ok(())
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut out = (bytes.len() as u64).to_le_bytes().to_vec();
    let packed = zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(|e| StoreError::format("a log part", e))?;
    out.extend_from_slice(&packed);
    Ok(out)
}

fn section(writer: &mut ArrowWriter<Vec<u8>>, bytes: &[u8]) -> Result<std::ops::Range<u64>, StoreError> {
    let start = writer.bytes_written() as u64;
    writer.write_all(bytes).map_err(|e| StoreError::io("a log part", e))?;
    Ok(start..writer.bytes_written() as u64)
}
