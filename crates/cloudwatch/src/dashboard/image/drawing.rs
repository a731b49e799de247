//! From evaluated series to a picture.

use base::Timestamp;
use widget::{Series, WidgetPicture};

use super::{ImageMetric, ImageWidget, MetricSource};
use crate::metric::evaluate::{ResultSeries, SeriesStatus};

impl ImageWidget {
    /// The picture of what was found: the results of each metric, in the order of the widget's metrics.
    pub(crate) fn picture(
        &self,
        found: Vec<(&ImageMetric, Vec<ResultSeries>)>,
        now: Timestamp,
    ) -> WidgetPicture {
        let series =
            found.into_iter().flat_map(|(metric, results)| self.series_of(metric, results, now)).collect();
        WidgetPicture {
            width: self.width,
            height: self.height,
            theme: self.theme,
            title: self.title.clone(),
            view: self.view,
            stacked: self.stacked,
            sparkline: self.sparkline,
            range: self.range,
            offset_secs: self.offset_secs,
            series,
            left: self.left.clone(),
            right: self.right.clone(),
            horizontal: self.horizontal.clone(),
            vertical: self.vertical.clone(),
            legend: self.legend,
        }
    }

    fn series_of(&self, metric: &ImageMetric, mut results: Vec<ResultSeries>, now: Timestamp) -> Vec<Series> {
        if self.only_complete {
            for result in &mut results {
                let period_ms = result.period_secs.saturating_mul(1000);
                result.points.retain(|(at, _)| at.saturating_add_millis(period_ms) <= now);
            }
        }
        // An anomaly detection model's expectation: the upper edge comes first.
        let is_band = matches!(&metric.source, MetricSource::Expression { text, .. }
            if text.trim_start().starts_with("ANOMALY_DETECTION_BAND"));
        let alone = results.len() == 1 || is_band;
        let mut series: Vec<Series> = Vec::with_capacity(results.len());
        for result in results {
            if is_band && let [upper] = series.as_mut_slice() {
                upper.low = Some(result.points);
                continue;
            }
            series.push(Series {
                label: result.label,
                // A colour is of one series; those of a search have their own.
                color: metric.color.filter(|_| alone),
                axis: metric.axis,
                unit: result.unit.map(str::to_owned),
                period_secs: result.period_secs,
                points: result.points,
                low: None,
                partial: result.status != SeriesStatus::Complete,
            });
        }
        series
    }
}
