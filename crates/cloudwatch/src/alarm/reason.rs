//! The texts that say why an alarm is in its state, for people (`StateReason`) and programs (`StateReasonData`).
//!
//! The forms are observed ones (spec/alarms.md §4).

use std::fmt::Write as _;

use base::Timestamp;
use serde::Serialize;

use super::evaluate::{Point, Slot};
use super::metric_rule::{Comparison, MetricRule, Source, Threshold, TreatMissing};
use super::record::StateValue;

/// Characters of a `StateReason`.
pub(crate) const REASON_MAX: usize = 1023;
/// Characters of a `StateReasonData`.
pub(crate) const REASON_DATA_MAX: usize = 4000;

/// What decided; indices into the slots, newest first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Basis {
    /// The datapoints that made the state what it is: breaching ones for ALARM, others for OK.
    pub(crate) deciding: Vec<usize>,
    /// All datapoints looked at.
    pub(crate) used: Vec<usize>,
    pub(crate) fill: Fill,
}

/// What missing datapoints were taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    None,
    Breaching,
    NonBreaching,
}

impl Fill {
    pub(crate) fn of(treatment: TreatMissing) -> Self {
        match treatment {
            TreatMissing::Breaching => Self::Breaching,
            TreatMissing::NotBreaching => Self::NonBreaching,
            TreatMissing::Ignore | TreatMissing::Missing => Self::None,
        }
    }
}

/// `StateReason`.
pub(crate) fn text(rule: &MetricRule, slots: &[Slot], value: StateValue, basis: &Basis) -> String {
    let missing = rule.n() - basis.used.len();
    let text = match (value, basis.fill) {
        (StateValue::InsufficientData, _) => {
            let (count, were) = counted(rule.n(), "datapoint");
            format!("Insufficient Data: {count} {were} unknown.")
        }
        (_, Fill::None) => crossed(rule, slots, value, basis),
        (_, fill) => {
            let treated = match fill {
                Fill::Breaching => "Breaching",
                _ => "NonBreaching",
            };
            let received = match basis.used.len() {
                0 => "no datapoints were".to_owned(),
                n => {
                    let (count, were) = counted(n, "datapoint");
                    format!("{count} {were}")
                }
            };
            let (periods, _) = counted(rule.n(), "period");
            let (missing, were) = counted(missing, "missing datapoint");
            let tail = format!("{missing} {were} treated as [{treated}]");
            match (rule.datapoints_to_alarm, basis.used.len()) {
                (Some(_), 1..) => format!(
                    "Threshold Crossed: {} out of the last {} datapoints {} and {tail}{}.",
                    basis.deciding.len(),
                    rule.n(),
                    compared(rule, slots, value, basis),
                    minimum(rule, value)
                ),
                _ => format!("Threshold Crossed: {received} received for {periods} and {tail}."),
            }
        }
    };
    clip(text)
}

/// `1 datapoint` with `was`, `2 datapoints` with `were`.
fn counted(count: usize, noun: &str) -> (String, &'static str) {
    if count == 1 { (format!("1 {noun}"), "was") } else { (format!("{count} {noun}s"), "were") }
}

fn crossed(rule: &MetricRule, slots: &[Slot], value: StateValue, basis: &Basis) -> String {
    let count = basis.deciding.len();
    let subject = match (&rule.threshold, rule.datapoints_to_alarm) {
        (Threshold::Static(_), None) => format!("Threshold Crossed: {}", counted(count, "datapoint").0),
        (Threshold::Static(_), Some(_)) => {
            format!("Threshold Crossed: {count} out of the last {} datapoints", basis.used.len())
        }
        (Threshold::Band(_), _) => {
            format!("Thresholds Crossed: {count} out of the last {} datapoints", basis.used.len())
        }
    };
    // AWS: alarms on a band always say how many datapoints they need (observed).
    let says_minimum = rule.datapoints_to_alarm.is_some() || matches!(rule.threshold, Threshold::Band(_));
    let minimum = if says_minimum { minimum(rule, value) } else { String::new() };
    format!("{subject} {}{minimum}.", compared(rule, slots, value, basis))
}

