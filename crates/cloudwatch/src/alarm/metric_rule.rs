//! What a metric alarm is configured by.

use serde::{Deserialize, Serialize};
use signals::MetricIdentity;

use super::zone::Zone;

/// Everything of a metric alarm that its evaluation depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricRule {
    pub(crate) source: Source,
    pub(crate) comparison: Comparison,
    pub(crate) threshold: Threshold,
    /// N.
    pub(crate) evaluation_periods: u32,
    /// M, if it was given.
    pub(crate) datapoints_to_alarm: Option<u32>,
    pub(crate) missing: Option<TreatMissing>,
    pub(crate) low_samples: Option<LowSamples>,
    pub(crate) window: Option<Window>,
    pub(crate) warm_up: Option<WarmUp>,
    /// Length of a slot in seconds.
    pub(crate) period_secs: i64,
}

/// Where the values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Source {
    Metric(MetricSource),
    Queries(Vec<Query>),
}

/// One statistic of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricSource {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// As they were given.
    pub(crate) dimensions: Vec<(String, String)>,
    pub(crate) statistic: String,
    /// Given as `ExtendedStatistic`.
    pub(crate) is_extended: bool,
    pub(crate) unit: Option<String>,
}

impl MetricSource {
    pub(crate) fn identity(&self) -> MetricIdentity {
        let dimensions = self.dimensions.iter().map(|(name, value)| signals::Dimension {
            name: name.as_str().into(),
            value: value.as_str().into(),
        });
        MetricIdentity::new(&self.namespace, &self.name, dimensions.collect())
    }

    /// p as a fraction, for a percentile.
    pub(crate) fn percentile(&self) -> Option<f64> {
        let percent: f64 = self.statistic.strip_prefix('p')?.parse().ok()?;
        Some(percent / 100.0)
    }
}

/// A query of a metric math, Metrics Insights or anomaly alarm, as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) expression: Option<String>,
    pub(crate) metric: Option<QueryMetric>,
    pub(crate) label: Option<String>,
    pub(crate) return_data: Option<bool>,
    pub(crate) period_secs: Option<i32>,
    pub(crate) account: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueryMetric {
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) dimensions: Option<Vec<(String, String)>>,
    pub(crate) period_secs: i32,
    pub(crate) stat: String,
    pub(crate) unit: Option<String>,
}

/// What values are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Threshold {
    Static(f64),
    /// Id of the query that gives the anomaly band.
    Band(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::enum_variant_names, reason = "these are AWS's names")]
pub(crate) enum Comparison {
    GreaterThanOrEqualToThreshold,
    GreaterThanThreshold,
    LessThanThreshold,
    LessThanOrEqualToThreshold,
    LessThanLowerOrGreaterThanUpperThreshold,
    LessThanLowerThreshold,
    GreaterThanUpperThreshold,
}

impl Comparison {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "GreaterThanOrEqualToThreshold",
            Self::GreaterThanThreshold => "GreaterThanThreshold",
            Self::LessThanThreshold => "LessThanThreshold",
            Self::LessThanOrEqualToThreshold => "LessThanOrEqualToThreshold",
            Self::LessThanLowerOrGreaterThanUpperThreshold => "LessThanLowerOrGreaterThanUpperThreshold",
            Self::LessThanLowerThreshold => "LessThanLowerThreshold",
            Self::GreaterThanUpperThreshold => "GreaterThanUpperThreshold",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::GreaterThanOrEqualToThreshold,
            Self::GreaterThanThreshold,
            Self::LessThanThreshold,
            Self::LessThanOrEqualToThreshold,
            Self::LessThanLowerOrGreaterThanUpperThreshold,
            Self::LessThanLowerThreshold,
            Self::GreaterThanUpperThreshold,
        ];
        all.into_iter().find(|c| c.as_str() == text)
    }

    /// Whether it compares with an anomaly band.
    pub(crate) fn is_of_band(self) -> bool {
        matches!(
            self,
            Self::LessThanLowerOrGreaterThanUpperThreshold
                | Self::LessThanLowerThreshold
                | Self::GreaterThanUpperThreshold
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TreatMissing {
    Breaching,
    NotBreaching,
    Ignore,
    Missing,
}

impl TreatMissing {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
            Self::Ignore => "ignore",
            Self::Missing => "missing",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Breaching, Self::NotBreaching, Self::Ignore, Self::Missing]
            .into_iter()
            .find(|t| t.as_str() == text)
    }
}

/// `EvaluateLowSampleCountPercentile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LowSamples {
    Evaluate,
    Ignore,
}

impl LowSamples {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Evaluate => "evaluate",
            Self::Ignore => "ignore",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Evaluate, Self::Ignore].into_iter().find(|l| l.as_str() == text)
    }
}

/// `EvaluationWindow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Window {
    Sliding,
    WallClock {
        /// As it was given.
        timezone: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WarmUp {
    pub(crate) minutes: i32,
    /// `OnlyStartEvaluatingAfterWarmUpPeriodEnds`, if it was given.
    pub(crate) strict: Option<bool>,
    /// It ended: that it is changed later doesn't start it again.
    pub(crate) ended: bool,
}

impl MetricRule {
    pub(crate) fn n(&self) -> usize {
        self.evaluation_periods as usize
    }

    pub(crate) fn m(&self) -> usize {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods) as usize
    }

    /// How missing datapoints are treated.
    pub(crate) fn treatment(&self) -> TreatMissing {
        // AWS: metrics of DynamoDB default to ignore (alarms-and-missing-data); an explicit setting wins.
        let is_dynamo = |metric: &MetricSource| metric.namespace == "AWS/DynamoDB";
        let default = match &self.source {
            Source::Metric(metric) if is_dynamo(metric) => TreatMissing::Ignore,
            _ => TreatMissing::Missing,
        };
        self.missing.unwrap_or(default)
    }

    /// The zone of a wall clock window; `None` for a sliding one.
    pub(crate) fn wall_clock(&self) -> Option<Zone> {
        match &self.window {
            // Zones are checked when an alarm is put.
            Some(Window::WallClock { timezone }) => {
                Some(timezone.as_deref().and_then(Zone::parse).unwrap_or(Zone::UTC))
            }
            _ => None,
        }
    }
}
