//! What PutMetricData accepts of a datum, with the messages AWS gives.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>.

use std::time::Duration;

use base::Timestamp;
use shapes::cloudwatch::{Dimension, MetricDatum, StatisticSet};
use signals::{Dist, MetricValue, Resolution, Unit, is_storable};
use store::tables::metrics::MetricBatch;

use crate::CloudWatchError;
use crate::operations::metrics::unit;

/// How far in the past and in the future a datum may be.
pub(crate) const PAST: Duration = Duration::from_secs(14 * 86_400);
pub(crate) const FUTURE: Duration = Duration::from_secs(2 * 3600);
/// Distinct values of one datum.
const VALUES_MAX: usize = 150;

/// Checks what the model's pattern doesn't say. `reserved`: the caller may not use AWS's own namespaces.
pub(crate) fn check_namespace(namespace: &str, reserved: bool) -> Result<(), CloudWatchError> {
    if reserved && namespace.starts_with("AWS/") {
        return Err(CloudWatchError::invalid_value("AWS/", "Namespace"));
    }
    if is_text(namespace) { Ok(()) } else { Err(CloudWatchError::invalid_value(namespace, "Namespace")) }
}

/// Printable ASCII with at least one character that is not blank.
fn is_text(text: &str) -> bool {
    text.bytes().all(|b| (0x20..0x7f).contains(&b)) && text.bytes().any(|b| b != b' ')
}

/// Checks data of one request.
pub(crate) struct DatumCheck<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) now: Timestamp,
}

impl DatumCheck<'_> {
    /// Checks `data`, the list called `list` in messages, and adds them to `batch`.
    pub(crate) fn fill(
        &self,
        batch: &mut MetricBatch,
        data: &[MetricDatum],
        list: &str,
    ) -> Result<(), CloudWatchError> {
        for (at, datum) in data.iter().enumerate() {
            let place = Place { list, number: at + 1 };
            let dimensions = datum.dimensions.as_deref().unwrap_or_default();
            place.check_dimensions(dimensions)?;
            let resolution = place.resolution(datum.storage_resolution)?;
            let timestamp = datum.timestamp.unwrap_or(self.now);
            if !is_in_window(timestamp, self.now) {
                return Err(CloudWatchError::InvalidParameterValue(format!(
                    "The parameter {} must specify a time within the past two weeks and no more than two hours in \
                     the future.",
                    place.name("Timestamp")
                )));
            }
            // A statistic set of nothing is accepted and says nothing.
            let Some(value) = place.value(datum)? else { continue };
            let unit = datum.unit.as_ref().map_or(Unit::NONE, unit);
            let dimensions = dimensions.iter().map(|d| (d.name.as_str(), d.value.as_str()));
            batch.push(
                self.namespace,
                &datum.metric_name,
                dimensions,
                (timestamp, resolution),
                unit,
                value,
            )?;
        }
        Ok(())
    }
}

/// Whether a datum of this time is accepted now.
pub(crate) fn is_in_window(timestamp: Timestamp, now: Timestamp) -> bool {
    now - PAST <= timestamp && timestamp <= now + FUTURE
}

/// Where in the request a datum is; names are only spelled out when something is wrong.
struct Place<'a> {
    list: &'a str,
    number: usize,
}

