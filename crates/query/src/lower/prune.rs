//! What must hold for every event of interest, so that data without it can be skipped; and which fields of
//! events a pipeline names.

use std::collections::HashSet;
use std::sync::Arc;

use lang::plan::{BinaryOp, Expr, Function, Pipeline, Stage, TableStep, Value};
use regex_syntax::hir::{Hir, HirKind};
use store::tables::logs::Prune;

use crate::functions::value::render_number;

/// Texts shorter than this skip nothing and only cost.
const NEEDLE_BYTES_MIN: usize = 3;
const HINTS_MAX: usize = 16;

/// Conditions of the filters at the head of a pipeline.
///
/// Of `special` fields nothing can be said from the columns that are kept of them.
pub(super) fn prune(stages: &[Stage], special: &dyn Fn(&str) -> bool) -> Vec<Prune> {
    let mut hints = Vec::new();
    let mut redefined: HashSet<&str> = HashSet::new();
    for stage in stages {
        match stage {
            Stage::Filter(condition) => conjuncts(condition, &redefined, special, &mut hints),
            Stage::Extend(items) => redefined.extend(items.iter().map(|item| item.name.as_str())),
            Stage::Extract(extract) => redefined.extend(extract.fields().iter().map(String::as_str)),
            Stage::Lookup(lookup) => redefined.extend(lookup.outputs.iter().map(|(_, name)| name.as_str())),
            Stage::Sort(_) => {}
            _ => break,
        }
    }
    hints.truncate(HINTS_MAX);
    hints
}

fn conjuncts(
    condition: &Expr,
    redefined: &HashSet<&str>,
    special: &dyn Fn(&str) -> bool,
    hints: &mut Vec<Prune>,
) {
    match condition {
        Expr::Binary { op: BinaryOp::And, left, right } => {
            conjuncts(left, redefined, special, hints);
            conjuncts(right, redefined, special, hints);
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
            (Expr::Field(path), Expr::Literal(value)) | (Expr::Literal(value), Expr::Field(path))
                if !special(path) =>
            {
                hints.extend(equals(path, std::slice::from_ref(value), redefined));
            }
            _ => {}
        },
        Expr::In { value, list, negated: false } => {
            if let Expr::Field(path) = &**value
                && !special(path)
            {
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
    let mut mentions = Mentions::default();
    for stage in &pipeline.stages {
        mentions.stage(stage);
        let ends = matches!(
            stage,
            Stage::Aggregate { .. }
                | Stage::Project(_)
                | Stage::Pattern(_)
                | Stage::Relevant { .. }
                | Stage::Estimate
        );
        if ends {
            return mentions.names;
        }
    }
    pipeline.output.iter().for_each(|name| mentions.name(name));
    mentions.names
}

/// Fields that an expression names.
pub(super) fn mentioned(expr: &Expr) -> Vec<String> {
    let mut mentions = Mentions::default();
    mentions.expr(expr);
    mentions.names
}

/// Every name in the pipeline.
pub(super) fn names(pipeline: &Pipeline) -> Vec<String> {
    let mut mentions = Mentions { all: true, ..Mentions::default() };
    pipeline.stages.iter().for_each(|stage| mentions.stage(stage));
    pipeline.output.iter().for_each(|name| mentions.name(name));
    mentions.names
}

/// Whether some stage looks into messages as a whole.
pub(super) fn looks_into_messages(pipeline: &Pipeline) -> bool {
    fn in_expr(expr: &Expr) -> bool {
        let list = matches!(
            expr,
            Expr::Call {
                function: Function::JsonArraySize | Function::JsonArrayContains | Function::JsonStringify,
                ..
            }
        );
        list || expr.children().into_iter().any(in_expr)
    }
    pipeline.stages.iter().any(|stage| {
        let whole = matches!(
            stage,
            Stage::Explode(_) | Stage::Relevant { .. } | Stage::Table(TableStep::Totals { .. })
        );
        whole || stage.expressions().into_iter().any(in_expr)
    })
}

#[derive(Default)]
struct Mentions {
    names: Vec<String>,
    seen: HashSet<String>,
    /// Sides of a join that came.
    sides: Option<(String, String)>,
    /// Also those of the right side.
    all: bool,
}

impl Mentions {
    fn stage(&mut self, stage: &Stage) {
        for expr in stage.expressions() {
            self.expr(expr);
        }
        match stage {
            Stage::Join(join) => {
                self.name(&join.left_key);
                self.sides = Some((format!("{}.", join.left), format!("{}.", join.right)));
            }
            Stage::Relevant { fields, .. } => fields.iter().for_each(|name| self.name(name)),
            Stage::Lookup(lookup) if !lookup.replaces => {
                lookup.outputs.iter().for_each(|(_, name)| self.name(name));
            }
            Stage::Table(step) => match step {
                TableStep::FillDown(fields)
                | TableStep::Outlier { fields, .. }
                | TableStep::Totals { fields, .. } => {
                    fields.iter().for_each(|name| self.name(name));
                }
                TableStep::FillMissing { time, keys, fills, .. } => {
                    self.name(time);
                    keys.iter().for_each(|name| self.name(name));
                    fills.iter().for_each(|(_, name)| self.name(name));
                }
                TableStep::Sessionize { .. } => self.name("@timestamp"),
                TableStep::RunningSum { .. } | TableStep::Earlier { .. } => {}
            },
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if let Expr::Field(name) = expr {
            self.name(name);
        }
        expr.children().into_iter().for_each(|child| self.expr(child));
    }

    fn name(&mut self, name: &str) {
        let left = match &self.sides {
            Some((_, right)) if !self.all && name.starts_with(right) => return,
            Some((left, _)) => name.strip_prefix(left).map(str::to_owned),
            None => None,
        };
        if self.all && left.is_some() && self.seen.insert(name.to_owned()) {
            self.names.push(name.to_owned());
        }
        let name = left.unwrap_or_else(|| name.to_owned());
        if self.seen.insert(name.clone()) {
            self.names.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(text: &str) -> Vec<Prune> {
        prune(&lang::compile(text).unwrap().stages, &|path| path == "srcAddr")
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
            "filter srcAddr = 'x'",
        ] {
            assert_eq!(hints(text), [], "{text}");
        }
    }
}
