//! What a dashboard's body must be: errors refuse it, warnings are stored with it and returned.
//!
//! The messages are those of a JSON schema validator with a capital first letter: two of them were observed, the
//! others are made alike (dashboards.md § 3). Paths are JSON pointers.

mod annotation;
mod metric;
mod node;
#[cfg(test)]
mod tests;
mod variable;
mod widget;

use serde::Serialize;
use serde_json::Value;

use super::time;
use crate::CloudWatchError;
use node::{Checker, Node};

const BODY_BYTES_MAX: usize = 1024 * 1024;
const WIDGETS_MAX: usize = 500;
const VARIABLES_MAX: usize = 25;
/// Errors in an answer; a body with more is told of these.
const FINDINGS_MAX: usize = 100;

/// Something about a place in the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    #[serde(rename = "dataPath")]
    pub(crate) path: String,
    pub(crate) message: String,
}

/// Checks a body and gives its warnings.
pub(crate) fn check(body: &str) -> Result<Vec<Finding>, CloudWatchError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(refused(vec![Finding {
            path: "/".to_owned(),
            message: format!("Should NOT be longer than {BODY_BYTES_MAX} bytes"),
        }]));
    }
    let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(body) else {
        return Err(CloudWatchError::DashboardInvalidInput {
            message: "The field DashboardBody must be a valid JSON object".to_owned(),
            findings: Vec::new(),
        });
    };
    let mut checker = Checker::default();
    check_body(&mut checker, &Node::root(&value));
    if checker.errors.is_empty() { Ok(checker.warnings) } else { Err(refused(checker.errors)) }
}

/// What is wrong with the widget of GetMetricWidgetImage, which is the properties of a metric widget with a size.
pub(crate) fn check_image(widget: &Value) -> Vec<Finding> {
    let mut checker = Checker::default();
    metric::check_image(&mut checker, &Node::root(widget));
    checker.errors.truncate(FINDINGS_MAX);
    checker.errors
}

fn refused(mut errors: Vec<Finding>) -> CloudWatchError {
    let count = errors.len();
    errors.truncate(FINDINGS_MAX);
    let list = serde_json::to_string_pretty(&errors).unwrap_or_default();
    CloudWatchError::DashboardInvalidInput {
        // AWS: observed (dashboards.md § 1).
        message: format!("The dashboard body is invalid, there are {count} validation errors:\n{list}"),
        findings: errors,
    }
}

fn check_body(checker: &mut Checker, body: &Node<'_>) {
    if let Some(widgets) = checker.required(body, "widgets")
        && let Some(items) = checker.array(&widgets, 0, WIDGETS_MAX)
    {
        for item in items {
            widget::check(checker, &item);
        }
    }
    if let Some(variables) = body.member("variables")
        && let Some(items) = checker.array(&variables, 0, VARIABLES_MAX)
    {
        variable::check(checker, &items);
    }
    if let Some(start) = body.member("start") {
        checker.text_that(&start, is_start, "Should be a relative or absolute time");
    }
    if let Some(end) = body.member("end") {
        checker.text_that(&end, is_absolute, "Should be an ISO 8601 time");
        if body.member("start").is_none() {
            checker.error(body, "Should have required property 'start'");
        }
    }
    if let Some(mode) = body.member("periodOverride") {
        checker.one_of(&mode, &["auto", "inherit"]);
    }
}

/// `-PT3H` and the like, or an absolute time.
fn is_start(text: &str) -> bool {
    is_absolute(text) || is_relative(text)
}

/// Whether `text` is a relative time as dashboards write it: one number and one unit.
fn is_relative(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("-P") else { return false };
    let (rest, units) = match rest.strip_prefix('T') {
        Some(rest) => (rest, ['M', 'H', 'S']),
        None => (rest, ['D', 'W', 'M']),
    };
    rest.strip_suffix(units)
        .is_some_and(|digits| (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn is_absolute(text: &str) -> bool {
    time::parse_absolute(text).is_some()
}
