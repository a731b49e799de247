//! Audit events: who did what, when, from where.
//!
//! The request path observes an [`ApiCall`]; CloudTrail's rules turn it into an [`AuditEvent`], whose
//! `record` is the JSON document that LookupEvents and log files carry.

use base::{Scope, Timestamp};
use serde::{Deserialize, Serialize};

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// `arn:aws:iam::<account>:root`, a user ARN or an assumed-role ARN.
    pub arn: String,
    /// The `userIdentity.type` of CloudTrail: `Root`, `IAMUser`, `AssumedRole`, …
    pub kind: String,
    /// Unique id: the account id for root, `AIDA…` for a user, `AROA…:session` for a role.
    pub principal_id: String,
    /// Name of the user, or of the role session's issuer.
    pub user_name: Option<String>,
    /// The access key id that signed the request; absent for an unsigned one.
    pub access_key_id: Option<String>,
}

/// One request to any served operation, as the request path saw it.
#[derive(Debug, Clone)]
pub struct ApiCall {
    pub scope: Scope,
    pub principal: Principal,
    pub time: Timestamp,
    /// CloudTrail event source, e.g. `logs.amazonaws.com`.
    pub event_source: &'static str,
    /// Operation name, e.g. `CreateLogGroup`.
    pub event_name: String,
    pub source_ip: String,
    pub user_agent: String,
    pub request_id: String,
    /// Request members under their lower-camel-case names, secrets hidden; `None` when the body
    /// could not be read.
    pub request_parameters: Option<serde_json::Value>,
    /// Output members, likewise; `None` for failures and for operations without output.
    pub response_elements: Option<serde_json::Value>,
    /// Exception name and message when the call failed.
    pub error: Option<(String, String)>,
    /// TLS version, cipher suite and host name the client used, when it used TLS.
    pub tls: Option<TlsDetails>,
    /// `Host` header.
    pub host: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsDetails {
    pub version: String,
    pub cipher_suite: String,
}

/// A resource an event touched, as LookupEvents lists it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuditResource {
    /// e.g. `AWS::Logs::LogGroup`.
    pub resource_type: String,
    pub resource_name: String,
}

/// One kept audit event: the attributes it can be looked up by, and its full record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    pub scope: Scope,
    /// Version 4 UUID.
    pub event_id: String,
    pub event_time: Timestamp,
    pub event_name: String,
    pub event_source: String,
    pub user_name: Option<String>,
    pub access_key_id: Option<String>,
    pub read_only: bool,
    pub resources: Vec<AuditResource>,
    /// The CloudTrail record, compact JSON.
    pub record: String,
}
