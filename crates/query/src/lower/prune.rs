//! What must hold for every event of interest, so that data without it can be skipped; and which fields of
//! events a pipeline names.

use std::collections::HashSet;
use std::sync::Arc;

use lang::plan::{Aggregate, BinaryOp, Expr, Extract, Pipeline, Stage, Value};
use regex_syntax::hir::{Hir, HirKind};
use store::tables::logs::Prune;

use crate::functions::value::render_number;

/// Texts shorter than this skip nothing and only cost.
const NEEDLE_BYTES_MIN: usize = 3;
const HINTS_MAX: usize = 16;

/// Conditions of the filters at the head of a pipeline.
pub(super) fn prune(stages: &[Stage]) -> Vec<Prune> {
    let mut hints = Vec::new();
    let mut redefined: HashSet<&str> = HashSet::new();
    for stage in stages {
        match stage {
            Stage::Filter(condition) => conjuncts(condition, &redefined, &mut hints),
            Stage::Extend(items) => redefined.extend(items.iter().map(|item| item.name.as_str())),
            Stage::Extract(extract) => redefined.extend(extract.fields().iter().map(String::as_str)),
            Stage::Sort(_) => {}
            _ => break,
        }
    }
    hints.truncate(HINTS_MAX);
    hints
}

fn conjuncts(condition: &Expr, redefined: &HashSet<&str>, hints: &mut Vec<Prune>) {
    match condition {
        Expr::Binary { op: BinaryOp::And, left, right } => {
            conjuncts(left, redefined, hints);
            conjuncts(right, redefined, hints);
        }
        Expr::Contains { text, needle } if is_message(text, redefined) => {
            if let Expr::Literal(value) = &**needle {
                hints.extend(value_text(value).and_then(contains));
            }
        }
        Expr::Matches { text, pattern } if is_message(text, redefined) => {
            hints.extend(literals(pattern).into_iter().filter_map(contains));
        }
        Expr::Binary { op: BinaryOp::Equal, left, right } => match (&**left, &**right) {
            (Expr::Field(path), Expr::Literal(value)) | (Expr::Literal(value), Expr::Field(path)) => {
                hints.extend(equals(path, std::slice::from_ref(value), redefined));
            }
            _ => {}
        },
        Expr::In { value, list, negated: false } => {
            if let Expr::Field(path) = &**value {
                hints.extend(equals(path, list, redefined));
            }
        }
        _ => {}
    }
}

fn is_message(text: &Expr, redefined: &HashSet<&str>) -> bool {
    matches!(text, Expr::Field(name) if name == "@message") && !redefined.contains("@message")
}

fn contains(needle: String) -> Option<Prune> {
    (needle.len() >= NEEDLE_BYTES_MIN).then_some(Prune::MessageContains(needle))
}

fn equals(path: &str, values: &[Value], redefined: &HashSet<&str>) -> Option<Prune> {
    if redefined.contains(path) {
        return None;
    }
    if path == "@logStream" {
        // Only texts that are no numbers: `"01" = 1` holds.
        let stream = |value: &Value| match value {
            Value::String(text) if crate::functions::value::parse_number(text).is_none() => {
                Some(Arc::from(text.as_str()))
            }
            _ => None,
        };
        return values.iter().map(stream).collect::<Option<Vec<_>>>().map(Prune::StreamIn);
    }
    match values {
        [value] if !path.starts_with('@') || path.starts_with("@@") => {
            Some(Prune::FieldEquals { path: path.to_owned(), value: value_text(value)? })
        }
        _ => None,
    }
}

fn value_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        // More decimals than are rendered would make it another number.
        Value::Number(number) => render_number(*number).filter(|text| text.parse() == Ok(*number)),
        Value::Boolean(_) => None,
    }
}

/// Texts that every match of the pattern contains.
fn literals(pattern: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(hir) = regex_syntax::Parser::new().parse(&lang::text::regex::translate(pattern)) {
        required(&hir, &mut found);
    }
    found
}

