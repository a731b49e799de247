//! Reading the values that alarms are evaluated on: plain metrics many at a time, queries one by one.

use std::collections::{BTreeMap, HashMap};

use base::{Scope, TimeRange, Timestamp};
use signals::{Dist, MetricIdentity};
use store::tables::metrics::StoredDatapoint;

use super::evaluate::{Point, Slot};
use super::metric_rule::{MetricRule, MetricSource, Source};
use super::record::EvaluationState;
use super::{contributor, slots};
use crate::metric::statistic::Statistic;
use crate::{CloudWatch, CloudWatchError};

/// What was found for one alarm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    One(Vec<Slot>),
    /// One series for each contributor.
    Many {
        series: Vec<contributor::Series>,
        is_partial: bool,
    },
    /// The evaluation did not come about.
    Failed(EvaluationState, String),
}

/// An alarm to be read for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) rule: &'a MetricRule,
    pub(crate) edge: Timestamp,
}

/// Place among what is wanted, metric and periods of an alarm that is read together with others.
type Member<'a> = (usize, &'a MetricSource, Vec<TimeRange>);

/// The values of each of `wanted`, in their order.
pub(crate) async fn read(cw: &CloudWatch, wanted: &[Wanted<'_>], now: Timestamp) -> Vec<Values> {
    let mut found: Vec<Option<Values>> = vec![None; wanted.len()];
    let mut groups: HashMap<(&Scope, TimeRange), Vec<Member<'_>>> = HashMap::new();
    for (at, Wanted { scope, rule, edge }) in wanted.iter().enumerate() {
        let periods = slots::slots(rule, *edge);
        match &rule.source {
            Source::Metric(metric) => {
                let start = periods.first().map_or(*edge, |period| period.start);
                groups.entry((*scope, TimeRange::new(start, *edge))).or_default().push((at, metric, periods));
            }
            Source::Queries(_) => {
                found[at] = Some(super::query_values::read(cw, scope, rule, &periods, now).await)
            }
        }
    }
    for ((scope, range), members) in groups {
        let metrics: Vec<MetricIdentity> = members.iter().map(|(_, metric, _)| metric.identity()).collect();
        match cw.metrics().read_many(scope, &metrics, range, now).await {
            Ok(data) => {
                for ((at, metric, periods), data) in members.into_iter().zip(data) {
                    found[at] = Some(plain(metric, &periods, data));
                }
            }
            Err(error) => {
                let error = CloudWatchError::from(error);
                tracing::warn!(%error, "metrics of alarms could not be read");
                for (at, ..) in members {
                    found[at] = Some(Values::Failed(EvaluationState::Failure, error.to_string()));
                }
            }
        }
    }
    found.into_iter().map(|values| values.expect("each alarm is in one group or was read alone")).collect()
}

/// The statistic of one metric in each of `periods`, which lie end to end, oldest first.
pub(super) fn plain(metric: &MetricSource, periods: &[TimeRange], data: Vec<StoredDatapoint>) -> Values {
    let Ok(statistic) = Statistic::parse(&metric.statistic) else {
        let message = format!("{} is not a statistic", metric.statistic);
        return Values::Failed(EvaluationState::Error, message);
    };
    let unit = metric.unit.as_deref().or_else(|| single_unit(&data));
    let mut dists: Vec<Option<Dist>> = vec![None; periods.len()];
    for StoredDatapoint { timestamp, unit: found, dist, .. } in data {
        if unit.is_some_and(|unit| unit != found) {
            continue;
        }
        let at = periods.partition_point(|period| period.end <= timestamp);
        match dists.get_mut(at) {
            Some(Some(merged)) => merged.merge(&dist),
            Some(empty) => *empty = Some(dist),
            None => {}
        }
    }
    let slot = |(period, dist): (&TimeRange, Option<Dist>)| {
        let point = dist.and_then(|dist| {
            let value = statistic.of(&dist)?;
            Some(Point { value, sample_count: Some(dist.count), band: None })
        });
        Slot { start: period.start, point }
    };
    Values::One(periods.iter().zip(dists).map(slot).collect())
}

/// The unit an alarm without one is evaluated in: that of the newest datapoint, where units differ.
/// AWS: data of different units are not put together (API_PutMetricAlarm, Unit).
fn single_unit(data: &[StoredDatapoint]) -> Option<&'static str> {
    data.last().map(|datapoint| datapoint.unit)
}

/// Points by the slot they start, for series that were computed on the slots' own grid.
pub(crate) fn on_slots(periods: &[TimeRange], points: &[(Timestamp, f64)]) -> Vec<Slot> {
    let by_time: BTreeMap<Timestamp, f64> = points.iter().copied().collect();
    let slot = |period: &TimeRange| {
        let value = by_time.range(period.start..period.end).next_back().map(|(_, value)| *value);
        let point = value.map(|value| Point { value, sample_count: None, band: None });
        Slot { start: period.start, point }
    };
    periods.iter().map(slot).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::rule;
    use super::*;

    fn datum(secs: i64, unit: &'static str, value: f64) -> StoredDatapoint {
        let timestamp = Timestamp::from_secs(secs);
        StoredDatapoint { timestamp, unit, period_secs: 60, dist: Dist::single(value) }
    }

    #[test]
    fn data_fall_into_the_slots_of_their_unit() {
        let five = rule("> 3", 1, None, 300);
        let Source::Metric(metric) = &five.source else { panic!() };
        let periods = slots::slots(&five, Timestamp::from_secs(900));
        let data = vec![
            datum(0, "None", 4.0),
            datum(240, "None", 2.0),
            datum(300, "Seconds", 100.0),
            datum(840, "None", 1.0),
        ];
        let values = |unit: Option<&str>| {
            let metric = MetricSource { unit: unit.map(str::to_owned), ..metric.clone() };
            match plain(&metric, &periods, data.clone()) {
                Values::One(slots) => slots
                    .iter()
                    .map(|slot| slot.point.map(|p| (p.value, p.sample_count.unwrap())))
                    .collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(values(None), [Some((3.0, 2.0)), None, Some((1.0, 1.0))]);
        assert_eq!(values(Some("Seconds")), [None, Some((100.0, 1.0)), None]);
    }

    #[test]
    fn a_statistic_that_is_none_is_an_error() {
        let rule = rule("> 3", 1, None, 60);
        let Source::Metric(metric) = &rule.source else { panic!() };
        let metric = MetricSource { statistic: "Median".to_owned(), ..metric.clone() };
        assert!(matches!(plain(&metric, &[], Vec::new()), Values::Failed(EvaluationState::Error, _)));
    }
}
