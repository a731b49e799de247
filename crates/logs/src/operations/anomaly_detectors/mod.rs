//! Log anomaly detectors: create, get, list, update, delete; their anomalies: list, update.

mod anomalies;
mod create_log_anomaly_detector;

pub(super) use anomalies::{list_anomalies, update_anomaly};
pub(super) use create_log_anomaly_detector::create_log_anomaly_detector;

use std::sync::Arc;

use catalog::{CommitError, UpdateError};
use lang::filter_pattern::FilterPattern;
use shapes::logs::{
    AnomalyDetector as Shape, DeleteLogAnomalyDetectorRequest, GetLogAnomalyDetectorRequest,
    GetLogAnomalyDetectorResponse, ListLogAnomalyDetectorsRequest, ListLogAnomalyDetectorsResponse,
    UpdateLogAnomalyDetectorRequest,
};
use smithy::Cx;

use super::describe_limit;
use super::paging::named_page;
use crate::Logs;
use crate::anomaly::{
    Detector, Frequency, anomalies_of, detector_arn, detector_key, detectors_of, id_in_arn, missing,
};
use crate::error::LogsError;
use crate::identifier::group_arn;

/// GetLogAnomalyDetector.
pub(super) async fn get_log_anomaly_detector(
    cx: Cx<Logs>,
    input: GetLogAnomalyDetectorRequest,
) -> Result<GetLogAnomalyDetectorResponse, LogsError> {
    let id = id_in_arn(cx.scope(), &input.anomaly_detector_arn)?;
    let detector = cx.service.detectors.get(&detector_key(cx.scope(), &id)).ok_or_else(missing)?;
    let shape = shape(&cx, &id, &detector);
    Ok(GetLogAnomalyDetectorResponse {
        detector_name: shape.detector_name,
        log_group_arn_list: shape.log_group_arn_list,
        evaluation_frequency: shape.evaluation_frequency,
        filter_pattern: shape.filter_pattern,
        anomaly_detector_status: shape.anomaly_detector_status,
        kms_key_id: None,
        creation_time_stamp: shape.creation_time_stamp,
        last_modified_time_stamp: shape.last_modified_time_stamp,
        anomaly_visibility_time: shape.anomaly_visibility_time,
    })
}

/// ListLogAnomalyDetectors: in order of their ids, which are as good as random.
pub(super) async fn list_log_anomaly_detectors(
    cx: Cx<Logs>,
    input: ListLogAnomalyDetectorsRequest,
) -> Result<ListLogAnomalyDetectorsResponse, LogsError> {
    let scope = cx.scope();
    let wanted = input.filter_log_group_arn.as_deref();
    let purpose = format!("ListLogAnomalyDetectors|{scope}|{}", wanted.unwrap_or_default());
    let (page, next_token) = named_page(
        &cx.service.detectors,
        &detectors_of(scope),
        &purpose,
        input.next_token.as_deref(),
        describe_limit(input.limit),
        |id| detector_key(scope, id),
    )?;
    let is_wanted =
        |(_, d): &&(String, Arc<Detector>)| wanted.is_none_or(|arn| arn == group_arn(scope, &d.group));
    let shown = page.iter().filter(is_wanted).map(|(id, detector)| shape(&cx, id, detector)).collect();
    Ok(ListLogAnomalyDetectorsResponse { anomaly_detectors: Some(shown), next_token })
}

/// UpdateLogAnomalyDetector: changes what is given; `enabled` always is.
pub(super) async fn update_log_anomaly_detector(
    cx: Cx<Logs>,
    input: UpdateLogAnomalyDetectorRequest,
) -> Result<(), LogsError> {
    let id = id_in_arn(cx.scope(), &input.anomaly_detector_arn)?;
    let frequency = Frequency::of_request(input.evaluation_frequency.as_ref())?;
    check_pattern(input.filter_pattern.as_deref())?;
    let change = |detector: &mut Detector| {
        detector.enabled = input.enabled;
        detector.frequency = frequency.unwrap_or(detector.frequency);
        detector.visibility_days = input.anomaly_visibility_time.unwrap_or(detector.visibility_days);
        if let Some(pattern) = &input.filter_pattern {
            detector.pattern = Some(pattern.clone());
        }
        detector.modified = cx.now;
        Ok::<(), LogsError>(())
    };
    match cx.service.detectors.update(&detector_key(cx.scope(), &id), change).await {
        Ok(_) => {}
        Err(UpdateError::Missing) => return Err(missing()),
        Err(error) => return Err(error.into()),
    }
    cx.service.wake(crate::tasks::ANOMALY_DETECTORS);
    Ok(())
}

/// DeleteLogAnomalyDetector: with its anomalies.
pub(super) async fn delete_log_anomaly_detector(
    cx: Cx<Logs>,
    input: DeleteLogAnomalyDetectorRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let id = id_in_arn(scope, &input.anomaly_detector_arn)?;
    let key = detector_key(scope, &id);
    loop {
        let version = logs.detectors.get(&key).ok_or_else(missing)?.version;
        let transaction = logs
            .catalog
            .transaction()
            .delete(&logs.detectors, key.clone(), version)
            .delete_all(&logs.detector_models, anomalies_of(scope, &id))
            .delete_all(&logs.anomalies, anomalies_of(scope, &id));
        match transaction.commit().await {
            Ok(_) => return Ok(()),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
}

fn check_pattern(pattern: Option<&str>) -> Result<(), LogsError> {
    let compiled = FilterPattern::compile(pattern.unwrap_or_default());
    compiled.map(|_| ()).map_err(|error| LogsError::invalid(error.to_string()))
}

fn shape(cx: &Cx<Logs>, id: &str, detector: &Detector) -> Shape {
    let scope = cx.scope();
    Shape {
        anomaly_detector_arn: Some(detector_arn(scope, id)),
        detector_name: detector.name.clone(),
        log_group_arn_list: Some(vec![group_arn(scope, &detector.group)]),
        evaluation_frequency: Some(detector.frequency.shape()),
        filter_pattern: detector.pattern.clone(),
        anomaly_detector_status: Some(cx.service.detector_status(scope, id, detector)),
        kms_key_id: None,
        creation_time_stamp: Some(detector.created.as_millis()),
        last_modified_time_stamp: Some(detector.modified.as_millis()),
        anomaly_visibility_time: Some(detector.visibility_days),
    }
}
