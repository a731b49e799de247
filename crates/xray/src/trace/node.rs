//! The places of the service graph that segments stand for.
//!
//! AWS documents neither the names nor the types of inferred nodes but for DynamoDB tables and SNS, which a
//! published sample shows; the others are inferred from what the console displays.

use ingest::segment_document::{Entity, Namespace};

/// A service, resource or remote host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) account: Option<String>,
    /// The name, then others by which it was called.
    pub(crate) names: Vec<String>,
}

impl Node {
    pub(crate) fn of_received(segment: &Entity, account: &str) -> Self {
        let account = segment.aws.account_id.as_deref().unwrap_or(account);
        Self::new(&segment.name, segment.origin.clone(), Some(account))
    }

    /// The node that a call with a namespace reaches; `None` for local work.
    pub(crate) fn of_inferred(call: &Entity, account: &str) -> Option<Self> {
        let namespace = call.namespace?;
        let (name, kind) = inferred_name(call, namespace);
        let owner = call.aws.account_id.as_deref();
        let is_remote = kind.is_none();
        let account = if is_remote { None } else { Some(owner.unwrap_or(account)) };
        Some(Self::new(name, Some(kind.unwrap_or_else(|| "remote".to_owned())), account))
    }

    /// Whether both are the same node.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.kind, &self.account) == (&other.name, &other.kind, &other.account)
    }

    fn new(name: &str, kind: Option<String>, account: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            account: account.map(str::to_owned),
            names: vec![name.to_owned()],
        }
    }
}

/// The origin an inferred segment's document carries.
pub(super) fn inferred_origin(call: &Entity) -> Option<String> {
    call.namespace.and_then(|namespace| inferred_name(call, namespace).1)
}

/// Name and type of the node; a remote host has no type of its own.
fn inferred_name(call: &Entity, namespace: Namespace) -> (&str, Option<String>) {
    let name = call.name.as_str();
    if call.has_sql {
        return (name, Some("Database::SQL".to_owned()));
    }
    if namespace == Namespace::Remote {
        return (name, None);
    }
    let aws = &call.aws;
    let single = match aws.resource_names.as_slice() {
        [one] => Some(one.as_str()),
        _ => None,
    };
    let resource = match name {
        "DynamoDB" => aws.table_name.as_deref().or(single).map(|table| (table, "AWS::DynamoDB::Table")),
        "SQS" => aws.queue_url.as_deref().map(|queue| (queue, "AWS::SQS::Queue")),
        "S3" => aws.bucket_name.as_deref().or(single).map(|bucket| (bucket, "AWS::S3::Bucket")),
        "Lambda" => aws.function_name.as_deref().or(single).map(|function| (function, "AWS::Lambda")),
        "Kinesis" => aws.stream_name.as_deref().map(|stream| (stream, "AWS::Kinesis::Stream")),
        _ => None,
    };
    match resource {
        Some((resource, kind)) => (resource, Some(kind.to_owned())),
        None => (name, Some(format!("AWS::{}", name.replace(' ', "")))),
    }
}
