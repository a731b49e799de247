//! AWS Security Token Service: who am I, and credentials to be someone else (`spec/protocols.md` §9.3,
//! `spec/neighbours.md` §2).
//!
//! Whom a request belongs to was decided before it got here. Making credentials that will be recognised
//! later is the business of whoever recognises them, behind [`CredentialIssuer`].

mod operations;

use std::sync::Arc;

use base::{AccountId, Timestamp};
use signals::Principal;
use smithy::ServiceTable;

/// Temporary credentials, as a client is given them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCredentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
}

/// Makes credentials that this server will recognise, also after a restart.
pub trait CredentialIssuer: Send + Sync {
    fn issue(&self, account: AccountId, principal: Principal, expires: Timestamp) -> IssuedCredentials;

    /// A stable unique id of a role, in AWS's form `AROA…`.
    fn role_id(&self, role_arn: &str) -> String;

    /// The account of a key this server knows.
    fn account_of(&self, access_key_id: &str) -> Option<AccountId>;
}

/// What an installation can choose.
#[derive(Debug, Clone)]
pub struct StsConfig {
    /// The account of keys nobody knows.
    pub default_account: AccountId,
    /// Whether any role of any account may be assumed by anyone, as in open mode. Otherwise none can: there
    /// is no table of roles and whom they trust.
    pub every_role_is_open: bool,
}

/// The service.
pub struct Sts {
    issuer: Arc<dyn CredentialIssuer>,
    config: StsConfig,
}

impl Sts {
    pub fn new(issuer: Arc<dyn CredentialIssuer>, config: StsConfig) -> Arc<Self> {
        Arc::new(Self { issuer, config })
    }
}

/// The operations served.
pub fn table(service: Arc<Sts>) -> ServiceTable {
    operations::table(service)
}
