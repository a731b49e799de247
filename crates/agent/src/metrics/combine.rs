//! Samples of one series and one moment become one datum of values with counts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Sample;

/// Distinct values of a datum (API_MetricDatum.html).
const VALUES_MAX: usize = 150;
const DIMENSIONS_MAX: usize = 30;
/// Data held while they cannot be sent; the oldest go first.
const HELD_MAX: usize = 200_000;

/// A series at a moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Floored to the resolution.
    at_secs: i64,
    name: String,
    dimensions: BTreeMap<String, String>,
    unit: &'static str,
    high_resolution: bool,
}

/// Values and their counts by the value's bits, in numeric order.
type Values = BTreeMap<u64, f64>;

/// What waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Combined {
    places: BTreeMap<Place, Values>,
    dropped: u64,
}

impl Combined {
    pub(crate) fn add(&mut self, sample: Sample) {
        if !sample.value.is_finite() || !sample.weight.is_finite() || sample.weight <= 0.0 {
            return;
        }
        let resolution = if sample.high_resolution { 1 } else { 60 };
        let mut dimensions = sample.dimensions;
        dimensions.retain(|name, value| !name.is_empty() && !value.trim().is_empty());
        while dimensions.len() > DIMENSIONS_MAX {
            dimensions.pop_last();
        }
        let place = Place {
            at_secs: sample.at.as_secs().div_euclid(resolution) * resolution,
            name: sample.name,
            dimensions,
            unit: sample.unit,
            high_resolution: sample.high_resolution,
        };
        if self.places.len() >= HELD_MAX && !self.places.contains_key(&place) {
            self.places.pop_first();
            self.dropped += 1;
        }
        *self.places.entry(place).or_default().entry(ordered(sample.value)).or_default() += sample.weight;
    }

    /// How many data were dropped since the last call.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Everything as data of PutMetricData.
    pub(crate) fn take(&mut self) -> Vec<Value> {
        let mut data = Vec::with_capacity(self.places.len());
        for (place, values) in std::mem::take(&mut self.places) {
            let values: Vec<(u64, f64)> = values.into_iter().collect();
            data.extend(values.chunks(VALUES_MAX).map(|chunk| datum(&place, chunk)));
        }
        data
    }
}

fn datum(place: &Place, values: &[(u64, f64)]) -> Value {
    let dimensions: Vec<Value> =
        place.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
    let mut datum = json!({
        "MetricName": place.name,
        "Dimensions": dimensions,
        "Timestamp": place.at_secs,
        "Unit": place.unit,
        "StorageResolution": if place.high_resolution { 1 } else { 60 },
    });
    match values {
        [(bits, count)] if *count == 1.0 => datum["Value"] = json!(value_of(*bits)),
        values => {
            datum["Values"] = values.iter().map(|(bits, _)| json!(value_of(*bits))).collect();
            datum["Counts"] = values.iter().map(|(_, count)| json!(count)).collect();
        }
    }
    datum
}

/// Bits that order as the numbers do.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn value_of(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use base::Timestamp;

    use super::*;

    fn sample(value: f64, at: i64) -> Sample {
        Sample {
            name: "m".to_owned(),
            unit: "Count",
            dimensions: BTreeMap::from([
                ("a".to_owned(), "b".to_owned()),
                ("empty".to_owned(), String::new()),
            ]),
            at: Timestamp::from_secs(at),
            value,
            weight: 1.0,
            high_resolution: false,
        }
    }

    #[test]
    fn numbers_keep_their_order_and_value() {
        let numbers = [-1e300, -2.5, -0.0, 1e-300, 3.0, 1e300];
        assert!(numbers.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(numbers.iter().all(|number| value_of(ordered(*number)) == *number));
    }

    #[test]
    fn vector_12_a_datum_has_150_values_at_most() {
        let mut combined = Combined::default();
        (0..200).for_each(|n| combined.add(sample(f64::from(n), 61)));
        let data = combined.take();
        let lengths: Vec<usize> =
            data.iter().map(|datum| datum["Values"].as_array().unwrap().len()).collect();
        assert_eq!(lengths, [150, 50]);
        assert_eq!(data[0]["Timestamp"], 60);
        assert_eq!(data[0]["Dimensions"], json!([{"Name": "a", "Value": "b"}]));
        assert!(combined.take().is_empty());
    }

    #[test]
    fn equal_values_are_counted_and_odd_ones_left_out() {
        let mut combined = Combined::default();
        for value in [5.0, 5.0, 7.0, f64::NAN, f64::INFINITY] {
            combined.add(sample(value, 0));
        }
        combined.add(sample(1.0, 60));
        let data = combined.take();
        assert_eq!(data[0]["Values"], json!([5.0, 7.0]));
        assert_eq!(data[0]["Counts"], json!([2.0, 1.0]));
        assert_eq!((&data[1]["Value"], data.len()), (&json!(1.0), 2));
    }
}
