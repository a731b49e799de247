//! The widget's JSON, read: every default filled in, shorthand written out.

use std::collections::BTreeSet;

use base::{TimeRange, Timestamp};
use serde_json::{Map, Value};
use shapes::cloudwatch::{Dimension, Metric, MetricDataQuery, MetricStat};
use widget::{
    Axis, AxisOptions, Color, HorizontalAnnotation, HorizontalFill, LegendPosition, Theme,
    VerticalAnnotation, VerticalFill, View,
};

use crate::CloudWatchError;
use crate::dashboard::{check, metric_array, time};
use crate::metric::label::parse_timezone;

const WIDGET_BYTES_MAX: usize = 100 * 1024;
const METRICS_MAX: usize = 100;
const PERIOD_SECS: i32 = 300;

/// A widget to draw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageWidget {
    pub(crate) metrics: Vec<ImageMetric>,
    /// The alarm of an alarm's own widget.
    pub(crate) alarm: Option<String>,
    pub(crate) range: TimeRange,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) theme: Theme,
    pub(crate) title: Option<String>,
    pub(crate) view: View,
    pub(crate) stacked: bool,
    pub(crate) sparkline: bool,
    /// The period that has not ended is left out.
    pub(crate) only_complete: bool,
    pub(crate) offset_secs: i64,
    pub(crate) left: AxisOptions,
    pub(crate) right: AxisOptions,
    pub(crate) horizontal: Vec<HorizontalAnnotation>,
    pub(crate) vertical: Vec<VerticalAnnotation>,
    pub(crate) legend: LegendPosition,
}

/// One entry of `metrics`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageMetric {
    pub(crate) id: String,
    pub(crate) source: MetricSource,
    pub(crate) label: Option<String>,
    pub(crate) color: Option<Color>,
    pub(crate) axis: Axis,
    pub(crate) visible: bool,
    /// `None` is the Region of the request.
    pub(crate) region: Option<String>,
    pub(crate) account: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MetricSource {
    Metric { names: Vec<String>, stat: String, period_secs: i32 },
    Expression { text: String, period_secs: Option<i32> },
}

impl ImageMetric {
    /// As GetMetricData would be asked for it.
    pub(crate) fn query(&self) -> MetricDataQuery {
        let mut query = MetricDataQuery {
            id: self.id.clone(),
            label: self.label.clone(),
            return_data: Some(self.visible),
            account_id: self.account.clone(),
            ..MetricDataQuery::default()
        };
        match &self.source {
            MetricSource::Expression { text, period_secs } => {
                query.expression = Some(text.clone());
                query.period = *period_secs;
            }
            MetricSource::Metric { names, stat, period_secs } => {
                let dimension = |pair: &[String]| Dimension { name: pair[0].clone(), value: pair[1].clone() };
                let metric = Metric {
                    namespace: Some(names[0].clone()),
                    metric_name: Some(names[1].clone()),
                    dimensions: Some(names[2..].chunks_exact(2).map(dimension).collect()),
                };
                query.metric_stat =
                    Some(MetricStat { metric, period: *period_secs, stat: stat.clone(), unit: None });
            }
        }
        query
    }
}

