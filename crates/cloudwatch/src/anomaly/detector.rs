//! A detector: what it watches and how it learns; the record that is kept of it.

use base::{Scope, TimeRange, Timestamp};
use catalog::Record;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shapes::cloudwatch::{
    AnomalyDetector, AnomalyDetectorAdaptationSpeed, AnomalyDetectorConfiguration,
    AnomalyDetectorOutlierFilteringStrength, AnomalyDetectorStateValue, Dimension, Metric,
    MetricCharacteristics, MetricDataQuery, MetricMathAnomalyDetector, MetricStat, Range,
    SingleMetricAnomalyDetector, StandardUnit,
};
use signals::MetricIdentity;

use super::model::Settings;
use crate::CloudWatchError;
use crate::metric::query;
use crate::metric::statistic::Statistic;
use crate::operations::metrics::identity;

const EXCLUDED_MAX: usize = 10;
/// Metrics and expressions of a detector of metric math.
const QUERIES_MAX: usize = 10;

/// What is kept of a detector; its id is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detector {
    pub(crate) created: Timestamp,
    pub(crate) subject: Subject,
    pub(crate) configuration: Configuration,
    pub(crate) periodic_spikes: Option<bool>,
}

impl Record for Detector {
    const COLLECTION: &'static str = "anomaly_detector";
    const VERSION: u32 = 1;
}

/// What is watched; there is one detector for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Subject {
    Metric { metric: MetricIdentity, stat: String },
    Math { queries: Vec<MathQuery> },
}

/// A query of metric math, as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MathQuery {
    id: String,
    label: Option<String>,
    return_data: Option<bool>,
    period: Option<i32>,
    account: Option<String>,
    expression: Option<String>,
    metric_stat: Option<MathMetric>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MathMetric {
    metric: MetricIdentity,
    period: i32,
    stat: String,
    unit: Option<String>,
}

/// How it learns, as it was given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    excluded: Vec<(Timestamp, Timestamp)>,
    timezone: Option<String>,
    speed: Option<String>,
    filtering: Option<String>,
}

impl Detector {
    pub(crate) fn settings(&self) -> Settings {
        let usual = Settings::default();
        let Configuration { excluded, timezone, speed, filtering } = &self.configuration;
        Settings {
            excluded: excluded.iter().map(|(start, end)| TimeRange::new(*start, *end)).collect(),
            zone: timezone.as_deref().and_then(|name| name.parse().ok()).unwrap_or(usual.zone),
            half_life_days: match speed.as_deref() {
                Some("FAST") => 2.0,
                Some("SLOW") => 10.0,
                _ => usual.half_life_days,
            },
            outlier_limit: match filtering.as_deref() {
                Some("MINIMAL") => 6.0,
                Some("STRICT") => 3.0,
                _ => usual.outlier_limit,
            },
            periodic_spikes: self.periodic_spikes == Some(true),
        }
    }

    /// As AWS describes it; both forms of a single metric are filled (observed).
    pub(crate) fn shape(&self, scope: &Scope, id: &str, state: AnomalyDetectorStateValue) -> AnomalyDetector {
        let mut shape = AnomalyDetector {
            anomaly_detector_id: Some(id.to_owned()),
            configuration: Some(self.configuration.shape()),
            metric_characteristics: self
                .periodic_spikes
                .map(|spikes| MetricCharacteristics { periodic_spikes: Some(spikes) }),
            state_value: Some(state),
            ..AnomalyDetector::default()
        };
        match &self.subject {
            Subject::Metric { metric, stat } => {
                shape.namespace = Some(metric.namespace.to_string());
                shape.metric_name = Some(metric.name.to_string());
                shape.dimensions = Some(dimensions(metric));
                shape.stat = Some(stat.clone());
                shape.single_metric_anomaly_detector = Some(SingleMetricAnomalyDetector {
                    account_id: Some(scope.account.to_string()),
                    namespace: shape.namespace.clone(),
                    metric_name: shape.metric_name.clone(),
                    dimensions: shape.dimensions.clone(),
                    stat: shape.stat.clone(),
                });
            }
            Subject::Math { queries } => {
                shape.metric_math_anomaly_detector = Some(MetricMathAnomalyDetector {
                    metric_data_queries: Some(queries.iter().map(MathQuery::shape).collect()),
                });
            }
        }
        shape
    }
}

