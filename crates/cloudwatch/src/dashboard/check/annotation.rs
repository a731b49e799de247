//! Annotations of a metric widget: an alarm, or lines and bands.

use super::metric::check_color;
use super::node::{Checker, Node};

pub(super) fn check(checker: &mut Checker, annotations: &Node<'_>) {
    if let Some(alarms) = annotations.member("alarms")
        && let Some(items) = checker.array(&alarms, 0, 1)
    {
        for item in items {
            checker.string(&item);
        }
    }
    for (name, check_edge) in
        [("horizontal", horizontal as fn(&mut Checker, &Node<'_>)), ("vertical", vertical)]
    {
        let Some(list) = annotations.member(name) else { continue };
        for annotation in checker.array(&list, 0, usize::MAX).unwrap_or_default() {
            if annotation.value.is_array() {
                // The two edges of a band.
                for edge in checker.array(&annotation, 2, 2).unwrap_or_default() {
                    check_edge(checker, &edge);
                }
            } else {
                check_edge(checker, &annotation);
            }
        }
    }
}

fn horizontal(checker: &mut Checker, edge: &Node<'_>) {
    if !checker.is_object(edge) {
        return;
    }
    if let Some(value) = checker.required(edge, "value") {
        checker.number(&value);
    }
    if let Some(fill) = edge.member("fill") {
        checker.one_of(&fill, &["above", "below", "none"]);
    }
    if let Some(axis) = edge.member("yAxis") {
        checker.one_of(&axis, &["left", "right"]);
    }
    common(checker, edge);
}

fn vertical(checker: &mut Checker, edge: &Node<'_>) {
    if !checker.is_object(edge) {
        return;
    }
    if let Some(value) = checker.required(edge, "value") {
        checker.text_that(&value, super::is_absolute, "Should be an ISO 8601 time");
    }
    if let Some(fill) = edge.member("fill") {
        checker.one_of(&fill, &["before", "after", "none"]);
    }
    common(checker, edge);
}

fn common(checker: &mut Checker, edge: &Node<'_>) {
    checker.strings(edge, &["label"]);
    checker.booleans(edge, &["visible"]);
    if let Some(color) = edge.member("color") {
        check_color(checker, &color);
    }
}
