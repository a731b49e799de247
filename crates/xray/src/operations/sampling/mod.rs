//! Sampling rules and targets.

mod get_sampling_rules;
mod get_sampling_statistic_summaries;
mod get_sampling_targets;

pub(super) use get_sampling_rules::get_sampling_rules;
pub(super) use get_sampling_statistic_summaries::get_sampling_statistic_summaries;
pub(super) use get_sampling_targets::get_sampling_targets;

use crate::XRayError;

/// All answers fit on one page, so there is no token that could be right.
fn refuse_token(token: &Option<String>) -> Result<(), XRayError> {
    match token.as_deref() {
        None | Some("") => Ok(()),
        Some(_) => Err(XRayError::InvalidRequest("Invalid NextToken".to_owned())),
    }
}
