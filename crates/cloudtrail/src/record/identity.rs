//! `userIdentity`, and the user name events are looked up by. Source: `spec/cloudtrail.md` §6.1.

use base::AccountId;
use serde::Serialize;
use signals::Principal;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    principal_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    arn: &'a str,
    account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<SessionContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    session_issuer: SessionIssuer<'a>,
    attributes: SessionAttributes,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer<'a> {
    r#type: &'static str,
    principal_id: &'a str,
    arn: String,
    account_id: &'a str,
    user_name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionAttributes {
    /// AWS: a text, not a boolean.
    mfa_authenticated: &'static str,
}

const ASSUMED_ROLE: &str = "AssumedRole";
const ROOT: &str = "Root";

pub(super) fn of<'a>(principal: &'a Principal, account: &'a AccountId) -> UserIdentity<'a> {
    let session_context = assumed_role(principal).map(|(partition, account_id, role, _)| SessionContext {
        session_issuer: SessionIssuer {
            r#type: "Role",
            principal_id: principal.principal_id.split(':').next().unwrap_or_default(),
            arn: format!("arn:{partition}:iam::{account_id}:role/{role}"),
            account_id,
            user_name: role,
        },
        attributes: SessionAttributes { mfa_authenticated: "false" },
    });
    // The name of a role is its issuer's, and root has none unless the account has an alias.
    let has_name = principal.kind != ASSUMED_ROLE && principal.kind != ROOT;
    UserIdentity {
        r#type: &principal.kind,
        principal_id: &principal.principal_id,
        arn: &principal.arn,
        account_id: account.as_str(),
        access_key_id: principal.access_key_id.as_deref(),
        session_context,
        user_name: principal.user_name.as_deref().filter(|_| has_name),
    }
}

/// The `Username` of LookupEvents.
pub(super) fn lookup_name(principal: &Principal) -> Option<String> {
    match principal.kind.as_str() {
        // AWS: observed in samples of the user guide.
        ROOT => Some("root".to_owned()),
        ASSUMED_ROLE => match assumed_role(principal) {
            Some((_, _, _, session)) => Some(session.to_owned()),
            None => principal.principal_id.split_once(':').map(|(_, session)| session.to_owned()),
        },
        _ => principal.user_name.clone(),
    }
}

/// Partition, account, role and session of `arn:aws:sts::111122223333:assumed-role/Role/session`.
fn assumed_role(principal: &Principal) -> Option<(&str, &str, &str, &str)> {
    let mut fields = principal.arn.splitn(6, ':');
    let (partition, service) = (fields.nth(1)?, fields.next()?);
    let (account, resource) = (fields.nth(1)?, fields.next()?);
    let (role, session) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
    (service == "sts" && principal.kind == ASSUMED_ROLE).then_some((partition, account, role, session))
}
