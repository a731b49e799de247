//! Labels of GetMetricData results: what a series is called without being told, and the dynamic values a
//! label may hold.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html>. How numbers
//! and times are spelled is this project's decision.

use std::collections::HashMap;

use base::{Scope, Timestamp};
use signals::{Dimension, MetricIdentity};

/// Dynamic values replaced in one label; further ones stay as they are.
const DYNAMIC_MAX: usize = 5;

/// What a metric query asks for, as far as labels show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Attributes<'a> {
    pub(crate) metric: &'a MetricIdentity,
    pub(crate) stat: &'a str,
    pub(crate) period_secs: i64,
}

/// Labels of metrics without one: the metric's name, followed by what tells it from the others of the same name.
pub(crate) struct DefaultLabels<'a> {
    by_name: HashMap<&'a str, NameGroup<'a>>,
}

/// Metrics of one name: what all of them have, and in what they differ.
struct NameGroup<'a> {
    first: Attributes<'a>,
    common: Vec<&'a Dimension>,
    namespaces: bool,
    stats: bool,
    periods: bool,
}

impl<'a> DefaultLabels<'a> {
    pub(crate) fn new(all: impl IntoIterator<Item = Attributes<'a>>) -> Self {
        let mut by_name: HashMap<&str, NameGroup<'_>> = HashMap::new();
        for own in all {
            let dimensions = &own.metric.dimensions;
            match by_name.get_mut(&*own.metric.name) {
                Some(group) => {
                    group.common.retain(|dimension| dimensions.contains(dimension));
                    group.namespaces |= group.first.metric.namespace != own.metric.namespace;
                    group.stats |= group.first.stat != own.stat;
                    group.periods |= group.first.period_secs != own.period_secs;
                }
                None => {
                    let common = dimensions.iter().collect();
                    let group =
                        NameGroup { first: own, common, namespaces: false, stats: false, periods: false };
                    by_name.insert(&*group.first.metric.name, group);
                }
            }
        }
        Self { by_name }
    }

    pub(crate) fn of(&self, own: &Attributes<'_>) -> String {
        let mut label = own.metric.name.to_string();
        let Some(group) = self.by_name.get(&*own.metric.name) else { return label };
        let mut append = |text: &str| {
            label.push(' ');
            label.push_str(text);
        };
        for dimension in own.metric.dimensions.iter().filter(|own| !group.common.contains(own)) {
            append(&dimension.value);
        }
        if group.namespaces {
            append(&own.metric.namespace);
        }
        if group.stats {
            append(own.stat);
        }
        if group.periods {
            append(&own.period_secs.to_string());
        }
        label
    }
}

/// What dynamic values are computed from.
pub(crate) struct LabelContext<'a> {
    /// `None` for results that are not of one metric.
    pub(crate) own: Option<Attributes<'a>>,
    pub(crate) period_secs: i64,
    pub(crate) default: &'a str,
    pub(crate) scope: &'a Scope,
    /// In ascending order of time.
    pub(crate) points: &'a [(Timestamp, f64)],
    pub(crate) now: Timestamp,
    /// Of `LabelOptions.Timezone`.
    pub(crate) offset_secs: i64,
}

/// Replaces the dynamic values of `label`.
pub(crate) fn expand(label: &str, context: &LabelContext<'_>) -> String {
    let mut expanded = String::with_capacity(label.len());
    let (mut rest, mut replaced, mut default_used) = (label, 0, false);
    while let Some(start) = rest.find("${") {
        let (before, token) = rest.split_at(start);
        expanded.push_str(before);
        let Some(length) = token.find('}') else {
            rest = token;
            break;
        };
        let (token, after) = token.split_at(length + 1);
        let name = token[2..length].trim();
        let value = if name == "LABEL" {
            (!std::mem::replace(&mut default_used, true)).then(|| context.default.to_owned())
        } else if replaced < DYNAMIC_MAX {
            context.value(name).inspect(|_| replaced += 1)
        } else {
            None
        };
        expanded.push_str(value.as_deref().unwrap_or(token));
        rest = after;
    }
    expanded.push_str(rest);
    expanded
}

