//! AWS Signature Version 4: reading what a request presents, and verifying it.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use base::{Region, Timestamp};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wire::FrameworkError;

use super::keys::AccessKey;

/// What a request says about who signed it. Nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) access_key_id: String,
    /// `YYYYMMDD` of the credential scope.
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) signed_headers: String,
    pub(crate) signature: String,
    pub(crate) session_token: Option<String>,
    pub(crate) form: Form,
}

/// Where the signature stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Header,
    /// A presigned URL, with its date and its life in seconds.
    Query {
        date: String,
        expires_secs: u64,
    },
}

/// The parts of a request that a signature covers.
#[derive(Clone, Copy)]
pub(crate) struct SignedParts<'a> {
    pub(crate) method: &'a str,
    /// As received, percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// `Host`, or `:authority` of HTTP/2.
    pub(crate) host: Option<&'a str>,
    /// As received, still compressed.
    pub(crate) body: &'a [u8],
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What the request presents; `None` when it is unsigned. An error is a signature that cannot be
/// verified: malformed, or of a version this server does not compute.
pub(crate) fn presented(
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<Presented>, FrameworkError> {
    if let Some(value) = headers.get(http::header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| incomplete("Authorization header is not text."))?;
        // An API key of the OTLP endpoints is no signature.
        if value.starts_with("Bearer ") {
            return Ok(None);
        }
        return from_header(value, headers).map(Some);
    }
    match query {
        Some(query) if query.contains("X-Amz-") => from_query(query),
        Some(query) if query.contains("AWSAccessKeyId=") => {
            Err(incomplete("Signature Version 2 is not supported; use Signature Version 4."))
        }
        _ => Ok(None),
    }
}

/// The access key id of a request whose signature cannot be read further, for open mode.
pub(crate) fn bare_access_key_id(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let from_header = headers.get(http::header::AUTHORIZATION).and_then(|value| {
        let text = value.to_str().ok()?;
        let start = text.find("Credential=")? + "Credential=".len();
        text[start..].split(['/', ',', ' ']).next().map(str::to_owned)
    });
    from_header
        .or_else(|| query_value(query?, "X-Amz-Credential")?.split('/').next().map(str::to_owned))
        .or_else(|| query_value(query?, "AWSAccessKeyId"))
        .filter(|id| !id.is_empty())
}

fn from_header(value: &str, headers: &HeaderMap) -> Result<Presented, FrameworkError> {
    let (algorithm, rest) = value.split_once(' ').unwrap_or((value, ""));
    if algorithm != ALGORITHM {
        return Err(incomplete(&format!("Unsupported signature algorithm. Authorization={value}")));
    }
    let parameter = |name: &str| {
        rest.split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .filter(|v| !v.is_empty())
    };
    let (credential, signed_headers, signature) =
        (parameter("Credential"), parameter("SignedHeaders"), parameter("Signature"));
    let mut missing = String::new();
    for (name, value) in
        [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)]
    {
        if value.is_none() {
            let _ = write!(missing, "Authorization header requires '{name}' parameter. ");
        }
    }
    if !headers.contains_key("x-amz-date") && !headers.contains_key(http::header::DATE) {
        missing.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    match (credential, signed_headers, signature) {
        (Some(credential), Some(signed_headers), Some(signature)) if missing.is_empty() => make(
            credential,
            signed_headers.to_owned(),
            signature.to_owned(),
            headers.get("x-amz-security-token").and_then(|v| v.to_str().ok()).map(str::to_owned),
            Form::Header,
        ),
        _ => Err(incomplete(&format!("{missing}Authorization={value}"))),
    }
}

fn from_query(query: &str) -> Result<Option<Presented>, FrameworkError> {
    let value = |name: &str| query_value(query, name);
    let Some(algorithm) = value("X-Amz-Algorithm") else { return Ok(None) };
    if algorithm != ALGORITHM {
        return Err(incomplete("Unsupported signature algorithm."));
    }
    let mut missing = String::new();
    let mut required = |name: &str| {
        value(name).filter(|v| !v.is_empty()).unwrap_or_else(|| {
            let _ = write!(missing, "AWS query-string parameters must include '{name}'. ");
            String::new()
        })
    };
    let credential = required("X-Amz-Credential");
    let date = required("X-Amz-Date");
    let expires = required("X-Amz-Expires");
    let signed_headers = required("X-Amz-SignedHeaders");
    let signature = required("X-Amz-Signature");
    if !missing.is_empty() {
        return Err(incomplete(missing.trim_end()));
    }
    let expires_secs = expires
        .parse()
        .ok()
        .filter(|secs| (1..=604_800).contains(secs))
        .ok_or_else(|| incomplete("X-Amz-Expires must be a number of seconds between 1 and 604800."))?;
    let form = Form::Query { date, expires_secs };
    make(&credential, signed_headers, signature, value("X-Amz-Security-Token"), form).map(Some)
}