impl ImageWidget {
    /// Reads and checks the widget.
    pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Self, CloudWatchError> {
        if text.len() > WIDGET_BYTES_MAX {
            return invalid(format!(
                "The MetricWidget field must not be longer than {WIDGET_BYTES_MAX} bytes"
            ));
        }
        let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(text) else {
            return invalid("The MetricWidget field must be valid JSON");
        };
        let errors = check::check_image(&value);
        if !errors.is_empty() {
            let list = serde_json::to_string_pretty(&errors).unwrap_or_default();
            return invalid(format!(
                "The MetricWidget is invalid, there are {} validation errors:\n{list}",
                errors.len()
            ));
        }
        let widget = Members(value.as_object().expect("it was checked to be one"));
        let annotations = widget.object("annotations");
        let axes = widget.object("yAxis");
        let axis = |side| axes.and_then(|axes| axes.object(side)).map(axis_options).unwrap_or_default();
        Ok(Self {
            metrics: metrics(&widget)?,
            alarm: annotations.and_then(alarm),
            range: range(&widget, now)?,
            width: widget.pixels("width", 600),
            height: widget.pixels("height", 400),
            theme: if widget.text("theme") == Some("dark") { Theme::Dark } else { Theme::Light },
            title: widget.text("title").map(str::to_owned),
            view: view(widget.text("view")),
            stacked: widget.flag("stacked").unwrap_or(false),
            sparkline: widget.flag("sparkline").unwrap_or(true),
            only_complete: widget.flag("liveData") == Some(false),
            offset_secs: timezone(&widget)?,
            left: axis("left"),
            right: axis("right"),
            horizontal: annotations.map(horizontal).unwrap_or_default(),
            vertical: annotations.map(vertical).unwrap_or_default(),
            legend: match widget.object("legend").and_then(|legend| legend.text("position")) {
                Some("right") => LegendPosition::Right,
                Some("hidden") => LegendPosition::Hidden,
                _ => LegendPosition::Bottom,
            },
        })
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, CloudWatchError> {
    Err(CloudWatchError::Validation(message.into()))
}

/// An object whose members were checked.
#[derive(Clone, Copy)]
struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    fn object(&self, name: &str) -> Option<Members<'a>> {
        self.0.get(name)?.as_object().map(Members)
    }

    fn items(&self, name: &str) -> &'a [Value] {
        self.0.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn pixels(&self, name: &str, default: u32) -> u32 {
        self.number(name).map_or(default, |pixels| pixels as u32)
    }

    fn secs(&self, name: &str) -> Option<i32> {
        self.number(name).map(|secs| secs as i32)
    }
}

fn metrics(widget: &Members<'_>) -> Result<Vec<ImageMetric>, CloudWatchError> {
    let items = widget.items("metrics");
    if items.len() > METRICS_MAX {
        return invalid(format!("The MetricWidget must not have more than {METRICS_MAX} metrics"));
    }
    let mut before: Vec<&str> = Vec::new();
    let mut metrics = Vec::with_capacity(items.len());
    let mut ids = BTreeSet::new();
    for item in items {
        let entry = metric_array::read(item, &before).map_err(|problem| {
            CloudWatchError::Validation(format!("The MetricWidget is invalid: {}", problem.message))
        })?;
        let render = entry.render.map(Members);
        let text = |name| render.and_then(|render| render.text(name));
        let period = render.and_then(|render| render.secs("period"));
        let source = match text("expression") {
            Some(expression) => MetricSource::Expression { text: expression.to_owned(), period_secs: period },
            None => MetricSource::Metric {
                names: entry.names.iter().map(|name| (*name).to_owned()).collect(),
                stat: text("stat").or(widget.text("stat")).unwrap_or("Average").to_owned(),
                period_secs: period.or(widget.secs("period")).unwrap_or(PERIOD_SECS),
            },
        };
        let id = text("id").map(str::to_owned);
        if let Some(id) = &id
            && !ids.insert(id.clone())
        {
            return invalid(format!("The MetricWidget has more than one metric with the id {id}"));
        }
        metrics.push(ImageMetric {
            id: id.unwrap_or_default(),
            source,
            label: text("label").map(str::to_owned),
            color: text("color").and_then(Color::parse),
            axis: axis_of(text("yAxis")),
            visible: render.and_then(|render| render.flag("visible")).unwrap_or(true),
            region: text("region").or(widget.text("region")).map(str::to_owned),
            account: text("accountId").or(widget.text("accountId")).map(str::to_owned),
        });
        if !entry.names.is_empty() {
            before = entry.names;
        }
    }
    name_the_rest(&mut metrics, &mut ids);
    Ok(metrics)
}

/// Gives ids nobody chose to those without.
fn name_the_rest(metrics: &mut [ImageMetric], ids: &mut BTreeSet<String>) {
    let mut number = 0;
    for metric in metrics.iter_mut().filter(|metric| metric.id.is_empty()) {
        metric.id = loop {
            number += 1;
            let id = format!("unnamed{number}");
            if ids.insert(id.clone()) {
                break id;
            }
        };
    }
}

