//! Protocols, and what their endpoints look like.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::SnsError;
use crate::target::http::EndpointRules;

/// How a subscriber is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protocol {
    Http,
    Https,
    Email,
    EmailJson,
    Sqs,
    Lambda,
    Firehose,
}

impl Protocol {
    pub(crate) fn parse(text: &str) -> Result<Self, SnsError> {
        Ok(match text {
            "http" => Self::Http,
            "https" => Self::Https,
            "email" => Self::Email,
            "email-json" => Self::EmailJson,
            "sqs" => Self::Sqs,
            "lambda" => Self::Lambda,
            "firehose" => Self::Firehose,
            "sms" | "application" => {
                return Err(SnsError::invalid(format!(
                    "Protocol Reason: this server cannot deliver by {text}; use http, https, email, \
                     email-json, sqs, lambda or firehose"
                )));
            }
            other => {
                return Err(SnsError::invalid(format!(
                    "Amazon SNS does not support this protocol string: {other}"
                )));
            }
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Firehose => "firehose",
        }
    }

    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    pub(crate) fn is_mail(self) -> bool {
        matches!(self, Self::Email | Self::EmailJson)
    }

    /// The beginning of the topic attributes about its delivery status.
    pub(crate) fn feedback(self) -> Option<&'static str> {
        match self {
            Self::Http | Self::Https => Some("HTTP"),
            Self::Sqs => Some("SQS"),
            Self::Lambda => Some("Lambda"),
            Self::Firehose => Some("Firehose"),
            Self::Email | Self::EmailJson => None,
        }
    }
}

/// Longest endpoint AWS keeps.
const ENDPOINT_BYTES_MAX: usize = 2048;

/// Refuses what can be no endpoint of the protocol.
pub(crate) fn check_endpoint(
    protocol: Protocol,
    endpoint: &str,
    rules: EndpointRules,
    mail_is_configured: bool,
) -> Result<(), SnsError> {
    if endpoint.is_empty() || endpoint.len() > ENDPOINT_BYTES_MAX || endpoint.chars().any(char::is_control) {
        return Err(SnsError::invalid("Endpoint"));
    }
    match protocol {
        Protocol::Http | Protocol::Https => {
            let scheme = protocol.name();
            let Ok(url) = Url::parse(endpoint) else { return Err(SnsError::invalid("HTTP(S) Endpoint")) };
            if url.scheme() != scheme || !endpoint.starts_with(&format!("{scheme}://")) {
                // AWS: text observed for either direction.
                return Err(SnsError::invalid("Endpoint must match the specified protocol"));
            }
            match rules.url_refusal(&url) {
                Some(reason) => Err(SnsError::invalid(format!("Endpoint Reason: {reason}"))),
                None => Ok(()),
            }
        }
        Protocol::Email | Protocol::EmailJson => {
            let is_address = endpoint.parse::<lettre::Address>().is_ok();
            if !is_address {
                return Err(SnsError::invalid("Email address"));
            }
            if !mail_is_configured {
                return Err(SnsError::invalid(
                    "Protocol Reason: this server cannot deliver by e-mail until a mail server is configured \
                     ([smtp] in the configuration file)",
                ));
            }
            Ok(())
        }
        Protocol::Sqs => check_arn(endpoint, "sqs", "SQS endpoint ARN"),
        Protocol::Lambda => check_arn(endpoint, "lambda", "Lambda endpoint ARN"),
        Protocol::Firehose => check_arn(endpoint, "firehose", "Firehose endpoint ARN"),
    }
}

fn check_arn(endpoint: &str, service: &str, parameter: &'static str) -> Result<(), SnsError> {
    match base::Arn::parse(endpoint) {
        Ok(arn) if arn.service == service => Ok(()),
        _ => Err(SnsError::invalid(parameter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let rules = EndpointRules { allow_loopback: false };
        let told = |protocol: &str, endpoint: &str| {
            Protocol::parse(protocol)
                .and_then(|protocol| check_endpoint(protocol, endpoint, rules, true))
                .map_or_else(|error| error.to_string(), |()| "fine".to_owned())
        };
        for (protocol, endpoint, expected) in [
            ("https", "https://example.com/x", "fine"),
            (
                "https",
                "http://example.com/x",
                "Invalid parameter: Endpoint must match the specified protocol",
            ),
            ("http", "example.com", "Invalid parameter: HTTP(S) Endpoint"),
            ("email", "ops@example.com", "fine"),
            ("email", "ops", "Invalid parameter: Email address"),
            ("sqs", "arn:aws:sqs:us-east-1:123456789012:q", "fine"),
            ("sqs", "http://q", "Invalid parameter: SQS endpoint ARN"),
            ("fax", "1", "Invalid parameter: Amazon SNS does not support this protocol string: fax"),
        ] {
            assert_eq!(told(protocol, endpoint), expected, "{protocol} {endpoint}");
        }
        assert!(told("http", "http://127.0.0.1/x").contains("allow-loopback-endpoints"));
        assert!(told("http", "http://example.com/_nephoscope/clock").contains("administration"));
        assert!(told("sms", "+4912345").contains("cannot deliver by sms"));
    }
}
