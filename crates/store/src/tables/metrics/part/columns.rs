//! Buckets as Arrow columns.
//!
//! A column is null where another column already says it, so that a single observation costs a time and a
//! value, and both pack into a byte or two: count is null for 1; the minimum stands in `decimal` (with `scale`
//! decimals) when it is a short decimal number, else in `value`; sum and max are null when count × minimum
//! and minimum; shape is null when all observations are equal.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Float64Builder, Int64Builder, UInt8Builder, UInt16Builder,
    UInt32Builder,
};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, UInt8Type, UInt16Type, UInt32Type,
};
use arrow::record_batch::RecordBatch;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use signals::dist::Shape;
use signals::{Dist, Unit};

use super::super::fold::{Observed, Summary};
use super::super::head::{Bucket, Value};
use super::super::tier::Tier;
use crate::error::StoreError;

/// Columns of a part, in this order.
pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("series", DataType::UInt32, false),
        Field::new("second", DataType::UInt32, false),
        Field::new("unit", DataType::UInt8, false),
        Field::new("period", DataType::UInt16, false),
        Field::new("count", DataType::Float64, true),
        Field::new("scale", DataType::UInt8, false),
        Field::new("decimal", DataType::Int64, true),
        Field::new("value", DataType::Float64, true),
        Field::new("sum", DataType::Float64, true),
        Field::new("max", DataType::Float64, true),
        Field::new("shape", DataType::Binary, true),
    ]))
});

/// Decimals tried.
const SCALE_MAX: u8 = 6;
const POWERS: [f64; SCALE_MAX as usize + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// Above this, whole numbers are no longer exact in a double.
const EXACT_MAX: f64 = (1u64 << 53) as f64;

pub(super) fn writer_properties(row_group_rows: usize) -> WriterProperties {
    let delta = Encoding::DELTA_BINARY_PACKED;
    let split = Encoding::BYTE_STREAM_SPLIT;
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_data_page_row_count_limit(8192)
        .set_created_by("nephoscope".to_owned());
    for (column, encoding) in
        [("second", delta), ("decimal", delta), ("value", split), ("sum", split), ("max", split)]
    {
        let path = ColumnPath::from(column);
        builder =
            builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding);
    }
    builder.set_column_dictionary_enabled(ColumnPath::from("shape"), false).build()
}

/// `value` as a whole number of 10^-scale, if that says exactly the same.
fn to_decimal(value: f64, scale: u8) -> Option<i64> {
    let power = POWERS[usize::from(scale)];
    let whole = (value * power).round();
    (whole.abs() < EXACT_MAX && from_decimal(whole as i64, scale).to_bits() == value.to_bits())
        .then_some(whole as i64)
}

fn from_decimal(whole: i64, scale: u8) -> f64 {
    whole as f64 / POWERS[usize::from(scale).min(POWERS.len() - 1)]
}

/// The scale that suits most values of a series: with one scale, neighbouring values make small steps.
fn common_scale(buckets: &[Bucket]) -> u8 {
    let mut common = 0;
    for bucket in buckets {
        let value = minimum(bucket);
        if to_decimal(value, common).is_none()
            && let Some(scale) = (common + 1..=SCALE_MAX).find(|s| to_decimal(value, *s).is_some())
        {
            common = scale;
        }
    }
    common
}

fn minimum(bucket: &Bucket) -> f64 {
    match &bucket.value {
        Value::Single(value) => *value,
        Value::Many(dist) => dist.min,
    }
}

/// Rows on their way into a row group.
#[derive(Default)]
pub(super) struct Columns {
    rows: usize,
    series: UInt32Builder,
    second: UInt32Builder,
    unit: UInt8Builder,
    period: UInt16Builder,
    count: Float64Builder,
    scale: UInt8Builder,
    decimal: Int64Builder,
    value: Float64Builder,
    sum: Float64Builder,
    max: Float64Builder,
    shape: BinaryBuilder,
    scratch: Vec<u8>,
}

