//! The tables of the specification, kept as text, and what they don't show.

use super::super::testing::{rule, slots_of};
use super::*;

const TABLES: &str = include_str!("../../../tests/timelines/slots.txt");

#[test]
fn every_cell_of_the_documented_tables() {
    let mut cells = 0;
    for line in TABLES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, shown, n, m, missing, ignore, breaching, not_breaching] = columns[..] else {
            panic!("{line}")
        };
        let (n, m) = (n.parse().unwrap(), m.parse().unwrap());
        let values: Vec<&str> = shown
            .split_whitespace()
            .map(|slot| match slot {
                "X" => "5",
                "0" => "1",
                "-" => "-",
                other => panic!("{other}"),
            })
            .collect();
        let mut rule = rule("> 3", n, Some(m), 60);
        let slots = slots_of(&rule, &values.join(" "), Timestamp::from_secs(6000));
        for (treatment, expected) in [
            (TreatMissing::Missing, missing),
            (TreatMissing::Ignore, ignore),
            (TreatMissing::Breaching, breaching),
            (TreatMissing::NotBreaching, not_breaching),
        ] {
            rule.missing = Some(treatment);
            let found = match judge(&rule, &slots) {
                Verdict::Keep => "retain",
                Verdict::Is(value, _) => value.as_str(),
            };
            assert_eq!(found, expected, "{name} {treatment:?}: {shown}");
            cells += 1;
        }
    }
    assert_eq!(cells, 36 * 4);
}

fn banded(comparison: Comparison, value: f64, band: Option<Band>) -> Verdict {
    let mut rule = rule("> 0", 1, None, 60);
    rule.threshold = Threshold::Band("ad".to_owned());
    rule.comparison = comparison;
    judge(&rule, &[Slot { start: Timestamp::EPOCH, point: Some(Point { value, sample_count: None, band }) }])
}

fn value_of(verdict: Verdict) -> Option<StateValue> {
    match verdict {
        Verdict::Keep => None,
        Verdict::Is(value, _) => Some(value),
    }
}

#[test]
fn bands_are_left_strictly() {
    // Vectors T14 to T16.
    let band = Some(Band { lower: 1.0, upper: 4.0 });
    let of = |comparison, value| value_of(banded(comparison, value, band)).unwrap();
    assert_eq!(of(Comparison::GreaterThanUpperThreshold, 4.0), StateValue::Ok);
    assert_eq!(of(Comparison::GreaterThanUpperThreshold, 4.1), StateValue::Alarm);
    assert_eq!(of(Comparison::GreaterThanUpperThreshold, 0.5), StateValue::Ok);
    assert_eq!(of(Comparison::LessThanLowerThreshold, 0.5), StateValue::Alarm);
    assert_eq!(of(Comparison::LessThanLowerOrGreaterThanUpperThreshold, 0.5), StateValue::Alarm);
    assert_eq!(of(Comparison::LessThanLowerOrGreaterThanUpperThreshold, 1.0), StateValue::Ok);
    let without = banded(Comparison::LessThanLowerThreshold, 0.5, None);
    assert_eq!(value_of(without), Some(StateValue::InsufficientData), "a stamp without a band is missing");
}

#[test]
fn percentiles_of_few_samples_change_nothing() {
    // Vectors T10 to T12.
    let state = |statistic: &str, samples: f64, low_samples| {
        let mut rule = rule("> 3", 1, None, 60);
        rule.low_samples = low_samples;
        if let Source::Metric(metric) = &mut rule.source {
            metric.statistic = statistic.to_owned();
        }
        let point = Point { value: 5.0, sample_count: Some(samples), band: None };
        value_of(judge(&rule, &[Slot { start: Timestamp::EPOCH, point: Some(point) }]))
    };
    let ignore = Some(LowSamples::Ignore);
    assert_eq!(state("p99", 500.0, ignore), None);
    assert_eq!(state("p99", 1000.0, ignore), Some(StateValue::Alarm));
    assert_eq!(state("p90", 99.0, ignore), None);
    assert_eq!(state("p90", 100.0, ignore), Some(StateValue::Alarm));
    assert_eq!(state("p50", 19.0, ignore), None);
    assert_eq!(state("p50", 20.0, ignore), Some(StateValue::Alarm));
    assert_eq!(state("p10", 99.0, ignore), None);
    assert_eq!(state("p99", 500.0, None), Some(StateValue::Alarm));
    assert_eq!(state("Average", 1.0, ignore), Some(StateValue::Alarm));
}

#[test]
fn metrics_of_dynamodb_ignore_missing_data_unless_told() {
    let mut rule = rule("> 3", 1, None, 60);
    if let Source::Metric(metric) = &mut rule.source {
        metric.namespace = "AWS/DynamoDB".to_owned();
    }
    let slots = slots_of(&rule, "-", Timestamp::from_secs(6000));
    assert_eq!(judge(&rule, &slots), Verdict::Keep);
    rule.missing = Some(TreatMissing::Missing);
    assert_eq!(value_of(judge(&rule, &slots)), Some(StateValue::InsufficientData));
}

#[test]
fn what_is_not_a_number_is_missing() {
    // Vector T17: division by zero in metric math.
    let rule = rule("> 3", 1, None, 60);
    let slots = slots_of(&rule, "inf NaN", Timestamp::from_secs(6000));
    assert_eq!(value_of(judge(&rule, &slots)), Some(StateValue::InsufficientData));
}
