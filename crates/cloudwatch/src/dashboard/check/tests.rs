//! The vectors of dashboards.md § 3.1, and more of their kind, from `tests/corpus/dashboards.txt`.

use super::{Finding, check};
use crate::CloudWatchError;

/// Blocks `# title`, the body on one line, then `error PATH MESSAGE` or `warning PATH MESSAGE` lines.
const CORPUS: &str = include_str!("../../../tests/corpus/dashboards.txt");

#[test]
fn bodies_are_judged_as_the_corpus_says() {
    let mut count = 0;
    for block in CORPUS.split("\n\n").filter(|block| block.lines().any(|line| !line.starts_with("//"))) {
        let mut lines = block.lines().filter(|line| !line.starts_with("//"));
        let title = lines.next().unwrap();
        let body = lines.next().unwrap_or_else(|| panic!("{title} has no body"));
        let expected: Vec<&str> = lines.collect();
        assert_eq!(judged(body), expected, "{title}");
        count += 1;
    }
    assert!(count >= 30, "{count}");
}

fn judged(body: &str) -> Vec<String> {
    let lines = |kind: &str, findings: Vec<Finding>| {
        let line = |finding: Finding| format!("{kind} {} {}", finding.path, finding.message);
        findings.into_iter().map(line).collect::<Vec<_>>()
    };
    match check(body) {
        Ok(warnings) => lines("warning", warnings),
        Err(CloudWatchError::DashboardInvalidInput { message, findings }) if findings.is_empty() => {
            vec![format!("refused {message}")]
        }
        Err(CloudWatchError::DashboardInvalidInput { findings, .. }) => lines("error", findings),
        Err(other) => vec![other.to_string()],
    }
}

#[test]
fn the_message_counts_and_lists_the_errors() {
    let Err(error) = check("{}") else { panic!("an empty body was accepted") };
    assert_eq!(
        error.to_string(),
        "The dashboard body is invalid, there are 1 validation errors:\n[\n  {\n    \"dataPath\": \"/\",\n    \
         \"message\": \"Should have required property 'widgets'\"\n  }\n]"
    );
}

#[test]
fn bodies_have_limits() {
    let widget = r#"{"type":"text","properties":{"markdown":"x"}}"#;
    let body = |count: usize| format!("{{\"widgets\":[{}]}}", vec![widget; count].join(","));
    assert_eq!(check(&body(500)).unwrap(), []);
    assert_eq!(judged(&body(501)), ["error /widgets Should NOT have more than 500 items"]);
    let long = format!(r#"{{"widgets":[],"x":"{}"}}"#, "x".repeat(1024 * 1024));
    assert_eq!(judged(&long), ["error / Should NOT be longer than 1048576 bytes"]);
    // Deeply nested bodies are refused and do not exhaust the stack.
    let deep = format!("{{\"widgets\":{}", "[".repeat(500_000));
    assert_eq!(judged(&deep), ["refused The field DashboardBody must be a valid JSON object"]);
}