impl Place<'_> {
    fn name(&self, member: &str) -> String {
        format!("{}.member.{}.{member}", self.list, self.number)
    }

    fn check_dimensions(&self, dimensions: &[Dimension]) -> Result<(), CloudWatchError> {
        for (at, dimension) in dimensions.iter().enumerate() {
            let Dimension { name, value } = dimension;
            let member = |field| self.name(&format!("Dimensions.member.{}.{field}", at + 1));
            if name.starts_with(':') || !is_text(name) {
                return Err(CloudWatchError::invalid_value(name, member("Name")));
            }
            if !is_text(value) {
                return Err(CloudWatchError::invalid_value(value, member("Value")));
            }
            if dimensions[..at].iter().any(|earlier| earlier.name == *name) {
                let message =
                    format!("The parameter {} must not repeat a dimension name.", self.name("Dimensions"));
                return Err(CloudWatchError::InvalidParameterValue(message));
            }
        }
        Ok(())
    }

    fn resolution(&self, secs: Option<i32>) -> Result<Resolution, CloudWatchError> {
        match secs {
            None | Some(60) => Ok(Resolution::Standard),
            Some(1) => Ok(Resolution::High),
            Some(other) => Err(CloudWatchError::invalid_value(other, self.name("StorageResolution"))),
        }
    }

    /// The datum's value; `None` for a statistic set without samples.
    fn value(&self, datum: &MetricDatum) -> Result<Option<MetricValue>, CloudWatchError> {
        let values = datum.values.as_deref().unwrap_or_default();
        let counts = datum.counts.as_deref();
        match (datum.value, &datum.statistic_values, values) {
            (Some(_), _, [_, ..]) => Err(self.exclusive("Value", "Values")),
            (Some(_), Some(_), []) => Err(self.exclusive("Value", "StatisticValues")),
            (None, Some(_), [_, ..]) => Err(self.exclusive("StatisticValues", "Values")),
            (_, _, []) if counts.is_some_and(|counts| !counts.is_empty()) => Err(self.sizes_differ()),
            (Some(value), None, []) => {
                self.check_number(value, || "Value".to_owned())?;
                Ok(Some(MetricValue::Single(value)))
            }
            (None, Some(set), []) => self.statistic_set(set),
            (None, None, [_, ..]) => self.values(values, counts).map(Some),
            (None, None, []) => Err(CloudWatchError::MissingParameter(
                "At least one of the parameters must be specified.".to_owned(),
            )),
        }
    }

    fn values(&self, values: &[f64], counts: Option<&[f64]>) -> Result<MetricValue, CloudWatchError> {
        if counts.is_some_and(|counts| counts.len() != values.len()) {
            return Err(self.sizes_differ());
        }
        for (at, value) in values.iter().enumerate() {
            self.check_number(*value, || format!("Values.member.{}", at + 1))?;
        }
        for (at, count) in counts.unwrap_or_default().iter().enumerate() {
            let name = || format!("Counts.member.{}", at + 1);
            self.check_number(*count, name)?;
            if *count <= 0.0 {
                return Err(CloudWatchError::invalid_value(number(*count), self.name(&name())));
            }
        }
        if values.len() > VALUES_MAX {
            let mut distinct = values.to_vec();
            distinct.sort_unstable_by(f64::total_cmp);
            distinct.dedup();
            if distinct.len() > VALUES_MAX {
                let name = self.name("Values");
                let message =
                    format!("The collection {name} must not have a size greater than {VALUES_MAX}.");
                return Err(CloudWatchError::InvalidParameterValue(message));
            }
        }
        let count_of = |at: usize| counts.map_or(1.0, |counts| counts[at]);
        let pairs = values.iter().enumerate().map(|(at, value)| (*value, count_of(at)));
        let dist = Dist::from_pairs(pairs).expect("there is at least one value");
        Ok(MetricValue::Distribution(dist))
    }

    fn statistic_set(&self, set: &StatisticSet) -> Result<Option<MetricValue>, CloudWatchError> {
        let StatisticSet { sample_count, sum, minimum, maximum } = *set;
        let members =
            [("SampleCount", sample_count), ("Sum", sum), ("Minimum", minimum), ("Maximum", maximum)];
        for (member, value) in members {
            self.check_number(value, || format!("StatisticValues.{member}"))?;
        }
        if minimum > maximum {
            return Err(CloudWatchError::InvalidParameterValue(format!(
                "The parameter {} must be greater than {}.",
                self.name("StatisticValues.Maximum"),
                self.name("StatisticValues.Minimum")
            )));
        }
        if sample_count == 0.0 && sum == 0.0 {
            return Ok(None);
        }
        if sample_count <= 0.0 {
            let name = self.name("StatisticValues.SampleCount");
            return Err(CloudWatchError::invalid_value(number(sample_count), name));
        }
        Ok(Some(MetricValue::Distribution(Dist::from_statistic_set(sample_count, sum, minimum, maximum))))
    }

    fn check_number(&self, value: f64, name: impl Fn() -> String) -> Result<(), CloudWatchError> {
        if is_storable(value) {
            return Ok(());
        }
        Err(CloudWatchError::invalid_value(number(value), self.name(&name())))
    }

    fn exclusive(&self, first: &str, second: &str) -> CloudWatchError {
        CloudWatchError::InvalidParameterCombination(format!(
            "The parameters {} and {} are mutually exclusive and you have specified both.",
            self.name(first),
            self.name(second)
        ))
    }

    fn sizes_differ(&self) -> CloudWatchError {
        CloudWatchError::InvalidParameterValue(format!(
            "The parameters {} and {} must be of the same size.",
            self.name("Values"),
            self.name("Counts")
        ))
    }
}

/// A number as AWS's messages spell it.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // Display would spell out hundreds of digits of an extreme value.
    if value != 0.0 && !(1e-7..1e16).contains(&value.abs()) {
        format!("{value:E}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_storable_between_powers_of_two() {
        for good in [0.0, -0.0, 1.0, 2f64.powi(360), -2f64.powi(360), 2f64.powi(-360)] {
            assert!(is_storable(good), "{good}");
        }
        for bad in [f64::NAN, f64::INFINITY, 2f64.powi(361), -2f64.powi(-361)] {
            assert!(!is_storable(bad), "{bad}");
        }
        assert_eq!(number(f64::NAN), "NaN");
        assert_eq!(number(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(number(-1.5), "-1.5");
    }

    #[test]
    fn texts_are_printable_and_not_blank() {
        assert!(is_text(" a/b#c"));
        for bad in ["", "  ", "a\u{7}", "ü"] {
            assert!(!is_text(bad), "{bad:?}");
        }
    }
}
