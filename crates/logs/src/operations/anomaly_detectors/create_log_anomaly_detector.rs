//! CreateLogAnomalyDetector: of one group; training starts at once.

use shapes::logs::{CreateLogAnomalyDetectorRequest, CreateLogAnomalyDetectorResponse};
use smithy::Cx;

use super::check_pattern;
use crate::Logs;
use crate::anomaly::{DETECTORS_MAX, Detector, Frequency, detector_arn, detector_key, detectors_of};
use crate::error::LogsError;
use crate::group::{Class, tags};
use crate::identifier::from_identifier;

/// AWS: days an anomaly is shown if nothing is said (API_CreateLogAnomalyDetector.html).
const VISIBILITY_DAYS: i64 = 21;

pub(in crate::operations) async fn create_log_anomaly_detector(
    cx: Cx<Logs>,
    input: CreateLogAnomalyDetectorRequest,
) -> Result<CreateLogAnomalyDetectorResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let [arn] = input.log_group_arn_list.as_slice() else {
        return Err(LogsError::invalid("logGroupArnList must name exactly one log group."));
    };
    if !arn.starts_with("arn:") {
        return Err(LogsError::invalid(format!("Invalid ARN: {arn}")));
    }
    if let Some(key) = input.kms_key_id {
        // AWS: the key must exist; this server keeps no keys, so none does.
        return Err(LogsError::invalid(format!("The specified KMS key does not exist: {key}")));
    }
    let frequency = Frequency::of_request(input.evaluation_frequency.as_ref())?;
    check_pattern(input.filter_pattern.as_deref())?;
    let given_tags = input.tags.unwrap_or_default();
    tags::check_keys(given_tags.keys())?;
    let name = from_identifier(scope, arn, "logGroupArnList")?;
    let group = logs.group(scope, &name)?;
    if group.record.class != Class::Standard {
        return Err(LogsError::invalid(
            "Anomaly detection is supported for log groups of the STANDARD class only.",
        ));
    }
    if logs.detectors.count(&detectors_of(scope)) >= DETECTORS_MAX {
        return Err(LogsError::LimitExceeded);
    }
    let id = logs.entropy.uuid().to_string();
    let detector = Detector {
        name: input.detector_name,
        group: name,
        incarnation: group.record.incarnation,
        frequency: frequency.unwrap_or(Frequency::FiveMin),
        pattern: input.filter_pattern,
        visibility_days: input.anomaly_visibility_time.unwrap_or(VISIBILITY_DAYS),
        enabled: true,
        created: cx.now,
        modified: cx.now,
        tags: given_tags,
    };
    logs.detectors.insert(detector_key(scope, &id), detector).await?;
    logs.wake(crate::tasks::ANOMALY_DETECTORS);
    Ok(CreateLogAnomalyDetectorResponse { anomaly_detector_arn: Some(detector_arn(scope, &id)) })
}