impl Columns {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends rows of one series, which has number `series` in the part.
    pub(super) fn push(&mut self, series: u32, buckets: &[Bucket]) {
        let common = common_scale(buckets);
        for bucket in buckets {
            self.rows += 1;
            self.series.append_value(series);
            self.second.append_value(bucket.second);
            self.unit.append_value(bucket.unit.code());
            self.period.append_value(bucket.tier.secs() as u16);
            let min = minimum(bucket);
            match to_decimal(min, common) {
                Some(whole) => {
                    self.scale.append_value(common);
                    self.decimal.append_value(whole);
                    self.value.append_null();
                }
                None => {
                    self.scale.append_value(0);
                    self.decimal.append_null();
                    self.value.append_value(min);
                }
            }
            match &bucket.value {
                Value::Single(_) => {
                    self.count.append_null();
                    self.sum.append_null();
                    self.max.append_null();
                    self.shape.append_null();
                }
                Value::Many(dist) => self.push_dist(dist),
            }
        }
    }

    fn push_dist(&mut self, dist: &Dist) {
        let unless = |value: f64, implied: f64| (value.to_bits() != implied.to_bits()).then_some(value);
        self.count.append_option(unless(dist.count, 1.0));
        self.sum.append_option(unless(dist.sum, dist.count * dist.min));
        self.max.append_option(unless(dist.max, dist.min));
        if matches!(dist.shape, Shape::Constant) {
            self.shape.append_null();
        } else {
            self.scratch.clear();
            dist.encode_shape(&mut self.scratch);
            self.shape.append_value(&self.scratch);
        }
    }

    /// The rows, leaving none.
    pub(super) fn take(&mut self) -> Result<RecordBatch, StoreError> {
        self.rows = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.series.finish()),
            Arc::new(self.second.finish()),
            Arc::new(self.unit.finish()),
            Arc::new(self.period.finish()),
            Arc::new(self.count.finish()),
            Arc::new(self.scale.finish()),
            Arc::new(self.decimal.finish()),
            Arc::new(self.value.finish()),
            Arc::new(self.sum.finish()),
            Arc::new(self.max.finish()),
            Arc::new(self.shape.finish()),
        ];
        RecordBatch::try_new(SCHEMA.clone(), columns).map_err(|e| StoreError::format("metric rows", e))
    }
}

/// A row.
pub(in super::super) struct Row {
    pub(in super::super) second: u32,
    pub(in super::super) unit: Unit,
    pub(in super::super) tier: Tier,
    pub(in super::super) value: RowValue,
}

pub(in super::super) enum RowValue {
    Single(f64),
    /// Where the shape was not asked for.
    Summary(Summary),
    Many(Dist),
}

impl Row {
    pub(super) fn into_bucket(self) -> Bucket {
        let Row { second, unit, tier, value } = self;
        let value = match value {
            RowValue::Single(value) => Value::Single(value),
            RowValue::Many(dist) => Value::Many(Box::new(dist)),
            RowValue::Summary(Summary { count, sum, min, max }) => {
                Value::Many(Box::new(Dist::from_statistic_set(count, sum, min, max)))
            }
        };
        Bucket { second, unit, tier, value }
    }
}

impl RowValue {
    pub(in super::super) fn observed(&self) -> Observed<'_> {
        match self {
            RowValue::Single(value) => Observed::Single(*value),
            RowValue::Summary(summary) => Observed::Summary(*summary),
            RowValue::Many(dist) => Observed::Many(dist),
        }
    }
}

/// Columns that hold nothing in most row groups, which need not be read then.
pub(super) const OFTEN_EMPTY: [&str; 5] = ["count", "value", "sum", "max", "shape"];

