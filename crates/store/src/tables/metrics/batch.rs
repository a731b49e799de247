//! A batch of data on its way into the table, and its form in the write-ahead log
//! (`docs/formats/metric-wal.md`).

use base::{Scope, Timestamp};
use signals::{Dist, MetricDatum, MetricValue, Resolution, Unit};
use smallvec::SmallVec;

use super::binary::{Cursor, get_front_coded, put_front_coded, put_signed, put_varint};
use super::head::{Bucket, Value};
use super::key;
use super::tier::Tier;
use crate::error::StoreError;

const VERSION: u8 = 1;
/// Flags of a datum: the unit's code in the low five bits, then these.
const HIGH_RESOLUTION: u8 = 0x20;
const DISTRIBUTION: u8 = 0x40;
const UNIT_MASK: u8 = 0x1f;

/// Data of one account and Region, appended together or not at all. Filling it takes one copy of each
/// datum's names and no allocation per datum.
pub struct MetricBatch {
    scope_prefix: Vec<u8>,
    /// The series keys, one after another.
    keys: Vec<u8>,
    data: Vec<BatchDatum>,
}

struct BatchDatum {
    key_end: u32,
    bucket: Bucket,
}

impl MetricBatch {
    pub fn new(scope: &Scope, capacity: usize) -> Self {
        Self {
            scope_prefix: key::scope_prefix(scope),
            keys: Vec::with_capacity(capacity * 112),
            data: Vec::with_capacity(capacity),
        }
    }

    /// A batch of `data`.
    pub fn of(scope: &Scope, data: Vec<MetricDatum>) -> Result<Self, StoreError> {
        let mut batch = Self::new(scope, data.len());
        for datum in data {
            let MetricDatum { metric, timestamp, unit, resolution, value } = datum;
            let unit = Unit::by_name(&unit)
                .ok_or_else(|| StoreError::format("a metric datum", format!("{unit:?} is not a unit")))?;
            let dimensions = metric.dimensions.iter().map(|d| (&*d.name, &*d.value));
            batch.push(&metric.namespace, &metric.name, dimensions, (timestamp, resolution), unit, value)?;
        }
        Ok(batch)
    }

    /// Adds a datum. Dimensions may come in any order; their names must be distinct.
    pub fn push<'d>(
        &mut self,
        namespace: &str,
        name: &str,
        dimensions: impl Iterator<Item = (&'d str, &'d str)>,
        (timestamp, resolution): (Timestamp, Resolution),
        unit: Unit,
        value: MetricValue,
    ) -> Result<(), StoreError> {
        let tier = Tier::from(resolution);
        let second = u32::try_from(timestamp.as_secs())
            .map_err(|_| StoreError::format("a metric datum", format!("{timestamp:?} is out of range")))?;
        self.keys.extend_from_slice(&self.scope_prefix);
        key::push_field(&mut self.keys, namespace);
        key::push_field(&mut self.keys, name);
        let mut dimensions: SmallVec<[(&str, &str); 8]> = dimensions.collect();
        if !dimensions.is_sorted() {
            dimensions.sort_unstable();
        }
        for (name, value) in dimensions {
            key::push_field(&mut self.keys, name);
            key::push_field(&mut self.keys, value);
        }
        let key_end = u32::try_from(self.keys.len())
            .map_err(|_| StoreError::NoRoom("more metric data at once than a batch holds".to_owned()))?;
        let bucket = Bucket { second: tier.floor(second), unit, tier, value: value.into() };
        self.data.push(BatchDatum { key_end, bucket });
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Series keys and buckets, in the order they were pushed.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &Bucket)> {
        let mut start = 0;
        self.data.iter().map(move |datum| {
            let end = datum.key_end as usize;
            let key = &self.keys[start..end];
            start = end;
            (key, &datum.bucket)
        })
    }

    /// The buckets, in the order they were pushed.
    pub(super) fn into_buckets(self) -> impl Iterator<Item = Bucket> {
        self.data.into_iter().map(|datum| datum.bucket)
    }

    /// The record of this batch.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.keys.len() / 2 + self.data.len() * 16 + 16);
        out.push(VERSION);
        put_varint(&mut out, self.data.len() as u64);
        let (mut previous, mut second) = (&[] as &[u8], 0i64);
        for (key, bucket) in self.entries() {
            put_front_coded(&mut out, previous, key);
            put_signed(&mut out, i64::from(bucket.second) - second);
            (previous, second) = (key, i64::from(bucket.second));
            let high = if bucket.tier == Tier::Second { HIGH_RESOLUTION } else { 0 };
            match &bucket.value {
                Value::Single(value) => {
                    out.push(bucket.unit.code() | high);
                    out.extend_from_slice(&value.to_le_bytes());
                }
                Value::Many(dist) => {
                    out.push(bucket.unit.code() | high | DISTRIBUTION);
                    dist.encode(&mut out);
                }
            }
        }
        out
    }

    /// Calls `each` with every series key and bucket of a record. A record that cannot be decoded to its end
    /// is damaged; `each` may have been called by then.
    pub(super) fn decode(record: &[u8], mut each: impl FnMut(&[u8], Bucket)) -> Result<(), StoreError> {
        let mut cursor = Cursor::new(record);
        let damaged = || StoreError::damaged("a metric record of the log", "it does not decode");
        match cursor.byte() {
            Some(VERSION) => {}
            version => {
                return Err(StoreError::damaged(
                    "a metric record of the log",
                    format!("version {version:?}"),
                ));
            }
        }
        let count = cursor.varint().ok_or_else(damaged)?;
        let (mut key, mut second) = (Vec::new(), 0i64);
        for _ in 0..count {
            let bucket = decode_datum(&mut cursor, &mut key, &mut second).ok_or_else(damaged)?;
            each(&key, bucket);
        }
        if cursor.is_empty() { Ok(()) } else { Err(damaged()) }
    }
}

fn decode_datum(cursor: &mut Cursor<'_>, key: &mut Vec<u8>, second: &mut i64) -> Option<Bucket> {
    get_front_coded(cursor, key)?;
    *second = second.checked_add(cursor.signed()?)?;
    let flags = cursor.byte()?;
    let unit = Unit::by_code(flags & UNIT_MASK)?;
    let tier = if flags & HIGH_RESOLUTION != 0 { Tier::Second } else { Tier::Minute };
    let value = if flags & DISTRIBUTION != 0 {
        Value::Many(Box::new(Dist::decode(cursor.rest()).ok()?))
    } else {
        Value::Single(cursor.f64()?)
    };
    Some(Bucket { second: u32::try_from(*second).ok()?, unit, tier, value })
}
