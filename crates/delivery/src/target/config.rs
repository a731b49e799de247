//! Which endpoint stands behind which ARN.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use url::Url;

/// What kind of endpoint a target is: it decides the form of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// Lambda's Invoke API.
    Lambda,
    /// Firehose's PutRecordBatch.
    Firehose,
    /// Kinesis's PutRecords.
    Kinesis,
    /// SQS's SendMessage.
    Sqs,
    /// The event itself, as a JSON POST.
    Webhook,
    /// An incoming webhook that takes Slack's messages.
    Slack,
    /// PagerDuty's Events API, version 2.
    PagerDuty,
}

impl TargetKind {
    /// The kind of an ARN whose mapping names none: by its service.
    pub fn of_arn(arn: &str) -> Self {
        match arn.split(':').nth(2) {
            Some("lambda") => Self::Lambda,
            Some("firehose") => Self::Firehose,
            Some("kinesis") => Self::Kinesis,
            Some("sqs") => Self::Sqs,
            _ => Self::Webhook,
        }
    }

    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "lambda" => Self::Lambda,
            "firehose" => Self::Firehose,
            "kinesis" => Self::Kinesis,
            "sqs" => Self::Sqs,
            "webhook" => Self::Webhook,
            "slack" => Self::Slack,
            "pagerduty" => Self::PagerDuty,
            _ => return None,
        })
    }
}

/// Credentials calls are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetCredentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Where the ARN has no Region, or the endpoint wants another.
    pub region: Option<String>,
}

impl fmt::Debug for TargetCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetCredentials({})", self.access_key_id)
    }
}

/// One endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub kind: TargetKind,
    pub url: Url,
    pub credentials: Option<TargetCredentials>,
    /// Sent with every call, e.g. `authorization`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// PagerDuty's integration key.
    pub routing_key: Option<String>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({:?}, {})", self.kind, self.url.host_str().unwrap_or_default())
    }
}

/// Endpoints by ARN, or by the URL a subscription names: exact, or by a beginning. The longest wins.
#[derive(Debug, Default)]
pub struct TargetMap {
    exact: HashMap<String, Arc<Target>>,
    /// Longest first.
    prefixes: Vec<(String, Arc<Target>)>,
}

impl TargetMap {
    /// Keys that end in `*` name every ARN or URL with that beginning.
    pub fn new(targets: impl IntoIterator<Item = (String, Target)>) -> Self {
        let mut map = Self::default();
        for (pattern, target) in targets {
            match pattern.strip_suffix('*') {
                Some(prefix) => map.prefixes.push((prefix.to_owned(), Arc::new(target))),
                None => {
                    map.exact.insert(pattern, Arc::new(target));
                }
            }
        }
        map.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        map
    }

    /// The endpoint behind an ARN or URL.
    pub fn find(&self, name: &str) -> Option<&Arc<Target>> {
        self.exact.get(name).or_else(|| {
            self.prefixes
                .iter()
                .find(|(prefix, _)| name.starts_with(prefix.as_str()))
                .map(|(_, target)| target)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_wins_and_an_exact_name_over_all() {
        let target = |port: u16| Target {
            kind: TargetKind::Webhook,
            url: format!("http://127.0.0.1:{port}/").parse().unwrap(),
            credentials: None,
            headers: Vec::new(),
            routing_key: None,
        };
        let map = TargetMap::new([
            ("arn:aws:lambda:*".to_owned(), target(1)),
            ("arn:aws:lambda:us-east-1:*".to_owned(), target(2)),
            ("arn:aws:lambda:us-east-1:1:function:f".to_owned(), target(3)),
        ]);
        let port = |arn: &str| map.find(arn).and_then(|t| t.url.port());
        assert_eq!(port("arn:aws:lambda:us-east-1:1:function:f"), Some(3));
        assert_eq!(port("arn:aws:lambda:us-east-1:1:function:g"), Some(2));
        assert_eq!(port("arn:aws:lambda:eu-west-1:1:function:g"), Some(1));
        assert_eq!(port("arn:aws:sqs:eu-west-1:1:q"), None);
    }
}
