//! Tags of everything that is not a log group: each kind of record has its own set.

use std::collections::BTreeMap;

use base::Scope;
use catalog::{Collection, Record, RecordKey, UpdateError};

use crate::Logs;
use crate::anomaly::{Detector, detector_key};
use crate::delivery::{self, Delivery, DeliveryDestination, DeliverySource};
use crate::destination::{Destination, destination_key};
use crate::error::LogsError;
use crate::lookup_table::{LookupTable, table_key};
use crate::scheduled_query::{ScheduledQuery, query_key};

type Tags = BTreeMap<String, String>;

/// Kinds of resources with tags, as ARNs name them.
const KINDS: [&str; 7] = [
    "destination",
    "delivery-source",
    "delivery-destination",
    "delivery",
    "anomaly-detector",
    "scheduled-query",
    "lookup-table",
];

/// A resource of this account and Region that is not a log group.
pub(super) struct Resource<'a> {
    logs: &'a Logs,
    scope: &'a Scope,
    kind: &'static str,
    name: &'a str,
}

/// Records with tags.
trait Tagged: Record {
    fn tags(&mut self) -> &mut Tags;
}

macro_rules! tagged {
    ($($record:ty),*) => {
        $(impl Tagged for $record {
            fn tags(&mut self) -> &mut Tags {
                &mut self.tags
            }
        })*
    };
}

tagged!(Destination, DeliverySource, DeliveryDestination, Delivery, Detector, ScheduledQuery, LookupTable);

impl<'a> Resource<'a> {
    /// The resource an ARN names; `None` for a log group and for what is no ARN.
    pub(super) fn of_arn(logs: &'a Logs, scope: &'a Scope, arn: &'a str) -> Result<Option<Self>, LogsError> {
        let fields: Vec<&str> = arn.splitn(7, ':').collect();
        let ["arn", _, "logs", region, account, kind, name] = fields[..] else { return Ok(None) };
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else { return Ok(None) };
        if region != scope.region.as_str() || account != scope.account.as_str() {
            return Err(missing());
        }
        Ok(Some(Self { logs, scope, kind, name }))
    }

    pub(super) async fn change(
        &self,
        change: impl Fn(&mut Tags) -> Result<(), LogsError>,
    ) -> Result<(), LogsError> {
        let (logs, scope, name) = (self.logs, self.scope, self.name);
        let vended = &logs.deliveries;
        match self.kind {
            "destination" => apply(&logs.destinations.0, destination_key(scope, name), change).await,
            "delivery-source" => apply(&vended.sources, delivery::key(scope, name), change).await,
            "delivery-destination" => apply(&vended.destinations, delivery::key(scope, name), change).await,
            "delivery" => apply(&vended.deliveries, delivery::key(scope, name), change).await,
            "anomaly-detector" => apply(&logs.detectors, detector_key(scope, name), change).await,
            "scheduled-query" => apply(&logs.scheduled_queries, query_key(scope, name), change).await,
            _ => apply(&logs.lookup_tables, table_key(scope, name), change).await,
        }
    }

    pub(super) fn list(&self) -> Result<Tags, LogsError> {
        let (logs, scope, name) = (self.logs, self.scope, self.name);
        let vended = &logs.deliveries;
        match self.kind {
            "destination" => read(&logs.destinations.0, &destination_key(scope, name)),
            "delivery-source" => read(&vended.sources, &delivery::key(scope, name)),
            "delivery-destination" => read(&vended.destinations, &delivery::key(scope, name)),
            "delivery" => read(&vended.deliveries, &delivery::key(scope, name)),
            "anomaly-detector" => read(&logs.detectors, &detector_key(scope, name)),
            "scheduled-query" => read(&logs.scheduled_queries, &query_key(scope, name)),
            _ => read(&logs.lookup_tables, &table_key(scope, name)),
        }
    }
}

async fn apply<R: Tagged>(
    collection: &Collection<R>,
    key: RecordKey,
    change: impl Fn(&mut Tags) -> Result<(), LogsError>,
) -> Result<(), LogsError> {
    match collection.update(&key, |record: &mut R| change(record.tags())).await {
        Ok(_) => Ok(()),
        Err(UpdateError::Missing) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

fn read<R: Tagged>(collection: &Collection<R>, key: &RecordKey) -> Result<Tags, LogsError> {
    let found = collection.get(key).ok_or_else(missing)?;
    let mut record = R::clone(&found.record);
    Ok(std::mem::take(record.tags()))
}

fn missing() -> LogsError {
    LogsError::NotFound("The specified resource does not exist.".into())
}