fn make(
    credential: &str,
    signed_headers: String,
    signature: String,
    session_token: Option<String>,
    form: Form,
) -> Result<Presented, FrameworkError> {
    // Access key ids hold no slash, so the scope is what follows the first one.
    let fields: Vec<&str> = credential.split('/').collect();
    match fields[..] {
        [access_key_id, date, region, service, "aws4_request"] if !access_key_id.is_empty() => {
            Ok(Presented {
                access_key_id: access_key_id.to_owned(),
                date: date.to_owned(),
                region: region.to_owned(),
                service: service.to_owned(),
                signed_headers,
                signature,
                session_token,
                form,
            })
        }
        _ => Err(incomplete(&format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        ))),
    }
}

/// Verifies `presented` with the secret of `key`. `service` is the signing name of the service the
/// request was routed to.
pub(crate) fn verify(
    presented: &Presented,
    key: &AccessKey,
    parts: SignedParts<'_>,
    service: &str,
    now: Timestamp,
    skew_max: Duration,
) -> Result<(), FrameworkError> {
    check_session(presented, key, now)?;
    if Region::new(&presented.region).is_err() {
        return Err(mismatch("Credential should be scoped to a valid region."));
    }
    if presented.service != service {
        return Err(mismatch(&format!("Credential should be scoped to correct service: '{service}'.")));
    }
    let date = check_date(presented, parts.headers, now, skew_max)?;
    let payload_hash = check_payload_hash(presented, parts)?;
    if !presented.signed_headers.split(';').any(|name| name == "host") {
        return Err(mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let signing_key = signing_key(&key.secret, presented);
    let host = parts.host.unwrap_or_default();
    // Some proxies and clients disagree about the default port.
    let without_port = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80"));
    let matches = [Some(host), without_port].into_iter().flatten().any(|host| {
        let canonical = canonical_request(presented, parts, host, &payload_hash);
        let expected = signature(&signing_key, presented, &date, &canonical);
        expected.as_bytes().ct_eq(presented.signature.as_bytes()).into()
    });
    if matches { Ok(()) } else { Err(mismatch(MISMATCH)) }
}

fn check_session(presented: &Presented, key: &AccessKey, now: Timestamp) -> Result<(), FrameworkError> {
    match (&key.session, &presented.session_token) {
        (None, None) => Ok(()),
        (Some(session), Some(token)) if bool::from(session.token.as_bytes().ct_eq(token.as_bytes())) => {
            if session.expires <= now {
                Err(FrameworkError::ExpiredToken)
            } else {
                Ok(())
            }
        }
        _ => Err(FrameworkError::UnrecognizedClient),
    }
}

/// The signature's date in ISO basic form, if it may be used now.
fn check_date(
    presented: &Presented,
    headers: &HeaderMap,
    now: Timestamp,
    skew_max: Duration,
) -> Result<String, FrameworkError> {
    let date = match &presented.form {
        Form::Query { date, .. } => date.clone(),
        Form::Header => header_date(headers)
            .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format' or in RFC 1123 format."))?,
    };
    let at = parse_basic(&date).ok_or_else(|| {
        incomplete(&format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })?;
    if !date.starts_with(&presented.date) || presented.date.len() != 8 {
        return Err(mismatch(&format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from '{date}'.",
            presented.date,
            date.get(..8).unwrap_or(&date),
        )));
    }
    let minutes = skew_max.as_secs() / 60;
    if at > now + skew_max {
        let limit = basic(now + skew_max);
        return Err(mismatch(&format!(
            "Signature not yet current: {date} is still later than {limit} ({} + {minutes} min.)",
            basic(now)
        )));
    }
    match presented.form {
        Form::Header if at < now - skew_max => Err(mismatch(&format!(
            "Signature expired: {date} is now earlier than {} ({} - {minutes} min.)",
            basic(now - skew_max),
            basic(now)
        ))),
        Form::Query { expires_secs, .. } if at + Duration::from_secs(expires_secs) < now => {
            Err(FrameworkError::RequestExpired)
        }
        _ => Ok(date),
    }
}

/// The payload hash as it stands in the canonical request, checked against the body.
fn check_payload_hash(presented: &Presented, parts: SignedParts<'_>) -> Result<String, FrameworkError> {
    let stated = match parts.headers.get("x-amz-content-sha256") {
        Some(value) => value.to_str().ok().map(str::to_owned),
        None if presented.form != Form::Header => {
            parts.query.and_then(|query| query_value(query, "X-Amz-Content-Sha256"))
        }
        None => None,
    };
    match stated {
        Some(literal) if literal == "UNSIGNED-PAYLOAD" || literal.starts_with("STREAMING-") => Ok(literal),
        stated => {
            let actual = hex::encode(Sha256::digest(parts.body));
            match stated {
                Some(stated) if !stated.eq_ignore_ascii_case(&actual) => {
                    Err(FrameworkError::ContentSha256Mismatch)
                }
                Some(stated) => Ok(stated),
                None => Ok(actual),
            }
        }
    }
}

pub(crate) fn canonical_request(
    presented: &Presented,
    parts: SignedParts<'_>,
    host: &str,
    payload_hash: &str,
) -> String {
    let mut text = String::with_capacity(512);
    let _ = write!(text, "{}\n{}\n", parts.method, canonical_uri(parts.path));
    text.push_str(&canonical_query(parts.query.unwrap_or_default()));
    text.push('\n');
    for name in presented.signed_headers.split(';') {
        text.push_str(name);
        text.push(':');
        if name == "host" {
            text.push_str(host);
        } else {
            for (i, value) in parts.headers.get_all(name).iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                push_collapsed(&mut text, &String::from_utf8_lossy(value.as_bytes()));
            }
        }
        text.push('\n');
    }
    let _ = write!(text, "\n{}\n{payload_hash}", presented.signed_headers);
    text
}

/// The chain of keys down to the one that signs.
pub(crate) fn signing_key(secret: &str, presented: &Presented) -> [u8; 32] {
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), presented.date.as_bytes());
    for step in [presented.region.as_str(), presented.service.as_str(), "aws4_request"] {
        key = hmac(&key, step.as_bytes());
    }
    key
}

