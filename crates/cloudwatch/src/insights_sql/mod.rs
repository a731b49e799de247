//! Metrics Insights: from the metrics of a query to its series. Observations of all metrics of a group are taken
//! together before the function is applied, whatever their units.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html>.

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use lang::metrics_insights::{Aggregate, InsightsQuery, Key, Operand};
use signals::MetricIdentity;
use store::tables::metrics::{Cell, DimensionFilter, MetricFilter, Summary};

use crate::metric::grid::Grid;
use crate::metric::read::metrics_at_once;
use crate::{CloudWatch, CloudWatchError};

/// Metrics taken into account: the first in their order.
const METRICS_MAX: usize = 10_000;
/// Series of an answer.
const SERIES_MAX: usize = 500;
/// Periods with data of all groups together.
const CELLS_MAX: usize = 10_000_000;
const PAGE: usize = 10_000;
/// Metrics without data for longer are not looked at.
const ACTIVE_SECS: i64 = 14 * 86_400;
/// The group of metrics that don't have a key.
const OTHER: &str = "Other";

/// A series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// In the order of GROUP BY; empty without it.
    pub(crate) values: Vec<String>,
    pub(crate) points: Vec<(u32, f64)>,
}

/// What a query found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) groups: Vec<Group>,
    /// There were more metrics than are taken into account.
    pub(crate) partial: bool,
}

/// Computes a query on a grid, of data not older than `oldest`.
pub(crate) async fn answer(
    cw: &CloudWatch,
    scope: &Scope,
    query: &InsightsQuery,
    grid: &Grid,
    oldest: Timestamp,
) -> Result<Answer, CloudWatchError> {
    let (metrics, partial) = matching(cw, scope, query, grid.now()).await?;
    let mut groups: BTreeMap<Vec<String>, Vec<(u32, Summary)>> = BTreeMap::new();
    let mut cells = 0;
    for chunk in metrics.chunks(metrics_at_once(grid)) {
        let folded = cw.metrics().fold_many::<Summary>(scope, chunk, grid.periods(), grid.now()).await?;
        for (metric, series) in chunk.iter().zip(folded) {
            if series.is_empty() {
                continue;
            }
            let group = groups.entry(group_of(query, scope, metric)).or_default();
            for (_, found) in series {
                cells -= group.len();
                merge(group, found);
                cells += group.len();
            }
            if cells > CELLS_MAX {
                return Err(CloudWatchError::Validation(
                    "The query would process too many datapoints.".to_owned(),
                ));
            }
        }
    }
    let period_millis = grid.period_secs * 1000;
    let oldest = oldest.saturating_sub_millis(period_millis - 1);
    let series = groups.into_iter().map(|(values, cells)| {
        let kept = cells.iter().filter(|(slot, _)| {
            let at = grid.at(*slot as usize);
            at >= oldest && grid.is_kept(at)
        });
        let points = kept.map(|(slot, cell)| (*slot, of(query.function, cell))).collect();
        Group { values, points }
    });
    let mut groups: Vec<Group> = series.filter(|group| !group.points.is_empty()).collect();
    order(query, &mut groups);
    Ok(Answer { groups, partial })
}

/// The metrics a query is about, in their order, and whether there are more.
async fn matching(
    cw: &CloudWatch,
    scope: &Scope,
    query: &InsightsQuery,
    now: Timestamp,
) -> Result<(Vec<MetricIdentity>, bool), CloudWatchError> {
    let required = query.conditions.iter().filter_map(|condition| match (&condition.key, &condition.value) {
        (Key::Dimension(name), Operand::Text(value)) if condition.equal => {
            Some(DimensionFilter { name: name.as_str().into(), value: Some(value.as_str().into()) })
        }
        _ => None,
    });
    let filter = MetricFilter {
        namespace: Some(query.namespace.as_str().into()),
        name: Some(query.metric.as_str().into()),
        dimensions: required.collect(),
        active_since: now.saturating_sub_millis(ACTIVE_SECS * 1000),
    };
    let mut metrics: Vec<MetricIdentity> = Vec::new();
    let mut after: Option<MetricIdentity> = None;
    loop {
        let page = cw.metrics().list(scope, &filter, after.as_ref(), PAGE).await?;
        let full = page.len() == PAGE;
        after = page.last().cloned();
        metrics.extend(page.into_iter().filter(|metric| is_meant(query, scope, metric)));
        if metrics.len() > METRICS_MAX {
            metrics.truncate(METRICS_MAX);
            return Ok((metrics, true));
        }
        if !full {
            return Ok((metrics, false));
        }
    }
}