impl Configuration {
    pub(crate) fn of_request(
        configuration: Option<&AnomalyDetectorConfiguration>,
    ) -> Result<Self, CloudWatchError> {
        let Some(configuration) = configuration else { return Ok(Self::default()) };
        let excluded = configuration.excluded_time_ranges.as_deref().unwrap_or_default();
        if excluded.len() > EXCLUDED_MAX {
            return Err(CloudWatchError::InvalidParameterValue(format!(
                "The collection ExcludedTimeRanges must not have a size greater than {EXCLUDED_MAX}."
            )));
        }
        if let Some(range) = excluded.iter().find(|range| range.start_time >= range.end_time) {
            return Err(CloudWatchError::invalid_value(
                range.end_time.to_iso8601_secs(),
                "Configuration.ExcludedTimeRanges.EndTime",
            ));
        }
        if let Some(name) = &configuration.metric_timezone
            && name.parse::<Tz>().is_err()
        {
            return Err(CloudWatchError::invalid_value(name, "Configuration.MetricTimezone"));
        }
        Ok(Self {
            excluded: excluded.iter().map(|range| (range.start_time, range.end_time)).collect(),
            timezone: configuration.metric_timezone.clone(),
            speed: configuration.adaptation_speed.as_ref().map(|speed| speed.as_str().to_owned()),
            filtering: configuration.outlier_filtering_strength.as_ref().map(|s| s.as_str().to_owned()),
        })
    }

    fn shape(&self) -> AnomalyDetectorConfiguration {
        let range = |&(start_time, end_time): &(Timestamp, Timestamp)| Range { start_time, end_time };
        AnomalyDetectorConfiguration {
            excluded_time_ranges: Some(self.excluded.iter().map(range).collect()),
            metric_timezone: self.timezone.clone(),
            adaptation_speed: self.speed.as_deref().map(AnomalyDetectorAdaptationSpeed::from),
            outlier_filtering_strength: self
                .filtering
                .as_deref()
                .map(AnomalyDetectorOutlierFilteringStrength::from),
        }
    }
}

/// The three ways in which a request can name a detector's subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SubjectForms<'a> {
    pub(crate) namespace: Option<&'a str>,
    pub(crate) metric_name: Option<&'a str>,
    pub(crate) dimensions: Option<&'a [Dimension]>,
    pub(crate) stat: Option<&'a str>,
    pub(crate) single: Option<&'a SingleMetricAnomalyDetector>,
    pub(crate) math: Option<&'a MetricMathAnomalyDetector>,
}

impl SubjectForms<'_> {
    pub(crate) fn is_none(&self) -> bool {
        !self.is_flat() && self.single.is_none() && self.math.is_none()
    }

    fn is_flat(&self) -> bool {
        self.namespace.is_some()
            || self.metric_name.is_some()
            || self.stat.is_some()
            || self.dimensions.is_some_and(|dimensions| !dimensions.is_empty())
    }

    pub(crate) fn subject(&self, scope: &Scope) -> Result<Subject, CloudWatchError> {
        match (self.is_flat(), self.single, self.math) {
            (_, None, None) => {
                metric_subject(self.namespace, self.metric_name, self.dimensions, self.stat)
            }
            (false, Some(single), None) => {
                if let Some(account) = single.account_id.as_deref()
                    && account != scope.account.as_str()
                {
                    return Err(CloudWatchError::invalid_value(account, "AccountId"));
                }
                metric_subject(
                    single.namespace.as_deref(),
                    single.metric_name.as_deref(),
                    single.dimensions.as_deref(),
                    single.stat.as_deref(),
                )
            }
            (false, None, Some(math)) => math_subject(math),
            _ => Err(CloudWatchError::InvalidParameterCombination(
                "Only one of the parameters SingleMetricAnomalyDetector, MetricMathAnomalyDetector and those of a \
                 metric can be specified."
                    .to_owned(),
            )),
        }
    }
}

fn metric_subject(
    namespace: Option<&str>,
    name: Option<&str>,
    dimensions: Option<&[Dimension]>,
    stat: Option<&str>,
) -> Result<Subject, CloudWatchError> {
    let required = |value: Option<&str>, member: &str| match value {
        Some(value) => Ok(value.to_owned()),
        None => Err(CloudWatchError::MissingParameter(format!("The parameter {member} is required."))),
    };
    let (namespace, name) = (required(namespace, "Namespace")?, required(name, "MetricName")?);
    let stat = required(stat, "Stat")?;
    if Statistic::parse(&stat).is_err() {
        return Err(CloudWatchError::invalid_value(stat, "Stat"));
    }
    Ok(Subject::Metric { metric: identity(&namespace, &name, dimensions), stat })
}

