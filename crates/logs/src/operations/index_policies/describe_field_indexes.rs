//! DescribeFieldIndexes: the indexed fields of some groups.

use shapes::logs::{
    DescribeFieldIndexesRequest, DescribeFieldIndexesResponse, FieldIndex, IndexCategory, IndexType,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup};
use crate::identifier::{from_identifier, group_arn};
use crate::index_policy::{DEFAULT_FIELDS, IndexedField, index_key};
use crate::operations::page_start;

/// Entries of a page.
const PAGE_MAX: usize = 1000;

pub(in crate::operations) async fn describe_field_indexes(
    cx: Cx<Logs>,
    input: DescribeFieldIndexesRequest,
) -> Result<DescribeFieldIndexesResponse, LogsError> {
    // AWS: all but AUTO, if the caller names none (API_DescribeFieldIndexes.html).
    let usual = [IndexCategory::Default, IndexCategory::Custom, IndexCategory::Inactive];
    let categories = input.index_categories.unwrap_or_else(|| usual.to_vec());
    let purpose = format!("DescribeFieldIndexes|{}|{:?}", cx.scope(), input.log_group_identifiers);
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let start = match start.as_deref().and_then(<[String]>::first) {
        Some(start) => start.parse::<usize>().map_err(|_| LogsError::bad_token())?,
        None => 0,
    };
    let mut found = Vec::new();
    for identifier in &input.log_group_identifiers {
        let name = from_identifier(cx.scope(), identifier, "logGroupIdentifiers")?;
        let group = cx.service.group(cx.scope(), &name)?;
        if group.record.class == Class::Standard {
            indexes(&cx, &group, &categories, &mut found);
        }
    }
    let end = found.len().min(start.saturating_add(PAGE_MAX));
    let next_token = (end < found.len()).then(|| base::page_token::encode(&purpose, &[&end.to_string()]));
    let page = found.drain(start.min(end)..end).collect();
    Ok(DescribeFieldIndexesResponse { field_indexes: Some(page), next_token })
}

fn indexes(cx: &Cx<Logs>, group: &FoundGroup, categories: &[IndexCategory], found: &mut Vec<FieldIndex>) {
    let logs = &cx.service;
    let mut add = |field: &IndexedField, category: IndexCategory| {
        if categories.contains(&category) {
            found.push(shape(cx, group, field, category));
        }
    };
    if let Some(policy) = logs.index_policy_in_force(group) {
        policy.fields.iter().for_each(|field| add(field, IndexCategory::Custom));
    }
    if let Some(policy) = logs.index_policies.get(&index_key(&group.scope, &group.name)) {
        policy.inactive(cx.now).for_each(|field| add(field, IndexCategory::Inactive));
    }
    for name in DEFAULT_FIELDS {
        let field =
            IndexedField { name: name.to_owned(), is_facet: false, since: group.record.creation_time };
        add(&field, IndexCategory::Default);
    }
}

fn shape(cx: &Cx<Logs>, group: &FoundGroup, field: &IndexedField, category: IndexCategory) -> FieldIndex {
    let stats = cx.service.events.all_stream_stats(&group.store_key());
    let covered = || stats.values().filter(|stream| stream.last_ingestion >= field.since);
    FieldIndex {
        field_index_name: Some(field.name.clone()),
        first_event_time: covered().map(|stream| stream.first_event.as_millis()).min(),
        last_event_time: covered().map(|stream| stream.last_event.as_millis()).max(),
        // Fields are found as events come in.
        last_scan_time: Some(cx.now.as_millis()),
        log_group_identifier: Some(group_arn(&group.scope, &group.name)),
        r#type: Some(if field.is_facet { IndexType::Facet } else { IndexType::FieldIndex }),
        index_category: Some(category),
    }
}
