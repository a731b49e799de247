//! A metric filter ready to run: from events to metric data. Pure.

use std::borrow::Cow;

use base::{Scope, Timestamp};
use lang::filter_pattern::selection::{SYSTEM_FIELDS, Selection};
use lang::filter_pattern::{Extractor, FilterPattern, number};
use signals::{Dimension, Dist, MetricIdentity, MetricValue, Resolution, Unit, is_storable};
use store::StoreError;
use store::tables::metrics::MetricBatch;

use super::MetricFilter;
use crate::error::LogsError;

/// Dimensions of a metric filter, those of system fields included.
const DIMENSIONS_MAX: usize = 3;
/// Characters of a dimension's value in CloudWatch; a longer one cannot be published.
const DIMENSION_CHARACTERS_MAX: usize = 1024;
const MINUTE_MILLIS: i64 = 60_000;

#[derive(Debug, Clone)]
pub(crate) struct CompiledFilter {
    pattern: FilterPattern,
    extractor: Extractor,
    value: Value,
    /// Names of the dimensions whose values are extracted, in the order of the extractor's first references.
    extracted: Vec<String>,
    /// The metric, with the dimensions that are the same for all events.
    metric: MetricIdentity,
    unit: Unit,
    default: Option<f64>,
    on_transformed: bool,
    selection: Option<Selection>,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Literal(f64),
    /// The extractor's last reference.
    Extracted,
}

/// One event as filters look at it.
pub(crate) struct Sample<'a> {
    pub(crate) timestamp: Timestamp,
    pub(crate) message: Cow<'a, str>,
    /// The transformed message, where a transformer made one.
    pub(crate) transformed: Option<Cow<'a, str>>,
}

impl CompiledFilter {
    /// Compiles a filter of a group, or says what is wrong with it.
    pub(crate) fn compile(scope: &Scope, filter: &MetricFilter) -> Result<Self, LogsError> {
        let pattern =
            FilterPattern::compile(&filter.pattern).map_err(|error| LogsError::invalid(error.to_string()))?;
        let transformation = &filter.transformation;
        check_name("metricName", &transformation.metric_name)?;
        check_name("metricNamespace", &transformation.metric_namespace)?;
        let dimensions = &transformation.dimensions;
        check_dimensions(filter, &pattern)?;
        if let Some(default) = transformation.default_value
            && !is_storable(default)
        {
            return Err(LogsError::invalid("Invalid metric transformation: defaultValue is out of range."));
        }
        let mut references: Vec<&str> = dimensions.values().map(String::as_str).collect();
        let value = match number(&transformation.metric_value).filter(|value| is_storable(*value)) {
            Some(value) => Value::Literal(value),
            None => {
                references.push(&transformation.metric_value);
                Value::Extracted
            }
        };
        let extractor = pattern.extractor(&references).map_err(|error| {
            LogsError::invalid(format!(
                "Invalid metric transformation: metricValue {} is neither a number nor a value of the filter \
                 pattern ({error}).",
                transformation.metric_value
            ))
        })?;
        let fixed = filter.system_dimensions.iter().map(|name| Dimension {
            name: name.as_str().into(),
            value: system_field(scope, name).unwrap_or_default().into(),
        });
        let unit = transformation.unit.as_deref().map_or(Some(Unit::NONE), Unit::by_name);
        let criteria = filter.field_selection_criteria.as_deref().filter(|text| !text.trim().is_empty());
        let selection = criteria.map(|text| Selection::parse(text, &SYSTEM_FIELDS)).transpose();
        Ok(Self {
            extracted: dimensions.keys().cloned().collect(),
            metric: MetricIdentity::new(
                &transformation.metric_namespace,
                &transformation.metric_name,
                fixed.collect(),
            ),
            unit: unit.ok_or_else(|| LogsError::invalid("Invalid metric transformation: unknown unit."))?,
            default: transformation.default_value,
            on_transformed: filter.apply_on_transformed_logs,
            selection: selection
                .map_err(|error| LogsError::invalid(format!("Invalid fieldSelectionCriteria: {error}")))?,
            pattern,
            extractor,
            value,
        })
    }

    /// Whether the filter looks at events of this group at all.
    pub(crate) fn selects(&self, scope: &Scope, group: &str) -> bool {
        let value =
            |field: &str| if field == "@source.log" { Some(group) } else { system_field(scope, field) };
        self.selection.as_ref().is_none_or(|selection| selection.holds(value))
    }

    pub(crate) fn has_regex(&self) -> bool {
        self.pattern.has_regex()
    }

    /// The metric and the value to publish for minutes with events of which none matched.
    pub(crate) fn default(&self) -> Option<(&MetricIdentity, Unit, f64)> {
        self.default.map(|value| (&self.metric, self.unit, value))
    }

