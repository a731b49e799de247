//! ListMetricStreams, in pages.

use base::page_token;
use catalog::Prefix;
use shapes::cloudwatch::{ListMetricStreamsInput, ListMetricStreamsOutput, MetricStreamEntry};
use smithy::Cx;

use super::state;
use crate::metric_stream::key;
use crate::tags::Taggable;
use crate::{CloudWatch, CloudWatchError};

const PAGE_MAX: i32 = 500;

pub(crate) async fn list_metric_streams(
    cx: Cx<CloudWatch>,
    input: ListMetricStreamsInput,
) -> Result<ListMetricStreamsOutput, CloudWatchError> {
    let page = input.max_results.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&page) {
        return Err(CloudWatchError::invalid_value(page, "MaxResults"));
    }
    let page = page as usize;
    let purpose = format!("ListMetricStreams|{}", cx.scope());
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => {
            let parts = page_token::decode(&purpose, token)
                .map_err(|_| CloudWatchError::InvalidNextToken("The NextToken is invalid.".to_owned()))?;
            parts.first().map(|name| key(cx.scope(), name))
        }
    };
    let records = &cx.service.metric_streams().records;
    let found = records.list(&Prefix::new(cx.scope(), &[]), after.as_ref(), page + 1);
    let name = |entry: &catalog::Entry<_>| entry.key.parts().pop().unwrap_or_default();
    let shown = &found[..found.len().min(page)];
    let entries = shown.iter().map(|entry| MetricStreamEntry {
        arn: Some(Taggable::MetricStream.arn(cx.scope(), &name(entry))),
        creation_date: Some(entry.created),
        firehose_arn: Some(entry.settings.firehose_arn.clone()),
        last_update_date: Some(entry.updated),
        name: Some(name(entry)),
        output_format: Some(entry.settings.output_format()),
        state: Some(state(entry.running)),
    });
    let last = shown.last().filter(|_| found.len() > page);
    Ok(ListMetricStreamsOutput {
        entries: Some(entries.collect()),
        next_token: last.map(|entry| page_token::encode(&purpose, &[&name(entry)])),
    })
}
