//! Rules and slots in a few words, for tests.

use base::Timestamp;

use super::evaluate::{Point, Slot};
use super::metric_rule::{Comparison, MetricRule, MetricSource, Source, Threshold};
use super::record::{Alarm, Kind, State};
use super::slots::slots;

/// `> 3` with N periods (and M) of `period_secs`, over the average of metric NS/m.
pub(crate) fn rule(condition: &str, n: u32, m: Option<u32>, period_secs: i64) -> MetricRule {
    let (operator, threshold) = condition.split_once(' ').unwrap();
    let comparison = match operator {
        ">" => Comparison::GreaterThanThreshold,
        ">=" => Comparison::GreaterThanOrEqualToThreshold,
        "<" => Comparison::LessThanThreshold,
        "<=" => Comparison::LessThanOrEqualToThreshold,
        other => panic!("{other}"),
    };
    MetricRule {
        source: Source::Metric(MetricSource {
            namespace: "NS".to_owned(),
            name: "m".to_owned(),
            dimensions: Vec::new(),
            statistic: "Average".to_owned(),
            is_extended: false,
            unit: None,
        }),
        comparison,
        threshold: Threshold::Static(threshold.parse().unwrap()),
        evaluation_periods: n,
        datapoints_to_alarm: m,
        missing: None,
        low_samples: None,
        window: None,
        warm_up: None,
        period_secs,
    }
}

/// The slots of an evaluation at `edge` whose newest values are `values`, oldest first, `-` for none.
pub(crate) fn slots_of(rule: &MetricRule, values: &str, edge: Timestamp) -> Vec<Slot> {
    let mut found: Vec<Slot> =
        slots(rule, edge).into_iter().map(|range| Slot { start: range.start, point: None }).collect();
    for (slot, value) in found.iter_mut().rev().zip(values.split_whitespace().rev()) {
        slot.point = value.parse().ok().map(|value| Point { value, sample_count: Some(1.0), band: None });
    }
    found
}

/// An alarm with this rule, created at the epoch, in INSUFFICIENT_DATA.
pub(crate) fn alarm(rule: MetricRule) -> Alarm {
    Alarm {
        incarnation: 1,
        description: None,
        actions_enabled: true,
        ok_actions: Vec::new(),
        alarm_actions: Vec::new(),
        insufficient_data_actions: Vec::new(),
        tags_propagation: None,
        created: Timestamp::EPOCH,
        configured: Timestamp::EPOCH,
        kind: Kind::Metric(rule),
        state: State::initial(Timestamp::EPOCH),
        withheld: false,
    }
}
