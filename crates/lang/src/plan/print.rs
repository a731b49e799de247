//! Pipelines as text, one stage a line, for tests and diagnostics.

use std::fmt::{self, Display, Formatter};

use super::{
    Aggregate, Baseline, BinaryOp, Expr, Extract, Function, LookupKeys, Named, NestedQuery, Period,
    PeriodUnit, Pipeline, Source, SourceTime, Stage, TableStep, Value,
};

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            writeln!(f, "{source}")?;
        }
        if !self.index_fields.is_empty() {
            writeln!(f, "indexed {}", names(&self.index_fields))?;
        }
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
            Stage::Extract(extract) => write!(f, "{extract}"),
            Stage::ExtractAll(extract) => write!(f, "each {extract}"),
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
            Stage::Explode(explode) => {
                let how = if explode.in_place { "expand" } else { "unnest" };
                write!(f, "{how} {} -> {}", explode.list, quote(&explode.into))
            }
            Stage::Lookup(lookup) => {
                write!(f, "lookup {} ", quote(&lookup.table))?;
                match &lookup.keys {
                    LookupKeys::Equal(keys) => {
                        let keys: Vec<String> =
                            keys.iter().map(|(column, expr)| format!("{}={expr}", quote(column))).collect();
                        write!(f, "on {}", keys.join(", "))?;
                    }
                    LookupKeys::Cidr { address, column } => {
                        write!(f, "where {address} in {}", quote(column.as_deref().unwrap_or("?")))?;
                    }
                }
                let outputs: Vec<String> = lookup
                    .outputs
                    .iter()
                    .map(|(column, field)| format!("{}={}", quote(field), quote(column)))
                    .collect();
                write!(f, " {} {}", if lookup.replaces { "set" } else { "fill" }, outputs.join(", "))
            }
            Stage::Join(join) => {
                let kind = if join.keeps_left { "left" } else { "inner" };
                let (left, right) = (&join.left, &join.right);
                write!(f, "join {kind} {left}.{}={right}.{} {}", join.left_key, join.right_key, join.query)
            }
            Stage::AppendColumns(append) => {
                let how = if append.replaces { "replace" } else { "append" };
                write!(f, "{how}-columns {} {}", append.rows_max, append.query)
            }
            Stage::Table(step) => write!(f, "{step}"),
            Stage::Pattern(pattern) => {
                write!(f, "pattern {}", pattern.text)?;
                match pattern.baseline {
                    None => {}
                    Some(Baseline::Preceding) => write!(f, " against the range before")?,
                    Some(Baseline::Earlier(period)) => write!(f, " against {period} earlier")?,
                }
                if pattern.anomalies { write!(f, " with anomalies") } else { Ok(()) }
            }
            Stage::Relevant { fields, condition } => {
                write!(f, "relevant [{}] {condition}", names(fields))
            }
            Stage::Estimate => write!(f, "estimate"),
        }
    }
}

impl Display for Extract {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glob { source, literals, fields } => {
                write!(f, "glob {source} {literals:?} -> {}", names(fields))
            }
            Self::Regex { source, pattern, groups, fields } => {
                write!(f, "regex {source} /{pattern}/ {groups:?} -> {}", names(fields))
            }
            Self::Csv { source, fields } => write!(f, "csv {source} -> {}", names(fields)),
        }
    }
}

impl Display for TableStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunningSum { value, into } => write!(f, "running-sum {value} -> {}", quote(into)),
            Self::Earlier { value, into } => {
                let into: Vec<String> =
                    into.iter().map(|(rows, name)| format!("{}={rows}", quote(name))).collect();
                write!(f, "earlier {value} -> {}", into.join(", "))
            }
            Self::FillDown(fields) => write!(f, "fill-down {}", names(fields)),
            Self::FillMissing { time, period, offset, keys, fills } => {
                write!(f, "fill-missing {} {period}", quote(time))?;
                if let Some(offset) = offset {
                    write!(f, "+{offset}")?;
                }
                let fills: Vec<String> =
                    fills.iter().map(|(value, name)| format!("{}={value}", quote(name))).collect();
                write!(f, " by [{}] with {}", names(keys), fills.join(", "))
            }
            Self::Outlier { fields, removes, param, lower, marks } => {
                let how = if *removes { "remove" } else { "clamp" };
                write!(f, "outlier {how} {param} lower={lower} mark={marks} {}", names(fields))
            }
            Self::Sessionize { keys, gap, into } => {
                write!(f, "sessionize {} within {gap} -> {}", list(keys), quote(into))
            }
            Self::Totals { fields, into, row, column } => {
                write!(f, "totals [{}] row={row} column={column} -> {}", names(fields), quote(into))
            }
        }
    }
}

impl Display for NestedQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "#{}({})", self.index, self.pipeline.to_string().replace('\n', " | "))
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "source {:?}", self.names)?;
        if let Some(groups) = &self.groups {
            let (prefixes, accounts) = (&groups.name_prefixes, &groups.account_identifiers);
            write!(f, " groups {prefixes:?} of {accounts:?} in {:?}", groups.classes)?;
        }
        if !self.data_sources.is_empty() {
            write!(f, " data {:?}", self.data_sources)?;
        }
        let time = |time: SourceTime| match time {
            SourceTime::Millis(millis) => millis.to_string(),
            SourceTime::Now => "now".to_owned(),
            SourceTime::Ago(period) => format!("-{period}"),
        };
        self.start.map_or(Ok(()), |start| write!(f, " from {}", time(start)))?;
        self.end.map_or(Ok(()), |end| write!(f, " to {}", time(end)))
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
            Expr::InQuery { value, query, negated } => {
                write!(f, "({} {value} {query})", if *negated { "not-in" } else { "in" })
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
            Self::Values(_) => "values",
            Self::TopK(count, e) => return write!(f, "(topk {count} {e})"),
            Self::SortsFirst(_) => "sorts-first",
            Self::SortsLast(_) => "sorts-last",
            Self::Rate(e, period) => return write!(f, "(rate {e} {period})"),
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
            Function::FormatDate { format, zone } => write!(f, "FormatDate {format:?} {zone}"),
            Function::ParseDate { format, zone } => write!(f, "ParseDate {format:?} {zone}"),
            Function::XmlPath(path) => write!(f, "XmlPath {path:?}"),
            Function::JsonMember(path) => write!(f, "JsonMember {path:?}"),
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