pub(crate) fn signature(
    signing_key: &[u8; 32],
    presented: &Presented,
    date: &str,
    canonical: &str,
) -> String {
    let text = format!(
        "{ALGORITHM}\n{date}\n{}\n{}",
        presented.scope(),
        hex::encode(Sha256::digest(canonical.as_bytes()))
    );
    hex::encode(hmac(signing_key, text.as_bytes()))
}

impl Presented {
    /// `date/region/service/aws4_request`.
    pub(crate) fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

pub(crate) fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// The date a header-signed request was signed with, in ISO basic form.
pub(crate) fn header_date(headers: &HeaderMap) -> Option<String> {
    if let Some(value) = headers.get("x-amz-date") {
        return value.to_str().ok().map(str::to_owned);
    }
    let value = headers.get(http::header::DATE)?.to_str().ok()?;
    if parse_basic(value).is_some() {
        return Some(value.to_owned());
    }
    let at = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    Some(basic(Timestamp::from_millis(at.timestamp_millis())))
}

fn parse_basic(text: &str) -> Option<Timestamp> {
    let at = chrono::NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?;
    Some(Timestamp::from_millis(at.and_utc().timestamp_millis()))
}

fn basic(at: Timestamp) -> String {
    at.to_datetime().format("%Y%m%dT%H%M%SZ").to_string()
}

/// Everything but `A-Z a-z 0-9 - _ . ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same, but path separators stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The path with dots and double slashes resolved, encoded once more than it was received.
fn canonical_uri(path: &str) -> Cow<'_, str> {
    let needs_work = path.contains("//") || path.contains("/.") || path.is_empty();
    if !needs_work {
        return utf8_percent_encode(path, RESERVED_IN_PATH).into();
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut normal = format!("/{}", segments.join("/"));
    if path.ends_with('/') && normal.len() > 1 {
        normal.push('/');
    }
    utf8_percent_encode(&normal, RESERVED_IN_PATH).to_string().into()
}

fn canonical_query(query: &str) -> String {
    let encode = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&decoded, RESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    let mut text = String::with_capacity(query.len() + 16);
    for (i, (name, value)) in pairs.iter().enumerate() {
        let separator = if i == 0 { "" } else { "&" };
        let _ = write!(text, "{separator}{name}={value}");
    }
    text
}

/// One decoded value of a query string.
pub(crate) fn query_value(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
    })
}

/// Appends `value` trimmed, with inner runs of blanks collapsed.
fn push_collapsed(text: &mut String, value: &str) {
    for (i, word) in value.split([' ', '\t']).filter(|word| !word.is_empty()).enumerate() {
        if i > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

fn incomplete(message: &str) -> FrameworkError {
    FrameworkError::IncompleteSignature(message.to_owned())
}

pub(crate) fn mismatch(message: &str) -> FrameworkError {
    FrameworkError::SignatureMismatch(message.to_owned())
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
