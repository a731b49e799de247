//! DescribeDestinations: in order of their names.

use base::page_token;
use shapes::logs::{DescribeDestinationsRequest, DescribeDestinationsResponse};
use smithy::Cx;

use super::shape;
use crate::Logs;
use crate::destination::{destination_key, destinations_of};
use crate::error::LogsError;
use crate::group::name_of;
use crate::operations::{describe_limit, page_start};

pub(in crate::operations) async fn describe_destinations(
    cx: Cx<Logs>,
    input: DescribeDestinationsRequest,
) -> Result<DescribeDestinationsResponse, LogsError> {
    let prefix = input.destination_name_prefix.as_deref().unwrap_or_default();
    let purpose = format!("DescribeDestinations|{}|{prefix}", cx.scope());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let after = start.as_deref().and_then(<[String]>::first).map(|name| destination_key(cx.scope(), name));
    let limit = describe_limit(input.limit);
    let found = destinations_of(cx.scope()).starting_with(prefix);
    let mut page = cx.service.destinations.0.list(&found, after.as_ref(), limit + 1);
    let more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| more).map(|entry| name_of(&entry.key));
    let shapes = page.iter().map(|entry| shape(cx.scope(), &name_of(&entry.key), entry)).collect();
    Ok(DescribeDestinationsResponse {
        destinations: Some(shapes),
        next_token: last.map(|name| page_token::encode(&purpose, &[&name])),
    })
}
