//! The CloudTrail record: the JSON document of an event. Members stand in the order of AWS's samples.
//! Source: `spec/cloudtrail.md` §6.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use signals::ApiCall;

use super::identity::{self, UserIdentity};
use super::redact::redacted;
use super::resources::Touched;

const EVENT_VERSION: &str = "1.11";
/// Longer texts (user agent, error code and message, request id) are cut.
const TEXT_BYTES_MAX: usize = 1024;
/// Larger parameters or response elements are left out.
const MEMBER_BYTES_MAX: usize = 100 * 1024;
/// A larger record loses its parameters, then its response elements.
const RECORD_BYTES_MAX: usize = 256 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    event_version: &'static str,
    user_identity: UserIdentity<'a>,
    event_time: String,
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Option<Box<RawValue>>,
    response_elements: Option<Box<RawValue>>,
    #[serde(rename = "requestID")]
    request_id: &'a str,
    #[serde(rename = "eventID")]
    event_id: &'a str,
    read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource<'a>>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<&'static str>,
    management_event: bool,
    recipient_account_id: &'a str,
    event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_details: Option<Tls<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    account_id: &'a str,
    r#type: &'static str,
    #[serde(rename = "ARN")]
    arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tls<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher_suite: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_provided_host_header: Option<&'a str>,
}

/// The record of `call` as compact JSON.
pub(super) fn text(call: &ApiCall, event_id: &str, read_only: bool, touched: &[Touched]) -> String {
    let account = call.scope.account.as_str();
    let resource = |t: &'_ Touched| t.arn.is_some();
    let mut document = Document {
        event_version: EVENT_VERSION,
        user_identity: identity::of(&call.principal, &call.scope.account),
        event_time: call.time.to_iso8601_secs(),
        event_source: call.event_source,
        event_name: &call.event_name,
        aws_region: call.scope.region.as_str(),
        source_ip_address: &call.source_ip,
        user_agent: cut(&call.user_agent),
        error_code: call.error.as_ref().map(|(code, _)| cut(code)),
        error_message: call.error.as_ref().map(|(_, message)| cut(message)).filter(|m| !m.is_empty()),
        request_parameters: call.request_parameters.as_ref().and_then(member),
        // Only of calls that changed something, successfully.
        response_elements: call
            .response_elements
            .as_ref()
            .filter(|_| call.error.is_none() && !read_only)
            .and_then(member),
        request_id: cut(&call.request_id),
        event_id,
        read_only,
        resources: touched
            .iter()
            .filter(|t| resource(t))
            .map(|t| Resource {
                account_id: account,
                r#type: t.kind,
                arn: t.arn.as_deref().unwrap_or_default(),
            })
            .collect(),
        event_type: "AwsApiCall",
        api_version: api_version(call.event_source),
        management_event: true,
        recipient_account_id: account,
        event_category: "Management",
        tls_details: tls(call),
    };
    let mut text = json(&document);
    if text.len() > RECORD_BYTES_MAX {
        document.request_parameters = None;
        text = json(&document);
    }
    if text.len() > RECORD_BYTES_MAX {
        document.response_elements = None;
        text = json(&document);
    }
    text
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and JSON have a JSON form")
}

/// Parameters or response elements; `None` (JSON `null`) when there are none or too many.
fn member(value: &Value) -> Option<Box<RawValue>> {
    let value = redacted(value);
    let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    let text = json(&value);
    if empty || text.len() > MEMBER_BYTES_MAX {
        return None;
    }
    RawValue::from_string(text).ok()
}

/// Services whose samples in the AWS documentation show a version.
fn api_version(event_source: &str) -> Option<&'static str> {
    match event_source {
        "monitoring.amazonaws.com" => Some("2010-08-01"),
        "logs.amazonaws.com" => Some("20140328"),
        _ => None,
    }
}

fn tls(call: &ApiCall) -> Option<Tls<'_>> {
    let details = Tls {
        tls_version: call.tls.as_ref().map(|tls| tls.version.as_str()),
        cipher_suite: call.tls.as_ref().map(|tls| tls.cipher_suite.as_str()),
        client_provided_host_header: call.host.as_deref().map(cut),
    };
    (details.tls_version.is_some() || details.client_provided_host_header.is_some()).then_some(details)
}

/// The first bytes of a text, whole characters only.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
