//! Metric streams: metrics handed on to a delivery stream, minute by minute.
//!
//! A stream hands on what was stamped with a minute, one minute after its end; what arrives later is not part of
//! it. A minute is done when the delivery stream has taken it: until then it is tried again.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Metric-Streams.html>.

pub(crate) mod deliver;
pub(crate) mod format;

use base::{Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, Record, RecordKey};
use serde::{Deserialize, Serialize};
use shapes::cloudwatch::{
    MetricStreamFilter, MetricStreamOutputFormat, MetricStreamStatisticsConfiguration,
    MetricStreamStatisticsMetric, PutMetricStreamInput,
};
use signals::MetricIdentity;

use crate::CloudWatchError;
use crate::metric::statistic::Statistic;

/// Streams of an account in a Region.
pub(crate) const STREAMS_MAX: usize = 500;
const FILTERS_MAX: usize = 1000;
const CONFIGURATIONS_MAX: usize = 100;
const CONFIGURED_METRICS_MAX: usize = 100;
const STATISTICS_MAX: usize = 20;
const MINUTE_MILLIS: i64 = 60_000;

/// What is kept of a stream; its name is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricStream {
    pub(crate) settings: Settings,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) running: bool,
    /// Minutes before this were handed on, or belong to a time when the stream did not run.
    pub(crate) next_minute: Timestamp,
}

impl Record for MetricStream {
    const COLLECTION: &'static str = "metric_stream";
    const VERSION: u32 = 1;
}

/// What a request says of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) firehose_arn: String,
    pub(crate) role_arn: String,
    pub(crate) format: Format,
    pub(crate) include: Vec<Filter>,
    pub(crate) exclude: Vec<Filter>,
    pub(crate) statistics: Vec<Additional>,
    pub(crate) linked_accounts: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    Json,
    OpenTelemetry07,
    OpenTelemetry10,
}

/// Metrics of a namespace, or some of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Filter {
    namespace: String,
    names: Vec<String>,
}

/// Statistics that some metrics are handed on with, beyond count, sum and extremes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Additional {
    metrics: Vec<(String, String)>,
    statistics: Vec<String>,
}

/// All streams.
pub(crate) struct MetricStreams {
    pub(crate) records: Collection<MetricStream>,
}

impl MetricStreams {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self { records: catalog.collection()? })
    }
}

pub(crate) fn key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

/// The first minute a stream hands on that begins to run now.
pub(crate) fn first_minute(now: Timestamp) -> Timestamp {
    now.floor_to(MINUTE_MILLIS)
}

impl Settings {
    pub(crate) fn of_request(input: &PutMetricStreamInput) -> Result<Self, CloudWatchError> {
        let name_is_sound = input.name.len() <= 255
            && !input.name.is_empty()
            && input.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !name_is_sound {
            return Err(CloudWatchError::invalid_value(&input.name, "Name"));
        }
        let include = filters(input.include_filters.as_deref(), "IncludeFilters")?;
        let exclude = filters(input.exclude_filters.as_deref(), "ExcludeFilters")?;
        if !include.is_empty() && !exclude.is_empty() {
            return Err(CloudWatchError::InvalidParameterCombination(
                "The parameters IncludeFilters and ExcludeFilters are mutually exclusive and you have specified both."
                    .to_owned(),
            ));
        }
        let format = match &input.output_format {
            MetricStreamOutputFormat::Json => Format::Json,
            MetricStreamOutputFormat::Opentelemetry0_7 => Format::OpenTelemetry07,
            MetricStreamOutputFormat::Opentelemetry1_0 => Format::OpenTelemetry10,
            MetricStreamOutputFormat::Unknown(other) => {
                return Err(CloudWatchError::invalid_value(other, "OutputFormat"));
            }
        };
        Ok(Self {
            firehose_arn: input.firehose_arn.clone(),
            role_arn: input.role_arn.clone(),
            format,
            include,
            exclude,
            statistics: additional(input.statistics_configurations.as_deref(), format)?,
            linked_accounts: input.include_linked_accounts_metrics,
        })
    }

    /// Whether a metric is handed on.
    pub(crate) fn takes(&self, metric: &MetricIdentity) -> bool {
        let in_any = |filters: &[Filter]| filters.iter().any(|filter| filter.matches(metric));
        (self.include.is_empty() || in_any(&self.include)) && !in_any(&self.exclude)
    }

    /// The statistics a metric is handed on with besides the usual ones.
    pub(crate) fn statistics_of<'a>(&'a self, metric: &'a MetricIdentity) -> impl Iterator<Item = &'a str> {
        let meant =
            |(namespace, name): &(String, String)| *metric.namespace == **namespace && *metric.name == **name;
        let configured =
            self.statistics.iter().filter(move |additional| additional.metrics.iter().any(meant));
        configured.flat_map(|additional| additional.statistics.iter().map(String::as_str))
    }

    pub(crate) fn output_format(&self) -> MetricStreamOutputFormat {
        match self.format {
            Format::Json => MetricStreamOutputFormat::Json,
            Format::OpenTelemetry07 => MetricStreamOutputFormat::Opentelemetry0_7,
            Format::OpenTelemetry10 => MetricStreamOutputFormat::Opentelemetry1_0,
        }
    }

    pub(crate) fn statistics_shape(&self) -> Vec<MetricStreamStatisticsConfiguration> {
        let metric = |(namespace, name): &(String, String)| MetricStreamStatisticsMetric {
            namespace: namespace.clone(),
            metric_name: name.clone(),
        };
        let shape = |additional: &Additional| MetricStreamStatisticsConfiguration {
            additional_statistics: additional.statistics.clone(),
            include_metrics: additional.metrics.iter().map(metric).collect(),
        };
        self.statistics.iter().map(shape).collect()
    }
}

