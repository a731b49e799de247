//! Metric data, as CloudWatch accepts them.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>.

use std::sync::Arc;

use base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::dist::Dist;

/// A name/value pair that is part of a metric's identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dimension {
    pub name: Arc<str>,
    pub value: Arc<str>,
}

/// What makes two data belong to the same metric, inside one account and Region. The unit is not
/// part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MetricIdentity {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    /// Sorted by name; names are distinct. [`MetricIdentity::new`] keeps that.
    pub dimensions: Arc<[Dimension]>,
}

impl MetricIdentity {
    pub fn new(namespace: &str, name: &str, mut dimensions: Vec<Dimension>) -> Self {
        dimensions.sort();
        Self { namespace: namespace.into(), name: name.into(), dimensions: dimensions.into() }
    }
}

/// The 27 units, in the order of their codes in stored data: append only.
pub const UNITS: [&str; 27] = [
    "None",
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
];

/// Whether CloudWatch stores this number: finite, and of a magnitude between 2^-360 and 2^360, or zero.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>.
pub fn is_storable(value: f64) -> bool {
    const MAGNITUDE_MAX: f64 = f64::from_bits((1023 + 360) << 52);
    const MAGNITUDE_MIN: f64 = f64::from_bits((1023 - 360) << 52);
    value == 0.0 || (MAGNITUDE_MIN..=MAGNITUDE_MAX).contains(&value.abs())
}

/// A unit by its place in [`UNITS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Unit(u8);

impl Unit {
    /// The unit named `None`.
    pub const NONE: Unit = Unit(0);

    /// The unit of this name, if it is one of the 27.
    pub fn by_name(name: &str) -> Option<Self> {
        UNITS.iter().position(|unit| *unit == name).map(|code| Self(code as u8))
    }

    pub fn by_code(code: u8) -> Option<Self> {
        (usize::from(code) < UNITS.len()).then_some(Self(code))
    }

    pub fn code(self) -> u8 {
        self.0
    }

    pub fn name(self) -> &'static str {
        UNITS[usize::from(self.0)]
    }
}

/// Finest period a datum can be read at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resolution {
    /// `StorageResolution` 1.
    High,
    /// `StorageResolution` 60.
    Standard,
}

impl Resolution {
    pub fn secs(self) -> u32 {
        match self {
            Resolution::High => 1,
            Resolution::Standard => 60,
        }
    }
}

/// What a datum says about its values.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// One observation: by far the most frequent form, kept free of allocation.
    Single(f64),
    /// Values with counts, or a statistic set.
    Distribution(Dist),
}

/// One datum of a PutMetricData call, or of any other producer of metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricDatum {
    pub metric: MetricIdentity,
    /// Floored to the second (high resolution) or the minute (standard) by the store.
    pub timestamp: Timestamp,
    /// One of CloudWatch's 27 unit names; `None` is the unit named `None`.
    pub unit: Arc<str>,
    pub resolution: Resolution,
    pub value: MetricValue,
}
