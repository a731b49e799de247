//! GetMetricData: up to 500 queries at once, in pages.

use base::TimeRange;
use shapes::cloudwatch::{
    GetMetricDataInput, GetMetricDataOutput, MessageData, MetricDataResult, ScanBy, StatusCode,
};
use smithy::Cx;

use crate::metric::evaluate::{Evaluation, Message, Options, SeriesStatus, evaluate};
use crate::metric::label::parse_timezone;
use crate::metric::page::{Position, Share, cut};
use crate::metric::query::{self, DataQuery, Source};
use crate::{CloudWatch, CloudWatchError};

/// Datapoints of a page: the default and the limit.
const DATAPOINTS_MAX: i32 = 100_800;

pub(crate) async fn get_metric_data(
    cx: Cx<CloudWatch>,
    input: GetMetricDataInput,
) -> Result<GetMetricDataOutput, CloudWatchError> {
    let request = Request::check(&cx, &input)?;
    let options = Options {
        offset_secs: request.offset_secs,
        ..Options::new(TimeRange::new(input.start_time, input.end_time), cx.now)
    };
    let Evaluation { series, messages } =
        evaluate(&cx.service, cx.scope(), &request.queries, &options).await?;
    let (mut results, mut points) = (Vec::with_capacity(series.len()), Vec::with_capacity(series.len()));
    for mut series in series {
        results.push(MetricDataResult {
            id: Some(series.id),
            label: Some(series.label),
            messages: (!series.messages.is_empty())
                .then(|| series.messages.into_iter().map(message).collect()),
            status_code: match series.status {
                SeriesStatus::Complete => None,
                SeriesStatus::PartialData => Some(StatusCode::PartialData),
                SeriesStatus::Forbidden => Some(StatusCode::Forbidden),
            },
            timestamps: None,
            values: None,
        });
        if request.descending {
            series.points.reverse();
        }
        points.push(series.points);
    }
    let (shares, next) = cut(points, request.position, request.budget, request.descending);
    for (result, Share { points, complete }) in results.iter_mut().zip(shares) {
        let (timestamps, values) = points.into_iter().unzip();
        (result.timestamps, result.values) = (Some(timestamps), Some(values));
        let status = if complete { StatusCode::Complete } else { StatusCode::PartialData };
        result.status_code.get_or_insert(status);
    }
    Ok(GetMetricDataOutput {
        messages: Some(messages.into_iter().map(message).collect()),
        metric_data_results: Some(results),
        next_token: next.map(|position| position.to_token(&request.purpose)),
    })
}

fn message(Message { code, value }: Message) -> MessageData {
    MessageData { code: Some(code.to_owned()), value: Some(value) }
}

/// A call that passed its checks.
struct Request {
    queries: Vec<DataQuery>,
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
        let queries = query::check(&input.metric_data_queries)?;
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
        // AWS: MaxDatapoints does not cut what is computed. The limit of a page holds all the same, because a
        // search can give far more than a client expects.
        let computed = queries.iter().any(|q| q.return_data && matches!(q.source, Source::Expression(_)));
        let budget = if computed { DATAPOINTS_MAX } else { budget } as usize;
        Ok(Self { queries, descending, budget, offset_secs, position, purpose })
    }
}
