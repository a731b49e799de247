//! What is to be drawn, in terms of data: nothing here knows of metrics, requests or time now.

use base::{TimeRange, Timestamp};

use crate::color::Color;
use crate::theme::Theme;

/// Width and height of the largest picture, in pixels (GetMetricWidgetImage's limit).
pub const SIZE_MAX: u32 = 2000;

/// A widget with its data.
#[derive(Debug, Clone, PartialEq)]
pub struct WidgetPicture {
    /// In pixels, 1 to [`SIZE_MAX`]; so is `height`.
    pub width: u32,
    pub height: u32,
    pub theme: Theme,
    pub title: Option<String>,
    pub view: View,
    /// Draws time series as areas upon one another.
    pub stacked: bool,
    /// Draws a small line under each number of the single value view.
    pub sparkline: bool,
    /// What the time axis shows.
    pub range: TimeRange,
    /// East of UTC; labels of the time axis are in this zone.
    pub offset_secs: i64,
    /// In the order of the legend. All of them are drawn.
    pub series: Vec<Series>,
    pub left: AxisOptions,
    pub right: AxisOptions,
    pub horizontal: Vec<HorizontalAnnotation>,
    pub vertical: Vec<VerticalAnnotation>,
    pub legend: LegendPosition,
}

impl WidgetPicture {
    /// An empty picture with GetMetricWidgetImage's defaults.
    pub fn new(range: TimeRange) -> Self {
        Self {
            width: 600,
            height: 400,
            theme: Theme::Light,
            title: None,
            view: View::TimeSeries,
            stacked: false,
            sparkline: false,
            range,
            offset_secs: 0,
            series: Vec::new(),
            left: AxisOptions::default(),
            right: AxisOptions::default(),
            horizontal: Vec::new(),
            vertical: Vec::new(),
            legend: LegendPosition::Bottom,
        }
    }

    pub(crate) fn axis(&self, axis: Axis) -> &AxisOptions {
        match axis {
            Axis::Left => &self.left,
            Axis::Right => &self.right,
        }
    }

    pub(crate) fn has_data(&self) -> bool {
        self.series.iter().any(|series| !series.points.is_empty())
    }
}

/// How the data is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    #[default]
    TimeSeries,
    SingleValue,
    Gauge,
    Bar,
    Pie,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub label: String,
    /// Otherwise that of its place in the list.
    pub color: Option<Color>,
    pub axis: Axis,
    /// A CloudWatch unit, e.g. `Bytes/Second`.
    pub unit: Option<String>,
    /// Points further apart than this are not connected. At least 1.
    pub period_secs: i64,
    /// Finite values, ascending in time.
    pub points: Vec<(Timestamp, f64)>,
    /// With these the series is a band between them and `points`, as of an anomaly detection model.
    pub low: Option<Vec<(Timestamp, f64)>>,
    /// Not everything could be loaded: the legend shows a warning.
    pub partial: bool,
}

impl Series {
    /// A series of the left axis without anything special.
    pub fn new(label: impl Into<String>, period_secs: i64, points: Vec<(Timestamp, f64)>) -> Self {
        Self {
            label: label.into(),
            color: None,
            axis: Axis::Left,
            unit: None,
            period_secs,
            points,
            low: None,
            partial: false,
        }
    }

    /// The value of the newest datapoint.
    pub(crate) fn latest(&self) -> Option<f64> {
        self.points.last().map(|(_, value)| *value)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Axis {
    #[default]
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AxisOptions {
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub label: Option<String>,
    pub show_units: bool,
}

impl Default for AxisOptions {
    fn default() -> Self {
        Self { min: None, max: None, label: None, show_units: true }
    }
}

/// A horizontal line, or the band between two values.
#[derive(Debug, Clone, PartialEq)]
pub struct HorizontalAnnotation {
    pub value: f64,
    pub label: Option<String>,
    /// The other edge of a band and its label; `fill` then means nothing.
    pub to: Option<(f64, Option<String>)>,
    pub color: Option<Color>,
    pub fill: HorizontalFill,
    pub axis: Axis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HorizontalFill {
    #[default]
    None,
    Above,
    Below,
}

/// A vertical line, or the band between two times.
#[derive(Debug, Clone, PartialEq)]
pub struct VerticalAnnotation {
    pub at: Timestamp,
    pub label: Option<String>,
    /// The other edge of a band and its label; `fill` then means nothing.
    pub to: Option<(Timestamp, Option<String>)>,
    pub color: Option<Color>,
    pub fill: VerticalFill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VerticalFill {
    #[default]
    None,
    Before,
    After,
}

/// Where the names of the series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LegendPosition {
    #[default]
    Bottom,
    Right,
    Hidden,
}
