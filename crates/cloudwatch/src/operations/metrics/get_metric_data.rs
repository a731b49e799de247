//! GetMetricData: up to 500 series at once, in pages.

use std::collections::BTreeMap;

use base::{TimeRange, Timestamp};
use shapes::cloudwatch::{
    GetMetricDataInput, GetMetricDataOutput, MessageData, MetricDataResult, ScanBy, StatusCode,
};
use smithy::Cx;
use store::tables::metrics::StoredDatapoint;

use crate::metric::grid::Grid;
use crate::metric::label::{Attributes, LabelContext, default_label, expand, parse_timezone};
use crate::metric::page::{Position, Share, cut};
use crate::metric::query::{self, MetricQuery};
use crate::{CloudWatch, CloudWatchError};

/// Datapoints of a page: the default and the limit.
const DATAPOINTS_MAX: i32 = 100_800;
/// Metrics read at once, which bounds the stored data held in memory.
const READ_AT_ONCE: usize = 16;

pub(crate) async fn get_metric_data(
    cx: Cx<CloudWatch>,
    input: GetMetricDataInput,
) -> Result<GetMetricDataOutput, CloudWatchError> {
    let request = Request::check(&cx, &input)?;
    let mut series = Vec::with_capacity(request.returned.len());
    for chunk in request.returned.chunks(READ_AT_ONCE) {
        series.extend(read(&cx, &input, chunk).await?);
    }
    let attributes: Vec<Attributes<'_>> = request.queries.iter().map(MetricQuery::attributes).collect();
    let (mut results, mut points) = (Vec::new(), Vec::new());
    for (query, series) in request.returned.iter().zip(series) {
        let own = query.attributes();
        let default = default_label(&own, &attributes);
        let context = LabelContext {
            own: &own,
            default: &default,
            scope: cx.scope(),
            points: &series.points,
            now: cx.now,
            offset_secs: request.offset_secs,
        };
        let label = query.label.as_ref().map(|label| expand(label, &context));
        results.push(MetricDataResult {
            id: Some(query.id.clone()),
            label: Some(label.unwrap_or(default)),
            messages: (!series.messages.is_empty()).then_some(series.messages),
            status_code: series.forbidden.then_some(StatusCode::Forbidden),
            timestamps: None,
            values: None,
        });
        let mut series = series.points;
        if request.descending {
            series.reverse();
        }
        points.push(series);
    }
    let (shares, next) = cut(points, request.position, request.budget, request.descending);
    for (result, Share { points, complete }) in results.iter_mut().zip(shares) {
        let (timestamps, values) = points.into_iter().unzip();
        (result.timestamps, result.values) = (Some(timestamps), Some(values));
        let status = if complete { StatusCode::Complete } else { StatusCode::PartialData };
        result.status_code.get_or_insert(status);
    }
    Ok(GetMetricDataOutput {
        messages: Some(Vec::new()),
        metric_data_results: Some(results),
        next_token: next.map(|position| position.to_token(&request.purpose)),
    })
}

/// A call that passed its checks.
struct Request {
    queries: Vec<MetricQuery>,
    returned: Vec<MetricQuery>,
    descending: bool,
    budget: usize,
    offset_secs: i64,
    position: Position,
    /// What must stay the same between pages.
    purpose: String,
}

impl Request {
    fn check(cx: &Cx<CloudWatch>, input: &GetMetricDataInput) -> Result<Self, CloudWatchError> {
        let invalid = |message: String| Err(CloudWatchError::Validation(message));
        let queries = query::check(&input.metric_data_queries).map_err(CloudWatchError::into_validation)?;
        if input.start_time >= input.end_time {
            return invalid("The parameter StartTime must be less than the parameter EndTime.".to_owned());
        }
        let budget = input.max_datapoints.unwrap_or(DATAPOINTS_MAX);
        if !(1..=DATAPOINTS_MAX).contains(&budget) {
            return invalid(format!("The value {budget} for parameter MaxDatapoints is invalid."));
        }
        let offset_secs = match input.label_options.as_ref().and_then(|o| o.timezone.as_deref()) {
            None => 0,
            Some(text) => match parse_timezone(text) {
                Some(secs) => secs,
                None => {
                    return invalid(format!(
                        "The value {text} for parameter LabelOptions.Timezone is invalid."
                    ));
                }
            },
        };
        let descending = !matches!(input.scan_by, Some(ScanBy::TimestampAscending));
        let GetMetricDataInput { metric_data_queries, start_time, end_time, .. } = input;
        let purpose = format!(
            "GetMetricData|{}|{start_time:?}|{end_time:?}|{descending}|{metric_data_queries:?}",
            cx.scope()
        );
        let position = match input.next_token.as_deref() {
            None => Position::default(),
            Some(token) => Position::from_token(&purpose, token)
                .ok_or_else(|| CloudWatchError::InvalidNextToken("The NextToken is invalid.".to_owned()))?,
        };
        let returned = queries.iter().filter(|q| q.return_data).cloned().collect();
        Ok(Self { queries, returned, descending, budget: budget as usize, offset_secs, position, purpose })
    }
}