fn required(hir: &Hir, found: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Literal(literal) => found.extend(String::from_utf8(literal.0.to_vec())),
        HirKind::Concat(parts) => parts.iter().for_each(|part| required(part, found)),
        HirKind::Capture(capture) => required(&capture.sub, found),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub, found),
        _ => {}
    }
}

/// Fields of events that the pipeline may read, in order of first mention.
pub(super) fn fields(pipeline: &Pipeline) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    let mut still_events = true;
    for stage in &pipeline.stages {
        for expr in expressions(stage) {
            mentioned(expr, &mut |name| {
                if seen.insert(name.to_owned()) {
                    names.push(name.to_owned());
                }
            });
        }
        if matches!(stage, Stage::Aggregate { .. } | Stage::Project(_)) {
            still_events = false;
            break;
        }
    }
    if still_events {
        names.extend(pipeline.output.iter().filter(|name| seen.insert((*name).clone())).cloned());
    }
    names
}

fn expressions(stage: &Stage) -> Vec<&Expr> {
    match stage {
        Stage::Filter(condition) => vec![condition],
        Stage::Extend(items) | Stage::Project(items) => items.iter().map(|item| &item.expr).collect(),
        Stage::Extract(Extract::Glob { source, .. } | Extract::Regex { source, .. }) => vec![source],
        Stage::Aggregate { by, aggregates } => by.iter().chain(aggregates).map(|item| &item.expr).collect(),
        Stage::Sort(keys) => keys.iter().map(|key| &key.expr).collect(),
        Stage::Dedup(keys) => keys.iter().collect(),
        Stage::Limit { .. } => Vec::new(),
    }
}

fn mentioned(expr: &Expr, take: &mut impl FnMut(&str)) {
    if let Expr::Field(name) = expr {
        take(name);
    }
    children(expr).into_iter().for_each(|child| mentioned(child, take));
}

/// The expressions right inside an expression.
pub(super) fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Literal(_) | Expr::Field(_) => Vec::new(),
        Expr::Binary { left, right, .. } => vec![left, right],
        Expr::Not(inner) | Expr::Negate(inner) => vec![inner],
        Expr::Contains { text, needle } => vec![text, needle],
        Expr::Matches { text, .. } => vec![text],
        Expr::In { value, .. } => vec![value],
        Expr::Call { arguments, .. } => arguments.iter().collect(),
        Expr::Aggregate(aggregate) => Aggregate::argument(aggregate).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(text: &str) -> Vec<Prune> {
        prune(&lang::compile(text).unwrap().stages)
    }

    fn contains(text: &str) -> Prune {
        Prune::MessageContains(text.into())
    }

    fn equals(path: &str, value: &str) -> Prune {
        Prune::FieldEquals { path: path.into(), value: value.into() }
    }

    #[test]
    fn conjuncts_become_hints() {
        assert_eq!(
            hints("filter @message like 'abc' and st = 500 | filter svc = 'api'"),
            [contains("abc"), equals("st", "500"), equals("svc", "api")]
        );
        assert_eq!(
            hints("filter @message like /a\\/bc+(def)?.*(ghi|x)(jkl)/"),
            [contains("a/b"), contains("jkl")]
        );
        assert_eq!(hints("filter @logStream in ['a', 'b']"), [Prune::StreamIn(vec!["a".into(), "b".into()])]);
    }

    #[test]
    fn what_need_not_hold_is_no_hint() {
        for text in [
            "filter @message like 'abc' or a = 1",
            "filter not a = 1",
            "filter @message not like 'abc'",
            "filter @message like /(?i)abc/",
            "filter a like 'abc'",
            "fields 1 as a | filter a = 1",
            "parse 'x*' as @message | filter @message like 'abc'",
            "limit 5 | filter a = 1",
            "stats count(*) as c by a | filter a = 1",
            "filter @logStream = 1",
            "filter a = true",
            "filter a = 0.00001",
        ] {
            assert_eq!(hints(text), [], "{text}");
        }
    }
}