    /// Puts the data of events, in order of time, into `batch`. `unmatched` hears of minutes without a match.
    pub(crate) fn run(
        &self,
        events: &[Sample<'_>],
        batch: &mut MetricBatch,
        mut unmatched: impl FnMut(Timestamp),
    ) -> Result<(), StoreError> {
        for minute in events.chunk_by(|a, b| minute_of(a.timestamp) == minute_of(b.timestamp)) {
            let start = minute_of(minute[0].timestamp);
            // What all events of a minute say about one metric is one datum: the stored datapoint is the same.
            let mut all: Option<Dist> = None;
            let mut matched = false;
            for event in minute {
                let message = self.message(event);
                if !self.pattern.matches(message) {
                    continue;
                }
                matched = true;
                let Some((value, dimensions)) = self.datum(message) else { continue };
                if dimensions.is_empty() {
                    match &mut all {
                        Some(dist) => dist.add(value, 1.0),
                        None => all = Some(Dist::single(value)),
                    }
                } else {
                    self.push(batch, event.timestamp, &dimensions, MetricValue::Single(value))?;
                }
            }
            if let Some(dist) = all {
                self.push(batch, start, &[], MetricValue::Distribution(dist))?;
            }
            if !matched {
                unmatched(start);
            }
        }
        Ok(())
    }

    fn message<'a>(&self, event: &'a Sample<'_>) -> &'a str {
        match &event.transformed {
            Some(transformed) if self.on_transformed => transformed,
            _ => &event.message,
        }
    }

    /// The value and the values of the dimensions of a message that matches; none if one of them is missing.
    fn datum(&self, message: &str) -> Option<(f64, Vec<String>)> {
        let mut found = self.extractor.values(message);
        let value = match self.value {
            Value::Literal(value) => value,
            Value::Extracted => number(&found.pop()??).filter(|value| is_storable(*value))?,
        };
        let dimensions: Option<Vec<String>> = found.into_iter().collect();
        let dimensions = dimensions?;
        dimensions.iter().all(|value| is_dimension_value(value)).then_some((value, dimensions))
    }

    fn push(
        &self,
        batch: &mut MetricBatch,
        timestamp: Timestamp,
        values: &[String],
        value: MetricValue,
    ) -> Result<(), StoreError> {
        let MetricIdentity { namespace, name, dimensions } = &self.metric;
        let fixed = dimensions.iter().map(|d| (&*d.name, &*d.value));
        let extracted = self.extracted.iter().map(String::as_str).zip(values.iter().map(String::as_str));
        batch.push(
            namespace,
            name,
            fixed.chain(extracted),
            (timestamp, Resolution::Standard),
            self.unit,
            value,
        )
    }
}

pub(crate) fn minute_of(time: Timestamp) -> Timestamp {
    time.floor_to(MINUTE_MILLIS)
}

fn system_field<'a>(scope: &'a Scope, name: &str) -> Option<&'a str> {
    match name {
        "@aws.account" => Some(scope.account.as_str()),
        "@aws.region" => Some(scope.region.as_str()),
        _ => None,
    }
}

/// The model allows empty names; CloudWatch has none.
fn check_name(member: &str, name: &str) -> Result<(), LogsError> {
    if name.trim().is_empty() {
        return Err(LogsError::invalid(format!("Invalid metric transformation: {member} is empty.")));
    }
    Ok(())
}

fn check_dimensions(filter: &MetricFilter, pattern: &FilterPattern) -> Result<(), LogsError> {
    let transformation = &filter.transformation;
    let (dimensions, system) = (&transformation.dimensions, &filter.system_dimensions);
    for name in system {
        if !["@aws.account", "@aws.region"].contains(&name.as_str()) {
            return Err(LogsError::invalid(format!("Invalid emitSystemFieldDimensions: {name}")));
        }
    }
    if dimensions.len() + system.len() > DIMENSIONS_MAX {
        return Err(LogsError::invalid(format!(
            "Invalid metric transformation: a metric filter has at most {DIMENSIONS_MAX} dimensions."
        )));
    }
    if dimensions.is_empty() && system.is_empty() {
        return Ok(());
    }
    if transformation.default_value.is_some() {
        return Err(LogsError::invalid(
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties.",
        ));
    }
    if !dimensions.is_empty() && pattern.is_unstructured() {
        return Err(LogsError::invalid(
            "Invalid metric transformation: dimensions need a JSON or space-delimited filter pattern.",
        ));
    }
    for (name, reference) in dimensions {
        if !is_dimension_value(name) || name.starts_with(':') {
            return Err(LogsError::invalid(format!(
                "Invalid metric transformation: dimension name '{name}'."
            )));
        }
        if !pattern.mentions(reference) {
            return Err(LogsError::invalid(format!(
                "Invalid metric transformation: dimension value {reference} is no field of the filter pattern."
            )));
        }
    }
    Ok(())
}

/// What CloudWatch takes: printable ASCII, not only blanks.
fn is_dimension_value(text: &str) -> bool {
    text.len() <= DIMENSION_CHARACTERS_MAX
        && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        && text.bytes().any(|b| b != b' ')
}

#[cfg(test)]
mod tests;
