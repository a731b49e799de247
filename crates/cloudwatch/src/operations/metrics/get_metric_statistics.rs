//! GetMetricStatistics: up to 1,440 periods of one metric, several statistics at once.

use std::collections::BTreeMap;

use shapes::cloudwatch::{Datapoint, GetMetricStatisticsInput, GetMetricStatisticsOutput, StandardUnit};
use signals::Dist;
use smithy::Cx;

use super::{identity, unit};
use crate::metric::grid::{Grid, is_period};
use crate::metric::statistic::Statistic;
use crate::{CloudWatch, CloudWatchError};

const DATAPOINTS_MAX: i64 = 1440;

pub(crate) async fn get_metric_statistics(
    cx: Cx<CloudWatch>,
    input: GetMetricStatisticsInput,
) -> Result<GetMetricStatisticsOutput, CloudWatchError> {
    let statistics = statistics(&input)?;
    check_range(&input)?;
    let grid = Grid::new(input.start_time, input.end_time, input.period, cx.now);
    let metric = identity(&input.namespace, &input.metric_name, input.dimensions.as_deref());
    let metrics = std::slice::from_ref(&metric);
    let folded = cx.service.metrics().fold_many::<Dist>(cx.scope(), metrics, grid.periods(), cx.now).await?;
    let wanted = input.unit.as_ref().map(unit);
    let mut datapoints = Vec::new();
    for (unit, cells) in folded.into_iter().flatten() {
        if wanted.is_some_and(|wanted| wanted != unit) {
            continue;
        }
        let kept = cells.into_iter().map(|(slot, dist)| (grid.at(slot as usize), dist));
        for (at, dist) in kept.filter(|(at, _)| grid.is_kept(*at)) {
            if let Some(mut datapoint) = datapoint(&statistics, &dist) {
                datapoint.timestamp = Some(at);
                datapoint.unit = Some(StandardUnit::from(unit.name()));
                datapoints.push(datapoint);
            }
        }
    }
    datapoints.sort_by(|a, b| {
        (a.timestamp, a.unit.as_ref().map(StandardUnit::as_str))
            .cmp(&(b.timestamp, b.unit.as_ref().map(StandardUnit::as_str)))
    });
    Ok(GetMetricStatisticsOutput { datapoints: Some(datapoints), label: Some(input.metric_name) })
}

/// The statistics asked for, each by its name.
fn statistics(input: &GetMetricStatisticsInput) -> Result<Vec<(String, Statistic)>, CloudWatchError> {
    let basic = input.statistics.as_deref().unwrap_or_default();
    let extended = input.extended_statistics.as_deref().unwrap_or_default();
    match (basic, extended) {
        ([], []) => Err(CloudWatchError::MissingParameter(
            "Must specify either Statistics or ExtendedStatistics".to_owned(),
        )),
        ([_, ..], [_, ..]) => Err(CloudWatchError::InvalidParameterCombination(
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both."
                .to_owned(),
        )),
        (basic, []) => {
            let parse = |s: &shapes::cloudwatch::Statistic| {
                let parsed = Statistic::parse(s.as_str());
                parsed.map(|p| (s.to_string(), p)).map_err(|_| CloudWatchError::invalid_value(s, "Statistics"))
            };
            basic.iter().map(parse).collect()
        }
        ([], extended) => (1..)
            .zip(extended)
            .map(|(number, text)| match Statistic::parse_extended(text) {
                Ok(statistic) => Ok((text.clone(), statistic)),
                Err(_) => {
                    Err(CloudWatchError::invalid_value(text, format!("ExtendedStatistics.member.{number}")))
                }
            })
            .collect(),
    }
}

fn check_range(input: &GetMetricStatisticsInput) -> Result<(), CloudWatchError> {
    if input.start_time >= input.end_time {
        return Err(CloudWatchError::InvalidParameterValue(
            "The parameter StartTime must be less than the parameter EndTime.".to_owned(),
        ));
    }
    if !is_period(input.period) {
        return Err(CloudWatchError::invalid_value(input.period, "Period"));
    }
    let period_millis = i64::from(input.period) * 1000;
    let millis = input.end_time.millis_since(input.start_time);
    let requested = millis / period_millis + i64::from(millis % period_millis != 0);
    if requested > DATAPOINTS_MAX {
        return Err(CloudWatchError::InvalidParameterCombination(format!(
            "You have requested up to {requested} datapoints, which exceeds the limit of {DATAPOINTS_MAX}. You may \
             reduce the datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    Ok(())
}

/// The statistics of one period; `None` if none of them has a value.
fn datapoint(statistics: &[(String, Statistic)], dist: &Dist) -> Option<Datapoint> {
    let mut datapoint = Datapoint::default();
    let mut extended = BTreeMap::new();
    let mut any = false;
    for (name, statistic) in statistics {
        let Some(value) = statistic.of(dist) else { continue };
        any = true;
        match statistic {
            Statistic::SampleCount => datapoint.sample_count = Some(value),
            Statistic::Average => datapoint.average = Some(value),
            Statistic::Sum => datapoint.sum = Some(value),
            Statistic::Minimum => datapoint.minimum = Some(value),
            Statistic::Maximum => datapoint.maximum = Some(value),
            Statistic::Percentile(_) | Statistic::Trimmed(..) | Statistic::PercentileRank(_) => {
                extended.insert(name.clone(), value);
            }
        }
    }
    datapoint.extended_statistics = (!extended.is_empty()).then_some(extended);
    any.then_some(datapoint)
}
