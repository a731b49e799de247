//! ListAnomalies and UpdateAnomaly.

use base::{Timestamp, page_token};
use catalog::{Entry, UpdateError};
use shapes::logs::{
    Anomaly as Shape, ListAnomaliesRequest, ListAnomaliesResponse, LogEvent, PatternToken, State,
    SuppressionState, SuppressionType, SuppressionUnit, UpdateAnomalyRequest,
};
use smithy::Cx;

use crate::Logs;
use crate::anomaly::{Anomaly, Suppression, anomalies_of, detector_arn, detector_key, id_in_arn, missing};
use crate::error::LogsError;
use crate::group::name_of;
use crate::identifier::group_arn;
use crate::operations::{describe_limit, page_start};

/// An anomaly that was seen so lately goes on.
const ACTIVE_MILLIS: i64 = 3_600_000;

/// ListAnomalies: of one detector or all, those seen last first.
pub(in crate::operations) async fn list_anomalies(
    cx: Cx<Logs>,
    input: ListAnomaliesRequest,
) -> Result<ListAnomaliesResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let detector = input.anomaly_detector_arn.as_deref().map(|arn| id_in_arn(scope, arn)).transpose()?;
    let prefix = match &detector {
        Some(id) => {
            logs.detectors.get(&detector_key(scope, id)).ok_or_else(missing)?;
            anomalies_of(scope, id)
        }
        None => catalog::Prefix::new(scope, &[]),
    };
    let wanted = input.suppression_state.as_ref().map_or("", |state| state.as_str());
    let purpose = format!("ListAnomalies|{scope}|{}|{wanted}", detector.as_deref().unwrap_or_default());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let mut found: Vec<(i64, String, Entry<Anomaly>)> = logs
        .anomalies
        .list(&prefix, None, usize::MAX)
        .into_iter()
        .map(|entry| (entry.last_seen.as_millis(), name_of(&entry.key), entry))
        .collect();
    found.retain(|(_, _, entry)| match &input.suppression_state {
        Some(SuppressionState::Suppressed) => entry.suppressed(cx.now).is_some(),
        Some(SuppressionState::Unsuppressed) => entry.suppressed(cx.now).is_none(),
        _ => true,
    });
    found.sort_by(|(a_seen, a, _), (b_seen, b, _)| (b_seen, b).cmp(&(a_seen, a)));
    if let Some([seen, id]) = start.as_deref() {
        let seen: i64 = seen.parse().map_err(|_| LogsError::bad_token())?;
        found.retain(|(at, other, _)| (*at, other) < (seen, id));
    }
    let limit = describe_limit(input.limit);
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found
        .last()
        .filter(|_| more)
        .map(|(seen, id, _)| page_token::encode(&purpose, &[&seen.to_string(), id]));
    let anomalies = found.iter().map(|(_, id, entry)| shape(&cx, id, entry)).collect();
    Ok(ListAnomaliesResponse { anomalies: Some(anomalies), next_token })
}

