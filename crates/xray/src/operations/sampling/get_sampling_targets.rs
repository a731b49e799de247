//! GetSamplingTargets: clients report what they sampled and are told how to go on.

use base::Timestamp;
use shapes::xray::{GetSamplingTargetsRequest, GetSamplingTargetsResult, UnprocessedStatistics};
use smithy::Cx;

use crate::sampling::{Unprocessed, check};
use crate::{XRay, XRayError};

/// Documents of each kind in one call.
const DOCUMENTS_MAX: usize = 25;

pub(crate) async fn get_sampling_targets(
    cx: Cx<XRay>,
    input: GetSamplingTargetsRequest,
) -> Result<GetSamplingTargetsResult, XRayError> {
    let boosts = input.sampling_boost_statistics_documents.unwrap_or_default();
    if input.sampling_statistics_documents.len().max(boosts.len()) > DOCUMENTS_MAX {
        return Err(XRayError::InvalidRequest(format!(
            "at most {DOCUMENTS_MAX} statistics documents are allowed"
        )));
    }
    let mut targets = Vec::new();
    let mut unprocessed = Vec::new();
    for document in &input.sampling_statistics_documents {
        match cx.service.sampling.report(cx.scope(), document, cx.now) {
            Ok(target) => targets.push(target),
            Err(reason) => unprocessed.push(shape(&document.rule_name, reason)),
        }
    }
    // The default rule has no boost; a report for it is sound and changes nothing.
    let unprocessed_boosts = boosts.iter().filter_map(|boost| {
        let reason = check(&boost.rule_name, boost.timestamp, cx.now).err()?;
        Some(shape(&boost.rule_name, reason))
    });
    Ok(GetSamplingTargetsResult {
        sampling_target_documents: Some(targets),
        last_rule_modification: Some(Timestamp::EPOCH),
        unprocessed_statistics: Some(unprocessed),
        unprocessed_boost_statistics: Some(unprocessed_boosts.collect()),
    })
}

fn shape(rule_name: &str, reason: Unprocessed) -> UnprocessedStatistics {
    UnprocessedStatistics {
        rule_name: Some(rule_name.to_owned()),
        error_code: Some(reason.code.to_owned()),
        message: Some(reason.message.to_owned()),
    }
}
