//! Documents of account policies: what is read of them, and what must hold of all.

use serde::Deserialize;

use super::PolicyKind;
use super::criteria::{Selection, SelectionKey};
use crate::error::LogsError;
use crate::group::retention::RetentionDays;
use crate::subscription::Distribution;

/// Characters of a document.
const CHARACTERS_MAX: usize = 30_720;
/// Bytes of criteria. AWS: 25 KB.
const CRITERIA_BYTES_MAX: usize = 25 << 10;
const METRIC_EXTRACTION_VALUES_MAX: usize = 50;

/// Of a `SUBSCRIPTION_FILTER_POLICY`.
pub(crate) struct SubscriptionDocument {
    pub(crate) destination_arn: String,
    pub(crate) role_arn: Option<String>,
    pub(crate) filter_pattern: String,
    pub(crate) distribution: Distribution,
}

/// Of a `RETENTION_POLICY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetentionDocument {
    /// `None` is `NEVER_EXPIRE`.
    pub(crate) days: Option<RetentionDays>,
    pub(crate) is_retroactive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawSubscription {
    destination_arn: String,
    role_arn: Option<String>,
    #[serde(default)]
    filter_pattern: String,
    distribution: Option<String>,
}

pub(crate) fn subscription(text: &str) -> Result<SubscriptionDocument, LogsError> {
    let raw: RawSubscription = serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
    let distribution = match raw.distribution.as_deref() {
        None | Some("ByLogStream") => Distribution::ByLogStream,
        Some("Random") => Distribution::Random,
        Some(_) => return Err(invalid("Distribution is ByLogStream or Random")),
    };
    lang::filter_pattern::FilterPattern::compile(&raw.filter_pattern)
        .map_err(|error| LogsError::invalid(error.to_string()))?;
    Ok(SubscriptionDocument {
        destination_arn: raw.destination_arn,
        role_arn: raw.role_arn,
        filter_pattern: raw.filter_pattern,
        distribution,
    })
}

pub(crate) fn retention(text: &str) -> Result<RetentionDocument, LogsError> {
    let document: serde_json::Value = object(text)?;
    let days = match &document["retentionInDays"] {
        serde_json::Value::String(never) if never == "NEVER_EXPIRE" => None,
        serde_json::Value::Number(days) => {
            // AWS: an account's policy offers no less than 30 days.
            let days = days.as_i64().and_then(|days| i32::try_from(days).ok()).filter(|days| *days >= 30);
            let days = days.and_then(|days| RetentionDays::try_from(days).ok());
            Some(days.ok_or_else(|| invalid("retentionInDays is no number of days that is offered"))?)
        }
        _ => return Err(invalid("retentionInDays is missing")),
    };
    let is_retroactive = match document["enforcementMode"].as_str() {
        Some("RETROACTIVE") => true,
        Some("NEW_ONLY") => false,
        _ => return Err(invalid("enforcementMode is NEW_ONLY or RETROACTIVE")),
    };
    Ok(RetentionDocument { days, is_retroactive })
}

/// Checks what holds of every document of the kind.
pub(crate) fn check(kind: PolicyKind, text: &str) -> Result<(), LogsError> {
    if text.chars().count() > CHARACTERS_MAX {
        return Err(invalid("it is longer than 30720 characters"));
    }
    match kind {
        PolicyKind::SubscriptionFilter => subscription(text).map(|_| ()),
        PolicyKind::Retention => retention(text).map(|_| ()),
        PolicyKind::Transformer => {
            let steps: Vec<crate::transformer::Step> =
                serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
            crate::transformer::Transformer::compile(&steps).map(|_| ())
        }
        PolicyKind::DataProtection => crate::data_protection::Policy::parse(text).map(|_| ()),
        PolicyKind::FieldIndex => crate::index_policy::parse(text).map(|_| ()),
        PolicyKind::MetricExtraction => object(text).map(|_| ()),
    }
}

