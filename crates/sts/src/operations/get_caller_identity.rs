//! GetCallerIdentity: the account, ARN and unique id of whoever asks. Needs no permission.

use shapes::sts::{GetCallerIdentityRequest, GetCallerIdentityResponse};
use smithy::{Cx, OperationError};

use crate::Sts;

pub(crate) async fn get_caller_identity(
    cx: Cx<Sts>,
    _input: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, OperationError> {
    let principal = &cx.caller.principal;
    Ok(GetCallerIdentityResponse {
        account: Some(cx.scope().account.to_string()),
        arn: Some(principal.arn.clone()),
        user_id: Some(principal.principal_id.clone()),
    })
}
