//! A widget: its place, its type, and the properties of every type but `metric`.

use super::metric;
use super::node::{Checker, Node};

const ALARMS_MAX: usize = 100;
const EXPLORER_METRICS_MAX: usize = 100;
const VIEWS: [&str; 6] = ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"];

pub(super) fn check(checker: &mut Checker, widget: &Node<'_>) {
    if !checker.is_object(widget) {
        return;
    }
    check_place(checker, widget);
    let kind = checker.required(widget, "type");
    let properties = checker.required(widget, "properties");
    let (Some(kind), Some(properties)) = (kind, properties) else { return };
    let Some(name) = checker.string(&kind) else { return };
    if !checker.is_object(&properties) {
        return;
    }
    match name {
        "metric" => metric::check(checker, &properties),
        "text" => check_text(checker, &properties),
        "log" => check_log(checker, &properties),
        "alarm" => check_alarm(checker, &properties),
        "explorer" => check_explorer(checker, &properties),
        "custom" => check_custom(checker, &properties),
        // Application Signals writes these; nothing here draws them.
        "trace" => checker.warn(&kind, "Widgets of type 'trace' are kept but not drawn"),
        _ => checker.error(&kind, "Should be equal to one of the allowed values"),
    }
}

fn check_place(checker: &mut Checker, widget: &Node<'_>) {
    let bounds = [("x", 0, 23), ("y", 0, i64::from(i32::MAX)), ("width", 1, 24), ("height", 1, 1000)];
    for (name, min, max) in bounds {
        if let Some(member) = widget.member(name) {
            checker.integer(&member, min, max);
        }
    }
    for (given, needed) in [("x", "y"), ("y", "x")] {
        if widget.member(given).is_some() && widget.member(needed).is_none() {
            checker.error(widget, format!("Should have required property '{needed}'"));
        }
    }
}

fn check_text(checker: &mut Checker, properties: &Node<'_>) {
    if let Some(markdown) = checker.required(properties, "markdown") {
        checker.string(&markdown);
    }
    if let Some(background) = properties.member("background") {
        checker.one_of(&background, &["solid", "transparent"]);
    }
    checker.known(properties, &["markdown", "background"]);
}

fn check_log(checker: &mut Checker, properties: &Node<'_>) {
    for name in ["query", "region"] {
        if let Some(member) = checker.required(properties, name) {
            checker.string(&member);
        }
    }
    if let Some(language) = properties.member("queryLanguage") {
        checker.one_of(&language, &["CWLI", "SQL", "PPL", "LOGSQL", "LOGPPL"]);
    }
    if let Some(view) = properties.member("view") {
        checker.one_of(&view, &VIEWS);
    }
    checker.strings(properties, &["title", "accountId", "queryBy"]);
    checker.booleans(properties, &["stacked"]);
    checker.known(
        properties,
        &[
            "query",
            "region",
            "queryLanguage",
            "view",
            "title",
            "accountId",
            "stacked",
            "queryBy",
            "logGroupPrefixes",
        ],
    );
}

fn check_alarm(checker: &mut Checker, properties: &Node<'_>) {
    if let Some(alarms) = checker.required(properties, "alarms")
        && let Some(items) = checker.array(&alarms, 1, ALARMS_MAX)
    {
        for item in items {
            checker.string(&item);
        }
    }
    if let Some(order) = properties.member("sortBy") {
        checker.one_of(&order, &["default", "stateUpdatedTimestamp", "timestamp"]);
    }
    if let Some(states) = properties.member("states")
        && let Some(items) = checker.array(&states, 0, 3)
    {
        for item in items {
            checker.one_of(&item, &["ALARM", "INSUFFICIENT_DATA", "OK"]);
        }
    }
    checker.strings(properties, &["title"]);
    checker.known(properties, &["alarms", "sortBy", "states", "title"]);
}

fn check_explorer(checker: &mut Checker, properties: &Node<'_>) {
    if let Some(metrics) = checker.required(properties, "metrics")
        && let Some(items) = checker.array(&metrics, 1, EXPLORER_METRICS_MAX)
    {
        for item in items {
            for name in ["metricName", "resourceType", "stat"] {
                if let Some(member) = checker.required(&item, name) {
                    checker.string(&member);
                }
            }
        }
    }
    if let Some(labels) = checker.required(properties, "labels")
        && let Some(items) = checker.array(&labels, 0, EXPLORER_METRICS_MAX)
    {
        for item in items {
            if let Some(key) = checker.required(&item, "key") {
                checker.string(&key);
            }
            checker.strings(&item, &["value"]);
        }
    }
    if let Some(aggregate) = properties.member("aggregateBy")
        && let Some(function) = aggregate.member("func")
    {
        checker.one_of(&function, &["AVG", "MIN", "MAX", "STDDEV", "SUM", ""]);
    }
    if let Some(period) = properties.member("period") {
        metric::check_period(checker, &period);
    }
    checker.strings(properties, &["title", "splitBy"]);
}

fn check_custom(checker: &mut Checker, properties: &Node<'_>) {
    if let Some(endpoint) = checker.required(properties, "endpoint") {
        checker.string(&endpoint);
    }
    if let Some(update) = properties.member("updateOn")
        && checker.is_object(&update)
    {
        checker.booleans(&update, &["refresh", "resize", "timeRange"]);
    }
    checker.strings(properties, &["title"]);
}