fn is_meant(query: &InsightsQuery, scope: &Scope, metric: &MetricIdentity) -> bool {
    let has_schema = query.schema.as_ref().is_none_or(|names| {
        // Both are sorted.
        metric.dimensions.iter().map(|d| &*d.name).eq(names.iter().map(String::as_str))
    });
    has_schema
        && query.conditions.iter().all(|condition| {
            let wanted = match &condition.value {
                Operand::Text(text) => text.as_str(),
                Operand::CurrentAccount => scope.account.as_str(),
            };
            // A metric that lacks the key is unequal to everything.
            (value_of(&condition.key, scope, metric) == Some(wanted)) == condition.equal
        })
}

/// The value a metric has of a key. No tags of resources are known here.
fn value_of<'a>(key: &Key, scope: &'a Scope, metric: &'a MetricIdentity) -> Option<&'a str> {
    match key {
        Key::Dimension(name) => metric.dimensions.iter().find(|d| *d.name == **name).map(|d| &*d.value),
        Key::Account => Some(scope.account.as_str()),
        Key::Tag(_) => None,
    }
}

fn group_of(query: &InsightsQuery, scope: &Scope, metric: &MetricIdentity) -> Vec<String> {
    let value = |key: &Key| value_of(key, scope, metric).unwrap_or(OTHER).to_owned();
    query.group_by.iter().map(value).collect()
}

/// Adds the cells of a metric to those of its group; both are ascending.
fn merge(group: &mut Vec<(u32, Summary)>, found: Vec<(u32, Summary)>) {
    if group.is_empty() {
        *group = found;
        return;
    }
    let same_slots = group.len() == found.len() && group.iter().zip(&found).all(|(a, b)| a.0 == b.0);
    if same_slots {
        group.iter_mut().zip(&found).for_each(|((_, cell), (_, other))| cell.merge(other));
        return;
    }
    let mut merged = Vec::with_capacity(group.len() + found.len());
    let mut found = found.into_iter().peekable();
    for (slot, mut cell) in group.drain(..) {
        while let Some(earlier) = found.next_if(|(other, _)| *other < slot) {
            merged.push(earlier);
        }
        if let Some((_, other)) = found.next_if(|(other, _)| *other == slot) {
            cell.merge(&other);
        }
        merged.push((slot, cell));
    }
    merged.extend(found);
    *group = merged;
}

fn of(function: Aggregate, cell: &Summary) -> f64 {
    match function {
        Aggregate::Avg => cell.sum / cell.count,
        Aggregate::Count => cell.count,
        Aggregate::Max => cell.max,
        Aggregate::Min => cell.min,
        Aggregate::Sum => cell.sum,
    }
}

/// Orders groups, which come in the order of their values, and cuts them.
fn order(query: &InsightsQuery, groups: &mut Vec<Group>) {
    if let Some(order) = query.order_by {
        let key = |group: &Group| {
            let values = || group.points.iter().map(|(_, value)| *value);
            let count = group.points.len() as f64;
            match order.function {
                Aggregate::Avg => values().sum::<f64>() / count,
                Aggregate::Count => count,
                Aggregate::Max => values().fold(f64::NEG_INFINITY, f64::max),
                Aggregate::Min => values().fold(f64::INFINITY, f64::min),
                Aggregate::Sum => values().sum(),
            }
        };
        groups.sort_by(|a, b| {
            let ascending = key(a).total_cmp(&key(b));
            if order.descending { ascending.reverse() } else { ascending }
        });
    }
    groups.truncate(query.limit.unwrap_or(SERIES_MAX).min(SERIES_MAX));
}
