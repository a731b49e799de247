//! Expressions of PPL: those of Insights with other names of functions, SQL's `like` and `between`.

use crate::insights::expression::{Kind, Node};
use crate::plan::Value;

/// Insights' name of a function that does the same.
fn renamed(name: &str) -> Option<&'static str> {
    Some(match name {
        "length" | "char_length" | "character_length" => "strlen",
        "lower" => "tolower",
        "upper" => "toupper",
        "ceiling" => "ceil",
        "ln" => "log",
        "ifnull" => "coalesce",
        "isnotnull" => "ispresent",
        "cidrmatch" => "isipinsubnet",
        "json_extract" | "json" => return None,
        "dc" | "distinct_count" => "count_distinct",
        "percentile" => "pct",
        "stddev_pop" => "stddev",
        "var_pop" => "variance",
        "first" => "earliest",
        "last" => "latest",
        "take" | "list" => return None,
        _ => return None,
    })
}

/// Rewrites a tree into one of Insights' functions.
pub(crate) fn rewrite(node: &mut Node) {
    match &mut node.kind {
        Kind::Literal(_) | Kind::Path(_) | Kind::Star | Kind::Period(_) => {}
        Kind::Binary(_, left, right) => {
            rewrite(left);
            rewrite(right);
        }
        Kind::Chain(_, terms) => terms.iter_mut().for_each(rewrite),
        Kind::Not(inner) | Kind::Negate(inner) => rewrite(inner),
        Kind::Matches(text, _) => rewrite(text),
        Kind::In { value, .. } | Kind::InQuery { value, .. } => rewrite(value),
        Kind::Like(text, pattern) => {
            rewrite(text);
            if let Kind::Literal(Value::String(pattern)) = &pattern.kind {
                let pattern = like(pattern);
                let text = std::mem::replace(&mut **text, empty(node.span));
                node.kind = Kind::Matches(Box::new(text), pattern);
            }
        }
        Kind::Call { .. } => call(node),
    }
}

fn empty(span: crate::text::Span) -> Node {
    Node { kind: Kind::Star, span }
}

fn call(node: &mut Node) {
    let Kind::Call { name, arguments, .. } = &mut node.kind else { return };
    arguments.iter_mut().for_each(rewrite);
    if let Some(other) = renamed(name) {
        *name = other.to_owned();
        return;
    }
    match (name.as_str(), arguments.len()) {
        ("isnull", 1) => {
            *name = "ispresent".to_owned();
            let inner = std::mem::replace(node, empty(node.span));
            *node = Node { span: inner.span, kind: Kind::Not(Box::new(inner)) };
        }
        // `like(text, pattern)` is the operator.
        ("like", 2) => {
            let pattern = arguments.pop().unwrap_or(empty(node.span));
            let text = arguments.pop().unwrap_or(empty(node.span));
            if let Kind::Literal(Value::String(pattern)) = &pattern.kind {
                node.kind = Kind::Matches(Box::new(text), like(pattern));
            } else {
                node.kind = Kind::Like(Box::new(text), Box::new(pattern));
            }
        }
        // `span(field, 5m)`
        ("span", 2) => {
            *name = match arguments[1].kind {
                Kind::Period(_) => "datefloor",
                _ => "histogram",
            }
            .to_owned();
        }
        // SQL counts characters from one.
        ("substring" | "substr", 2 | 3) => {
            *name = "substr".to_owned();
            if let Kind::Literal(Value::Number(start)) = &mut arguments[1].kind {
                *start -= 1.0;
            }
        }
        _ => {}
    }
}

/// `%` stands for any text and `_` for one character; the whole text must match.
fn like(pattern: &str) -> String {
    let mut regex = String::from("(?s)^");
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => {
                if let Some(escaped) = characters.next() {
                    regex.push_str(&::regex::escape(escaped.encode_utf8(&mut [0; 4])));
                }
            }
            c => regex.push_str(&::regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}
