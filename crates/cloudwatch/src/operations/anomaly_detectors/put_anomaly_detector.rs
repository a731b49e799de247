//! PutAnomalyDetector: creates the detector of a metric or of metric math, or says anew how it learns.

use catalog::{CommitError, Prefix};
use shapes::cloudwatch::{PutAnomalyDetectorInput, PutAnomalyDetectorOutput};
use smithy::Cx;

use crate::anomaly::detector::{Configuration, Detector, SubjectForms};
use crate::anomaly::key;
use crate::{CloudWatch, CloudWatchError};

/// Detectors of an account in a Region.
const DETECTORS_MAX: usize = 500;

pub(crate) async fn put_anomaly_detector(
    cx: Cx<CloudWatch>,
    input: PutAnomalyDetectorInput,
) -> Result<PutAnomalyDetectorOutput, CloudWatchError> {
    let forms = SubjectForms {
        namespace: input.namespace.as_deref(),
        metric_name: input.metric_name.as_deref(),
        dimensions: input.dimensions.as_deref(),
        stat: input.stat.as_deref(),
        single: input.single_metric_anomaly_detector.as_ref(),
        math: input.metric_math_anomaly_detector.as_ref(),
    };
    let subject = forms.subject(cx.scope())?;
    let configuration = Configuration::of_request(input.configuration.as_ref())?;
    let periodic_spikes = input.metric_characteristics.and_then(|c| c.periodic_spikes);
    let id = subject.id(cx.scope());
    let key = key(cx.scope(), &id);
    let detectors = &cx.service.anomaly().detectors;
    if !detectors.contains(&key) {
        if detectors.count(&Prefix::new(cx.scope(), &[])) >= DETECTORS_MAX {
            return Err(CloudWatchError::LimitExceeded(format!(
                "There can be {DETECTORS_MAX} anomaly detectors at most."
            )));
        }
        let detector =
            Detector { created: cx.now, subject, configuration: configuration.clone(), periodic_spikes };
        match detectors.insert(key.clone(), detector).await {
            Ok(_) => return Ok(PutAnomalyDetectorOutput { anomaly_detector_id: Some(id) }),
            // Another request was faster: this one changes what it made.
            Err(CommitError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let change = |detector: &mut Detector| {
        detector.configuration = configuration.clone();
        detector.periodic_spikes = periodic_spikes;
        Ok::<(), CloudWatchError>(())
    };
    detectors.update(&key, change).await?;
    Ok(PutAnomalyDetectorOutput { anomaly_detector_id: Some(id) })
}
