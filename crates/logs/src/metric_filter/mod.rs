//! Metric filters: the record that is kept of one, what is accepted, and the metric data they make of events
//! (`spec/filter-patterns.md` §7–8).

mod compiled;
pub(crate) mod defaults;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::group::FoundGroup;

pub(crate) use compiled::{CompiledFilter, Sample};

/// Metric filters of a log group.
pub(crate) const FILTERS_MAX: usize = 100;

/// What is kept of a metric filter; group and filter name are in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricFilter {
    pub(crate) creation_time: Timestamp,
    pub(crate) pattern: String,
    pub(crate) transformation: Transformation,
    pub(crate) apply_on_transformed_logs: bool,
    pub(crate) field_selection_criteria: Option<String>,
    /// `@aws.account`, `@aws.region`.
    pub(crate) system_dimensions: Vec<String>,
}

/// What a matching event becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transformation {
    pub(crate) metric_name: String,
    pub(crate) metric_namespace: String,
    /// A number, or a reference to a value of the event.
    pub(crate) metric_value: String,
    pub(crate) default_value: Option<f64>,
    /// Name to reference.
    pub(crate) dimensions: BTreeMap<String, String>,
    /// One of CloudWatch's 27 names.
    pub(crate) unit: Option<String>,
}

impl Record for MetricFilter {
    const COLLECTION: &'static str = "log_metric_filter";
    const VERSION: u32 = 1;
}

pub(crate) fn filter_key(scope: &Scope, group: &str, filter: &str) -> RecordKey {
    RecordKey::new(scope, &[group, filter])
}

pub(crate) fn filters_of(scope: &Scope, group: &str) -> Prefix {
    Prefix::new(scope, &[group])
}

impl Logs {
    pub(crate) fn metric_filter_count(&self, group: &FoundGroup) -> usize {
        self.metric_filters.count(&filters_of(&group.scope, &group.name))
    }

    /// Metric filters of a group, other than the named one, whose pattern holds a regular expression.
    pub(crate) fn metric_filters_with_regex(&self, scope: &Scope, group: &str, except: &str) -> usize {
        let mut patterns = Vec::new();
        let except = filter_key(scope, group, except);
        self.metric_filters.scan(&filters_of(scope, group), None, |key, filter| {
            // Without a percent sign there is none; compiling tells for sure.
            if *key != except && filter.pattern.contains('%') {
                patterns.push(filter.record.clone());
            }
            ControlFlow::Continue(())
        });
        let regex = |pattern: &str| {
            lang::filter_pattern::FilterPattern::compile(pattern).is_ok_and(|p| p.has_regex())
        };
        patterns.iter().filter(|filter| regex(&filter.pattern)).count()
    }
}
