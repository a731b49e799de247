//! Log anomaly detectors: patterns of a group's messages that are new, or whose number changes much.
//!
//! A detector's model holds examples of every pattern it knows and how often each was met lately. At an evaluation
//! the examples are clustered together with the new messages, so that the model is small and needs no history.

pub(crate) mod evaluate;
pub(crate) mod model;

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};
use shapes::logs::{AnomalyDetectorStatus, EvaluationFrequency};

use crate::Logs;
use crate::error::LogsError;
use model::Known;

/// Detectors of an account and Region.
pub(crate) const DETECTORS_MAX: usize = 500;
/// Anomalies kept of a detector; of more, those seen longest ago go.
pub(crate) const ANOMALIES_MAX: usize = 1_000;
/// Windows of which an anomaly's histogram tells.
pub(crate) const HISTOGRAM_MAX: usize = 50;

/// What is kept of a detector; the id that ends its ARN is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detector {
    pub(crate) name: Option<String>,
    pub(crate) group: String,
    pub(crate) incarnation: u64,
    pub(crate) frequency: Frequency,
    pub(crate) pattern: Option<String>,
    pub(crate) visibility_days: i64,
    pub(crate) enabled: bool,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for Detector {
    const COLLECTION: &'static str = "log_anomaly_detector";
    const VERSION: u32 = 1;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Frequency {
    OneMin,
    FiveMin,
    TenMin,
    FifteenMin,
    ThirtyMin,
    OneHour,
}

impl Frequency {
    pub(crate) fn of_request(given: Option<&EvaluationFrequency>) -> Result<Option<Self>, LogsError> {
        Ok(Some(match given {
            None => return Ok(None),
            Some(EvaluationFrequency::OneMin) => Self::OneMin,
            Some(EvaluationFrequency::FiveMin) => Self::FiveMin,
            Some(EvaluationFrequency::TenMin) => Self::TenMin,
            Some(EvaluationFrequency::FifteenMin) => Self::FifteenMin,
            Some(EvaluationFrequency::ThirtyMin) => Self::ThirtyMin,
            Some(EvaluationFrequency::OneHour) => Self::OneHour,
            Some(EvaluationFrequency::Unknown(other)) => {
                return Err(LogsError::invalid(format!("Invalid evaluationFrequency: {other}")));
            }
        }))
    }

    pub(crate) fn shape(self) -> EvaluationFrequency {
        match self {
            Self::OneMin => EvaluationFrequency::OneMin,
            Self::FiveMin => EvaluationFrequency::FiveMin,
            Self::TenMin => EvaluationFrequency::TenMin,
            Self::FifteenMin => EvaluationFrequency::FifteenMin,
            Self::ThirtyMin => EvaluationFrequency::ThirtyMin,
            Self::OneHour => EvaluationFrequency::OneHour,
        }
    }

    pub(crate) fn millis(self) -> i64 {
        let minutes = match self {
            Self::OneMin => 1,
            Self::FiveMin => 5,
            Self::TenMin => 10,
            Self::FifteenMin => 15,
            Self::ThirtyMin => 30,
            Self::OneHour => 60,
        };
        minutes * 60_000
    }
}

/// What a detector has learned; under the detector's key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct DetectorModel {
    /// When it was last evaluated; `None` before it was trained.
    pub(crate) evaluated: Option<Timestamp>,
    /// Sequence of the last event that was looked at.
    pub(crate) cursor: u64,
    pub(crate) known: Vec<Known>,
}

impl Record for DetectorModel {
    const COLLECTION: &'static str = "log_anomaly_model";
    const VERSION: u32 = 1;
}

/// An anomaly; its detector's id and its own are in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Anomaly {
    /// 32 hexadecimal digits.
    pub(crate) pattern_id: String,
    pub(crate) pattern: String,
    pub(crate) regex: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) samples: Vec<(Timestamp, String)>,
    pub(crate) description: String,
    pub(crate) priority: String,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    /// Messages by the start of their window, in milliseconds.
    pub(crate) histogram: BTreeMap<i64, u64>,
    pub(crate) is_baseline: bool,
    pub(crate) suppression: Option<Suppression>,
}

impl Record for Anomaly {
    const COLLECTION: &'static str = "log_anomaly";
    const VERSION: u32 = 1;
}

/// A token of a pattern as ListAnomalies shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Number and kind of what varies.
    pub(crate) gap: Option<(u32, String)>,
    pub(crate) values: Vec<(String, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suppression {
    pub(crate) since: Timestamp,
    /// `None` is for ever.
    pub(crate) until: Option<Timestamp>,
    pub(crate) is_of_pattern: bool,
}

impl Anomaly {
    pub(crate) fn suppressed(&self, now: Timestamp) -> Option<Suppression> {
        self.suppression.filter(|s| s.until.is_none_or(|until| now < until))
    }
}

pub(crate) fn detector_key(scope: &Scope, id: &str) -> RecordKey {
    RecordKey::new(scope, &[id])
}

pub(crate) fn detectors_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

pub(crate) fn anomaly_key(scope: &Scope, detector: &str, id: &str) -> RecordKey {
    RecordKey::new(scope, &[detector, id])
}

pub(crate) fn anomalies_of(scope: &Scope, detector: &str) -> Prefix {
    Prefix::new(scope, &[detector])
}

pub(crate) fn detector_arn(scope: &Scope, id: &str) -> String {
    scope.arn("logs", &format!("anomaly-detector:{id}"))
}

/// The id in the ARN of a detector of this account and Region.
pub(crate) fn id_in_arn(scope: &Scope, arn: &str) -> Result<String, LogsError> {
    match arn.strip_prefix(&detector_arn(scope, "")) {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        _ if arn.contains(":anomaly-detector:") => Err(missing()),
        _ => Err(LogsError::invalid(format!("Invalid anomalyDetectorArn: {arn}"))),
    }
}

pub(crate) fn missing() -> LogsError {
    LogsError::NotFound("The specified anomaly detector does not exist.".into())
}

impl Logs {
    pub(crate) fn detector_status(
        &self,
        scope: &Scope,
        id: &str,
        detector: &Detector,
    ) -> AnomalyDetectorStatus {
        let group = self.group(scope, &detector.group);
        if !group.is_ok_and(|group| group.record.incarnation == detector.incarnation) {
            return AnomalyDetectorStatus::Failed;
        }
        if !detector.enabled {
            return AnomalyDetectorStatus::Paused;
        }
        let model = self.detector_models.get(&detector_key(scope, id));
        match model.and_then(|model| model.evaluated) {
            None => AnomalyDetectorStatus::Initializing,
            Some(_) => AnomalyDetectorStatus::Analyzing,
        }
    }
}
