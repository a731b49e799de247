//! `/v1/metrics`: data points as metric data (`spec/otlp.md` §6).
//!
//! CloudWatch keeps what happened in a period; OTLP counters usually say what happened since a start. The last
//! point of each such series is therefore remembered ([`CumulativeState`]), and what is stored is the difference.
//! The mapping of names, units and distributions follows the habits of the CloudWatch EMF exporter of the
//! OpenTelemetry Collector; data model: <https://opentelemetry.io/docs/specs/otel/metrics/data-model/>.

mod distribution;
mod identity;
mod state;

use base::{Scope, Timestamp};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Metric, NumberDataPoint, SummaryDataPoint,
};
use signals::dist::{Dist, Shape};
use signals::{MetricDatum, MetricValue, Resolution, is_storable};

use super::{ExportMetricsServiceRequest, Refusal, Rejections};
use distribution::{explicit, exponential};
use identity::{Source, Unit};
pub use state::CumulativeState;
use state::{Difference, Snapshot, Undo};

/// Data points of one request.
const POINTS_MAX: usize = 1_000;
const AGE_MILLIS_MAX: i64 = 14 * 86_400_000;
const AHEAD_MILLIS_MAX: i64 = 10 * 60_000;

/// How data points become metric data.
#[derive(Debug, Clone, Default)]
pub struct MetricOptions {
    /// Namespace of all metrics; else the service's name.
    pub namespace: Option<String>,
    /// Resource attributes that become dimensions.
    pub resource_dimensions: Vec<String>,
    /// One second instead of one minute.
    pub high_resolution: bool,
}

/// A request as metric data.
#[derive(Debug, Default)]
pub struct Metrics {
    pub data: Vec<MetricDatum>,
    /// Data points that were not taken.
    pub rejected: u64,
    /// Why: the first reason, and how many more there are.
    pub error_message: Option<String>,
    undo: Undo,
}

impl Metrics {
    /// Puts `state` back to where it was before this translation, because the data were not stored: the client
    /// will send them again.
    pub fn undo(self, state: &mut CumulativeState) {
        state.restore(self.undo);
    }
}

/// Translates the data points received at `now` from `scope`'s clients.
pub fn metrics(
    request: &ExportMetricsServiceRequest,
    scope: &Scope,
    now: Timestamp,
    options: &MetricOptions,
    state: &mut CumulativeState,
) -> Result<Metrics, Refusal> {
    let of_resources = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let count: usize = of_resources.flat_map(|scope| &scope.metrics).map(points_of).sum();
    if count > POINTS_MAX {
        return Err(Refusal::TooManyItems { count, what: "data points", most: POINTS_MAX });
    }
    let mut translation = Translation {
        scope,
        now,
        options,
        state,
        result: Metrics::default(),
        rejections: Rejections::default(),
    };
    for resource_metrics in &request.resource_metrics {
        let resource =
            resource_metrics.resource.as_ref().map(|r| r.attributes.as_slice()).unwrap_or_default();
        for scope_metrics in &resource_metrics.scope_metrics {
            let library = scope_metrics.scope.as_ref().map_or("", |scope| scope.name.as_str());
            let source = Source::new(resource, library, options);
            scope_metrics.metrics.iter().for_each(|metric| translation.metric(&source, metric));
        }
    }
    let Translation { mut result, rejections, state, .. } = translation;
    result.rejected = rejections.count;
    result.error_message = rejections.message();
    if count > 0 && rejections.count == count as u64 {
        state.restore(std::mem::take(&mut result.undo));
        return Err(Refusal::AllRejected(result.error_message.unwrap_or_default()));
    }
    Ok(result)
}

fn points_of(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}

struct Translation<'a> {
    scope: &'a Scope,
    now: Timestamp,
    options: &'a MetricOptions,
    state: &'a mut CumulativeState,
    result: Metrics,
    rejections: Rejections,
}