/// UpdateAnomaly: suppresses, ends a suppression, or accepts as usual, one anomaly or those of a pattern.
pub(in crate::operations) async fn update_anomaly(
    cx: Cx<Logs>,
    input: UpdateAnomalyRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let detector = id_in_arn(scope, &input.anomaly_detector_arn)?;
    logs.detectors.get(&detector_key(scope, &detector)).ok_or_else(missing)?;
    let is_of_pattern = match (&input.anomaly_id, &input.pattern_id) {
        (Some(_), None) => false,
        (None, Some(_)) => true,
        _ => return Err(LogsError::invalid("Exactly one of anomalyId and patternId must be specified.")),
    };
    let suppression = suppression(&input, cx.now, is_of_pattern)?;
    let is_meant = |entry: &Entry<Anomaly>| match (&input.anomaly_id, &input.pattern_id) {
        (Some(id), _) => name_of(&entry.key) == *id,
        (None, Some(pattern)) => entry.pattern_id == *pattern,
        (None, None) => false,
    };
    let mut all = logs.anomalies.list(&anomalies_of(scope, &detector), None, usize::MAX);
    all.retain(is_meant);
    if all.is_empty() {
        return Err(LogsError::NotFound("The specified anomaly does not exist.".into()));
    }
    for entry in all {
        let change = |anomaly: &mut Anomaly| {
            match input.baseline {
                Some(baseline) => anomaly.is_baseline = baseline,
                None => anomaly.suppression = suppression,
            }
            Ok::<(), LogsError>(())
        };
        match logs.anomalies.update(&entry.key, change).await {
            Ok(_) | Err(UpdateError::Missing) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn suppression(
    input: &UpdateAnomalyRequest,
    now: Timestamp,
    is_of_pattern: bool,
) -> Result<Option<Suppression>, LogsError> {
    let until = match &input.suppression_type {
        None => return Ok(None),
        Some(SuppressionType::Infinite) => None,
        Some(SuppressionType::Limited) => {
            let period = input.suppression_period.as_ref();
            let value = period.and_then(|period| period.value).filter(|value| *value > 0);
            let unit = match period.and_then(|period| period.suppression_unit.as_ref()) {
                Some(SuppressionUnit::Seconds) => 1_000,
                Some(SuppressionUnit::Minutes) => 60_000,
                Some(SuppressionUnit::Hours) => 3_600_000,
                Some(SuppressionUnit::Unknown(_)) | None => 0,
            };
            match value {
                Some(value) if unit > 0 => Some(now.saturating_add_millis(i64::from(value) * unit)),
                _ => {
                    return Err(LogsError::invalid("A LIMITED suppression needs a suppressionPeriod."));
                }
            }
        }
        Some(SuppressionType::Unknown(other)) => {
            return Err(LogsError::invalid(format!("Invalid suppressionType: {other}")));
        }
    };
    Ok(Some(Suppression { since: now, until, is_of_pattern }))
}

fn shape(cx: &Cx<Logs>, id: &str, entry: &Entry<Anomaly>) -> Shape {
    let scope = cx.scope();
    let detector = entry.key.parts().into_iter().nth(2).unwrap_or_default();
    let group = cx.service.detectors.get(&detector_key(scope, &detector)).map(|d| d.group.clone());
    let suppressed = entry.suppressed(cx.now);
    let token = |token: &crate::anomaly::Token| PatternToken {
        dynamic_token_position: token.gap.as_ref().and_then(|(number, _)| i32::try_from(*number).ok()),
        is_dynamic: Some(token.gap.is_some()),
        token_string: Some(token.text.clone()),
        inferred_token_name: token.gap.as_ref().map(|(_, kind)| kind.clone()),
        enumerations: token
            .gap
            .as_ref()
            .map(|_| token.values.iter().map(|(value, count)| (value.clone(), *count as i64)).collect()),
    };
    let sample = |(timestamp, message): &(Timestamp, String)| LogEvent {
        timestamp: Some(timestamp.as_millis()),
        message: Some(message.clone()),
    };
    Shape {
        anomaly_id: id.to_owned(),
        pattern_id: entry.pattern_id.clone(),
        anomaly_detector_arn: detector_arn(scope, &detector),
        pattern_string: entry.pattern.clone(),
        pattern_regex: Some(entry.regex.clone()),
        priority: Some(entry.priority.clone()),
        first_seen: entry.first_seen.as_millis(),
        last_seen: entry.last_seen.as_millis(),
        description: entry.description.clone(),
        active: cx.now.millis_since(entry.last_seen) <= ACTIVE_MILLIS,
        state: match (entry.is_baseline, suppressed) {
            (true, _) => State::Baseline,
            (false, Some(_)) => State::Suppressed,
            (false, None) => State::Active,
        },
        histogram: entry.histogram.iter().map(|(at, count)| (at.to_string(), *count as i64)).collect(),
        log_samples: entry.samples.iter().map(sample).collect(),
        pattern_tokens: entry.tokens.iter().map(token).collect(),
        log_group_arn_list: group.map(|group| group_arn(scope, &group)).into_iter().collect(),
        suppressed: Some(suppressed.is_some()),
        suppressed_date: suppressed.map(|s| s.since.as_millis()),
        suppressed_until: suppressed.and_then(|s| s.until).map(|until| until.as_millis()),
        is_pattern_level_suppression: Some(suppressed.is_some_and(|s| s.is_of_pattern)),
    }
}
