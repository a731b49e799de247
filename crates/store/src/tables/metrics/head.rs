//! Buckets: what the head keeps of a series, and the row of a part.

use base::Timestamp;
use signals::{Dist, MetricValue, Unit};

use super::api::StoredDatapoint;
use super::tier::Tier;

/// The observations of one series in one stored period and unit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bucket {
    /// Start of the period, in seconds since the epoch; a multiple of the tier's period.
    pub(super) second: u32,
    pub(super) unit: Unit,
    pub(super) tier: Tier,
    pub(super) value: Value,
}

/// A distribution; the common single observation takes no allocation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Single(f64),
    Many(Box<Dist>),
}

impl Bucket {
    /// What a series has at most one bucket of, in the order buckets are kept.
    pub(super) fn slot(&self) -> (u32, Unit, Tier) {
        (self.second, self.unit, self.tier)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match &self.value {
            Value::Single(_) => 0,
            Value::Many(dist) => size_of::<Dist>() + dist.heap_bytes(),
        }
    }

    pub(super) fn into_datapoint(self) -> StoredDatapoint {
        StoredDatapoint {
            timestamp: Timestamp::from_secs(i64::from(self.second)),
            unit: self.unit.name(),
            period_secs: self.tier.secs(),
            dist: self.value.into_dist(),
        }
    }
}

impl Value {
    pub(super) fn into_dist(self) -> Dist {
        match self {
            Value::Single(value) => Dist::single(value),
            Value::Many(dist) => *dist,
        }
    }

    fn merge(&mut self, other: Value) {
        if let Value::Single(value) = self {
            *self = Value::Many(Box::new(Dist::single(*value)));
        }
        if let Value::Many(dist) = self {
            match other {
                Value::Single(value) => dist.add(value, 1.0),
                Value::Many(other) => dist.merge(&other),
            }
        }
    }
}

impl From<MetricValue> for Value {
    fn from(value: MetricValue) -> Self {
        match value {
            MetricValue::Single(value) => Value::Single(value),
            MetricValue::Distribution(dist) => Value::Many(Box::new(dist)),
        }
    }
}

/// Adds a bucket to sorted buckets; returns by how many bytes they grew.
pub(super) fn insert(buckets: &mut Vec<Bucket>, bucket: Bucket) -> usize {
    let slot = bucket.slot();
    // Data come in order almost always.
    let at = match buckets.last().map(|last| last.slot().cmp(&slot)) {
        None | Some(std::cmp::Ordering::Less) => Err(buckets.len()),
        Some(std::cmp::Ordering::Equal) => Ok(buckets.len() - 1),
        Some(std::cmp::Ordering::Greater) => buckets.binary_search_by_key(&slot, Bucket::slot),
    };
    match at {
        Ok(at) => {
            let before = buckets[at].heap_bytes();
            buckets[at].value.merge(bucket.value);
            buckets[at].heap_bytes().saturating_sub(before)
        }
        Err(at) => {
            let grown = size_of::<Bucket>() + bucket.heap_bytes();
            buckets.insert(at, bucket);
            grown
        }
    }
}

/// Merges neighbours with the same slot.
pub(super) fn merge_sorted(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut merged: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match merged.last_mut() {
            Some(last) if last.slot() == bucket.slot() => last.value.merge(bucket.value),
            _ => merged.push(bucket),
        }
    }
    merged
}

/// One sorted list of the buckets of one series from several sorted ones.
pub(super) fn merge_lists(mut lists: Vec<Vec<Bucket>>) -> Vec<Bucket> {
    lists.retain(|list| !list.is_empty());
    if lists.len() <= 1 {
        return lists.pop().unwrap_or_default();
    }
    let mut all = lists.concat();
    // A stable sort of sorted runs is a merge of them.
    all.sort_by_key(Bucket::slot);
    merge_sorted(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_stays_small_and_late_data_find_their_place() {
        assert_eq!(size_of::<Bucket>(), 24);
        let bucket =
            |second, v| Bucket { second, unit: Unit::NONE, tier: Tier::Second, value: Value::Single(v) };
        let mut buckets = Vec::new();
        for (second, value) in [(10, 1.0), (20, 2.0), (5, 3.0), (10, 4.0), (20, 2.0)] {
            insert(&mut buckets, bucket(second, value));
        }
        let seen: Vec<_> = buckets.into_iter().map(|b| (b.second, b.value.into_dist().pairs())).collect();
        let expected = [(5, vec![(3.0, 1.0)]), (10, vec![(1.0, 1.0), (4.0, 1.0)]), (20, vec![(2.0, 2.0)])];
        assert_eq!(seen, expected);
    }
}
