//! Names: namespace, metric name, dimensions and unit of an OTLP metric (`spec/otlp.md` §6.1).

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use signals::{Dimension, MetricIdentity};

use super::MetricOptions;
use crate::otlp::to_json;

const NAME_CHARS_MAX: usize = 255;
const DIMENSIONS_MAX: usize = 30;
const DIMENSION_VALUE_CHARS_MAX: usize = 1_024;
const LABELS_MAX: usize = 150;
const LABEL_BYTES_MAX: usize = 40 * 1024;

/// What the metrics of one resource and scope have in common.
pub(super) struct Source<'a> {
    namespace: String,
    /// From the resource, as the options ask for.
    dimensions: Vec<(&'a str, String)>,
    library: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn new(resource: &'a [KeyValue], library: &'a str, options: &MetricOptions) -> Self {
        let namespace = options.namespace.clone().unwrap_or_else(|| {
            let attribute = |key: &str| {
                resource.iter().rev().find(|pair| pair.key == key).map(text).filter(|value| !value.is_empty())
            };
            match (attribute("service.namespace"), attribute("service.name")) {
                (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => "OTel".to_owned(),
            }
        });
        let is_wanted = |pair: &&KeyValue| options.resource_dimensions.contains(&pair.key);
        let dimensions =
            resource.iter().filter(is_wanted).map(|pair| (pair.key.as_str(), text(pair))).collect();
        Self { namespace: namespace.chars().take(NAME_CHARS_MAX).collect(), dimensions, library }
    }

    pub(super) fn identity(
        &self,
        name: &str,
        attributes: &[KeyValue],
    ) -> Result<MetricIdentity, &'static str> {
        self.identity_with(name, attributes, None)
    }

    /// The identity of one quantile of a summary.
    pub(super) fn identity_of_quantile(
        &self,
        name: &str,
        attributes: &[KeyValue],
        quantile: f64,
    ) -> Result<MetricIdentity, &'static str> {
        self.identity_with(name, attributes, Some(("quantile", quantile.to_string())))
    }

    fn identity_with(
        &self,
        name: &str,
        attributes: &[KeyValue],
        extra: Option<(&str, String)>,
    ) -> Result<MetricIdentity, &'static str> {
        if name.is_empty() {
            return Err("metric has no name");
        }
        if name.chars().count() > NAME_CHARS_MAX {
            return Err("metric name is longer than 255 characters");
        }
        let bytes: usize = attributes.iter().map(|pair| pair.key.len() + text_length(pair)).sum();
        if attributes.len() > LABELS_MAX || bytes > LABEL_BYTES_MAX {
            return Err("data point has more than 150 attributes or more than 40 KB of them");
        }
        let mut pairs: Vec<(String, String)> = Vec::with_capacity(attributes.len() + 2);
        let library = Some(("OTelLib", self.library.to_owned()));
        let resource = self.dimensions.iter().map(|(key, value)| (*key, value.clone()));
        // What is named first survives the limit and wins over a later one of the same name.
        for (key, value) in extra.into_iter().chain(library).chain(resource) {
            pairs.push((key.to_owned(), value));
        }
        let mut own: Vec<(String, String)> =
            attributes.iter().rev().map(|pair| (pair.key.clone(), text(pair))).collect();
        own.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.extend(own);
        let mut dimensions: Vec<Dimension> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let is_new = !dimensions.iter().any(|dimension| *dimension.name == *key);
            if !key.is_empty() && !value.is_empty() && is_new && dimensions.len() < DIMENSIONS_MAX {
                let name: String = key.chars().take(NAME_CHARS_MAX).collect();
                let value: String = value.chars().take(DIMENSION_VALUE_CHARS_MAX).collect();
                dimensions.push(Dimension { name: name.into(), value: value.into() });
            }
        }
        Ok(MetricIdentity::new(&self.namespace, name, dimensions))
    }
}

fn text(pair: &KeyValue) -> String {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        None => String::new(),
        value => to_json(value).to_string(),
    }
}

fn text_length(pair: &KeyValue) -> usize {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.len(),
        _ => text(pair).len(),
    }
}

/// One of CloudWatch's units, and what values are multiplied with to be in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) factor: f64,
}

impl Unit {
    /// From a unit of the Unified Code for Units of Measure, as OpenTelemetry uses it. Binary prefixes become
    /// decimal ones.
    pub(super) fn of(ucum: &str) -> Self {
        const KIBI: f64 = 1.024;
        let (name, factor) = match ucum {
            "s" => ("Seconds", 1.0),
            "ms" => ("Milliseconds", 1.0),
            "us" => ("Microseconds", 1.0),
            "ns" => ("Seconds", 1e-9),
            "By" => ("Bytes", 1.0),
            "kBy" => ("Kilobytes", 1.0),
            "KiBy" => ("Kilobytes", KIBI),
            "MBy" => ("Megabytes", 1.0),
            "MiBy" => ("Megabytes", KIBI * KIBI),
            "GBy" => ("Gigabytes", 1.0),
            "GiBy" => ("Gigabytes", KIBI * KIBI * KIBI),
            "TBy" => ("Terabytes", 1.0),
            "TiBy" => ("Terabytes", KIBI * KIBI * KIBI * KIBI),
            "bit" => ("Bits", 1.0),
            "By/s" => ("Bytes/Second", 1.0),
            "bit/s" => ("Bits/Second", 1.0),
            "%" => ("Percent", 1.0),
            "1/s" => ("Count/Second", 1.0),
            _ if ucum.starts_with('{') && ucum.ends_with("}/s") => ("Count/Second", 1.0),
            _ if ucum.starts_with('{') && ucum.ends_with('}') => ("Count", 1.0),
            _ => ("None", 1.0),
        };
        Self { name, factor }
    }
}
