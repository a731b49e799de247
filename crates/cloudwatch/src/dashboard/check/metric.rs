//! The properties of a metric widget.

use serde_json::Value;

use super::annotation;
use super::node::{Checker, Node};
use crate::dashboard::metric_array;

/// More than these draw a warning.
const METRICS_MAX: usize = 500;
const PERIODS_UNDER_A_MINUTE: [i64; 5] = [1, 5, 10, 20, 30];
const VIEWS: [&str; 6] = ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"];
/// What can be drawn as an image.
const IMAGE_VIEWS: [&str; 5] = ["timeSeries", "singleValue", "gauge", "bar", "pie"];
const KNOWN: [&str; 25] = [
    "metrics",
    "region",
    "title",
    "view",
    "stacked",
    "stat",
    "period",
    "yAxis",
    "legend",
    "liveData",
    "sparkline",
    "setPeriodToTimeRange",
    "trend",
    "singleValueFullPrecision",
    "timezone",
    "accountId",
    "annotations",
    "table",
    "labels",
    "start",
    "end",
    "width",
    "height",
    "theme",
    "query",
];

pub(super) fn check(checker: &mut Checker, properties: &Node<'_>) {
    check_sources(checker, properties);
    if let Some(region) = checker.required(properties, "region") {
        checker.string(&region);
    }
    check_drawing(checker, properties, &VIEWS);
    if let Some(annotations) = properties.member("annotations")
        && checker.is_object(&annotations)
    {
        annotation::check(checker, &annotations);
    }
    if let Some(table) = properties.member("table")
        && checker.is_object(&table)
    {
        check_table(checker, &table);
    }
    checker.known(properties, &KNOWN);
}

/// The widget of an image, whose Region is that of the request.
pub(super) fn check_image(checker: &mut Checker, widget: &Node<'_>) {
    check_sources(checker, widget);
    if let Some(metrics) = widget.member("metrics")
        && widget.member("annotations").and_then(|annotations| annotations.member("alarms")).is_none()
    {
        checker.array(&metrics, 1, usize::MAX);
    }
    check_drawing(checker, widget, &IMAGE_VIEWS);
    if let Some(annotations) = widget.member("annotations")
        && checker.is_object(&annotations)
    {
        annotation::check(checker, &annotations);
    }
    for side in ["width", "height"].into_iter().filter_map(|name| widget.member(name)) {
        checker.integer(&side, 1, i64::from(widget::SIZE_MAX));
    }
    if let Some(theme) = widget.member("theme") {
        checker.one_of(&theme, &["light", "dark"]);
    }
    checker.strings(widget, &["start", "end", "region"]);
}

/// Either metrics or an alarm.
fn check_sources(checker: &mut Checker, properties: &Node<'_>) {
    let alarms = properties.member("annotations").and_then(|annotations| annotations.member("alarms"));
    let has = |node: &Option<Node<'_>>| {
        node.as_ref().is_some_and(|node| node.value.as_array().is_none_or(|items| !items.is_empty()))
    };
    let metrics = properties.member("metrics");
    if has(&metrics) && has(&alarms) || metrics.is_none() && !has(&alarms) {
        checker.error(properties, "Should match exactly one schema in oneOf");
    }
    let Some(metrics) = metrics else { return };
    let Some(items) = checker.array(&metrics, 0, usize::MAX) else { return };
    if items.len() > METRICS_MAX {
        checker.warn(&metrics, format!("Only the first {METRICS_MAX} metrics are drawn"));
    }
    let mut before: Vec<&str> = Vec::new();
    for item in &items {
        match metric_array::read(item.value, &before) {
            Ok(entry) => {
                if !entry.names.is_empty() {
                    before = entry.names;
                }
                if let Some(Value::Array(parts)) = entry.render.and(Some(item.value))
                    && let Some(last) = parts.last()
                {
                    check_render(checker, &item.item(parts.len() - 1, last));
                }
            }
            Err(problem) => {
                let place = problem.item.zip(item.value.as_array());
                match place.and_then(|(index, parts)| Some(item.item(index, parts.get(index)?))) {
                    Some(part) => checker.error(&part, problem.message),
                    None => checker.error(item, problem.message),
                }
            }
        }
    }
}

/// The object at the end of a metric.
fn check_render(checker: &mut Checker, render: &Node<'_>) {
    if let Some(id) = render.member("id") {
        checker.text_that(&id, is_id, "Should match pattern \"^[a-z][a-zA-Z0-9_]*$\"");
    }
    if let Some(color) = render.member("color") {
        check_color(checker, &color);
    }
    if let Some(period) = render.member("period") {
        check_period(checker, &period);
    }
    if let Some(axis) = render.member("yAxis") {
        checker.one_of(&axis, &["left", "right"]);
    }
    checker.strings(render, &["label", "stat", "region", "accountId", "expression"]);
    checker.booleans(render, &["visible"]);
}

pub(super) fn check_color(checker: &mut Checker, color: &Node<'_>) {
    let is_color = |text: &str| widget::Color::parse(text).is_some();
    checker.text_that(color, is_color, "Should match pattern \"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$\"");
}

pub(super) fn check_period(checker: &mut Checker, period: &Node<'_>) {
    if let Some(secs) = checker.integer(period, 1, i64::from(i32::MAX))
        && secs % 60 != 0
        && !PERIODS_UNDER_A_MINUTE.contains(&secs)
    {
        checker.error(period, "Should be multiple of 60");
    }
}

fn check_drawing(checker: &mut Checker, properties: &Node<'_>, views: &[&str]) {
    let view = properties.member("view");
    if let Some(view) = &view {
        checker.one_of(view, views);
    }
    if let Some(period) = properties.member("period") {
        check_period(checker, &period);
    }
    let y_axis = properties.member("yAxis").filter(|y_axis| checker.is_object(y_axis));
    for side in ["left", "right"] {
        let axis = y_axis.as_ref().and_then(|y_axis| y_axis.member(side));
        let Some(axis) = axis.filter(|axis| checker.is_object(axis)) else { continue };
        for bound in ["min", "max"].into_iter().filter_map(|name| axis.member(name)) {
            checker.number(&bound);
        }
        checker.strings(&axis, &["label"]);
        checker.booleans(&axis, &["showUnits"]);
    }
    if view.as_ref().and_then(Node::text) == Some("gauge") {
        // A gauge begins and ends somewhere.
        let left = y_axis.as_ref().and_then(|y_axis| y_axis.member("left"));
        for bound in ["min", "max"] {
            checker.required(left.as_ref().unwrap_or(properties), bound);
        }
    }
    if let Some(legend) = properties.member("legend")
        && checker.is_object(&legend)
        && let Some(position) = legend.member("position")
    {
        checker.one_of(&position, &["right", "bottom", "hidden"]);
    }
    checker.strings(properties, &["title", "stat", "timezone", "accountId"]);
    checker.booleans(
        properties,
        &["stacked", "liveData", "sparkline", "setPeriodToTimeRange", "trend", "singleValueFullPrecision"],
    );
}

fn check_table(checker: &mut Checker, table: &Node<'_>) {
    if let Some(layout) = table.member("layout") {
        checker.one_of(&layout, &["horizontal", "vertical"]);
    }
    checker.booleans(table, &["stickySummary", "showTimeSeriesData"]);
    if let Some(columns) = table.member("summaryColumns")
        && let Some(items) = checker.array(&columns, 0, 4)
    {
        for item in items {
            checker.one_of(&item, &["MIN", "MAX", "SUM", "AVG"]);
        }
    }
}

/// What other expressions may call a series.
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
