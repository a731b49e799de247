//! ListMetrics: metrics that have had data in the last two weeks.

use std::time::Duration;

use base::page_token;
use shapes::cloudwatch::{Dimension, ListMetricsInput, ListMetricsOutput, Metric, RecentlyActive};
use signals::MetricIdentity;
use smithy::Cx;
use store::tables::metrics::{DimensionFilter, MetricFilter};

use crate::{CloudWatch, CloudWatchError};

const PAGE: usize = 500;
const LISTED_FOR: Duration = Duration::from_secs(14 * 86_400);
/// `PT3H`.
const RECENT: Duration = Duration::from_secs(3 * 3600);

pub(crate) async fn list_metrics(
    cx: Cx<CloudWatch>,
    input: ListMetricsInput,
) -> Result<ListMetricsOutput, CloudWatchError> {
    let with_accounts = input.include_linked_accounts == Some(true);
    let own = cx.scope().account.as_str();
    // No account is linked to this one: another owner has nothing to list.
    if input.owning_account.as_deref().is_some_and(|account| account != own) {
        let owning_accounts = with_accounts.then(Vec::new);
        return Ok(ListMetricsOutput { metrics: Some(Vec::new()), next_token: None, owning_accounts });
    }
    let purpose = purpose(&cx, &input);
    let after = input.next_token.as_deref().map(|token| decode_token(&purpose, token)).transpose()?;
    let filter = MetricFilter {
        namespace: input.namespace.as_deref().map(Into::into),
        name: input.metric_name.as_deref().map(Into::into),
        dimensions: input.dimensions.iter().flatten().map(dimension_filter).collect(),
        active_since: match input.recently_active {
            Some(RecentlyActive::Pt3h) => cx.now - RECENT,
            _ => cx.now - LISTED_FOR,
        },
    };
    let mut found = cx.service.metrics().list(cx.scope(), &filter, after.as_ref(), PAGE + 1).await?;
    let next_token = (found.len() > PAGE).then(|| {
        found.truncate(PAGE);
        encode_token(&purpose, &found[PAGE - 1])
    });
    let owning_accounts = with_accounts.then(|| vec![own.to_owned(); found.len()]);
    let metrics = Some(found.iter().map(metric_shape).collect());
    Ok(ListMetricsOutput { metrics, next_token, owning_accounts })
}

fn dimension_filter(filter: &shapes::cloudwatch::DimensionFilter) -> DimensionFilter {
    DimensionFilter { name: filter.name.as_str().into(), value: filter.value.as_deref().map(Into::into) }
}

fn metric_shape(metric: &MetricIdentity) -> Metric {
    let dimensions =
        metric.dimensions.iter().map(|d| Dimension { name: d.name.to_string(), value: d.value.to_string() });
    Metric {
        dimensions: Some(dimensions.collect()),
        metric_name: Some(metric.name.to_string()),
        namespace: Some(metric.namespace.to_string()),
    }
}

/// What must stay the same between pages.
fn purpose(cx: &Cx<CloudWatch>, input: &ListMetricsInput) -> String {
    let ListMetricsInput { namespace, metric_name, dimensions, recently_active, .. } = input;
    format!("ListMetrics|{}|{namespace:?}|{metric_name:?}|{dimensions:?}|{recently_active:?}", cx.scope())
}

fn encode_token(purpose: &str, last: &MetricIdentity) -> String {
    let mut parts = vec![&*last.namespace, &*last.name];
    for dimension in last.dimensions.iter() {
        parts.extend([&*dimension.name, &*dimension.value]);
    }
    page_token::encode(purpose, &parts)
}

fn decode_token(purpose: &str, token: &str) -> Result<MetricIdentity, CloudWatchError> {
    // AWS: the operation doesn't model InvalidNextToken, so a bad token is a bad parameter.
    let invalid = || CloudWatchError::invalid_value(token, "NextToken");
    let parts = page_token::decode(purpose, token).map_err(|_| invalid())?;
    let (names, dimensions) = parts.split_at_checked(2).ok_or_else(invalid)?;
    let dimensions = dimensions
        .chunks_exact(2)
        .map(|pair| signals::Dimension { name: pair[0].as_str().into(), value: pair[1].as_str().into() });
    Ok(MetricIdentity::new(&names[0], &names[1], dimensions.collect()))
}