/// `[D, D] were greater than the threshold (21.0)`.
fn compared(rule: &MetricRule, slots: &[Slot], value: StateValue, basis: &Basis) -> String {
    let points: Vec<(Timestamp, Point)> =
        basis.deciding.iter().filter_map(|at| Some((slots[*at].start, slots[*at].point?))).collect();
    let list = |number: &dyn Fn(&(Timestamp, Point)) -> String| {
        format!("[{}]", points.iter().map(number).collect::<Vec<_>>().join(", "))
    };
    let datapoints = list(&|(start, point)| {
        format!("{} ({})", number(point.value), start.to_datetime().format("%d/%m/%y %H:%M:%S"))
    });
    let not = if value == StateValue::Ok { " not" } else { "" };
    let verb = format!("{}{not}", if points.len() == 1 { "was" } else { "were" });
    let band = |side: fn(&super::evaluate::Band) -> f64| {
        list(&|(_, point)| point.band.map_or_else(|| "?".to_owned(), |band| number(side(&band))))
    };
    match (&rule.threshold, rule.comparison) {
        (Threshold::Static(threshold), comparison) => {
            let operator = match comparison {
                Comparison::GreaterThanOrEqualToThreshold => "greater than or equal to",
                Comparison::LessThanThreshold => "less than",
                Comparison::LessThanOrEqualToThreshold => "less than or equal to",
                _ => "greater than",
            };
            format!("{datapoints} {verb} {operator} the threshold ({})", number(*threshold))
        }
        (Threshold::Band(_), comparison) => {
            let lower = format!("less than the lower thresholds {}", band(|b| b.lower));
            let upper = format!("greater than the upper thresholds {}", band(|b| b.upper));
            match comparison {
                Comparison::LessThanLowerThreshold => format!("{datapoints} {verb} {lower}"),
                Comparison::GreaterThanUpperThreshold => format!("{datapoints} {verb} {upper}"),
                _ => format!("{datapoints} {verb} {lower} or{not} {upper}"),
            }
        }
    }
}

