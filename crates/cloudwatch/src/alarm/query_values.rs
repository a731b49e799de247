//! Reading the values of alarms on queries: metric math, Metrics Insights, anomaly bands.

use base::{Scope, TimeRange, Timestamp};

use super::contributor::{CONTRIBUTORS_MAX, Series};
use super::evaluate::{Band, Slot};
use super::metric_rule::{MetricRule, Query, Source, Threshold};
use super::record::EvaluationState;
use super::values::{Values, on_slots};
use crate::metric::evaluate::{
    Evaluation, INSIGHTS_RANGE_ALARM, Options, ResultSeries, SeriesStatus, evaluate,
};
use crate::metric::query::{self, DataQuery, ExpressionQuery, Parsed};
use crate::operations::alarms::metrics_list::given;
use crate::{CloudWatch, CloudWatchError};

/// What makes an alarm on several series something else than one with a contributor for each.
pub(crate) const MANY_SERIES: &str = "Metrics expression that return multi time series are only allowed for \
                                      MetricsInsights expression with an ORDER BY clause";

/// The values of the returned query in each of `periods`, oldest first.
pub(super) async fn read(
    cw: &CloudWatch,
    scope: &Scope,
    rule: &MetricRule,
    periods: &[TimeRange],
    now: Timestamp,
) -> Values {
    let Source::Queries(queries) = &rule.source else { return Values::One(Vec::new()) };
    match try_read(cw, scope, rule, queries, periods, now).await {
        Ok(values) => values,
        Err(CloudWatchError::Validation(message)) => Values::Failed(EvaluationState::Error, message),
        Err(error) => {
            tracing::warn!(%error, "an alarm could not be evaluated");
            Values::Failed(EvaluationState::Failure, error.to_string())
        }
    }
}

async fn try_read(
    cw: &CloudWatch,
    scope: &Scope,
    rule: &MetricRule,
    queries: &[Query],
    periods: &[TimeRange],
    now: Timestamp,
) -> Result<Values, CloudWatchError> {
    let (Some(first), Some(last)) = (periods.first(), periods.last()) else {
        return Ok(Values::One(Vec::new()));
    };
    let shapes: Vec<_> = queries.iter().map(given).collect();
    let checked = query::check(&shapes).map_err(CloudWatchError::into_validation)?;
    let options = Options {
        insights_range_secs: INSIGHTS_RANGE_ALARM,
        ..Options::new(TimeRange::new(first.start, last.end), now)
    };
    let evaluation = evaluate(cw, scope, &checked, &options).await?;
    Ok(values_of(rule, &checked, evaluation, periods))
}

/// Whether each series of the returned query is a contributor.
pub(crate) fn has_contributors(query: &DataQuery) -> bool {
    insights(query).is_some_and(|insights| !insights.group_by.is_empty() && insights.order_by.is_some())
}

/// Whether the query gives series that cannot be contributors.
pub(crate) fn gives_many_series(query: &DataQuery) -> bool {
    query.uses_search()
        || insights(query)
            .is_some_and(|insights| !insights.group_by.is_empty() && insights.order_by.is_none())
}

fn insights(query: &DataQuery) -> Option<&lang::metrics_insights::InsightsQuery> {
    match &query.source {
        query::Source::Expression(ExpressionQuery { parsed: Parsed::Insights(insights), .. }) => {
            Some(insights)
        }
        _ => None,
    }
}

fn values_of(
    rule: &MetricRule,
    queries: &[DataQuery],
    evaluation: Evaluation,
    periods: &[TimeRange],
) -> Values {
    let Evaluation { series, messages } = evaluation;
    let mut is_partial = !messages.is_empty() || series.iter().any(|s| s.status == SeriesStatus::PartialData);
    if series.iter().any(|series| series.status == SeriesStatus::Forbidden) {
        let message = "The metric of another account cannot be read".to_owned();
        return Values::Failed(EvaluationState::Error, message);
    }
    let band_id = match &rule.threshold {
        Threshold::Band(id) => Some(id.as_str()),
        Threshold::Static(_) => None,
    };
    let is_band = |query: &DataQuery| Some(query.id.as_str()) == band_id;
    let returned = |series: &&ResultSeries| !is_band(&queries[series.query]);
    let values: Vec<&ResultSeries> = series.iter().filter(returned).collect();
    if values.iter().any(|series| has_contributors(&queries[series.query])) {
        is_partial |= values.len() > CONTRIBUTORS_MAX;
        let contributor = |series: &&ResultSeries| Series {
            attributes: series.group.iter().cloned().collect(),
            slots: on_slots(periods, &series.points),
        };
        // An array without elements is shown as one empty series, which no contributor stands for.
        let with_group = values.iter().filter(|series| !series.group.is_empty());
        return Values::Many { series: with_group.map(contributor).collect(), is_partial };
    }
    match values[..] {
        [value] => {
            let mut slots = on_slots(periods, &value.points);
            let bands: Vec<&ResultSeries> = series.iter().filter(|s| is_band(&queries[s.query])).collect();
            if let [upper, lower] = bands[..] {
                put_bands(&mut slots, &on_slots(periods, &lower.points), &on_slots(periods, &upper.points));
            }
            Values::One(slots)
        }
        [] => Values::Failed(EvaluationState::Error, "The metrics list returns no data".to_owned()),
        _ => Values::Failed(EvaluationState::Error, MANY_SERIES.to_owned()),
    }
}

fn put_bands(slots: &mut [Slot], lower: &[Slot], upper: &[Slot]) {
    for ((slot, lower), upper) in slots.iter_mut().zip(lower).zip(upper) {
        if let (Some(point), Some(lower), Some(upper)) = (&mut slot.point, lower.point, upper.point) {
            point.band = Some(Band { lower: lower.value, upper: upper.value });
        }
    }
}