/// Checks that criteria can be read and use what the kind may select by (`spec/logs-more.md` §2).
pub(crate) fn check_criteria(kind: PolicyKind, text: Option<&str>) -> Result<Selection, LogsError> {
    let Some(text) = text else { return Ok(Selection::default()) };
    let wrong = |reason: &str| LogsError::invalid(format!("Invalid selectionCriteria: {reason}"));
    if text.len() > CRITERIA_BYTES_MAX {
        return Err(wrong("it is longer than 25 KB"));
    }
    let selection = Selection::parse(text).ok_or_else(|| wrong("it cannot be read"))?;
    let keys: Vec<_> = selection.tests.iter().map(|test| (test.key, test.negated)).collect();
    use SelectionKey::{DataSourceName, DataSourceType, LogGroupName, LogGroupNamePrefix};
    let fits = match kind {
        PolicyKind::DataProtection => false,
        PolicyKind::SubscriptionFilter => keys == [(LogGroupName, true)],
        PolicyKind::FieldIndex => {
            keys == [(LogGroupNamePrefix, false)]
                || keys == [(DataSourceName, false), (DataSourceType, false)]
                || keys == [(DataSourceType, false), (DataSourceName, false)]
        }
        PolicyKind::Transformer | PolicyKind::Retention => keys == [(LogGroupNamePrefix, false)],
        PolicyKind::MetricExtraction => {
            let is_group = |(key, _): &(SelectionKey, bool)| matches!(key, LogGroupName | LogGroupNamePrefix);
            keys.iter().all(is_group)
                && selection.tests.iter().map(|t| t.values.len()).sum::<usize>()
                    <= METRIC_EXTRACTION_VALUES_MAX
        }
    };
    if fits { Ok(selection) } else { Err(wrong("policies of this type cannot select so")) }
}

fn object(text: &str) -> Result<serde_json::Value, LogsError> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err(invalid("it must be a JSON object")),
        Err(error) => Err(invalid(&error.to_string())),
    }
}

fn invalid(reason: &str) -> LogsError {
    LogsError::invalid(format!("Invalid policyDocument: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_documents() {
        let read = |text| retention(text).map(|d| (d.days.map(RetentionDays::days), d.is_retroactive));
        assert_eq!(
            read(r#"{"retentionInDays":30,"enforcementMode":"NEW_ONLY"}"#).unwrap(),
            (Some(30), false)
        );
        assert_eq!(
            read(r#"{"retentionInDays":"NEVER_EXPIRE","enforcementMode":"RETROACTIVE"}"#).unwrap(),
            (None, true)
        );
        for bad in [
            "[]",
            "{}",
            r#"{"retentionInDays":30}"#,
            r#"{"retentionInDays":14,"enforcementMode":"NEW_ONLY"}"#,
            r#"{"retentionInDays":31,"enforcementMode":"NEW_ONLY"}"#,
        ] {
            assert!(retention(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn kinds_select_by_what_is_theirs() {
        let prefix = r#"LogGroupNamePrefix IN ["a"]"#;
        let not_in = r#"LogGroupName NOT IN ["a"]"#;
        let source = r#"DataSourceName = "amazon_vpc" AND DataSourceType = "flow""#;
        for (kind, text, fits) in [
            (PolicyKind::SubscriptionFilter, not_in, true),
            (PolicyKind::SubscriptionFilter, prefix, false),
            (PolicyKind::FieldIndex, prefix, true),
            (PolicyKind::FieldIndex, source, true),
            (PolicyKind::Transformer, prefix, true),
            (PolicyKind::Transformer, not_in, false),
            (PolicyKind::MetricExtraction, not_in, true),
            (PolicyKind::Retention, prefix, true),
            (PolicyKind::DataProtection, prefix, false),
            (PolicyKind::Retention, "nonsense", false),
        ] {
            assert_eq!(check_criteria(kind, Some(text)).is_ok(), fits, "{kind:?} {text}");
        }
    }
}