/// ` (minimum 2 datapoints for OK -> ALARM transition)`.
fn minimum(rule: &MetricRule, value: StateValue) -> String {
    let (count, arrow) = match value {
        StateValue::Alarm => (rule.m(), "OK -> ALARM"),
        // With fewer than M breaching the alarm is OK; that many must be fine for certain.
        _ => (rule.n() + 1 - rule.m().min(rule.n()), "ALARM -> OK"),
    };
    format!(" (minimum {} for {arrow} transition)", counted(count, "datapoint").0)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReasonData<'a> {
    version: &'static str,
    query_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<&'a str>,
    period: i64,
    recent_datapoints: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recent_lower_thresholds: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recent_upper_thresholds: Option<Vec<f64>>,
    evaluated_datapoints: Vec<Evaluated>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Evaluated {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_count: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

/// `StateReasonData`. What doesn't fit is left out, oldest first.
pub(crate) fn data(rule: &MetricRule, slots: &[Slot], basis: &Basis, now: Timestamp) -> String {
    let (unit, statistic) = match &rule.source {
        Source::Metric(metric) => (metric.unit.as_deref(), Some(metric.statistic.as_str())),
        Source::Queries(_) => (None, None),
    };
    let oldest = basis.used.last().copied().unwrap_or(slots.len());
    let first = oldest.min(slots.len().saturating_sub(rule.n()));
    let mut shown = slots.len() - first;
    loop {
        let used: Vec<usize> =
            basis.used.iter().copied().filter(|at| *at >= slots.len() - shown).rev().collect();
        let points: Vec<Point> = used.iter().filter_map(|at| slots[*at].point).collect();
        let bands = |side: fn(&super::evaluate::Band) -> f64| {
            matches!(rule.threshold, Threshold::Band(_))
                .then(|| points.iter().filter_map(|point| point.band.as_ref().map(side)).collect())
        };
        let data = ReasonData {
            version: "1.0",
            query_date: time(now),
            start_date: used.first().map(|at| time(slots[*at].start)),
            unit,
            statistic,
            period: rule.period_secs,
            recent_datapoints: points.iter().map(|point| point.value).collect(),
            threshold: match rule.threshold {
                Threshold::Static(threshold) => Some(threshold),
                Threshold::Band(_) => None,
            },
            recent_lower_thresholds: bands(|band| band.lower),
            recent_upper_thresholds: bands(|band| band.upper),
            evaluated_datapoints: slots.iter().rev().take(shown).map(Evaluated::of).collect(),
        };
        let text = serde_json::to_string(&data).expect("numbers and texts can be written");
        if text.len() <= REASON_DATA_MAX || shown == 0 {
            return text;
        }
        shown -= 1;
    }
}

impl Evaluated {
    fn of(slot: &Slot) -> Self {
        Self {
            timestamp: time(slot.start),
            sample_count: slot.point.and_then(|point| point.sample_count),
            value: slot.point.map(|point| point.value).filter(|value| value.is_finite()),
        }
    }
}

/// `2024-01-01T00:05:40.985+0000`.
pub(crate) fn time(at: Timestamp) -> String {
    let mut text = at.to_iso8601_millis();
    text.truncate(text.len() - 1);
    text.push_str("+0000");
    text
}

/// The shortest digits that say the value, with a fraction and as Java writes them: AWS's texts come from there.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

/// Cuts a reason to its length.
pub(crate) fn clip(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(REASON_MAX) {
        text.truncate(end);
    }
    text
}

/// `Friday 22 July, 2022 15:57:45 UTC`, as reasons of composite alarms write times.
pub(crate) fn long_time(at: Timestamp) -> String {
    let mut text = String::new();
    let _ = write!(text, "{} UTC", at.to_datetime().format("%A %d %B, %Y %H:%M:%S"));
    text
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::{Band, evaluate};
    use super::super::metric_rule::{MetricSource, Query};
    use super::super::testing::{rule, slots_of};
    use super::*;

    /// 2024-01-01T00:05:40.985Z.
    const NOW: Timestamp = Timestamp::from_millis(1_704_067_540_985);
    const EDGE: Timestamp = Timestamp::from_secs(1_704_067_500);

    fn reason_of(
        mut rule: MetricRule,
        values: &str,
        from: StateValue,
        missing: Option<TreatMissing>,
    ) -> (String, String) {
        rule.missing = missing;
        let change = evaluate(&rule, &slots_of(&rule, values, EDGE), from, NOW).unwrap();
        (change.reason, change.reason_data.unwrap())
    }

    #[test]
    fn reasons_have_the_observed_forms() {
        use StateValue::{Alarm, InsufficientData, Ok};
        let breaching = Some(TreatMissing::Breaching);
        for (rule, values, from, missing, expected) in [
            (
                rule("> 21", 1, None, 60),
                "21.5",
                Ok,
                None,
                "Threshold Crossed: 1 datapoint [21.5 (01/01/24 00:04:00)] was greater than the threshold (21.0).",
            ),
            (
                rule("> 21", 1, None, 60),
                "20",
                Alarm,
                None,
                "Threshold Crossed: 1 datapoint [20.0 (01/01/24 00:04:00)] was not greater than the threshold (21.0).",
            ),
            (
                rule("<= 2", 2, None, 60),
                "1 2",
                InsufficientData,
                None,
                "Threshold Crossed: 2 datapoints [2.0 (01/01/24 00:04:00), 1.0 (01/01/24 00:03:00)] were less than or equal to the threshold (2.0).",
            ),
            (
                rule(">= 2", 3, Some(1), 60),
                "2 3 20000000",
                Ok,
                None,
                "Threshold Crossed: 3 out of the last 3 datapoints [2.0E7 (01/01/24 00:04:00), 3.0 (01/01/24 00:03:00), 2.0 (01/01/24 00:02:00)] were greater than or equal to the threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition).",
            ),
            (
                rule("< 2", 3, Some(2), 60),
                "1 3 4",
                Alarm,
                None,
                "Threshold Crossed: 2 out of the last 3 datapoints [4.0 (01/01/24 00:04:00), 3.0 (01/01/24 00:03:00)] were not less than the threshold (2.0) (minimum 2 datapoints for ALARM -> OK transition).",
            ),
            (
                rule("> 1", 2, None, 10),
                "- -",
                Ok,
                breaching,
                "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].",
            ),
            (
                rule("> 1", 1, None, 60),
                "- -",
                Alarm,
                Some(TreatMissing::NotBreaching),
                "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
            ),
            (
                rule("> 1", 3, None, 60),
                "2 - -",
                Ok,
                breaching,
                "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as [Breaching].",
            ),
            (
                rule("> 1", 5, Some(4), 60),
                "2 2 - -",
                Ok,
                breaching,
                "Threshold Crossed: 2 out of the last 5 datapoints [2.0 (01/01/24 00:02:00), 2.0 (01/01/24 00:01:00)] were greater than the threshold (1.0) and 3 missing datapoints were treated as [Breaching] (minimum 4 datapoints for OK -> ALARM transition).",
            ),
            (rule("> 1", 1, None, 60), "-", Ok, None, "Insufficient Data: 1 datapoint was unknown."),
            (rule("> 1", 3, None, 60), "-", Ok, None, "Insufficient Data: 3 datapoints were unknown."),
        ] {
            assert_eq!(reason_of(rule, values, from, missing).0, expected);
        }
    }

    #[test]
    fn reason_data_say_what_was_looked_at() {
        let mut one = rule("> 21", 1, None, 60);
        if let Source::Metric(MetricSource { unit, .. }) = &mut one.source {
            *unit = Some("Seconds".to_owned());
        }
        let (_, data) = reason_of(one, "21.5", StateValue::Ok, None);
        assert_eq!(
            data,
            r#"{"version":"1.0","queryDate":"2024-01-01T00:05:40.985+0000","startDate":"2024-01-01T00:04:00.000+0000","unit":"Seconds","statistic":"Average","period":60,"recentDatapoints":[21.5],"threshold":21.0,"evaluatedDatapoints":[{"timestamp":"2024-01-01T00:04:00.000+0000","sampleCount":1.0,"value":21.5}]}"#
        );
        let (_, data) = reason_of(rule("> 21", 2, None, 60), "-", StateValue::Ok, None);
        assert_eq!(
            data,
            r#"{"version":"1.0","queryDate":"2024-01-01T00:05:40.985+0000","statistic":"Average","period":60,"recentDatapoints":[],"threshold":21.0,"evaluatedDatapoints":[{"timestamp":"2024-01-01T00:04:00.000+0000"},{"timestamp":"2024-01-01T00:03:00.000+0000"}]}"#
        );
        let values = vec!["22"; 100].join(" ");
        let (reason, data) = reason_of(rule("> 21", 100, None, 60), &values, StateValue::Ok, None);
        assert_eq!(reason.len(), REASON_MAX);
        let parsed: serde_json::Value = serde_json::from_str(&data).unwrap();
        assert!(
            data.len() <= REASON_DATA_MAX && parsed["evaluatedDatapoints"].as_array().unwrap().len() > 30
        );
    }

    #[test]
    fn bands_show_both_thresholds() {
        let mut banded = rule("> 0", 1, None, 60);
        banded.threshold = Threshold::Band("t".to_owned());
        banded.comparison = Comparison::LessThanLowerOrGreaterThanUpperThreshold;
        banded.source = Source::Queries(Vec::<Query>::new());
        let slots = |value| {
            let band = Some(Band { lower: 1.0, upper: 4.0 });
            let point = Point { value, sample_count: None, band };
            [Slot { start: EDGE.saturating_sub_millis(60_000), point: Some(point) }]
        };
        let change = evaluate(&banded, &slots(0.5), StateValue::Ok, NOW).unwrap();
        assert_eq!(
            change.reason,
            "Thresholds Crossed: 1 out of the last 1 datapoints [0.5 (01/01/24 00:04:00)] was less than the lower thresholds [1.0] or greater than the upper thresholds [4.0] (minimum 1 datapoint for OK -> ALARM transition)."
        );
        assert!(change.reason_data.unwrap().contains(r#""recentDatapoints":[0.5],"recentLowerThresholds":[1.0],"recentUpperThresholds":[4.0],"evaluatedDatapoints""#));
        let change = evaluate(&banded, &slots(2.0), StateValue::Alarm, NOW).unwrap();
        assert_eq!(
            change.reason,
            "Thresholds Crossed: 1 out of the last 1 datapoints [2.0 (01/01/24 00:04:00)] was not less than the lower thresholds [1.0] or not greater than the upper thresholds [4.0] (minimum 1 datapoint for ALARM -> OK transition)."
        );
    }

    #[test]
    fn numbers_are_spelled_as_java_does() {
        for (value, text) in
            [(0.0, "0.0"), (1.5, "1.5"), (-1e7, "-1.0E7"), (1.25e-5, "1.25E-5"), (9_999_999.0, "9999999.0")]
        {
            assert_eq!(number(value), text);
        }
        assert_eq!(long_time(Timestamp::from_secs(1_658_505_465)), "Friday 22 July, 2022 15:57:45 UTC");
    }
}
