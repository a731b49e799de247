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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{AccountId, Region, Scope, Timestamp};
    use signals::Principal;
    use smithy::Caller;

    use super::*;

    #[tokio::test]
    async fn tells_the_caller_who_it_is() {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("us-east-1").unwrap());
        let principal = Principal {
            arn: "arn:aws:sts::123456789012:assumed-role/r/s1".into(),
            kind: "AssumedRole".into(),
            principal_id: "AROAX:s1".into(),
            user_name: Some("r".into()),
            access_key_id: Some("ASIAX".into()),
        };
        let caller = Caller {
            scope,
            principal,
            source_ip: "127.0.0.1".into(),
            user_agent: String::new(),
            request_id: String::new(),
        };
        let cx = Cx { service: Arc::new(Sts), caller: Arc::new(caller), now: Timestamp::EPOCH };
        let output = get_caller_identity(cx, GetCallerIdentityRequest {}).await.unwrap();
        assert_eq!(output.account.as_deref(), Some("123456789012"));
        assert_eq!(output.arn.as_deref(), Some("arn:aws:sts::123456789012:assumed-role/r/s1"));
        assert_eq!(output.user_id.as_deref(), Some("AROAX:s1"));
    }
}