fn math_subject(math: &MetricMathAnomalyDetector) -> Result<Subject, CloudWatchError> {
    let queries = math.metric_data_queries.as_deref().unwrap_or_default();
    let invalid = |message: String| Err(CloudWatchError::InvalidParameterValue(message));
    if queries.len() > QUERIES_MAX {
        return invalid(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        ));
    }
    let checked = match query::check(queries) {
        Err(CloudWatchError::Validation(message)) => return invalid(message),
        other => other?,
    };
    if checked.iter().filter(|query| query.return_data).count() != 1 {
        return invalid("Exactly one query must have ReturnData set to true.".to_owned());
    }
    if let Some(unfit) = checked.iter().find(|q| q.uses_search() || q.is_insights() || q.bands() > 0) {
        return invalid(format!("The expression '{}' cannot be used in an anomaly detector.", unfit.id));
    }
    let mut periods = queries.iter().filter_map(|query| query.metric_stat.as_ref().map(|stat| stat.period));
    let first = periods.next().unwrap_or(60);
    if first < 60 || periods.any(|period| period != first) {
        return invalid("All metrics must have the same period of at least one minute.".to_owned());
    }
    Ok(Subject::Math { queries: queries.iter().map(MathQuery::of).collect() })
}

impl Subject {
    pub(crate) fn of_metric(metric: &MetricIdentity, stat: &str) -> Self {
        Self::Metric { metric: metric.clone(), stat: stat.to_owned() }
    }

    /// Opaque, and the same for the same subject.
    pub(crate) fn id(&self, scope: &Scope) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        add(scope.account.as_str());
        add(scope.region.as_str());
        match self {
            Self::Metric { metric, stat } => {
                ["metric", &*metric.namespace, &*metric.name, stat.as_str()].into_iter().for_each(&mut add);
                for dimension in metric.dimensions.iter() {
                    add(&dimension.name);
                    add(&dimension.value);
                }
            }
            Self::Math { queries } => {
                add("math");
                queries.iter().for_each(|query| add(&format!("{query:?}")));
            }
        }
        let digest = hex::encode(&hash.finalize()[..16]);
        format!(
            "{}-{}-{}-{}-{}",
            &digest[..8],
            &digest[8..12],
            &digest[12..16],
            &digest[16..20],
            &digest[20..]
        )
    }

    /// The queries that give the series which is watched.
    pub(crate) fn queries(&self, period_secs: i32) -> Vec<MetricDataQuery> {
        match self {
            Self::Metric { metric, stat } => vec![MetricDataQuery {
                id: "m1".to_owned(),
                metric_stat: Some(MetricStat {
                    metric: metric_shape(metric),
                    period: period_secs,
                    stat: stat.clone(),
                    unit: None,
                }),
                ..MetricDataQuery::default()
            }],
            Self::Math { queries } => queries.iter().map(MathQuery::shape).collect(),
        }
    }
}

impl MathQuery {
    fn of(query: &MetricDataQuery) -> Self {
        let metric_stat = query.metric_stat.as_ref().map(|stat| MathMetric {
            metric: identity(
                stat.metric.namespace.as_deref().unwrap_or_default(),
                stat.metric.metric_name.as_deref().unwrap_or_default(),
                stat.metric.dimensions.as_deref(),
            ),
            period: stat.period,
            stat: stat.stat.clone(),
            unit: stat.unit.as_ref().map(|unit| unit.as_str().to_owned()),
        });
        Self {
            id: query.id.clone(),
            label: query.label.clone(),
            return_data: query.return_data,
            period: query.period,
            account: query.account_id.clone(),
            expression: query.expression.clone(),
            metric_stat,
        }
    }

    fn shape(&self) -> MetricDataQuery {
        MetricDataQuery {
            id: self.id.clone(),
            label: self.label.clone(),
            return_data: self.return_data,
            period: self.period,
            account_id: self.account.clone(),
            expression: self.expression.clone(),
            metric_stat: self.metric_stat.as_ref().map(|stat| MetricStat {
                metric: metric_shape(&stat.metric),
                period: stat.period,
                stat: stat.stat.clone(),
                unit: stat.unit.as_deref().map(StandardUnit::from),
            }),
        }
    }
}

fn metric_shape(metric: &MetricIdentity) -> Metric {
    Metric {
        namespace: Some(metric.namespace.to_string()),
        metric_name: Some(metric.name.to_string()),
        dimensions: Some(dimensions(metric)),
    }
}

fn dimensions(metric: &MetricIdentity) -> Vec<Dimension> {
    let shape = |d: &signals::Dimension| Dimension { name: d.name.to_string(), value: d.value.to_string() };
    metric.dimensions.iter().map(shape).collect()
}
