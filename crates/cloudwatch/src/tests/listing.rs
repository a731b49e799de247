//! ListMetrics: pages, filters, recency.

use std::time::Duration;

use base::Timestamp;
use shapes::cloudwatch::{DimensionFilter, ListMetricsInput, Metric, RecentlyActive};
use signals::{Dimension, MetricDatum, MetricIdentity, MetricValue, Resolution};

use super::{Server, TODAY, error_text, scope};
use crate::CloudWatchConfig;
use crate::operations::metrics::list_metrics::list_metrics;

async fn put(server: &Server, namespace: &str, numbers: std::ops::Range<usize>) {
    let datum = |i: usize| {
        let dimension = Dimension { name: "Host".into(), value: format!("web-{i:04}").into() };
        MetricDatum {
            metric: MetricIdentity::new(namespace, "Load", vec![dimension]),
            timestamp: server.cx().now,
            unit: "None".into(),
            resolution: Resolution::Standard,
            value: MetricValue::Single(1.0),
        }
    };
    server.store.metrics().append(&scope(), numbers.map(datum).collect()).await.unwrap();
}

fn hosts(metrics: &[Metric]) -> Vec<String> {
    metrics.iter().map(|m| m.dimensions.as_ref().unwrap()[0].value.clone()).collect()
}

#[tokio::test]
async fn pages_of_500_in_order_with_tokens_bound_to_their_request() {
    let server = Server::new(Timestamp::from_secs(TODAY), CloudWatchConfig::default()).await;
    put(&server, "NS", 0..1201).await;
    put(&server, "Other", 0..3).await;
    let mut input = ListMetricsInput { namespace: Some("NS".to_owned()), ..ListMetricsInput::default() };
    let mut all = Vec::new();
    for size in [500, 500, 201] {
        let page = list_metrics(server.cx(), input.clone()).await.unwrap();
        assert_eq!(page.metrics.as_ref().unwrap().len(), size);
        assert_eq!(page.owning_accounts, None);
        all.extend(hosts(&page.metrics.unwrap()));
        input.next_token = page.next_token;
    }
    assert_eq!(input.next_token, None);
    assert_eq!(all, (0..1201).map(|i| format!("web-{i:04}")).collect::<Vec<_>>());

    let first = list_metrics(server.cx(), input.clone()).await.unwrap();
    let foreign = ListMetricsInput { next_token: first.next_token, ..ListMetricsInput::default() };
    let refused = error_text(list_metrics(server.cx(), foreign).await.unwrap_err());
    assert!(
        refused.starts_with("InvalidParameterValue: ") && refused.ends_with("NextToken is invalid."),
        "{refused}"
    );
}

#[tokio::test]
async fn filters_and_recency() {
    let server = Server::new(Timestamp::from_secs(TODAY), CloudWatchConfig::default()).await;
    put(&server, "NS", 0..2).await;
    server.clock.advance(Duration::from_secs(4 * 3600));
    put(&server, "NS", 2..3).await;
    let list = async |input| hosts(&list_metrics(server.cx(), input).await.unwrap().metrics.unwrap());
    let all = ListMetricsInput::default();
    assert_eq!(list(all.clone()).await, ["web-0000", "web-0001", "web-0002"]);
    let filter = |name: &str, value: Option<&str>| ListMetricsInput {
        dimensions: Some(vec![DimensionFilter { name: name.to_owned(), value: value.map(Into::into) }]),
        ..all.clone()
    };
    assert_eq!(list(filter("Host", Some("web-0001"))).await, ["web-0001"]);
    assert_eq!(list(filter("Host", None)).await.len(), 3);
    assert!(list(filter("Zone", None)).await.is_empty());
    let recent = ListMetricsInput { recently_active: Some(RecentlyActive::Pt3h), ..all.clone() };
    assert_eq!(list(recent).await, ["web-0002"]);
    let stranger = ListMetricsInput { owning_account: Some("999999999999".to_owned()), ..all.clone() };
    assert!(list(stranger).await.is_empty());
    let linked = ListMetricsInput { include_linked_accounts: Some(true), ..all.clone() };
    let owners = list_metrics(server.cx(), linked).await.unwrap().owning_accounts;
    assert_eq!(owners, Some(vec!["123456789012".to_owned(); 3]));
    server.clock.advance(Duration::from_secs(14 * 86_400 - 3600));
    assert_eq!(list(all.clone()).await, ["web-0002"]);
    server.clock.advance(Duration::from_secs(2 * 3600));
    assert!(list(all).await.is_empty());
}
