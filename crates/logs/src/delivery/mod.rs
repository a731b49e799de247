//! Deliveries of vended logs: sources, destinations and the pairs of them (`spec/logs-more.md` §8). No service
//! vends logs here; what is put is kept and shown.

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};

use crate::error::LogsError;

/// What is kept of a delivery source; its name is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliverySource {
    pub(crate) resource_arn: String,
    pub(crate) log_type: String,
    pub(crate) configuration: Option<BTreeMap<String, String>>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for DeliverySource {
    const COLLECTION: &'static str = "log_delivery_source";
    const VERSION: u32 = 1;
}

/// What is kept of a delivery destination; its name is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryDestination {
    pub(crate) kind: DestinationKind,
    pub(crate) resource_arn: Option<String>,
    pub(crate) output_format: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for DeliveryDestination {
    const COLLECTION: &'static str = "log_delivery_destination";
    const VERSION: u32 = 1;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum DestinationKind {
    S3,
    Cwl,
    Fh,
    Xray,
}

/// What is kept of a delivery; its id is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) source: String,
    /// Name of the destination.
    pub(crate) destination: String,
    pub(crate) kind: DestinationKind,
    pub(crate) record_fields: Option<Vec<String>>,
    pub(crate) field_delimiter: Option<String>,
    /// Of deliveries to a bucket.
    pub(crate) suffix_path: Option<String>,
    pub(crate) hive_compatible: Option<bool>,
    pub(crate) created: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for Delivery {
    const COLLECTION: &'static str = "log_delivery";
    const VERSION: u32 = 1;
}

/// Everything of deliveries of one server.
pub(crate) struct Deliveries {
    pub(crate) sources: Collection<DeliverySource>,
    pub(crate) destinations: Collection<DeliveryDestination>,
    pub(crate) deliveries: Collection<Delivery>,
    /// Held while a delivery is made or what one stands on is deleted.
    pub(crate) gate: tokio::sync::Mutex<()>,
}

impl Deliveries {
    pub(crate) fn open(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self {
            sources: catalog.collection()?,
            destinations: catalog.collection()?,
            deliveries: catalog.collection()?,
            gate: tokio::sync::Mutex::default(),
        })
    }

    /// Whether a delivery of the account and Region is such.
    pub(crate) fn any(&self, scope: &Scope, is_such: impl Fn(&Delivery) -> bool) -> bool {
        self.deliveries.list(&all_of(scope), None, usize::MAX).iter().any(|entry| is_such(entry))
    }
}

pub(crate) fn key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

pub(crate) fn all_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

pub(crate) fn source_arn(scope: &Scope, name: &str) -> String {
    scope.arn("logs", &format!("delivery-source:{name}"))
}

pub(crate) fn destination_arn(scope: &Scope, name: &str) -> String {
    scope.arn("logs", &format!("delivery-destination:{name}"))
}

pub(crate) fn delivery_arn(scope: &Scope, id: &str) -> String {
    scope.arn("logs", &format!("delivery:{id}"))
}

// AWS: texts as observed (`spec/logs-more.md` §8).
pub(crate) fn source_missing() -> LogsError {
    LogsError::NotFound("Requested Delivery Source does not exist in this account.".into())
}

pub(crate) fn destination_missing() -> LogsError {
    LogsError::NotFound("Requested Delivery Destination does not exist in this account.".into())
}

pub(crate) fn delivery_missing() -> LogsError {
    LogsError::NotFound("Requested Delivery does not exist in this account.".into())
}

/// The service that an ARN names; `None` if it is no ARN of a resource.
pub(crate) fn service_of_arn(arn: &str) -> Option<&str> {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    match fields[..] {
        ["arn", _, service, _, _, resource] if !service.is_empty() && !resource.is_empty() => Some(service),
        _ => None,
    }
}

/// AWS: what a bucket's suffix path is where none is given; observed for CloudFront only.
pub(crate) fn default_suffix_path(service: &str) -> String {
    match service {
        "cloudfront" => "AWSLogs/{account-id}/CloudFront/".to_owned(),
        other => format!("AWSLogs/{{account-id}}/{other}/"),
    }
}