/// What a sum or histogram counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// The point before.
    Delta,
    /// The start of the series.
    Cumulative,
}

impl Counting {
    fn of(temporality: i32) -> Result<Self, &'static str> {
        match AggregationTemporality::try_from(temporality) {
            Ok(AggregationTemporality::Delta) => Ok(Counting::Delta),
            Ok(AggregationTemporality::Cumulative) => Ok(Counting::Cumulative),
            _ => Err("aggregation temporality is not specified"),
        }
    }
}

/// One data point on its way: what it belongs to and when it is from.
struct Point<'a> {
    identity: signals::MetricIdentity,
    unit: Unit,
    nanos: u64,
    start_nanos: u64,
    source: &'a Source<'a>,
}

impl Translation<'_> {
    fn metric(&mut self, source: &Source<'_>, metric: &Metric) {
        let unit = Unit::of(&metric.unit);
        macro_rules! each {
            ($points:expr, $take:expr) => {
                for point in $points {
                    // A point without a value says that there is none: nothing to store and nothing wrong.
                    if point.flags & DataPointFlags::NoRecordedValueMask as u32 != 0 {
                        continue;
                    }
                    let place = source.identity(&metric.name, &point.attributes).and_then(|identity| {
                        self.check_time(point.time_unix_nano)?;
                        let (nanos, start_nanos) = (point.time_unix_nano, point.start_time_unix_nano);
                        Ok(Point { identity, unit, nanos, start_nanos, source })
                    });
                    if let Err(reason) = place.and_then(|place| $take(self, place, point)) {
                        self.rejections.add(reason);
                    }
                }
            };
        }
        match &metric.data {
            Some(Data::Gauge(gauge)) => {
                each!(&gauge.data_points, |this: &mut Self, place, point| { this.number(place, point, None) })
            }
            Some(Data::Sum(sum)) => {
                let counting = Counting::of(sum.aggregation_temporality);
                each!(&sum.data_points, |this: &mut Self, place, point| {
                    let cumulative = counting? == Counting::Cumulative && sum.is_monotonic;
                    this.number(place, point, cumulative.then_some(()))
                });
            }
            Some(Data::Histogram(histogram)) => {
                let counting = Counting::of(histogram.aggregation_temporality);
                each!(&histogram.data_points, |this: &mut Self, place, point| {
                    this.distribution(place, Snapshot::of_explicit(point)?, counting?)
                });
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let counting = Counting::of(histogram.aggregation_temporality);
                each!(&histogram.data_points, |this: &mut Self, place, point| {
                    this.distribution(place, Snapshot::of_exponential(point)?, counting?)
                });
            }
            Some(Data::Summary(summary)) => each!(&summary.data_points, |this: &mut Self, place, point| {
                this.summary(&place, &metric.name, point)
            }),
            None => {}
        }
    }

    fn check_time(&self, nanos: u64) -> Result<(), &'static str> {
        let millis = i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        let age = self.now.as_millis().saturating_sub(millis);
        if (-AHEAD_MILLIS_MAX..=AGE_MILLIS_MAX).contains(&age) {
            Ok(())
        } else {
            Err("data point time is outside of the accepted window (14 days back to 10 minutes ahead)")
        }
    }

    /// A gauge, a sum of differences, or (`cumulative`) a sum from a start.
    fn number(
        &mut self,
        point: Point<'_>,
        sent: &NumberDataPoint,
        cumulative: Option<()>,
    ) -> Result<(), &'static str> {
        let value = match sent.value {
            Some(Number::AsDouble(value)) => value,
            Some(Number::AsInt(value)) => value as f64,
            None => return Err("data point has no value"),
        };
        if !value.is_finite() {
            return Err("value is not a finite number");
        }
        let value = match cumulative {
            None => Some(value),
            Some(()) => match self.difference(&point, Snapshot::Number(value))? {
                Some(Snapshot::Number(difference)) => Some(difference),
                _ => None,
            },
        };
        value.map_or(Ok(()), |value| self.put(&point, MetricValue::Single(value * point.unit.factor)))
    }

    fn distribution(
        &mut self,
        point: Point<'_>,
        snapshot: Snapshot,
        counting: Counting,
    ) -> Result<(), &'static str> {
        let counted = match counting {
            Counting::Delta => Some(snapshot),
            Counting::Cumulative => self.difference(&point, snapshot)?,
        };
        let dist = counted.and_then(|snapshot| match snapshot {
            Snapshot::Explicit(histogram) => explicit(&histogram),
            Snapshot::Exponential(histogram) => exponential(&histogram),
            Snapshot::Number(_) => None,
        });
        // Nothing was observed: there is nothing to store.
        dist.map_or(Ok(()), |dist| {
            let scaled = scaled(dist, point.unit.factor);
            self.put(&point, MetricValue::Distribution(scaled))
        })
    }

    fn summary(
        &mut self,
        point: &Point<'_>,
        name: &str,
        sent: &SummaryDataPoint,
    ) -> Result<(), &'static str> {
        let (count, factor) = (sent.count as f64, point.unit.factor);
        if sent.count == 0 || !sent.sum.is_finite() {
            return if sent.count == 0 { Ok(()) } else { Err("value is not a finite number") };
        }
        let quantile = |wanted: f64| {
            let found = sent.quantile_values.iter().find(|q| q.quantile == wanted && q.value.is_finite());
            found.map_or(sent.sum / count, |q| q.value)
        };
        let (min, max) = (quantile(0.0), quantile(1.0));
        let dist = Dist { count, sum: sent.sum, min, max, shape: Shape::Opaque };
        self.put(point, MetricValue::Distribution(scaled(dist, factor)))?;
        for q in sent.quantile_values.iter().filter(|q| q.value.is_finite()) {
            let identity = point.source.identity_of_quantile(name, &sent.attributes, q.quantile)?;
            let part = Point { identity, source: point.source, ..*point };
            self.put(&part, MetricValue::Single(q.value * factor))?;
        }
        Ok(())
    }

    /// What happened since the last point of a cumulative series; `None` when this is its first.
    fn difference(
        &mut self,
        point: &Point<'_>,
        snapshot: Snapshot,
    ) -> Result<Option<Snapshot>, &'static str> {
        let times = (point.start_nanos, point.nanos);
        let undo = &mut self.result.undo;
        match self.state.advance(self.scope, &point.identity, point.unit, times, snapshot, undo) {
            Difference::First => Ok(None),
            Difference::Since(snapshot) => Ok(Some(snapshot)),
            Difference::OutOfOrder => Err("data point is older than the one before"),
            Difference::Full => Err("too many cumulative series; the series' state cannot be kept"),
        }
    }

    fn put(&mut self, point: &Point<'_>, value: MetricValue) -> Result<(), &'static str> {
        let sound = match &value {
            MetricValue::Single(value) => is_storable(*value),
            MetricValue::Distribution(dist) => {
                [dist.count, dist.sum, dist.min, dist.max].into_iter().all(is_storable)
            }
        };
        if !sound {
            return Err("value is not finite or out of range");
        }
        self.result.data.push(MetricDatum {
            metric: point.identity.clone(),
            timestamp: Timestamp::from_millis(i64::try_from(point.nanos / 1_000_000).unwrap_or(i64::MAX)),
            unit: point.unit.name.into(),
            resolution: if self.options.high_resolution { Resolution::High } else { Resolution::Standard },
            value,
        });
        Ok(())
    }
}

fn scaled(mut dist: Dist, factor: f64) -> Dist {
    if factor != 1.0 {
        for part in [&mut dist.sum, &mut dist.min, &mut dist.max] {
            *part *= factor;
        }
        if let Shape::Exact(pairs) = &mut dist.shape {
            pairs.iter_mut().for_each(|(value, _)| *value *= factor);
        }
    }
    dist
}
