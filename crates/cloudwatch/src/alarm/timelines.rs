//! The timelines of the specification, kept as text under `tests/timelines/`: values minute by minute and the states
//! they lead to.

use base::Timestamp;

use super::evaluate::{Point, Slot, evaluate};
use super::metric_rule::{MetricRule, MetricSource, Source, TreatMissing, WarmUp, Window};
use super::record::StateValue;
use super::testing::rule;
use super::warm_up::{Progress, progress};
use super::{contributor, slots};

const TIMELINES: &str = include_str!("../../tests/timelines/timelines.txt");

/// An alarm over values that are known for each minute (or each slot of a high-resolution alarm).
struct Timeline {
    rule: MetricRule,
    /// Seconds and value.
    data: Vec<(i64, f64)>,
    /// Seconds between evaluations.
    step: i64,
}

impl Timeline {
    /// The period's average or sum of what is stamped within it.
    fn slots(&self, now: Timestamp) -> Vec<Slot> {
        let Source::Metric(MetricSource { statistic, .. }) = &self.rule.source else { panic!() };
        let slot = |range: base::TimeRange| {
            let values: Vec<f64> = self
                .data
                .iter()
                .filter(|(secs, _)| range.contains(Timestamp::from_secs(*secs)))
                .map(|(_, value)| *value)
                .collect();
            let sum: f64 = values.iter().sum();
            let value = if statistic == "Sum" { sum } else { sum / values.len() as f64 };
            let point = Point { value, sample_count: Some(values.len() as f64), band: None };
            Slot { start: range.start, point: (!values.is_empty()).then_some(point) }
        };
        slots::slots(&self.rule, slots::edge(&self.rule, now)).into_iter().map(slot).collect()
    }

    /// The states after each step.
    fn run(&mut self, steps: i64) -> Vec<StateValue> {
        let mut state = StateValue::InsufficientData;
        (1..=steps)
            .map(|number| {
                let now = Timestamp::from_secs(number * self.step);
                let slots = self.slots(now);
                match progress(&self.rule, Timestamp::EPOCH, &slots, now) {
                    Progress::Warming => return state,
                    Progress::Ends => self.rule.warm_up.as_mut().unwrap().ended = true,
                    Progress::None => {}
                }
                if let Some(change) = evaluate(&self.rule, &slots, state, now) {
                    state = change.value;
                }
                state
            })
            .collect()
    }

    /// `key=value` words: n, m, period, missing, stat, wall, warm, strict, step, over.
    fn new(settings: &str, values: &str) -> Self {
        let mut timeline = Self { rule: rule("> 3", 3, None, 60), data: Vec::new(), step: 60 };
        for word in settings.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap();
            let rule = &mut timeline.rule;
            let number = || value.parse::<i64>().unwrap();
            match key {
                "n" => rule.evaluation_periods = number() as u32,
                "m" => rule.datapoints_to_alarm = Some(number() as u32),
                "period" => rule.period_secs = number(),
                "over" => rule.threshold = super::metric_rule::Threshold::Static(number() as f64),
                "missing" => rule.missing = TreatMissing::parse(value),
                "wall" => rule.window = Some(Window::WallClock { timezone: Some(value.to_owned()) }),
                "warm" => {
                    rule.warm_up = Some(WarmUp { minutes: number() as i32, strict: None, ended: false })
                }
                "strict" => {
                    rule.warm_up = Some(WarmUp { minutes: number() as i32, strict: Some(true), ended: false })
                }
                "step" => timeline.step = number(),
                "stat" => match &mut rule.source {
                    Source::Metric(metric) => metric.statistic = value.to_owned(),
                    Source::Queries(_) => panic!(),
                },
                other => panic!("{other}"),
            }
        }
        for (minute, value) in values.split_whitespace().enumerate() {
            match value.split_once('@') {
                Some((value, secs)) => timeline.data.push((secs.parse().unwrap(), value.parse().unwrap())),
                None if value == "-" => {}
                None => timeline.data.push((minute as i64 * timeline.step, value.parse().unwrap())),
            }
        }
        timeline
    }
}

/// `OK*2 ALARM` → OK OK ALARM.
fn expand(text: &str) -> Vec<StateValue> {
    let mut states = Vec::new();
    for word in text.split_whitespace() {
        let (state, times) = word.split_once('*').unwrap_or((word, "1"));
        let state = match state {
            "INSUFFICIENT" => StateValue::InsufficientData,
            other => StateValue::parse(other).unwrap(),
        };
        states.extend(std::iter::repeat_n(state, times.parse().unwrap()));
    }
    states
}

#[test]
fn every_timeline_of_the_specification() {
    let mut count = 0;
    for line in TIMELINES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, settings, values, states] = columns[..] else { panic!("{line}") };
        let expected = expand(states);
        let mut timeline = Timeline::new(settings, values);
        assert_eq!(timeline.run(expected.len() as i64), expected, "{name}");
        count += 1;
    }
    assert!(count >= 15, "{count}");
}

#[test]
fn contributors_are_told_apart_by_their_attributes() {
    let of = |pairs: &[(&str, &str)]| {
        contributor::contributor_id(&pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
    };
    assert_ne!(of(&[("ab", "c")]), of(&[("a", "bc")]));
    assert_eq!(of(&[("a", "1"), ("b", "2")]), of(&[("b", "2"), ("a", "1")]));
}
