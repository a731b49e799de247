//! Which metrics SEARCH finds.

use base::{Scope, Timestamp};
use lang::metric_search::{Search, Subject};
use signals::MetricIdentity;
use store::tables::metrics::MetricFilter;

use crate::{CloudWatch, CloudWatchError};

/// Series a search gives.
pub(crate) const SERIES_MAX: usize = 500;
/// Metrics that are put in order when more than that match.
const MATCHES_MAX: usize = 10_000;
/// Metrics looked at in one go.
const PAGE: usize = 10_000;
/// Metrics without data for longer are not found.
const ACTIVE_SECS: i64 = 14 * 86_400;

/// What a search found, in the order of metrics.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) metrics: Vec<MetricIdentity>,
    /// There were more than can be shown.
    pub(crate) exceeded: bool,
}

pub(crate) async fn find(
    cw: &CloudWatch,
    scope: &Scope,
    search: &Search,
    now: Timestamp,
) -> Result<Found, CloudWatchError> {
    let filter = MetricFilter {
        namespace: search.namespace().map(Into::into),
        active_since: now.saturating_sub_millis(ACTIVE_SECS * 1000),
        ..MetricFilter::default()
    };
    let mut found = Found::default();
    let mut after: Option<MetricIdentity> = None;
    loop {
        let page = cw.metrics().list(scope, &filter, after.as_ref(), PAGE).await?;
        let full = page.len() == PAGE;
        after = page.last().cloned();
        found.metrics.extend(page.into_iter().filter(|metric| matches(search, scope, metric)));
        if found.metrics.len() > MATCHES_MAX {
            found.metrics.truncate(MATCHES_MAX);
            break;
        }
        if !full {
            break;
        }
    }
    found.exceeded = found.metrics.len() > SERIES_MAX;
    Ok(found)
}

fn matches(search: &Search, scope: &Scope, metric: &MetricIdentity) -> bool {
    let dimensions: Vec<(&str, &str)> = metric.dimensions.iter().map(|d| (&*d.name, &*d.value)).collect();
    search.matches(&Subject {
        account: scope.account.as_str(),
        namespace: &metric.namespace,
        name: &metric.name,
        dimensions: &dimensions,
    })
}
