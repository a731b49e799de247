//! DeleteAnomalyDetector: by id or by what it watches.

use shapes::cloudwatch::{DeleteAnomalyDetectorInput, DeleteAnomalyDetectorOutput};
use smithy::Cx;

use crate::anomaly::detector::SubjectForms;
use crate::anomaly::key;
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn delete_anomaly_detector(
    cx: Cx<CloudWatch>,
    input: DeleteAnomalyDetectorInput,
) -> Result<DeleteAnomalyDetectorOutput, CloudWatchError> {
    let forms = SubjectForms {
        namespace: input.namespace.as_deref(),
        metric_name: input.metric_name.as_deref(),
        dimensions: input.dimensions.as_deref(),
        stat: input.stat.as_deref(),
        single: input.single_metric_anomaly_detector.as_ref(),
        math: input.metric_math_anomaly_detector.as_ref(),
    };
    let id = match &input.anomaly_detector_id {
        Some(id) if forms.is_none() => id.clone(),
        Some(_) => {
            return Err(CloudWatchError::InvalidParameterCombination(
                "AnomalyDetectorId cannot be combined with the parameters of a metric.".to_owned(),
            ));
        }
        None => forms.subject(cx.scope())?.id(cx.scope()),
    };
    let key = key(cx.scope(), &id);
    let missing = || CloudWatchError::not_found("The anomaly detector does not exist.");
    let detectors = &cx.service.anomaly().detectors;
    let found = detectors.get(&key).ok_or_else(missing)?;
    match detectors.delete(key, found.version).await {
        Err(catalog::CommitError::Missing { .. }) => Err(missing()),
        other => Ok(other.map(|()| DeleteAnomalyDetectorOutput::default())?),
    }
}
