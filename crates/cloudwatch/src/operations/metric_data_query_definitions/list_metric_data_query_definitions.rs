//! ListMetricDataQueryDefinitions, in pages.

use base::page_token;
use catalog::Prefix;
use shapes::cloudwatch::{
    ListMetricDataQueryDefinitionsInput, ListMetricDataQueryDefinitionsOutput,
    MetricDataQueryDefinitionSummary, QueryType,
};
use smithy::Cx;

use crate::query_definition::key;
use crate::{CloudWatch, CloudWatchError};

const PAGE_MAX: i32 = 100;

pub(crate) async fn list_metric_data_query_definitions(
    cx: Cx<CloudWatch>,
    input: ListMetricDataQueryDefinitionsInput,
) -> Result<ListMetricDataQueryDefinitionsOutput, CloudWatchError> {
    let page = input.max_results.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&page) {
        return Err(CloudWatchError::Validation(format!(
            "The value {page} for parameter MaxResults is invalid."
        )));
    }
    let page = page as usize;
    let purpose = format!("ListMetricDataQueryDefinitions|{}", cx.scope());
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => {
            let parts = page_token::decode(&purpose, token)
                .map_err(|_| CloudWatchError::Validation("The NextToken is invalid.".to_owned()))?;
            parts.first().map(|id| key(cx.scope(), id))
        }
    };
    let records = &cx.service.query_definitions().records;
    let found = records.list(&Prefix::new(cx.scope(), &[]), after.as_ref(), page + 1);
    let id = |entry: &catalog::Entry<_>| entry.key.parts().pop().unwrap_or_default();
    let shown = &found[..found.len().min(page)];
    let items = shown.iter().map(|entry| MetricDataQueryDefinitionSummary {
        id: id(entry),
        path: entry.path.clone(),
        r#type: QueryType::from(entry.language.as_str()),
        updated_at: Some(entry.updated),
    });
    let last = shown.last().filter(|_| found.len() > page);
    Ok(ListMetricDataQueryDefinitionsOutput {
        items: items.collect(),
        next_token: last.map(|entry| page_token::encode(&purpose, &[&id(entry)])),
    })
}
