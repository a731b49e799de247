//! Pipelines as text, one stage a line, for tests and diagnostics.

use std::fmt::{self, Display, Formatter};

use super::{
    Aggregate, BinaryOp, Expr, Extract, Function, Named, Period, PeriodUnit, Pipeline, Stage, Value,
};

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for stage in &self.stages {
            writeln!(f, "{stage}")?;
        }
        let kind = if self.yields_events { "events" } else { "rows" };
        let names: Vec<String> = self.output.iter().map(|name| quote(name)).collect();
        write!(f, "{kind} {}", names.join(", "))
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Filter(expr) => write!(f, "filter {expr}"),
            Stage::Extend(items) => write!(f, "extend {}", list(items)),
            Stage::Project(items) => write!(f, "project {}", list(items)),
            Stage::Extract(Extract::Glob { source, literals, fields }) => {
                write!(f, "glob {source} {literals:?} -> {}", names(fields))
            }
            Stage::Extract(Extract::Regex { source, pattern, groups, fields }) => {
                write!(f, "regex {source} /{pattern}/ {groups:?} -> {}", names(fields))
            }
            Stage::Aggregate { by, aggregates } if by.is_empty() => {
                write!(f, "aggregate {}", list(aggregates))
            }
            Stage::Aggregate { by, aggregates } => {
                write!(f, "aggregate {} by {}", list(aggregates), list(by))
            }
            Stage::Sort(keys) => {
                let keys: Vec<String> = keys
                    .iter()
                    .map(|key| format!("{} {}", key.expr, if key.descending { "desc" } else { "asc" }))
                    .collect();
                write!(f, "sort {}", keys.join(", "))
            }
            Stage::Limit { count, any } => write!(f, "limit {}{count}", if *any { "any " } else { "" }),
            Stage::Dedup(keys) => write!(f, "dedup {}", list(keys)),
        }
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.expr {
            Expr::Field(name) if *name == self.name => write!(f, "{}", quote(name)),
            expr => write!(f, "{}={expr}", quote(&self.name)),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Literal(value) => write!(f, "{value}"),
            Expr::Field(name) => write!(f, "{}", quote(name)),
            Expr::Binary { op, left, right } => write!(f, "({} {left} {right})", op.symbol()),
            Expr::Not(inner) => write!(f, "(not {inner})"),
            Expr::Negate(inner) => write!(f, "(- {inner})"),
            Expr::Contains { text, needle } => write!(f, "(like {text} {needle})"),
            Expr::Matches { text, pattern } => write!(f, "(like {text} /{pattern}/)"),
            Expr::In { value, list: values, negated } => {
                write!(f, "({} {value} [{}])", if *negated { "not-in" } else { "in" }, list(values))
            }
            Expr::Call { function, arguments } => {
                write!(f, "({function}")?;
                arguments.iter().try_for_each(|argument| write!(f, " {argument}"))?;
                write!(f, ")")
            }
            Expr::Aggregate(aggregate) => write!(f, "{aggregate}"),
        }
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Count(None) => return write!(f, "(count *)"),
            Self::Count(_) => "count",
            Self::CountDistinct(_) => "count-distinct",
            Self::Sum(_) => "sum",
            Self::Average(_) => "avg",
            Self::Minimum(_) => "min",
            Self::Maximum(_) => "max",
            Self::Percentile(e, percent) => return write!(f, "(pct {e} {percent})"),
            Self::StandardDeviation(_) => "stddev",
            Self::Variance(_) => "variance",
            Self::Earliest(_) => "earliest",
            Self::Latest(_) => "latest",
        };
        match self.argument() {
            Some(argument) => write!(f, "({name} {argument})"),
            None => write!(f, "({name})"),
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Value::String(text) => write!(f, "{text:?}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Boolean(truth) => write!(f, "{truth}"),
        }
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Function::DateFloor { period, offset: None } => write!(f, "DateFloor {period}"),
            Function::DateFloor { period, offset: Some(offset) } => write!(f, "DateFloor {period}+{offset}"),
            Function::DateCeil(period) => write!(f, "DateCeil {period}"),
            Function::RegexReplace(pattern) => write!(f, "RegexReplace /{pattern}/"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Display for Period {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            PeriodUnit::Millisecond => "ms",
            PeriodUnit::Second => "s",
            PeriodUnit::Minute => "m",
            PeriodUnit::Hour => "h",
            PeriodUnit::Day => "d",
            PeriodUnit::Week => "w",
            PeriodUnit::Month => "mo",
            PeriodUnit::Quarter => "q",
            PeriodUnit::Year => "y",
        };
        write!(f, "{}{unit}", self.count)
    }
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn names(fields: &[String]) -> String {
    fields.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

/// A name as it would be written: in backticks if it is no plain path.
fn quote(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '.'));
    if plain { name.to_owned() } else { format!("`{name}`") }
}
