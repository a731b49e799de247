//! GetSamplingStatisticSummaries: what clients reported of late.

use shapes::xray::{GetSamplingStatisticSummariesRequest, GetSamplingStatisticSummariesResult};
use smithy::Cx;

use super::refuse_token;
use crate::{XRay, XRayError};

pub(crate) async fn get_sampling_statistic_summaries(
    cx: Cx<XRay>,
    input: GetSamplingStatisticSummariesRequest,
) -> Result<GetSamplingStatisticSummariesResult, XRayError> {
    refuse_token(&input.next_token)?;
    let summaries = cx.service.sampling.summaries(cx.scope(), cx.now);
    Ok(GetSamplingStatisticSummariesResult {
        sampling_statistic_summaries: Some(summaries),
        next_token: None,
    })
}