impl Filter {
    fn matches(&self, metric: &MetricIdentity) -> bool {
        *metric.namespace == *self.namespace
            && (self.names.is_empty() || self.names.iter().any(|name| **name == *metric.name))
    }

    pub(crate) fn shape(&self) -> MetricStreamFilter {
        MetricStreamFilter {
            namespace: Some(self.namespace.clone()),
            metric_names: (!self.names.is_empty()).then(|| self.names.clone()),
        }
    }
}

fn check_size(name: &str, size: usize, max: usize) -> Result<(), CloudWatchError> {
    if size > max {
        let message = format!("The collection {name} must not have a size greater than {max}.");
        return Err(CloudWatchError::InvalidParameterValue(message));
    }
    Ok(())
}

fn filters(filters: Option<&[MetricStreamFilter]>, place: &str) -> Result<Vec<Filter>, CloudWatchError> {
    let filters = filters.unwrap_or_default();
    let names = filters.iter().map(|filter| 1 + filter.metric_names.as_deref().unwrap_or_default().len());
    check_size(place, names.sum(), FILTERS_MAX)?;
    let filter = |(number, filter): (usize, &MetricStreamFilter)| match &filter.namespace {
        Some(namespace) => Ok(Filter {
            namespace: namespace.clone(),
            names: filter.metric_names.clone().unwrap_or_default(),
        }),
        None => Err(CloudWatchError::MissingParameter(format!(
            "The parameter {place}.member.{number}.Namespace is required."
        ))),
    };
    (1..).zip(filters).map(filter).collect()
}

fn additional(
    configurations: Option<&[MetricStreamStatisticsConfiguration]>,
    format: Format,
) -> Result<Vec<Additional>, CloudWatchError> {
    let configurations = configurations.unwrap_or_default();
    check_size("StatisticsConfigurations", configurations.len(), CONFIGURATIONS_MAX)?;
    let mut checked = Vec::with_capacity(configurations.len());
    for configuration in configurations {
        check_size("IncludeMetrics", configuration.include_metrics.len(), CONFIGURED_METRICS_MAX)?;
        check_size("AdditionalStatistics", configuration.additional_statistics.len(), STATISTICS_MAX)?;
        for text in &configuration.additional_statistics {
            let fits = match Statistic::parse_extended(text) {
                Ok(Statistic::Percentile(_)) => true,
                // AWS: OpenTelemetry's summaries hold quantiles only (CloudWatch-metric-streams-statistics).
                Ok(_) => format == Format::Json,
                Err(_) => false,
            };
            if !fits {
                return Err(CloudWatchError::invalid_value(text, "AdditionalStatistics"));
            }
        }
        let metric = |m: &MetricStreamStatisticsMetric| (m.namespace.clone(), m.metric_name.clone());
        checked.push(Additional {
            metrics: configuration.include_metrics.iter().map(metric).collect(),
            statistics: configuration.additional_statistics.clone(),
        });
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> PutMetricStreamInput {
        PutMetricStreamInput {
            name: "s".to_owned(),
            firehose_arn: "arn:aws:firehose:eu-west-1:123456789012:deliverystream/d".to_owned(),
            role_arn: "arn:aws:iam::123456789012:role/r".to_owned(),
            output_format: MetricStreamOutputFormat::Json,
            ..PutMetricStreamInput::default()
        }
    }

    fn filter(namespace: &str, names: &[&str]) -> MetricStreamFilter {
        MetricStreamFilter {
            namespace: Some(namespace.to_owned()),
            metric_names: (!names.is_empty()).then(|| names.iter().map(|n| (*n).to_owned()).collect()),
        }
    }

    #[test]
    fn filters_include_or_exclude() {
        let metric = |namespace, name| MetricIdentity::new(namespace, name, Vec::new());
        let all = Settings::of_request(&input()).unwrap();
        assert!(all.takes(&metric("A", "x")));
        let some = PutMetricStreamInput {
            include_filters: Some(vec![filter("A", &["x"]), filter("B", &[])]),
            ..input()
        };
        let some = Settings::of_request(&some).unwrap();
        assert!(some.takes(&metric("A", "x")) && some.takes(&metric("B", "y")));
        assert!(!some.takes(&metric("A", "y")) && !some.takes(&metric("C", "x")));
        let rest = PutMetricStreamInput { exclude_filters: Some(vec![filter("A", &["x"])]), ..input() };
        let rest = Settings::of_request(&rest).unwrap();
        assert!(!rest.takes(&metric("A", "x")) && rest.takes(&metric("A", "y")));
        let both = PutMetricStreamInput {
            include_filters: Some(vec![filter("A", &[])]),
            exclude_filters: Some(vec![filter("B", &[])]),
            ..input()
        };
        assert!(Settings::of_request(&both).is_err());
    }

    #[test]
    fn bad_requests_are_refused() {
        let statistics = |text: &str, output_format| PutMetricStreamInput {
            output_format,
            statistics_configurations: Some(vec![MetricStreamStatisticsConfiguration {
                additional_statistics: vec![text.to_owned()],
                include_metrics: Vec::new(),
            }]),
            ..input()
        };
        assert!(Settings::of_request(&statistics("tm90", MetricStreamOutputFormat::Json)).is_ok());
        assert!(Settings::of_request(&statistics("p99", MetricStreamOutputFormat::Opentelemetry1_0)).is_ok());
        assert!(
            Settings::of_request(&statistics("tm90", MetricStreamOutputFormat::Opentelemetry1_0)).is_err()
        );
        assert!(Settings::of_request(&statistics("Sum", MetricStreamOutputFormat::Json)).is_err());
        assert!(Settings::of_request(&PutMetricStreamInput { name: "a b".to_owned(), ..input() }).is_err());
    }
}