/// `+HHMM` or `-HHMM` in seconds.
pub(crate) fn parse_timezone(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

impl LabelContext<'_> {
    /// The value of a token; `None` if there is no such token.
    fn value(&self, name: &str) -> Option<String> {
        if let Some(property) = name.strip_prefix("PROP(").and_then(|p| p.strip_suffix(')')) {
            return self.property(property.trim().trim_matches(['\'', '"']));
        }
        let values = || self.points.iter().map(|(_, value)| *value);
        let (first, last) = (self.points.first().copied(), self.points.last().copied());
        let min = self.points.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        let max = self.points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        let count = self.points.len() as f64;
        let value = |point: Option<(Timestamp, f64)>| shown(point.map(|(_, value)| number(value)));
        let range = |a: Option<(Timestamp, f64)>, b: Option<(Timestamp, f64)>| {
            shown(a.zip(b).map(|(a, b)| number((a.1 - b.1).abs())))
        };
        let time_range = |a: Option<(Timestamp, f64)>, b: Option<(Timestamp, f64)>| {
            shown(a.zip(b).map(|(a, b)| duration(a.0.millis_since(b.0).abs() / 1000)))
        };
        let point = |name: &str| match name {
            "FIRST" => Some(first),
            "LAST" => Some(last),
            "MIN" => Some(min),
            "MAX" => Some(max),
            _ => None,
        };
        if let Some(which) = name.strip_suffix("_TIME_RELATIVE") {
            let ago = |(at, _): (Timestamp, f64)| duration(self.now.millis_since(at).max(0) / 1000);
            return Some(shown(point(which)?.map(ago)));
        }
        if let Some(which) = name.strip_suffix("_TIME") {
            return Some(shown(point(which)?.map(|(at, _)| self.time(at))));
        }
        Some(match name {
            "AVG" => shown((count > 0.0).then(|| number(values().sum::<f64>() / count))),
            "SUM" => shown((count > 0.0).then(|| number(values().sum()))),
            "DATAPOINT_COUNT" => number(count),
            "FIRST_LAST_RANGE" => range(first, last),
            "MIN_MAX_RANGE" => range(min, max),
            "FIRST_LAST_TIME_RANGE" => time_range(first, last),
            "MIN_MAX_TIME_RANGE" => time_range(min, max),
            other => value(point(other)?),
        })
    }

    fn property(&self, name: &str) -> Option<String> {
        match name {
            // There are no account names: the id is the only label an account has.
            "AccountId" | "AccountLabel" => return Some(self.scope.account.to_string()),
            "Period" => return Some(self.period_secs.to_string()),
            "Region" => return Some(self.scope.region.to_string()),
            _ => {}
        }
        let Attributes { metric, stat, .. } = self.own?;
        Some(match name {
            "MetricName" => metric.name.to_string(),
            "Namespace" => metric.namespace.to_string(),
            "Stat" => stat.to_owned(),
            other => {
                let wanted = other.strip_prefix("Dim.")?.trim_matches('"');
                metric.dimensions.iter().find(|d| *d.name == *wanted)?.value.to_string()
            }
        })
    }

    fn time(&self, at: Timestamp) -> String {
        let shifted = at.saturating_add_millis(self.offset_secs * 1000).to_iso8601_secs();
        format!("{} UTC", shifted.trim_end_matches('Z').replace('T', " "))
    }
}

/// What a value of no datapoints shows.
fn shown(value: Option<String>) -> String {
    value.unwrap_or_else(|| "--".to_owned())
}

/// Up to three decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The largest two units, `2h 5m`.
fn duration(secs: i64) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
    let at = units.iter().position(|(size, _)| secs >= *size).unwrap_or(units.len() - 1);
    let (size, unit) = units[at];
    let mut text = format!("{}{unit}", secs / size);
    if let Some((smaller, unit)) = units.get(at + 1)
        && secs % size >= *smaller
    {
        text.push_str(&format!(" {}{unit}", secs % size / smaller));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Region};

    #[test]
    fn dynamic_values_are_replaced_and_the_rest_stays() {
        let dimension = Dimension { name: "Host".into(), value: "web-1".into() };
        let metric = MetricIdentity::new("App", "Latency", vec![dimension]);
        let own = Attributes { metric: &metric, stat: "p99", period_secs: 60 };
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap());
        let at = |secs: i64| Timestamp::from_secs(1_700_000_000 + secs);
        let points = [(at(0), 4.0), (at(60), 1.0), (at(120), 10.0 / 3.0)];
        let context = LabelContext {
            own: Some(own),
            period_secs: 60,
            default: "Latency p99",
            scope: &scope,
            points: &points,
            now: at(7500),
            offset_secs: 3600,
        };
        for (label, expected) in [
            ("plain", "plain"),
            ("${LABEL}: ${AVG} of ${DATAPOINT_COUNT}", "Latency p99: 2.778 of 3"),
            ("${MIN}..${MAX} ${FIRST}>${LAST}", "1..4 4>3.333"),
            ("${FIRST_LAST_RANGE} ${MIN_MAX_RANGE} ${SUM}", "0.667 3 8.333"),
            ("${FIRST_TIME}", "2023-11-14 23:13:20 UTC"),
            ("${FIRST_TIME_RELATIVE} ${FIRST_LAST_TIME_RANGE} ${MIN_MAX_TIME_RANGE}", "2h 5m 2m 1m"),
            ("${PROP('Dim.Host')} ${PROP('Stat')} ${PROP('Region')}", "web-1 p99 eu-west-1"),
            ("${NOPE} ${PROP('x')} ${AVG", "${NOPE} ${PROP('x')} ${AVG"),
            ("${MIN}${MIN}${MIN}${MIN}${MIN}${MIN}${LABEL}${LABEL}", "11111${MIN}Latency p99${LABEL}"),
        ] {
            assert_eq!(expand(label, &context), expected, "{label}");
        }
        let empty = LabelContext { points: &[], ..context };
        assert_eq!(expand("${AVG} ${MAX_TIME} ${DATAPOINT_COUNT}", &empty), "-- -- 0");
    }

    #[test]
    fn timezones_are_offsets() {
        assert_eq!(parse_timezone("+0130"), Some(5400));
        assert_eq!(parse_timezone("-0800"), Some(-28_800));
        for bad in ["", "0130", "+130", "+2500", "+0160", "+01:0", "Z"] {
            assert_eq!(parse_timezone(bad), None, "{bad}");
        }
    }
}
