//! A compiled document as typed values: what summaries, filters and the service graph ask of it.

use base::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A stored document that cannot be read: what [`super::parse`] compiled always can.
#[derive(Debug, thiserror::Error)]
#[error("not a compiled segment document")]
pub struct ViewError(#[source] serde_json::Error);

/// A segment or subsegment, with the subsegments embedded in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entity {
    pub id: u64,
    /// Of a document only: embedded subsegments are where they belong.
    pub parent_id: Option<u64>,
    pub name: String,
    /// Seconds since the epoch, with all digits that were sent.
    pub start_secs: f64,
    /// `None` while in progress.
    pub end_secs: Option<f64>,
    /// A document with `type: "subsegment"`.
    pub is_lone_subsegment: bool,
    pub namespace: Option<Namespace>,
    pub origin: Option<String>,
    pub user: Option<String>,
    pub resource_arn: Option<String>,
    pub http: Option<Http>,
    pub aws: Aws,
    /// In document order.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// The flags as sent; see [`Entity::is_fault`] and its neighbours for the effective ones.
    pub fault: Option<bool>,
    pub error: Option<bool>,
    pub throttle: Option<bool>,
    pub cause: Option<Cause>,
    /// Whether the document describes an SQL query.
    pub has_sql: bool,
    pub subsegments: Vec<Entity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Namespace {
    Aws,
    Remote,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Http {
    pub request: HttpRequest,
    pub response: HttpResponse,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HttpRequest {
    pub method: Option<String>,
    pub url: Option<String>,
    pub user_agent: Option<String>,
    pub client_ip: Option<String>,
    pub traced: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HttpResponse {
    pub status: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Aws {
    pub account_id: Option<String>,
    pub operation: Option<String>,
    pub queue_url: Option<String>,
    pub table_name: Option<String>,
    pub bucket_name: Option<String>,
    pub function_name: Option<String>,
    pub stream_name: Option<String>,
    pub function_arn: Option<String>,
    pub resource_names: Vec<String>,
    pub ec2: Ec2,
    pub ecs: Ecs,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Ec2 {
    pub instance_id: Option<String>,
    pub availability_zone: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Ecs {
    pub container_arn: Option<String>,
    pub availability_zone: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum AnnotationValue {
    Boolean(bool),
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Cause {
    /// The id of an exception recorded elsewhere in the trace.
    ExceptionId(String),
    Details(CauseDetails),
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CauseDetails {
    pub exceptions: Vec<ExceptionRecord>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ExceptionRecord {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub message: Option<String>,
    pub remote: bool,
}

impl Entity {
    /// Reads a compiled document.
    pub fn read(document: &[u8]) -> Result<Self, ViewError> {
        let raw: RawEntity<'_> = serde_json::from_slice(document).map_err(ViewError)?;
        raw.resolve().map_err(ViewError)
    }

    pub fn is_in_progress(&self) -> bool {
        self.end_secs.is_none()
    }

    /// This entity and everything embedded in it, outer first.
    pub fn walk(&self) -> Vec<&Entity> {
        let mut all = vec![self];
        let mut next = 0;
        while let Some(entity) = all.get(next).copied() {
            next += 1;
            all.extend(entity.subsegments.iter());
        }
        all
    }

    pub fn start_time(&self) -> Timestamp {
        Timestamp::from_secs_f64(self.start_secs).unwrap_or(Timestamp::MAX)
    }

    /// HTTP status of the response, if one was recorded.
    pub fn http_status(&self) -> Option<f64> {
        self.http.as_ref().and_then(|http| http.response.status)
    }

    // AWS documents the flags; that a status speaks when no flag was sent is inferred.

    pub fn is_fault(&self) -> bool {
        self.fault == Some(true) || (!self.is_flagged() && self.has_status_between(500.0, 600.0))
    }

    pub fn is_error(&self) -> bool {
        self.error == Some(true) || (!self.is_flagged() && self.has_status_between(400.0, 500.0))
    }

    pub fn is_throttle(&self) -> bool {
        self.throttle == Some(true) || self.http_status() == Some(429.0)
    }

    pub fn is_ok(&self) -> bool {
        !self.is_fault() && !self.is_error() && !self.is_throttle()
    }

    fn is_flagged(&self) -> bool {
        [self.fault, self.error, self.throttle].contains(&Some(true))
    }

    fn has_status_between(&self, from: f64, to: f64) -> bool {
        self.http_status().is_some_and(|status| from <= status && status < to)
    }
}

/// As it stands in the document; subsegments are resolved one level at a time, so that deep nesting
/// costs no more stack than our own.
#[derive(Deserialize)]
#[serde(default)]
struct RawEntity<'a> {
    id: String,
    parent_id: Option<String>,
    name: String,
    start_time: f64,
    end_time: Option<f64>,
    #[serde(rename = "type")]
    kind: Option<IgnoredAny>,
    namespace: Option<Namespace>,
    origin: Option<String>,
    user: Option<String>,
    resource_arn: Option<String>,
    http: Option<Http>,
    aws: Aws,
    annotations: Annotations,
    fault: Option<bool>,
    error: Option<bool>,
    throttle: Option<bool>,
    cause: Option<Cause>,
    sql: Option<IgnoredAny>,
    #[serde(borrow)]
    subsegments: Vec<&'a RawValue>,
}

impl Default for RawEntity<'_> {
    fn default() -> Self {
        Self {
            id: String::new(),
            parent_id: None,
            name: String::new(),
            start_time: 0.0,
            end_time: None,
            kind: None,
            namespace: None,
            origin: None,
            user: None,
            resource_arn: None,
            http: None,
            aws: Aws::default(),
            annotations: Annotations::default(),
            fault: None,
            error: None,
            throttle: None,
            cause: None,
            sql: None,
            subsegments: Vec::new(),
        }
    }
}

impl RawEntity<'_> {
    fn resolve(self) -> Result<Entity, serde_json::Error> {
        let subsegments = self
            .subsegments
            .iter()
            .map(|raw| serde_json::from_str::<RawEntity<'_>>(raw.get())?.resolve())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Entity {
            id: super::parse_id(&self.id).unwrap_or_default(),
            parent_id: self.parent_id.as_deref().and_then(super::parse_id),
            name: self.name,
            start_secs: self.start_time,
            end_secs: self.end_time,
            is_lone_subsegment: self.kind.is_some(),
            namespace: self.namespace,
            origin: self.origin,
            user: self.user,
            resource_arn: self.resource_arn,
            http: self.http,
            aws: self.aws,
            annotations: self.annotations.0,
            fault: self.fault,
            error: self.error,
            throttle: self.throttle,
            cause: self.cause,
            has_sql: self.sql.is_some(),
            subsegments,
        })
    }
}

/// A JSON object as pairs, in its order.
#[derive(Default)]
struct Annotations(Vec<(String, AnnotationValue)>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Annotations;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("annotations")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Annotations, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Annotations(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