/// What a query found, in ascending order of time.
struct Series {
    points: Vec<(Timestamp, f64)>,
    messages: Vec<MessageData>,
    forbidden: bool,
}

async fn read(
    cx: &Cx<CloudWatch>,
    input: &GetMetricDataInput,
    queries: &[MetricQuery],
) -> Result<Vec<Series>, CloudWatchError> {
    let grid = |query: &MetricQuery| Grid::new(input.start_time, input.end_time, query.period_secs, cx.now);
    // The grids' starts differ by their rounding; each takes its own share of the widest range.
    let start = queries.iter().map(|q| grid(q).start).min().unwrap_or(input.start_time);
    let metrics: Vec<_> = queries.iter().map(|q| q.metric.clone()).collect();
    let range = TimeRange::new(start, input.end_time);
    let data = cx.service.metrics().read_many(cx.scope(), &metrics, range, cx.now).await?;
    let own = cx.scope().account.as_str();
    let series = queries.iter().zip(data).map(|(query, data)| {
        // No account is linked to this one, so nobody else's metrics can be read.
        if query.account.as_deref().is_some_and(|account| account != own) {
            return Series {
                points: Vec::new(),
                messages: vec![message("Forbidden", "Forbidden")],
                forbidden: true,
            };
        }
        evaluate(query, &grid(query), data)
    });
    Ok(series.collect())
}

/// One statistic of the periods of one metric, in one unit.
fn evaluate(query: &MetricQuery, grid: &Grid, data: Vec<StoredDatapoint>) -> Series {
    let periods = grid.collect(data);
    let mut found: Vec<&'static str> = periods.keys().map(|(_, unit)| *unit).collect();
    found.sort_unstable();
    found.dedup();
    // AWS: without a unit in the query one unit is chosen, and a message names all that were found (observed).
    let chosen = match query.unit {
        Some(unit) => Some(unit.name()),
        None => UNIT_PREFERENCE.into_iter().find(|unit| found.contains(unit)),
    };
    let mut messages = Vec::new();
    if query.unit.is_none() && found.len() > 1 {
        messages
            .push(message("MultipleUnits", &format!("Multiple units returned: '[{}]'", found.join(", "))));
    }
    let points: BTreeMap<Timestamp, f64> = periods
        .iter()
        .filter(|((_, unit), _)| Some(*unit) == chosen)
        .filter_map(|((at, _), dist)| Some((*at, query.statistic.of(dist)?)))
        .collect();
    Series { points: points.into_iter().collect(), messages, forbidden: false }
}

fn message(code: &str, value: &str) -> MessageData {
    MessageData { code: Some(code.to_owned()), value: Some(value.to_owned()) }
}

/// Which unit is chosen when there are several: the first of these (observed, metrics.md § 5).
const UNIT_PREFERENCE: [&str; 27] = [
    "Megabits",
    "Terabits",
    "Gigabits",
    "Count",
    "Bytes",
    "Gigabytes",
    "Gigabytes/Second",
    "Kilobytes",
    "Kilobits/Second",
    "Terabytes",
    "Terabits/Second",
    "Bytes/Second",
    "Percent",
    "Megabytes",
    "Megabits/Second",
    "Milliseconds",
    "Microseconds",
    "Kilobytes/Second",
    "Gigabits/Second",
    "Megabytes/Second",
    "Bits",
    "Bits/Second",
    "Count/Second",
    "Seconds",
    "Kilobits",
    "Terabytes/Second",
    "None",
];