/// Shows the rows of a batch, with their shapes or without; the columns of the series, of shapes that are not asked
/// for, and of [`OFTEN_EMPTY`] those without values need not be there. `None` if the batch is not what [`Columns`]
/// makes.
pub(super) fn visit(batch: &RecordBatch, shapes: bool, mut take: impl FnMut(Row)) -> Option<()> {
    let column = |name: &str| batch.column_by_name(name);
    let second = column("second")?.as_primitive_opt::<UInt32Type>()?;
    let unit = column("unit")?.as_primitive_opt::<UInt8Type>()?;
    let period = column("period")?.as_primitive_opt::<UInt16Type>()?;
    let scale = column("scale")?.as_primitive_opt::<UInt8Type>()?;
    let decimal = column("decimal")?.as_primitive_opt::<Int64Type>()?;
    let filled = |name: &str| column(name).filter(|column| column.null_count() < batch.num_rows());
    let numbers = |name: &str| match filled(name) {
        Some(column) => column.as_primitive_opt::<Float64Type>().map(Some),
        None => Some(None),
    };
    let (count, value) = (numbers("count")?, numbers("value")?);
    let (sum, max) = (numbers("sum")?, numbers("max")?);
    let shape = match filled("shape").filter(|_| shapes) {
        Some(column) => Some(column.as_binary_opt::<i32>()?),
        None => None,
    };
    let at = |column: Option<&arrow::array::Float64Array>, row: usize| {
        column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
    };
    // Most stretches of rows hold single observations only.
    let plain = count.is_none() && sum.is_none() && max.is_none() && shape.is_none();
    if plain && decimal.null_count() == 0 {
        let numbers = decimal.values().iter().zip(scale.values()).map(|(d, s)| from_decimal(*d, *s));
        let places = second.values().iter().zip(unit.values()).zip(period.values());
        // Neighbours share unit and tier almost always.
        let mut last: Option<((u8, u16), (Unit, Tier))> = None;
        for (((second, unit), period), number) in places.zip(numbers) {
            let (unit, tier) = match last {
                Some((codes, decoded)) if codes == (*unit, *period) => decoded,
                _ => {
                    let decoded = (Unit::by_code(*unit)?, Tier::from_secs(u32::from(*period))?);
                    last = Some(((*unit, *period), decoded));
                    decoded
                }
            };
            take(Row { second: *second, unit, tier, value: RowValue::Single(number) });
        }
        return Some(());
    }
    for row in 0..batch.num_rows() {
        let min = if decimal.is_valid(row) {
            from_decimal(decimal.value(row), scale.value(row))
        } else {
            at(value, row)?
        };
        let shape = shape.filter(|shape| shape.is_valid(row));
        let (own_count, own_sum, own_max) = (at(count, row), at(sum, row), at(max, row));
        let single = shape.is_none() && own_count.is_none() && own_sum.is_none() && own_max.is_none();
        let value = if single {
            RowValue::Single(min)
        } else {
            let count = own_count.unwrap_or(1.0);
            let (sum, max) = (own_sum.unwrap_or(count * min), own_max.unwrap_or(min));
            if shapes {
                let shape = match shape {
                    Some(shape) => Dist::decode_shape(&mut shape.value(row)).ok()?,
                    None => Shape::Constant,
                };
                RowValue::Many(Dist { count, sum, min, max, shape })
            } else {
                RowValue::Summary(Summary { count, sum, min, max })
            }
        };
        take(Row {
            second: second.value(row),
            unit: Unit::by_code(unit.value(row))?,
            tier: Tier::from_secs(u32::from(period.value(row)))?,
            value,
        });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_decimals_become_whole_numbers_and_nothing_changes() {
        for (value, scale, whole) in
            [(0.0, 0, 0), (12.0, 0, 12), (-12.25, 2, -1225), (0.1, 1, 1), (99.99, 2, 9999)]
        {
            assert_eq!(to_decimal(value, scale), Some(whole), "{value}");
            assert_eq!(from_decimal(whole, scale).to_bits(), f64::to_bits(value));
        }
        for value in [-0.0, 1.0 / 3.0, 1e300, f64::MIN_POSITIVE, 1e-7, 9.1e15] {
            assert!((0..=SCALE_MAX).all(|scale| to_decimal(value, scale).is_none()), "{value}");
        }
    }

    #[test]
    fn every_kind_of_bucket_comes_back() {
        let many = |dist: Dist| Value::Many(Box::new(dist));
        let values = [
            Value::Single(3.5),
            Value::Single(-0.0),
            Value::Single(std::f64::consts::PI),
            many(Dist::constant(0.1, 3.0)),
            many(Dist::from_statistic_set(4.0, 22.0, 5.0, 6.0)),
            many(Dist::from_pairs([(1.0, 2.0), (2.5, 1.0)]).unwrap()),
            many(Dist { sum: 30.000_000_001, ..Dist::constant(10.0, 3.0) }),
        ];
        let buckets: Vec<Bucket> = (0..)
            .zip(values)
            .map(|(i, value)| Bucket {
                second: i,
                unit: Unit::by_code(26).unwrap(),
                tier: Tier::Second,
                value,
            })
            .collect();
        let mut columns = Columns::default();
        columns.push(0, &buckets);
        let mut read_back = Vec::new();
        visit(&columns.take().unwrap(), true, |row| read_back.push(row.into_bucket())).unwrap();
        assert_eq!(read_back, buckets);
    }
}
