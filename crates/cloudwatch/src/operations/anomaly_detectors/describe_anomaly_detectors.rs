//! DescribeAnomalyDetectors: by id, metric or kind, in pages.

use std::ops::ControlFlow;

use base::{TimeRange, page_token};
use catalog::{Entry, Prefix, RecordKey};
use shapes::cloudwatch::{
    AnomalyDetectorStateValue, AnomalyDetectorType, DescribeAnomalyDetectorsInput,
    DescribeAnomalyDetectorsOutput,
};
use smithy::Cx;

use crate::anomaly::detector::{Detector, Subject};
use crate::anomaly::{key, model};
use crate::math::MISSING;
use crate::metric::evaluate::{Options, evaluate};
use crate::metric::grid::Grid;
use crate::metric::query;
use crate::operations::metrics::identity;
use crate::{CloudWatch, CloudWatchError};

const PAGE_MAX: i32 = 100;
const IDS_MAX: usize = 50;
/// A detector counts as not trained for so long.
const PENDING_MILLIS: i64 = 5 * 60_000;
/// The period at which it is looked whether there is enough to learn from.
const LOOK_SECS: i32 = 300;

pub(crate) async fn describe_anomaly_detectors(
    cx: Cx<CloudWatch>,
    input: DescribeAnomalyDetectorsInput,
) -> Result<DescribeAnomalyDetectorsOutput, CloudWatchError> {
    check(&input)?;
    let page = input.max_results.unwrap_or(PAGE_MAX) as usize;
    let DescribeAnomalyDetectorsInput { namespace, metric_name, dimensions, .. } = &input;
    let purpose = format!(
        "DescribeAnomalyDetectors|{}|{namespace:?}|{metric_name:?}|{dimensions:?}|{:?}|{:?}",
        cx.scope(),
        input.anomaly_detector_types,
        input.anomaly_detector_ids,
    );
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => {
            let parts = page_token::decode(&purpose, token)
                .map_err(|_| CloudWatchError::InvalidNextToken("The NextToken is invalid.".to_owned()))?;
            parts.first().map(|id| key(cx.scope(), id))
        }
    };
    let mut found: Vec<Entry<Detector>> = Vec::new();
    cx.service.anomaly().detectors.scan(&Prefix::new(cx.scope(), &[]), after.as_ref(), |key, value| {
        if is_wanted(&input, key, value) {
            found.push(Entry { key: key.clone(), value: value.clone() });
        }
        if found.len() > page { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let more = found.len() > page;
    found.truncate(page);
    let mut described = Vec::with_capacity(found.len());
    for entry in &found {
        let state = state(&cx, entry).await?;
        described.push(entry.shape(cx.scope(), &id_of(&entry.key), state));
    }
    let last = found.last().filter(|_| more);
    Ok(DescribeAnomalyDetectorsOutput {
        anomaly_detectors: Some(described),
        next_token: last.map(|entry| page_token::encode(&purpose, &[&id_of(&entry.key)])),
    })
}

fn check(input: &DescribeAnomalyDetectorsInput) -> Result<(), CloudWatchError> {
    let page = input.max_results.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&page) {
        return Err(CloudWatchError::invalid_value(page, "MaxResults"));
    }
    let Some(ids) = &input.anomaly_detector_ids else { return Ok(()) };
    if ids.len() > IDS_MAX {
        return Err(CloudWatchError::InvalidParameterValue(format!(
            "The collection AnomalyDetectorIds must not have a size greater than {IDS_MAX}."
        )));
    }
    if input.namespace.is_some() || input.metric_name.is_some() || input.dimensions.is_some() {
        return Err(CloudWatchError::InvalidParameterCombination(
            "AnomalyDetectorIds cannot be combined with the parameters of a metric.".to_owned(),
        ));
    }
    Ok(())
}

fn is_wanted(input: &DescribeAnomalyDetectorsInput, key: &RecordKey, detector: &Detector) -> bool {
    if let Some(ids) = &input.anomaly_detector_ids {
        return ids.contains(&id_of(key));
    }
    let types = input.anomaly_detector_types.as_deref().unwrap_or(&[AnomalyDetectorType::SingleMetric]);
    match &detector.subject {
        Subject::Math { .. } => {
            let of_metric =
                input.namespace.is_some() || input.metric_name.is_some() || input.dimensions.is_some();
            types.contains(&AnomalyDetectorType::MetricMath) && !of_metric
        }
        Subject::Metric { metric, .. } => {
            types.contains(&AnomalyDetectorType::SingleMetric)
                && input.namespace.as_deref().is_none_or(|wanted| *metric.namespace == *wanted)
                && input.metric_name.as_deref().is_none_or(|wanted| *metric.name == *wanted)
                && input
                    .dimensions
                    .as_deref()
                    .is_none_or(|wanted| identity("", "", Some(wanted)).dimensions == metric.dimensions)
        }
    }
}

/// Whether there is enough history to learn from.
async fn state(
    cx: &Cx<CloudWatch>,
    detector: &Detector,
) -> Result<AnomalyDetectorStateValue, CloudWatchError> {
    if cx.now.millis_since(detector.created) < PENDING_MILLIS {
        return Ok(AnomalyDetectorStateValue::PendingTraining);
    }
    let queries = query::check(&detector.subject.queries(LOOK_SECS))?;
    let range = TimeRange::new(cx.now.saturating_sub_millis(model::TRAINING_SECS * 1000), cx.now);
    let evaluation = evaluate(&cx.service, cx.scope(), &queries, &Options::new(range, cx.now)).await?;
    let Some(series) = evaluation.series.first() else {
        return Ok(AnomalyDetectorStateValue::TrainedInsufficientData);
    };
    let grid = Grid::new(range.start, range.end, series.period_secs as i32, cx.now);
    let mut history = vec![MISSING; grid.slots()];
    for (at, value) in &series.points {
        let slot = at.millis_since(grid.start) / (grid.period_secs * 1000);
        if let Some(place) = usize::try_from(slot).ok().and_then(|slot| history.get_mut(slot)) {
            *place = *value;
        }
    }
    Ok(match model::is_trainable(&history, &grid, cx.now, &detector.settings()) {
        true => AnomalyDetectorStateValue::Trained,
        false => AnomalyDetectorStateValue::TrainedInsufficientData,
    })
}

fn id_of(key: &RecordKey) -> String {
    key.parts().pop().unwrap_or_default()
}