fn alarm(annotations: Members<'_>) -> Option<String> {
    annotations.items("alarms").first()?.as_str().map(str::to_owned)
}

fn range(widget: &Members<'_>, now: Timestamp) -> Result<TimeRange, CloudWatchError> {
    let moment = |name: &str, default: &str| {
        let text = widget.text(name).unwrap_or(default);
        time::resolve(text, now).ok_or_else(|| {
            CloudWatchError::Validation(format!(
                "The value {text} for parameter {name} of the MetricWidget is invalid."
            ))
        })
    };
    let range = TimeRange::new(moment("start", "-PT3H")?, moment("end", "-PT0H")?);
    if range.start >= range.end {
        return invalid("The start of the MetricWidget must be before its end.");
    }
    Ok(range)
}

fn timezone(widget: &Members<'_>) -> Result<i64, CloudWatchError> {
    let text = widget.text("timezone").unwrap_or("+0000");
    match parse_timezone(text) {
        Some(secs) => Ok(secs),
        None => invalid(format!("The value {text} for parameter timezone of the MetricWidget is invalid.")),
    }
}

fn view(name: Option<&str>) -> View {
    match name {
        Some("singleValue") => View::SingleValue,
        Some("gauge") => View::Gauge,
        Some("bar") => View::Bar,
        Some("pie") => View::Pie,
        _ => View::TimeSeries,
    }
}

fn axis_of(name: Option<&str>) -> Axis {
    if name == Some("right") { Axis::Right } else { Axis::Left }
}

fn axis_options(axis: Members<'_>) -> AxisOptions {
    AxisOptions {
        min: axis.number("min"),
        max: axis.number("max"),
        label: axis.text("label").map(str::to_owned),
        show_units: axis.flag("showUnits").unwrap_or(true),
    }
}

/// One or two edges of each annotation of a list that is not hidden.
fn edges<'a>(annotations: Members<'a>, list: &str) -> Vec<(Members<'a>, Option<Members<'a>>)> {
    let of_item = |item: &'a Value| match item {
        Value::Array(pair) => {
            Some((Members(pair.first()?.as_object()?), Some(Members(pair.get(1)?.as_object()?))))
        }
        other => Some((Members(other.as_object()?), None)),
    };
    let is_visible = |(edge, _): &(Members<'_>, Option<Members<'_>>)| edge.flag("visible") != Some(false);
    annotations.items(list).iter().filter_map(of_item).filter(is_visible).collect()
}

fn label_of(edge: Members<'_>) -> Option<String> {
    edge.text("label").map(str::to_owned)
}

fn horizontal(annotations: Members<'_>) -> Vec<HorizontalAnnotation> {
    let annotation = |(edge, to): (Members<'_>, Option<Members<'_>>)| {
        Some(HorizontalAnnotation {
            value: edge.number("value")?,
            label: label_of(edge),
            to: to.and_then(|to| Some((to.number("value")?, label_of(to)))),
            color: edge.text("color").and_then(Color::parse),
            fill: match edge.text("fill") {
                Some("above") => HorizontalFill::Above,
                Some("below") => HorizontalFill::Below,
                _ => HorizontalFill::None,
            },
            axis: axis_of(edge.text("yAxis")),
        })
    };
    edges(annotations, "horizontal").into_iter().filter_map(annotation).collect()
}

fn vertical(annotations: Members<'_>) -> Vec<VerticalAnnotation> {
    let at = |edge: Members<'_>| time::parse_absolute(edge.text("value")?);
    let annotation = |(edge, to): (Members<'_>, Option<Members<'_>>)| {
        Some(VerticalAnnotation {
            at: at(edge)?,
            label: label_of(edge),
            to: to.and_then(|to| Some((at(to)?, label_of(to)))),
            color: edge.text("color").and_then(Color::parse),
            fill: match edge.text("fill") {
                Some("before") => VerticalFill::Before,
                Some("after") => VerticalFill::After,
                _ => VerticalFill::None,
            },
        })
    };
    edges(annotations, "vertical").into_iter().filter_map(annotation).collect()
}
