//! Rows to and from Arrow.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use base::{AccountId, Region, Scope, Timestamp};
use signals::AuditEvent;
use signals::audit::AuditResource;

use crate::error::StoreError;
use crate::tables::audit::api::AuditFilter;

/// Columns in file order.
pub(super) const ACCOUNT: usize = 0;
pub(super) const REGION: usize = 1;
pub(super) const TIME: usize = 2;
pub(super) const EVENT_ID: usize = 3;
const EVENT_NAME: usize = 4;
const EVENT_SOURCE: usize = 5;
const USER_NAME: usize = 6;
const ACCESS_KEY_ID: usize = 7;
const READ_ONLY: usize = 8;
const RESOURCE_TYPES: usize = 9;
const RESOURCE_NAMES: usize = 10;
const RECORD: usize = 11;

pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str, nullable: bool| Field::new(name, DataType::Utf8, nullable);
    let texts = |name: &str| Field::new_list(name, Field::new("item", DataType::Utf8, true), false);
    Arc::new(Schema::new(vec![
        text("account", false),
        text("region", false),
        Field::new("time", DataType::Int64, false),
        text("event_id", false),
        text("event_name", false),
        text("event_source", false),
        text("user_name", true),
        text("access_key_id", true),
        Field::new("read_only", DataType::Boolean, false),
        texts("resource_types"),
        texts("resource_names"),
        text("record", false),
    ]))
});

pub(super) fn to_batch(events: &[&AuditEvent]) -> Result<RecordBatch, StoreError> {
    let texts = |of: fn(&AuditEvent) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(events.iter().map(|e| of(e))))
    };
    let optional = |of: fn(&AuditEvent) -> Option<&str>| -> ArrayRef {
        Arc::new(events.iter().map(|e| of(e)).collect::<StringArray>())
    };
    let resources = |of: fn(&AuditResource) -> &str| -> ArrayRef {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for event in events {
            event.resources.iter().for_each(|r| lists.values().append_value(of(r)));
            lists.append(true);
        }
        Arc::new(lists.finish())
    };
    let columns: Vec<ArrayRef> = vec![
        texts(|e| e.scope.account.as_str()),
        texts(|e| e.scope.region.as_str()),
        Arc::new(Int64Array::from_iter_values(events.iter().map(|e| e.event_time.as_millis()))),
        texts(|e| &e.event_id),
        texts(|e| &e.event_name),
        texts(|e| &e.event_source),
        optional(|e| e.user_name.as_deref()),
        optional(|e| e.access_key_id.as_deref()),
        Arc::new(events.iter().map(|e| Some(e.read_only)).collect::<BooleanArray>()),
        resources(|r| &r.resource_type),
        resources(|r| &r.resource_name),
        texts(|e| &e.record),
    ];
    RecordBatch::try_new(SCHEMA.clone(), columns).map_err(|e| StoreError::format("an audit part", e))
}

/// Events of a batch with all columns.
pub(super) fn from_batch(path: &str, batch: &RecordBatch) -> Result<Vec<AuditEvent>, StoreError> {
    let event = |row| event_at(batch, row).ok_or_else(|| StoreError::damaged(path, "a row is no event"));
    (0..batch.num_rows()).map(event).collect()
}

fn event_at(batch: &RecordBatch, row: usize) -> Option<AuditEvent> {
    let text = |column: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
    let optional = |column: usize| batch.column(column).is_valid(row).then(|| text(column));
    let texts = |column: usize| -> Vec<String> {
        let list = batch.column(column).as_list::<i32>().value(row);
        list.as_string::<i32>().iter().map(|item| item.unwrap_or_default().to_owned()).collect()
    };
    let (types, names) = (texts(RESOURCE_TYPES), texts(RESOURCE_NAMES));
    let resource = |(resource_type, resource_name)| AuditResource { resource_type, resource_name };
    Some(AuditEvent {
        scope: Scope::new(AccountId::new(&text(ACCOUNT)).ok()?, Region::new(&text(REGION)).ok()?),
        event_id: text(EVENT_ID),
        event_time: time_at(batch, TIME, row),
        event_name: text(EVENT_NAME),
        event_source: text(EVENT_SOURCE),
        user_name: optional(USER_NAME),
        access_key_id: optional(ACCESS_KEY_ID),
        read_only: batch.column(READ_ONLY).as_boolean().value(row),
        resources: types.into_iter().zip(names).map(resource).collect(),
        record: text(RECORD),
    })
}

pub(super) fn time_at(batch: &RecordBatch, column: usize, row: usize) -> Timestamp {
    Timestamp::from_millis(batch.column(column).as_primitive::<Int64Type>().value(row))
}

/// The column a filter reads.
pub(super) fn filter_column(filter: &AuditFilter) -> usize {
    match filter {
        AuditFilter::EventId(_) => EVENT_ID,
        AuditFilter::EventName(_) => EVENT_NAME,
        AuditFilter::ReadOnly(_) => READ_ONLY,
        AuditFilter::UserName(_) => USER_NAME,
        AuditFilter::ResourceType(_) => RESOURCE_TYPES,
        AuditFilter::ResourceName(_) => RESOURCE_NAMES,
        AuditFilter::EventSource(_) => EVENT_SOURCE,
        AuditFilter::AccessKeyId(_) => ACCESS_KEY_ID,
    }
}

/// Whether a value of the filter's column is the one wanted.
pub(super) fn admits(filter: &AuditFilter, column: &ArrayRef, row: usize) -> bool {
    match filter {
        AuditFilter::ReadOnly(wanted) => column.as_boolean().value(row) == *wanted,
        AuditFilter::ResourceType(wanted) | AuditFilter::ResourceName(wanted) => {
            let list = column.as_list::<i32>().value(row);
            list.as_string::<i32>().iter().flatten().any(|item| item == wanted)
        }
        AuditFilter::EventId(wanted)
        | AuditFilter::EventName(wanted)
        | AuditFilter::UserName(wanted)
        | AuditFilter::EventSource(wanted)
        | AuditFilter::AccessKeyId(wanted) => {
            column.is_valid(row) && column.as_string::<i32>().value(row) == wanted
        }
    }
}
