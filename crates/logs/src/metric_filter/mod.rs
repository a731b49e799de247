//! Metric filters: the record that is kept of one, what is accepted, and the metric data they make of events
//! (`spec/filter-patterns.md` §7–8).

mod compiled;
pub(crate) mod defaults;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey};
use lang::filter_pattern::FilterPattern;
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::group::FoundGroup;

pub(crate) use compiled::{CompiledFilter, Sample};

/// Metric filters of a log group.
pub(crate) const FILTERS_MAX: usize = 100;
/// AWS: filter patterns with a regular expression per log group (FilterAndPatternSyntax.html).
const REGEX_PATTERNS_MAX: usize = 5;

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

/// The filter that a new one takes the place of, if there is one of this key.
pub(crate) enum Replaced<'k> {
    MetricFilter(&'k RecordKey),
    SubscriptionFilter(&'k RecordKey),
}

impl Logs {
    pub(crate) fn metric_filter_count(&self, group: &FoundGroup) -> usize {
        self.metric_filters.count(&filters_of(&group.scope, &group.name))
    }

    /// Whether one more pattern with a regular expression may be in force for the group: metric and subscription
    /// filters count together. What is to be replaced does not count.
    pub(crate) fn admits_regex(&self, scope: &Scope, group: &str, replaced: Replaced<'_>) -> bool {
        let mut patterns: Vec<String> = Vec::new();
        let (metric, subscription) = match replaced {
            Replaced::MetricFilter(key) => (Some(key), None),
            Replaced::SubscriptionFilter(key) => (None, Some(key)),
        };
        self.metric_filters.scan(&filters_of(scope, group), None, |key, filter| {
            // Without a percent sign there is none; compiling tells for sure.
            if Some(key) != metric && filter.pattern.contains('%') {
                patterns.push(filter.pattern.clone());
            }
            ControlFlow::Continue(())
        });
        let subscriptions = crate::subscription::of_group(scope, group);
        self.subscriptions.filters.scan(&subscriptions, None, |key, filter| {
            if Some(key) != subscription && filter.pattern.contains('%') {
                patterns.push(filter.pattern.clone());
            }
            ControlFlow::Continue(())
        });
        let regex =
            |pattern: &&String| FilterPattern::compile(pattern).is_ok_and(|pattern| pattern.has_regex());
        patterns.iter().filter(regex).count() < REGEX_PATTERNS_MAX
    }
}
