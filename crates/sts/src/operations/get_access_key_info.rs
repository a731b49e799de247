//! GetAccessKeyInfo: the account an access key id belongs to.

use base::AccountId;
use shapes::sts::{GetAccessKeyInfoRequest, GetAccessKeyInfoResponse};
use smithy::{Cx, OperationError};

use crate::Sts;

pub(crate) async fn get_access_key_info(
    cx: Cx<Sts>,
    input: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, OperationError> {
    // The same order as for the key of a request: a known key, a key that is an account, any other.
    let id = &input.access_key_id;
    let known = cx.service.issuer.account_of(id).or_else(|| AccountId::new(id).ok());
    let account = known.unwrap_or_else(|| cx.service.config.default_account.clone());
    Ok(GetAccessKeyInfoResponse { account: Some(account.to_string()) })
}
