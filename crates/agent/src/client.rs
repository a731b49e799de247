//! Calls of the two APIs the agent uses, as AWS JSON, signed with Signature Version 4.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base::Clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Smaller bodies are sent as they are.
const GZIP_BYTES_MIN: usize = 512;
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{operation}: {code}: {message}")]
pub(crate) struct CallError {
    pub(crate) operation: String,
    /// The exception's name, or `Unreachable`.
    pub(crate) code: String,
    pub(crate) message: String,
    /// 0 where there was no answer.
    pub(crate) status: u16,
}

impl CallError {
    /// Whether the same call may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        self.status == 0
            || self.status == 429
            || self.status >= 500
            || self.code.contains("Throttl")
            || matches!(
                self.code.as_str(),
                "RequestLimitExceeded" | "ServiceUnavailable" | "TooManyRequestsException"
            )
    }
}

/// An AWS service, or what a test makes of one.
#[async_trait]
pub(crate) trait Api: Send + Sync {
    async fn call(&self, service: &'static str, operation: &str, body: &Value) -> Result<Value, CallError>;
}

/// Where calls go, and as whom.
#[derive(Clone)]
pub struct Destination {
    /// Without a trailing slash; `None` is AWS itself.
    pub endpoint: Option<String>,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

/// Calls over HTTP.
pub(crate) struct HttpApi {
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    destination: Destination,
}

/// The prefix of `X-Amz-Target` and the JSON version of a service.
fn protocol(service: &str) -> (&'static str, &'static str) {
    match service {
        "logs" => ("Logs_20140328", "application/x-amz-json-1.1"),
        _ => ("GraniteServiceVersion20100801", "application/x-amz-json-1.0"),
    }
}

impl HttpApi {
    pub(crate) fn new(clock: Arc<dyn Clock>, destination: Destination) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).connect_timeout(TIMEOUT).build()?;
        Ok(Self { http, clock, destination })
    }

    fn url(&self, service: &str) -> String {
        match &self.destination.endpoint {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://{service}.{}.amazonaws.com/", self.destination.region),
        }
    }

    fn signed(
        &self,
        service: &str,
        url: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, String> {
        let Destination { access_key_id, secret_access_key, session_token, region, .. } = &self.destination;
        let identity =
            Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "agent").into();
        let since_epoch = Duration::from_millis(u64::try_from(self.clock.now().as_millis()).unwrap_or(0));
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(UNIX_EPOCH + since_epoch)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let plain = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request = SignableRequest::new("POST", url, plain, SignableBody::Bytes(body))
            .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(request, &parameters).map_err(|error| error.to_string())?.into_parts();
        let (added, _) = instructions.into_parts();
        Ok(added.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
    }

    async fn post(&self, service: &str, operation: &str, body: &Value) -> Result<(u16, Vec<u8>), String> {
        let (target, content_type) = protocol(service);
        let mut headers = vec![
            ("content-type", content_type.to_owned()),
            ("x-amz-target", format!("{target}.{operation}")),
        ];
        let mut bytes = body.to_string().into_bytes();
        if bytes.len() >= GZIP_BYTES_MIN {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).map_err(|error| error.to_string())?;
            bytes = encoder.finish().map_err(|error| error.to_string())?;
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        let url = self.url(service);
        let added = self.signed(service, &url, &headers, &bytes)?;
        let mut request = self.http.post(&url).body(bytes);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        for (name, value) in added {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| chain(&error))?;
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err("the answer is too long".to_owned());
            }
            answer.extend_from_slice(&chunk);
        }
        Ok((status, answer))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[async_trait]
impl Api for HttpApi {
    async fn call(&self, service: &'static str, operation: &str, body: &Value) -> Result<Value, CallError> {
        let failed = |code: &str, message: String, status| CallError {
            operation: operation.to_owned(),
            code: code.to_owned(),
            message,
            status,
        };
        let posted = self.post(service, operation, body).await;
        let (status, bytes) = posted.map_err(|message| failed("Unreachable", message, 0))?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let (code, message) = error_of(&answer);
        Err(failed(&code, message, status))
    }
}

/// An error's name, without its namespace, and its text.
fn error_of(answer: &Value) -> (String, String) {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let name = text("__type").or(text("code")).unwrap_or("Unknown");
    let code = name.rsplit(['#', '.']).next().unwrap_or(name);
    let message = text("message").or(text("Message")).unwrap_or_default();
    (code.split(':').next().unwrap_or(code).to_owned(), message.to_owned())
}

#[cfg(test)]
mod tests {
    use base::{SimulatedClock, Timestamp};
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_known_by_their_name() {
        let answer = json!({"__type": "com.amazonaws.logs#ResourceNotFoundException", "message": "no"});
        assert_eq!(error_of(&answer), ("ResourceNotFoundException".to_owned(), "no".to_owned()));
        let error = |code: &str, status| CallError {
            operation: "X".to_owned(),
            code: code.to_owned(),
            message: String::new(),
            status,
        };
        assert!(error("Unreachable", 0).is_temporary() && error("Anything", 503).is_temporary());
        assert!(error("ThrottlingException", 400).is_temporary());
        assert!(!error("InvalidParameterValue", 400).is_temporary());
    }

    #[test]
    fn calls_are_signed_for_their_service() {
        let destination = Destination {
            endpoint: Some("http://localhost:4586/".to_owned()),
            region: "eu-west-1".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: Some("token".to_owned()),
        };
        let clock = SimulatedClock::new(Timestamp::from_secs(1_717_200_000));
        let api = HttpApi::new(clock, destination).unwrap();
        assert_eq!(api.url("logs"), "http://localhost:4586/");
        let headers = [("x-amz-target", "Logs_20140328.PutLogEvents".to_owned())];
        let added = api.signed("logs", &api.url("logs"), &headers, b"{}").unwrap();
        let of = |name: &str| added.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap();
        let start = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240601/eu-west-1/logs/aws4_request, SignedHeaders=host;";
        assert!(of("authorization").starts_with(start), "{}", of("authorization"));
        assert_eq!(of("x-amz-security-token"), "token");
    }
}
