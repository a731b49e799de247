//! GetSamplingRules: all rules in order of priority; there is the default one.

use base::Timestamp;
use shapes::xray::{GetSamplingRulesRequest, GetSamplingRulesResult, SamplingRuleRecord};
use smithy::Cx;

use super::refuse_token;
use crate::sampling::default_rule;
use crate::{XRay, XRayError};

pub(crate) async fn get_sampling_rules(
    cx: Cx<XRay>,
    input: GetSamplingRulesRequest,
) -> Result<GetSamplingRulesResult, XRayError> {
    refuse_token(&input.next_token)?;
    // AWS: a published sample shows 0 as the time of creation.
    let record = SamplingRuleRecord {
        created_at: Some(Timestamp::EPOCH),
        modified_at: Some(Timestamp::EPOCH),
        sampling_rule: Some(default_rule(cx.scope())),
    };
    Ok(GetSamplingRulesResult { sampling_rule_records: Some(vec![record]), next_token: None })
}
