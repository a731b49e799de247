//! What the server calls: targets behind ARNs, the mail server, and which endpoints subscribers may name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use delivery::mail::{SmtpConfig, SmtpTls};
use delivery::target::http::EndpointRules;
use delivery::target::{Target, TargetCredentials, TargetKind};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::settings::Auth;
use super::{ConfigError, Settings};

/// A text that is read and never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

/// What stands behind an ARN or a URL in `[targets]`: the URL alone, or all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetSettings {
    Url(String),
    Full(Box<FullTarget>),
}

/// `[targets."arn:…"]` in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FullTarget {
    /// `lambda`, `firehose`, `kinesis`, `sqs`, `webhook`, `slack` or `pagerduty`; by the ARN's service if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Calls are signed with this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Sent as `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The integration key of PagerDuty's Events API v2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<Secret>,
    /// Sent with every call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Secret>,
}

/// `[smtp]`: the mail server e-mail subscriptions are delivered through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmtpSettings {
    pub host: String,
    /// By the kind of TLS if absent: 587, 465 or 25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `starttls` (the default), `implicit` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// PEM file with the certificate authority of a server the system doesn't know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// File with the password, instead of `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Address of the sender.
    pub from: String,
}

/// Everything checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    pub targets: Vec<(String, Target)>,
    pub smtp: Option<SmtpConfig>,
    pub endpoint_rules: EndpointRules,
    /// Where clients and people reach this server, if it isn't where it listens.
    pub public_url: Option<Url>,
}

pub(super) fn outgoing(all: &Settings) -> Result<Outgoing, ConfigError> {
    // In open mode whoever may subscribe may do anything else, too.
    let open = all.auth != Some(Auth::Enforced);
    Ok(Outgoing {
        targets: all
            .targets
            .iter()
            .map(|(name, given)| Ok((name.clone(), target(name, given)?)))
            .collect::<Result<_, ConfigError>>()?,
        smtp: all.smtp.as_ref().map(smtp).transpose()?,
        endpoint_rules: EndpointRules { allow_loopback: all.allow_loopback_endpoints.unwrap_or(open) },
        public_url: all.public_url.as_deref().map(public_url).transpose()?,
    })
}

fn wrong<T>(setting: &'static str, reason: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError::Setting { setting, reason: reason.into() })
}

fn http_url(setting: &'static str, text: &str) -> Result<Url, ConfigError> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(_) => wrong(setting, format!("{text:?} is no http or https URL")),
        Err(error) => wrong(setting, format!("{text:?} is no URL: {error}")),
    }
}

fn public_url(text: &str) -> Result<Url, ConfigError> {
    let url = http_url("public-url", text)?;
    if url.query().is_some() || url.fragment().is_some() || url.path() != "/" {
        return wrong("public-url", "give scheme, host and port, e.g. https://nephoscope.example.com");
    }
    Ok(url)
}

fn target(name: &str, given: &TargetSettings) -> Result<Target, ConfigError> {
    let full = match given {
        TargetSettings::Url(url) => FullTarget { url: Some(url.clone()), ..FullTarget::default() },
        TargetSettings::Full(full) => (**full).clone(),
    };
    let says = |reason: &str| format!("{name}: {reason}");
    let is_url = name.starts_with("http://") || name.starts_with("https://");
    if !is_url && !name.starts_with("arn:") {
        return wrong("targets", says("a target is named by an ARN or by the URL of a subscription"));
    }
    let kind = match full.kind.as_deref() {
        None => TargetKind::of_arn(name),
        Some(kind) => match TargetKind::by_name(kind) {
            Some(kind) => kind,
            None => {
                let kinds = "lambda, firehose, kinesis, sqs, webhook, slack or pagerduty";
                return wrong("targets", says(&format!("kind {kind:?} is not {kinds}")));
            }
        },
    };
    if kind == TargetKind::PagerDuty && full.routing_key.is_none() {
        return wrong("targets", says("pagerduty needs a routing-key"));
    }
    let url = match (&full.url, kind) {
        (Some(url), _) => http_url("targets", url)?,
        (None, TargetKind::PagerDuty) => http_url("targets", "https://events.pagerduty.com/v2/enqueue")?,
        // The URL the subscription names is called.
        (None, _) if is_url => http_url("targets", name.trim_end_matches('*'))?,
        (None, _) => return wrong("targets", says("give its url")),
    };
    let credentials = match (full.access_key_id, full.secret_access_key) {
        (Some(access_key_id), Some(Secret(secret_access_key))) => {
            Some(TargetCredentials { access_key_id, secret_access_key, region: full.region })
        }
        (None, None) => None,
        _ => return wrong("targets", says("access-key-id and secret-access-key belong together")),
    };
    let mut headers = Vec::new();
    for (header, Secret(value)) in full.headers {
        match (HeaderName::from_bytes(header.as_bytes()), HeaderValue::from_str(&value)) {
            (Ok(header), Ok(value)) => headers.push((header, value)),
            _ => return wrong("targets", says(&format!("{header:?} is no header"))),
        }
    }
    if let Some(Secret(token)) = full.token {
        match HeaderValue::from_str(&format!("Bearer {token}")) {
            Ok(value) => headers.push((http::header::AUTHORIZATION, value)),
            Err(_) => return wrong("targets", says("the token does not fit into a header")),
        }
    }
    Ok(Target { kind, url, credentials, headers, routing_key: full.routing_key.map(|Secret(key)| key) })
}

