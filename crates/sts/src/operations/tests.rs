//! What each operation tells a root, a user and a role session.

use base::{Region, Scope, Timestamp};
use shapes::sts::{
    AssumeRoleRequest, GetAccessKeyInfoRequest, GetCallerIdentityRequest, GetSessionTokenRequest,
};
use smithy::{Caller, OperationError};

use super::*;
use crate::{CredentialIssuer, StsConfig};

struct Issuer;

impl CredentialIssuer for Issuer {
    fn issue(&self, account: AccountId, principal: Principal, expires: Timestamp) -> IssuedCredentials {
        IssuedCredentials {
            access_key_id: "ASIAX".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: format!("{account} {} {}", principal.arn, expires.as_secs()),
        }
    }
    fn role_id(&self, role_arn: &str) -> String {
        format!("AROA{}", role_arn.len())
    }
    fn account_of(&self, access_key_id: &str) -> Option<AccountId> {
        (access_key_id == "AKIAKNOWN").then(|| AccountId::new("333333333333").unwrap())
    }
}

fn cx(kind: &str, every_role_is_open: bool) -> Cx<Sts> {
    let account = AccountId::new("123456789012").unwrap();
    let principal = Principal {
        arn: format!("arn:aws:iam::{account}:{}", kind.to_lowercase()),
        kind: kind.to_owned(),
        principal_id: "ID".to_owned(),
        user_name: None,
        access_key_id: Some("AKIAX".to_owned()),
    };
    let caller = Caller {
        scope: Scope::new(account.clone(), Region::new("us-east-1").unwrap()),
        principal,
        source_ip: String::new(),
        user_agent: String::new(),
        request_id: String::new(),
    };
    let service = Sts::new(Arc::new(Issuer), StsConfig { default_account: account, every_role_is_open });
    Cx { service, caller: Arc::new(caller), now: Timestamp::from_secs(1000) }
}

fn role(arn: &str) -> AssumeRoleRequest {
    AssumeRoleRequest {
        role_arn: arn.to_owned(),
        role_session_name: "s1".to_owned(),
        ..AssumeRoleRequest::default()
    }
}

#[tokio::test]
async fn the_caller_is_told_who_it_is() {
    let output = get_caller_identity(cx("Root", true), GetCallerIdentityRequest {}).await.unwrap();
    assert_eq!(output.account.as_deref(), Some("123456789012"));
    assert_eq!(output.arn.as_deref(), Some("arn:aws:iam::123456789012:root"));
    assert_eq!(output.user_id.as_deref(), Some("ID"));
}

/// Vector N2 of `spec/neighbours.md` §11.
#[tokio::test]
async fn a_role_is_assumed_in_its_own_account() {
    let output = assume_role(cx("Root", true), role("arn:aws:iam::111111111111:role/path/r")).await.unwrap();
    let user = output.assumed_role_user.unwrap();
    assert_eq!(user.arn, "arn:aws:sts::111111111111:assumed-role/r/s1");
    assert!(user.assumed_role_id.starts_with("AROA") && user.assumed_role_id.ends_with(":s1"));
    let credentials = output.credentials.unwrap();
    assert_eq!(credentials.expiration, Timestamp::from_secs(4600));
    assert_eq!(credentials.session_token, "111111111111 arn:aws:sts::111111111111:assumed-role/r/s1 4600");
    assert_eq!(output.packed_policy_size, None);
}

#[tokio::test]
async fn what_cannot_be_assumed() {
    for arn in [
        "arn:aws:iam::111111111111:user/r",
        "arn:aws:iam::1:role/r",
        "arn:aws:iam::111111111111:role/",
        "nonsense!",
    ] {
        let result = assume_role(cx("Root", true), role(arn)).await;
        assert!(matches!(result, Err(OperationError::Validation(_))), "{arn}");
    }
    let arn = "arn:aws:iam::111111111111:role/r";
    assert!(matches!(
        assume_role(cx("IAMUser", false), role(arn)).await,
        Err(OperationError::AccessDenied(_))
    ));
    let long = AssumeRoleRequest { duration_seconds: Some(7200), ..role(arn) };
    assert!(assume_role(cx("IAMUser", true), long.clone()).await.is_ok());
    assert!(matches!(assume_role(cx("AssumedRole", true), long).await, Err(OperationError::Validation(_))));
    let policy = |text: &str| AssumeRoleRequest { policy: Some(text.to_owned()), ..role(arn) };
    assert!(matches!(assume_role(cx("Root", true), policy("[]")).await, Err(OperationError::Modelled(_))));
    assert_eq!(assume_role(cx("Root", true), policy("{}")).await.unwrap().packed_policy_size, Some(1));
}

#[tokio::test]
async fn session_tokens_are_for_users_and_roots() {
    let input = GetSessionTokenRequest::default;
    let expires =
        |output: shapes::sts::GetSessionTokenResponse| output.credentials.unwrap().expiration.as_secs();
    assert_eq!(expires(get_session_token(cx("IAMUser", true), input()).await.unwrap()), 44_200);
    assert_eq!(expires(get_session_token(cx("Root", true), input()).await.unwrap()), 4600);
    let refused = get_session_token(cx("AssumedRole", true), input()).await;
    assert!(matches!(refused, Err(OperationError::AccessDenied(_))));
}

#[tokio::test]
async fn keys_belong_to_accounts() {
    for (id, account) in [
        ("AKIAKNOWN", "333333333333"),
        ("222222222222", "222222222222"),
        ("AKIAOTHERKEYID00", "123456789012"),
    ] {
        let input = GetAccessKeyInfoRequest { access_key_id: id.to_owned() };
        let output = get_access_key_info(cx("Root", true), input).await.unwrap();
        assert_eq!(output.account.as_deref(), Some(account), "{id}");
    }
}
