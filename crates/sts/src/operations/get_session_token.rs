//! GetSessionToken: temporary credentials of the caller itself.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.

use shapes::sts::{GetSessionTokenRequest, GetSessionTokenResponse};
use signals::Principal;
use smithy::{Cx, OperationError};

use super::credentials;
use crate::Sts;

/// AWS: twelve hours for a user; an account's root gets one hour at most.
const DURATION_SECS_DEFAULT: i32 = 43_200;
const ROOT_DURATION_SECS_MAX: i32 = 3600;

pub(crate) async fn get_session_token(
    cx: Cx<Sts>,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, OperationError> {
    let caller = &cx.caller.principal;
    if caller.kind == "AssumedRole" {
        return Err(OperationError::AccessDenied(
            "Cannot call GetSessionToken with session credentials".to_owned(),
        ));
    }
    let mut duration_secs = input.duration_seconds.unwrap_or(DURATION_SECS_DEFAULT);
    if caller.kind == "Root" {
        duration_secs = duration_secs.min(ROOT_DURATION_SECS_MAX);
    }
    let principal = Principal { access_key_id: None, ..caller.clone() };
    let credentials = credentials(&cx, cx.scope().account.clone(), principal, duration_secs);
    Ok(GetSessionTokenResponse { credentials: Some(credentials), ..GetSessionTokenResponse::default() })
}