fn smtp(given: &SmtpSettings) -> Result<SmtpConfig, ConfigError> {
    let tls = match given.tls.as_deref().unwrap_or("starttls") {
        "starttls" => SmtpTls::StartTls,
        "implicit" => SmtpTls::Implicit,
        "none" => SmtpTls::None,
        other => return wrong("smtp", format!("tls {other:?} is not starttls, implicit or none")),
    };
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })
    };
    let password = match (&given.password, &given.password_file) {
        (Some(_), Some(_)) => return wrong("smtp", "give either password or password-file"),
        (Some(Secret(password)), None) => Some(password.clone()),
        (None, Some(path)) => Some(read(path)?.trim_end_matches(['\r', '\n']).to_owned()),
        (None, None) => None,
    };
    let credentials = match (given.user.clone(), password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => return wrong("smtp", "user and password belong together"),
    };
    if credentials.is_some() && tls == SmtpTls::None {
        tracing::warn!("the mail server's password is sent without TLS");
    }
    let config = SmtpConfig {
        host: given.host.clone(),
        port: given.port.unwrap_or(match tls {
            SmtpTls::StartTls => 587,
            SmtpTls::Implicit => 465,
            SmtpTls::None => 25,
        }),
        tls,
        ca_pem: given.ca_file.as_ref().map(read).transpose()?,
        credentials,
        from: given.from.clone(),
    };
    match config.check() {
        Ok(()) => Ok(config),
        Err(error) => wrong("smtp", error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn config(text: &str) -> Result<Outgoing, ConfigError> {
        Config::new(toml::from_str(text).unwrap()).map(|config| config.outgoing)
    }

    #[test]
    fn targets_are_urls_or_tables() {
        let outgoing = config(
            r#"
            public-url = "https://nephoscope.example.com"
            [targets]
            "arn:aws:lambda:*" = "http://127.0.0.1:9001"
            [targets."arn:aws:firehose:us-east-1:1:deliverystream/d"]
            url = "https://firehose.example.com"
            access-key-id = "AK"
            secret-access-key = "s"
            [targets."arn:aws:lambda:us-east-1:1:function:page"]
            kind = "pagerduty"
            routing-key = "R0"
            [targets."https://hooks.slack.com/*"]
            kind = "slack"
            "#,
        )
        .unwrap();
        let kind = |name: &str| outgoing.targets.iter().find(|(n, _)| n == name).map(|(_, t)| t.kind);
        assert_eq!(outgoing.targets.len(), 4);
        assert_eq!(kind("arn:aws:lambda:*"), Some(TargetKind::Lambda));
        assert_eq!(kind("arn:aws:firehose:us-east-1:1:deliverystream/d"), Some(TargetKind::Firehose));
        assert_eq!(kind("arn:aws:lambda:us-east-1:1:function:page"), Some(TargetKind::PagerDuty));
        assert_eq!(kind("https://hooks.slack.com/*"), Some(TargetKind::Slack));
        assert!(outgoing.endpoint_rules.allow_loopback, "open mode");
    }

    #[test]
    fn secrets_are_not_printed() {
        let settings: Settings =
            toml::from_str("[smtp]\nhost = 'h'\nfrom = 'a@b'\nuser = 'u'\npassword = 'hunter2'").unwrap();
        let shown = toml::to_string(&settings).unwrap() + &format!("{settings:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            ("[targets]\n'lambda' = 'http://a'", "named by an ARN"),
            ("[targets]\n'arn:aws:lambda:*' = 'ftp://a'", "no http or https URL"),
            ("[targets.'arn:aws:lambda:*']\nkind = 'fax'", "fax"),
            ("[targets.'arn:aws:lambda:*']\nkind = 'pagerduty'", "routing-key"),
            ("[targets.'arn:aws:lambda:*']\nkind = 'lambda'", "url"),
            ("[targets.'arn:aws:lambda:*']\nurl = 'http://a'\naccess-key-id = 'k'", "belong together"),
            ("[smtp]\nhost = 'h'\nfrom = 'nobody'", "from"),
            ("[smtp]\nhost = 'h'\nfrom = 'a@b'\ntls = 'maybe'", "maybe"),
            ("[smtp]\nhost = 'h'\nfrom = 'a@b'\nuser = 'u'", "belong together"),
            ("public-url = 'https://a/b'", "scheme, host and port"),
        ] {
            let error = config(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
