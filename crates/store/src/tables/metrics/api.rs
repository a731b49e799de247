//! What callers of the metric table name: filters, datapoints, sizes.

use std::sync::Arc;

use base::Timestamp;
use signals::Dist;

/// Sizes of the table.
#[derive(Debug, Clone)]
pub struct MetricTableConfig {
    /// The head is flushed when it holds more than this.
    pub head_bytes_flush: usize,
    /// Appends are refused while head and frozen head hold more than this.
    pub head_bytes_max: usize,
    /// The head is flushed when its oldest record has been there this long, in seconds.
    pub flush_after_secs: i64,
    /// Series known at once; appends that would create more are refused.
    pub series_max: usize,
    /// A part is cut when it has reached this size.
    pub part_bytes_max: usize,
    /// Rows of a row group, the unit that is read and checked.
    pub row_group_rows: usize,
}

impl Default for MetricTableConfig {
    fn default() -> Self {
        Self {
            head_bytes_flush: 128 << 20,
            head_bytes_max: 512 << 20,
            flush_after_secs: 2 * 3600,
            series_max: 4_000_000,
            part_bytes_max: 64 << 20,
            row_group_rows: 65_536,
        }
    }
}

/// A dimension a listed metric must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionFilter {
    pub name: Arc<str>,
    /// `None` accepts every value.
    pub value: Option<Arc<str>>,
}

/// Which metrics to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricFilter {
    pub namespace: Option<Arc<str>>,
    pub name: Option<Arc<str>>,
    /// All of them must be met; the metric may have more dimensions.
    pub dimensions: Vec<DimensionFilter>,
    /// Only metrics with a datapoint stamped at or after this; [`Timestamp::EPOCH`] means any.
    pub active_since: Timestamp,
}

/// What is kept of one metric for one period and unit.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDatapoint {
    /// Start of the stored period.
    pub timestamp: Timestamp,
    /// One of CloudWatch's 27 unit names.
    pub unit: &'static str,
    /// Length of the stored period in seconds: 1, 60, 300 or 3600.
    pub period_secs: u32,
    pub dist: Dist,
}
