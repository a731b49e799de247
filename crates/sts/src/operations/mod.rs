//! The operations, one file each, and what they share.

mod assume_role;
mod get_access_key_info;
mod get_caller_identity;
mod get_session_token;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use base::AccountId;
use shapes::sts::operations::{AssumeRole, GetAccessKeyInfo, GetCallerIdentity, GetSessionToken};
use shapes::sts::{Credentials, SERVICE};
use signals::Principal;
use smithy::{Cx, ServiceTable};

use crate::{IssuedCredentials, Sts};
use assume_role::assume_role;
use get_access_key_info::get_access_key_info;
use get_caller_identity::get_caller_identity;
use get_session_token::get_session_token;

pub(crate) fn table(service: Arc<Sts>) -> ServiceTable {
    ServiceTable::builder(&SERVICE, service)
        .on(AssumeRole, assume_role)
        .on(GetAccessKeyInfo, get_access_key_info)
        .on(GetCallerIdentity, get_caller_identity)
        .on(GetSessionToken, get_session_token)
        .build()
}

/// Credentials for `principal` that last `duration_secs` from now.
fn credentials(cx: &Cx<Sts>, account: AccountId, principal: Principal, duration_secs: i32) -> Credentials {
    let lifetime = Duration::from_secs(u64::try_from(duration_secs).unwrap_or(0));
    let expiration = cx.now + lifetime;
    let IssuedCredentials { access_key_id, secret_access_key, session_token } =
        cx.service.issuer.issue(account, principal, expiration);
    Credentials { access_key_id, expiration, secret_access_key, session_token }
}
