//! AssumeRole: credentials of a role's session, in the role's account.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use base::{AccountId, Arn};
use shapes::sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser, MalformedPolicyDocumentException};
use signals::Principal;
use smithy::{Cx, OperationError};

use super::credentials;
use crate::Sts;

const DURATION_SECS_DEFAULT: i32 = 3600;
/// AWS: a session that assumes a further role ("role chaining") is limited to one hour.
const CHAINED_DURATION_SECS_MAX: i32 = 3600;
/// AWS: the limit that PackedPolicySize is a percentage of.
const POLICY_LENGTH_MAX: usize = 2048;

pub(crate) async fn assume_role(
    cx: Cx<Sts>,
    input: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, OperationError> {
    let role = Role::parse(&input.role_arn)
        .ok_or_else(|| OperationError::Validation(format!("{} is invalid", input.role_arn)))?;
    let duration_secs = input.duration_seconds.unwrap_or(DURATION_SECS_DEFAULT);
    let caller = &cx.caller.principal;
    if caller.kind == "AssumedRole" && duration_secs > CHAINED_DURATION_SECS_MAX {
        let message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(OperationError::Validation(message.to_owned()));
    }
    if !cx.service.config.every_role_is_open {
        return Err(OperationError::AccessDenied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            caller.arn, input.role_arn
        )));
    }
    let packed_policy_size = input.policy.as_deref().map(packed_size).transpose()?;
    let session = &input.role_session_name;
    let principal = Principal {
        arn: format!("arn:{}:sts::{}:assumed-role/{}/{session}", role.partition, role.account, role.name),
        kind: "AssumedRole".to_owned(),
        principal_id: format!("{}:{session}", cx.service.issuer.role_id(&input.role_arn)),
        user_name: Some(role.name),
        access_key_id: None,
    };
    let user =
        AssumedRoleUser { arn: principal.arn.clone(), assumed_role_id: principal.principal_id.clone() };
    Ok(AssumeRoleResponse {
        assumed_role_user: Some(user),
        credentials: Some(credentials(&cx, role.account, principal, duration_secs)),
        packed_policy_size,
        source_identity: input.source_identity,
        ..AssumeRoleResponse::default()
    })
}

/// `arn:<partition>:iam::<account>:role/<path><name>`.
struct Role {
    partition: String,
    account: AccountId,
    name: String,
}

impl Role {
    fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text).ok()?;
        let name = arn.resource.strip_prefix("role/")?.rsplit('/').next()?.to_owned();
        let is_role = arn.service == "iam" && arn.region.is_empty() && !name.is_empty();
        let account = AccountId::new(&arn.account).ok()?;
        is_role.then_some(Self { partition: arn.partition, account, name })
    }
}

/// How much of its limit a session policy takes, in percent. Policies are not evaluated where every role
/// is open; this only tells a malformed one.
fn packed_size(policy: &str) -> Result<i32, OperationError> {
    let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(policy).is_ok();
    if !is_object {
        let error = MalformedPolicyDocumentException {
            message: Some("This policy contains invalid Json".to_owned()),
        };
        return Err(error.into());
    }
    let percent = (policy.len() * 100).div_ceil(POLICY_LENGTH_MAX).clamp(1, 100);
    Ok(i32::try_from(percent).unwrap_or(100))
}
