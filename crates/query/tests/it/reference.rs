//! What a pipeline means, said as plainly as possible: every value carries its own kind, every stage is a
//! loop over a vector. Slow, and independent of the engine but for `Pipeline`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use lang::plan::{Aggregate, BinaryOp, Expr, Extract, Function, Named, Pipeline, Stage, TableStep, Value};
use store::tables::logs::FieldKind;

use crate::memory::Event;

#[derive(Debug, Clone)]
enum V {
    Text(String),
    /// A number and, if it stands in a message, its text there.
    Number(f64, Option<String>),
    Boolean(bool),
    Time(i64),
}

type Record = BTreeMap<String, V>;

struct Line {
    record: Record,
    event: Option<Event>,
    /// Time of the newest event in it.
    newest: i64,
}

fn number_of(text: &str) -> Option<f64> {
    let number = regex::Regex::new(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$").unwrap();
    number.is_match(text.trim()).then(|| text.trim().parse().unwrap())
}

impl V {
    fn number(&self) -> Option<f64> {
        match self {
            V::Text(text) => number_of(text),
            V::Number(number, _) => Some(*number),
            V::Boolean(truth) => Some(f64::from(u8::from(*truth))),
            V::Time(millis) => Some(*millis as f64),
        }
    }

    fn text(&self) -> String {
        match self {
            V::Text(text) | V::Number(_, Some(text)) => text.clone(),
            V::Number(number, None) => rendered(*number),
            V::Boolean(truth) => if *truth { "1" } else { "0" }.to_owned(),
            V::Time(millis) => {
                let at = base::Timestamp::from_millis(*millis).to_datetime();
                at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
            }
        }
    }

    fn truth(&self) -> bool {
        self.number().is_some_and(|number| number != 0.0)
    }
}

fn rendered(number: f64) -> String {
    let text = format!("{:.4}", (number * 10_000.0).round() / 10_000.0);
    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if text == "-0" { "0".to_owned() } else { text }
}

fn computed(number: f64) -> Option<V> {
    number.is_finite().then_some(V::Number(number, None))
}

/// The order of `sort`, of present values.
fn order(left: &V, right: &V) -> Ordering {
    match (left.number(), right.number()) {
        (Some(a), Some(b)) => a.total_cmp(&b).then_with(|| match (left, right) {
            (V::Text(a), V::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }),
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (None, None) => {
            let (a, b) = (runs(&left.text()), runs(&right.text()));
            for (a, b) in a.iter().zip(&b) {
                let digits = |run: &String| run.starts_with(|c: char| c.is_ascii_digit());
                let by = if digits(a) && digits(b) { a.len().cmp(&b.len()).then(a.cmp(b)) } else { a.cmp(b) };
                if by.is_ne() {
                    return by;
                }
            }
            a.len().cmp(&b.len())
        }
    }
}

fn runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut digits = None;
    for c in text.chars() {
        if digits != Some(c.is_ascii_digit()) {
            runs.push(String::new());
            digits = Some(c.is_ascii_digit());
        }
        runs.last_mut().unwrap().push(c);
    }
    runs
}

fn optional_order(left: &Option<V>, right: &Option<V>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => order(left, right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

fn compare(op: BinaryOp, left: &V, right: &V) -> bool {
    let order = match (left.number(), right.number()) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap(),
        _ => left.text().cmp(&right.text()),
    };
    match op {
        BinaryOp::Equal => order.is_eq(),
        BinaryOp::NotEqual => order.is_ne(),
        BinaryOp::Less => order.is_lt(),
        BinaryOp::LessOrEqual => order.is_le(),
        BinaryOp::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn literal(value: &Value) -> V {
    match value {
        Value::String(text) => V::Text(text.clone()),
        Value::Number(number) => V::Number(*number, None),
        Value::Boolean(truth) => V::Boolean(*truth),
    }
}

fn eval(expr: &Expr, record: &Record) -> Option<V> {
    let truth = |expr: &Expr| eval(expr, record).is_some_and(|value| value.truth());
    match expr {
        Expr::Literal(value) => Some(literal(value)),
        Expr::Field(name) => record.get(name).cloned(),
        Expr::Not(inner) => Some(V::Boolean(!truth(inner))),
        Expr::Negate(inner) => computed(-eval(inner, record)?.number()?),
        Expr::Contains { text, needle } => {
            let found = eval(text, record).zip(eval(needle, record));
            Some(V::Boolean(found.is_some_and(|(text, needle)| text.text().contains(&needle.text()))))
        }
        Expr::Matches { text, pattern } => {
            let pattern = regex::Regex::new(pattern).unwrap();
            Some(V::Boolean(eval(text, record).is_some_and(|text| pattern.is_match(&text.text()))))
        }
        Expr::In { value, list, negated } => {
            let value = eval(value, record);
            let found = value.is_some_and(|value| {
                list.iter().any(|item| compare(BinaryOp::Equal, &value, &literal(item)))
            });
            Some(V::Boolean(found != *negated))
        }
        Expr::Binary { op: BinaryOp::And, left, right } => Some(V::Boolean(truth(left) && truth(right))),
        Expr::Binary { op: BinaryOp::Or, left, right } => Some(V::Boolean(truth(left) || truth(right))),
        Expr::Binary { op, left, right } => {
            let (left, right) = (eval(left, record), eval(right, record));
            let numbers = || Some((left.as_ref()?.number()?, right.as_ref()?.number()?));
            match op {
                BinaryOp::Add => numbers().and_then(|(a, b)| computed(a + b)),
                BinaryOp::Subtract => numbers().and_then(|(a, b)| computed(a - b)),
                BinaryOp::Multiply => numbers().and_then(|(a, b)| computed(a * b)),
                BinaryOp::Divide => numbers().and_then(|(a, b)| computed(a / b)),
                BinaryOp::Modulo => numbers().and_then(|(a, b)| computed(a % b)),
                BinaryOp::Power => numbers().and_then(|(a, b)| computed(a.powf(b))),
                op => {
                    Some(V::Boolean(left.zip(right).is_some_and(|(left, right)| compare(*op, &left, &right))))
                }
            }
        }
        Expr::Call { function, arguments } => {
            let argument = |index: usize| eval(&arguments[index], record);
            match function {
                Function::IsPresent => Some(V::Boolean(argument(0).is_some())),
                Function::Coalesce => arguments.iter().find_map(|argument| eval(argument, record)),
                Function::If => argument(if truth(&arguments[0]) { 1 } else { 2 }),
                Function::StringLength => computed(argument(0)?.text().chars().count() as f64),
                Function::ToUpper => Some(V::Text(argument(0)?.text().to_uppercase())),
                Function::Abs => computed(argument(0)?.number()?.abs()),
                Function::DateFloor { period, offset: None } => {
                    let width = i64::from(period.count) * 1000;
                    Some(V::Time((argument(0)?.number()? as i64).div_euclid(width) * width))
                }
                other => panic!("the reference does not know {other:?}"),
            }
        }
        Expr::Aggregate(_) => panic!("an aggregate over one record"),
        Expr::InQuery { .. } => panic!("the reference runs no queries inside queries"),
    }
}

fn aggregate(aggregate: &Aggregate, lines: &[&Line]) -> Option<V> {
    let values: Vec<V> = match aggregate.argument() {
        Some(argument) => lines.iter().filter_map(|line| eval(argument, &line.record)).collect(),
        None => return computed(lines.len() as f64),
    };
    let mut numbers: Vec<f64> = values.iter().filter_map(V::number).collect();
    let any = !numbers.is_empty();
    match aggregate {
        Aggregate::Count(_) => computed(values.len() as f64),
        Aggregate::CountDistinct(_) => {
            let distinct: std::collections::BTreeSet<String> = values.iter().map(V::text).collect();
            computed(distinct.len() as f64)
        }
        Aggregate::Sum(_) => any.then(|| V::Number(numbers.iter().sum(), None)),
        Aggregate::Average(_) => {
            any.then(|| V::Number(numbers.iter().sum::<f64>() / numbers.len() as f64, None))
        }
        Aggregate::Percentile(_, percent) => {
            numbers.sort_by(f64::total_cmp);
            let rank = (percent / 100.0 * numbers.len() as f64).ceil() as usize;
            any.then(|| V::Number(numbers[rank.max(1) - 1], None))
        }
        Aggregate::Minimum(_) | Aggregate::Maximum(_) => {
            let least = matches!(aggregate, Aggregate::Minimum(_));
            let found = if least {
                values.iter().min_by(|a, b| order(a, b))
            } else {
                values.iter().max_by(|a, b| order(a, b))
            };
            let found = found?;
            Some(found.number().map_or_else(|| found.clone(), |number| V::Number(number, None)))
        }
        other => panic!("the reference does not know {other:?}"),
    }
}

fn over(expr: &Expr, lines: &[&Line]) -> Option<V> {
    match expr {
        Expr::Aggregate(found) => aggregate(found, lines),
        Expr::Literal(value) => Some(literal(value)),
        Expr::Binary { op, left, right } => {
            let number = |expr: &Expr| Some(Expr::Literal(Value::Number(over(expr, lines)?.number()?)));
            let (left, right) = (Box::new(number(left)?), Box::new(number(right)?));
            eval(&Expr::Binary { op: *op, left, right }, &Record::new())
        }
        other => panic!("the reference does not know {other:?} over aggregates"),
    }
}

fn define(lines: &mut [Line], items: &[Named]) {
    for line in lines {
        let values: Vec<Option<V>> = items.iter().map(|item| eval(&item.expr, &line.record)).collect();
        for (item, value) in items.iter().zip(values) {
            put(&mut line.record, &item.name, value);
        }
    }
}

fn put(record: &mut Record, name: &str, value: Option<V>) {
    match value {
        Some(value) => drop(record.insert(name.to_owned(), value)),
        None => drop(record.remove(name)),
    }
}

/// The texts of the keys, the keys, and the lines of a group.
type Group<'l> = (Vec<Option<String>>, Vec<Option<V>>, Vec<&'l Line>);

fn stats(lines: Vec<Line>, by: &[Named], aggregates: &[Named]) -> Vec<Line> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for line in &lines {
        let values: Vec<Option<V>> = by.iter().map(|item| eval(&item.expr, &line.record)).collect();
        let key: Vec<Option<String>> = values.iter().map(|value| value.as_ref().map(V::text)).collect();
        match groups.iter_mut().find(|(known, ..)| *known == key) {
            Some((.., members)) => members.push(line),
            None => groups.push((key, values, vec![line])),
        }
    }
    if by.is_empty() && groups.is_empty() {
        groups.push((Vec::new(), Vec::new(), Vec::new()));
    }
    let mut results: Vec<(Vec<Option<V>>, Line)> = Vec::new();
    for (_, values, members) in groups {
        let mut record = Record::new();
        by.iter().zip(&values).for_each(|(item, value)| put(&mut record, &item.name, value.clone()));
        aggregates.iter().for_each(|item| put(&mut record, &item.name, over(&item.expr, &members)));
        let newest = members.iter().map(|line| line.newest).max().unwrap_or(0);
        results.push((values, Line { record, event: None, newest }));
    }
    results.sort_by(|(a, left), (b, right)| {
        let keys = || a.iter().zip(b).map(|(a, b)| optional_order(a, b)).find(|order| order.is_ne());
        right.newest.cmp(&left.newest).then_with(|| keys().unwrap_or(Ordering::Equal))
    });
    results.into_iter().map(|(_, line)| line).collect()
}

fn parse(lines: &mut [Line], extract: &Extract) {
    let (source, pattern, groups, fields) = match extract {
        Extract::Glob { source, literals, fields } => {
            let mut pattern = String::from("(?s)");
            for (index, text) in literals.iter().enumerate() {
                if index > 0 {
                    let ends = index + 1 == literals.len() && text.is_empty();
                    pattern.push_str(if ends { "(.*)$" } else { "(.*?)" });
                }
                pattern.push_str(&regex::escape(text));
            }
            (source, pattern, (1..=fields.len()).collect::<Vec<_>>(), fields)
        }
        Extract::Regex { source, pattern, groups, fields } => {
            (source, pattern.clone(), groups.clone(), fields)
        }
        Extract::Csv { .. } => panic!("the reference does not know csv"),
    };
    let pattern = regex::Regex::new(&pattern).unwrap();
    for line in lines {
        let text = eval(source, &line.record).map(|text| text.text());
        let captures = text.as_deref().and_then(|text| pattern.captures(text));
        for (field, group) in fields.iter().zip(&groups) {
            let value = captures.as_ref().and_then(|captures| captures.get(*group));
            put(&mut line.record, field, value.map(|value| V::Text(value.as_str().to_owned())));
        }
    }
}

/// One line per match; a line without one stays.
fn parse_all(lines: Vec<Line>, extract: &Extract) -> Vec<Line> {
    let Extract::Regex { source, pattern, groups, fields } = extract else {
        panic!("only regular expressions match several times")
    };
    let pattern = regex::Regex::new(pattern).unwrap();
    let mut all = Vec::new();
    for line in lines {
        let text = eval(source, &line.record).map(|text| text.text()).unwrap_or_default();
        let mut matches: Vec<Vec<Option<V>>> = Vec::new();
        for captures in pattern.captures_iter(&text) {
            let value = |group: &usize| captures.get(*group).map(|found| V::Text(found.as_str().to_owned()));
            matches.push(groups.iter().map(value).collect());
        }
        if matches.is_empty() {
            matches.push(vec![None; fields.len()]);
        }
        for values in matches {
            let mut record = line.record.clone();
            fields.iter().zip(values).for_each(|(field, value)| put(&mut record, field, value));
            all.push(Line { record, event: line.event.clone(), newest: line.newest });
        }
    }
    all
}

/// Steps over all rows in their order.
fn table(lines: &mut [Line], step: &TableStep) {
    match step {
        TableStep::RunningSum { value, into } => {
            let mut sum = None;
            for line in lines {
                if let Some(number) = eval(value, &line.record).and_then(|value| value.number()) {
                    sum = Some(sum.unwrap_or(0.0) + number);
                }
                put(&mut line.record, into, sum.and_then(computed));
            }
        }
        TableStep::Earlier { value, into } => {
            let values: Vec<Option<V>> = lines.iter().map(|line| eval(value, &line.record)).collect();
            for (row, line) in lines.iter_mut().enumerate() {
                for (rows, name) in into {
                    let earlier = row.checked_sub(*rows as usize).and_then(|row| values[row].clone());
                    put(&mut line.record, name, earlier);
                }
            }
        }
        TableStep::FillDown(fields) => {
            for field in fields {
                let mut last: Option<V> = None;
                for line in lines.iter_mut() {
                    last = line.record.get(field).cloned().or(last);
                    put(&mut line.record, field, last.clone());
                }
            }
        }
        other => panic!("the reference does not know {other}"),
    }
}

/// The rows of a pipeline, each as its columns' texts; and how many events passed the filters.
pub(crate) fn run(pipeline: &Pipeline, events: &[Event], groups: &[String]) -> Vec<Vec<(String, String)>> {
    let mut lines: Vec<Line> = events.iter().map(|event| line(event, groups)).collect();
    lines.sort_by_key(|line| {
        let event = line.event.as_ref().unwrap();
        std::cmp::Reverse((event.timestamp, event.sequence))
    });
    for stage in &pipeline.stages {
        match stage {
            Stage::Filter(condition) => {
                lines.retain(|line| eval(condition, &line.record).is_some_and(|value| value.truth()));
            }
            Stage::Extend(items) => define(&mut lines, items),
            Stage::ExtractAll(extract) => lines = parse_all(lines, extract),
            Stage::Table(step) => table(&mut lines, step),
            Stage::Extract(extract) => parse(&mut lines, extract),
            Stage::Aggregate { by, aggregates } => lines = stats(lines, by, aggregates),
            Stage::Sort(keys) => lines.sort_by(|a, b| {
                let by = keys.iter().map(|key| {
                    let order = optional_order(&eval(&key.expr, &a.record), &eval(&key.expr, &b.record));
                    if key.descending { order.reverse() } else { order }
                });
                by.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            }),
            Stage::Limit { count, .. } => lines.truncate(*count as usize),
            Stage::Dedup(keys) => {
                let mut seen = Vec::new();
                lines.retain(|line| {
                    let key: Option<Vec<String>> =
                        keys.iter().map(|key| eval(key, &line.record).map(|value| value.text())).collect();
                    match key {
                        Some(key) if seen.contains(&key) => false,
                        Some(key) => {
                            seen.push(key);
                            true
                        }
                        None => true,
                    }
                });
            }
            other => panic!("the reference does not know {other}"),
        }
    }
    let show = |line: &Line| {
        let columns = pipeline.output.iter();
        columns.filter_map(|name| Some((name.clone(), line.record.get(name)?.text()))).collect()
    };
    lines.iter().map(show).collect()
}

fn line(event: &Event, groups: &[String]) -> Line {
    let mut record: Record = event
        .fields
        .iter()
        .map(|(path, scalar)| {
            let value = match scalar.kind {
                FieldKind::Text => V::Text(scalar.text.clone()),
                FieldKind::Boolean => V::Boolean(scalar.text == "1"),
                _ => V::Number(scalar.text.parse().unwrap(), Some(scalar.text.clone())),
            };
            (path.clone(), value)
        })
        .collect();
    record.insert("@timestamp".into(), V::Time(event.timestamp));
    record.insert("@message".into(), V::Text(event.message.clone()));
    record.insert("@logStream".into(), V::Text(event.stream.clone()));
    record.insert("@log".into(), V::Text(groups[event.group as usize].clone()));
    Line { record, event: Some(event.clone()), newest: event.timestamp }
}
