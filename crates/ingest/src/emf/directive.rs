//! MetricDirective objects: what they name, found among the members of the root.

use std::sync::Arc;

use base::Timestamp;
use serde_json::{Map, Value};
use signals::{Dimension, Dist, MetricDatum, MetricIdentity, MetricValue, Resolution, Unit, is_storable};

/// Metrics of a directive, and values of a metric.
const METRICS_MAX: usize = 100;
const VALUES_MAX: usize = 100;
/// Keys of a dimension set, and characters of a key and of a value.
const KEYS_MAX: usize = 30;
const KEY_CHARACTERS_MAX: usize = 250;
const VALUE_CHARACTERS_MAX: usize = 1024;
/// Characters of a namespace and of a metric's name, in CloudWatch.
const NAME_CHARACTERS_MAX: usize = 255;

/// The members of a message, and what was found so far.
pub(super) struct Root<'a> {
    members: &'a Map<String, Value>,
    timestamp: Timestamp,
    data_max: usize,
    data: Vec<MetricDatum>,
    errors: usize,
}

/// A metric of a directive with its value.
struct Metric<'a> {
    name: &'a str,
    unit: Unit,
    resolution: Resolution,
    value: MetricValue,
}

impl<'a> Root<'a> {
    pub(super) fn new(members: &'a Map<String, Value>, timestamp: Timestamp, data_max: usize) -> Self {
        Self { members, timestamp, data_max, data: Vec::new(), errors: 0 }
    }

    pub(super) fn finish(self) -> (Vec<MetricDatum>, usize) {
        (self.data, self.errors)
    }

    /// One datum for each dimension set and metric. A bad directive, set or metric is left out, alone.
    pub(super) fn read(&mut self, directive: &'a Value) {
        let namespace = directive.get("Namespace").and_then(Value::as_str).filter(|name| is_name(name));
        let sets = directive.get("Dimensions").and_then(Value::as_array).filter(|sets| !sets.is_empty());
        let metrics = directive.get("Metrics").and_then(Value::as_array);
        let metrics = metrics.filter(|metrics| metrics.len() <= METRICS_MAX);
        let (Some(namespace), Some(sets), Some(metrics)) = (namespace, sets, metrics) else {
            self.errors += 1;
            return;
        };
        let metrics: Vec<Metric<'_>> = metrics.iter().filter_map(|metric| self.metric(metric)).collect();
        let namespace: Arc<str> = namespace.into();
        let names: Vec<Arc<str>> = metrics.iter().map(|metric| metric.name.into()).collect();
        for set in sets {
            let Some(dimensions) = self.dimensions(set) else {
                self.errors += 1;
                continue;
            };
            let dimensions: Arc<[Dimension]> = dimensions.into();
            for (metric, name) in metrics.iter().zip(&names) {
                if self.data.len() >= self.data_max {
                    self.errors += 1;
                    return;
                }
                let identity = MetricIdentity {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    dimensions: dimensions.clone(),
                };
                self.data.push(MetricDatum {
                    metric: identity,
                    timestamp: self.timestamp,
                    unit: metric.unit.name().into(),
                    resolution: metric.resolution,
                    value: metric.value.clone(),
                });
            }
        }
    }

    fn metric(&mut self, definition: &'a Value) -> Option<Metric<'a>> {
        let metric = self.try_metric(definition);
        self.errors += usize::from(metric.is_none());
        metric
    }

    fn try_metric(&self, definition: &'a Value) -> Option<Metric<'a>> {
        let name = definition.get("Name")?.as_str().filter(|name| is_name(name))?;
        let unit = match definition.get("Unit") {
            None => Unit::NONE,
            Some(unit) => Unit::by_name(unit.as_str()?)?,
        };
        let resolution = match definition.get("StorageResolution") {
            None => Resolution::Standard,
            Some(secs) => match secs.as_i64()? {
                60 => Resolution::Standard,
                1 => Resolution::High,
                _ => return None,
            },
        };
        Some(Metric { name, unit, resolution, value: value(self.members.get(name)?)? })
    }

    /// The dimensions that a set names, sorted; none if one is missing or no text.
    fn dimensions(&self, set: &Value) -> Option<Vec<Dimension>> {
        let keys = set.as_array().filter(|keys| keys.len() <= KEYS_MAX)?;
        let mut dimensions = Vec::with_capacity(keys.len());
        for key in keys {
            let key = key.as_str().filter(|key| is_text(key, KEY_CHARACTERS_MAX) && !key.starts_with(':'))?;
            let value = self.members.get(key)?.as_str();
            let value = value.filter(|value| is_text(value, VALUE_CHARACTERS_MAX))?;
            dimensions.push(Dimension { name: key.into(), value: value.into() });
        }
        dimensions.sort();
        dimensions.dedup();
        Some(dimensions)
    }
}

/// A number, or up to 100 of them.
fn value(target: &Value) -> Option<MetricValue> {
    let number = |value: &Value| value.as_f64().filter(|number| is_storable(*number));
    match target {
        Value::Array(list) if list.len() <= VALUES_MAX => {
            let numbers: Option<Vec<f64>> = list.iter().map(number).collect();
            let dist = Dist::from_pairs(numbers?.into_iter().map(|number| (number, 1.0)))?;
            Some(MetricValue::Distribution(dist))
        }
        other => number(other).map(MetricValue::Single),
    }
}

fn is_name(name: &str) -> bool {
    is_text(name, NAME_CHARACTERS_MAX)
}

/// What CloudWatch takes as a name or value: printable ASCII, not only blanks.
fn is_text(text: &str, characters_max: usize) -> bool {
    text.len() <= characters_max
        && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        && text.bytes().any(|b| b != b' ')
}
