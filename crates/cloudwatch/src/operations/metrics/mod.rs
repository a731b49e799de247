//! Putting, listing and reading metrics: what the four operations share.

pub(crate) mod get_metric_data;
pub(crate) mod get_metric_statistics;
pub(crate) mod list_metrics;
pub(crate) mod put_metric_data;

use shapes::cloudwatch::{Dimension, StandardUnit};
use signals::{MetricIdentity, Unit};

/// The metric a request names.
pub(crate) fn identity(namespace: &str, name: &str, dimensions: Option<&[Dimension]>) -> MetricIdentity {
    let dimensions = dimensions
        .unwrap_or_default()
        .iter()
        .map(|d| signals::Dimension { name: d.name.as_str().into(), value: d.value.as_str().into() });
    MetricIdentity::new(namespace, name, dimensions.collect())
}

/// The unit of a shape. Units the model doesn't list never come this far: they break its enum.
pub(crate) fn unit(shape: &StandardUnit) -> Unit {
    match shape {
        StandardUnit::None => Unit::NONE,
        other => Unit::by_name(other.as_str()).unwrap_or(Unit::NONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_model_is_known() {
        for name in signals::metric::UNITS {
            assert_eq!(unit(&StandardUnit::from(name)).name(), name);
        }
    }
}
