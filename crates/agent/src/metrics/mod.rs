//! Metric samples on their way: combined into data, and sent by PutMetricData.

mod combine;
mod publish;
mod statsd;

use std::collections::BTreeMap;

use base::Timestamp;

pub(crate) use combine::Combined;
pub(crate) use publish::Publisher;
pub(crate) use statsd::Statsd;

/// One value of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    /// One of CloudWatch's units.
    pub(crate) unit: &'static str,
    pub(crate) dimensions: BTreeMap<String, String>,
    pub(crate) at: Timestamp,
    pub(crate) value: f64,
    /// How many observations it stands for.
    pub(crate) weight: f64,
    pub(crate) high_resolution: bool,
}

/// The sample, and once more for every list of dimensions it has all of.
pub(crate) fn rolled_up(sample: Sample, lists: &[Vec<String>], keep_original: bool) -> Vec<Sample> {
    let mut samples = Vec::with_capacity(1 + lists.len());
    for list in lists {
        let pick = |name: &String| Some((name.clone(), sample.dimensions.get(name)?.clone()));
        let Some(dimensions) = list.iter().map(pick).collect::<Option<BTreeMap<_, _>>>() else { continue };
        samples.push(Sample { dimensions, ..sample.clone() });
    }
    if keep_original {
        samples.insert(0, sample);
    }
    samples
}
