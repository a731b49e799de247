//! Expressions: every value has a kind that is known when the query is planned, and coerces as Insights'
//! values do.
//!
//! A text may hold a number in one row and not in the next, so whatever meets a text decides row by row;
//! where both sides are known to be numbers, or one is a literal that is none, the engine's own comparison
//! does.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DataFusionError, Result, ScalarValue, plan_datafusion_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Case, Expr as Plan, Operator, binary_expr, cast, lit, not, try_cast};
use lang::plan::{Aggregate, BinaryOp, Expr, Function, Value};
use store::tables::logs::FieldKind;

use super::{Lowering, MESSAGE, column};
use crate::functions::evaluate::{Wanted, signature};
use crate::functions::value::{parse_number, render_boolean, render_number};
use crate::functions::{Among, Operation, Pattern, TIME, Within, apply};

/// What a value is in every row that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `Utf8View`.
    Text,
    /// `Int64`.
    Integer,
    /// `Float64`.
    Number,
    Boolean,
    /// Milliseconds.
    Time,
    /// A map or list: `Utf8View` of compact JSON text.
    Structure,
}

impl Kind {
    pub(super) fn of(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Integer => Self::Integer,
            FieldKind::Float => Self::Number,
            FieldKind::Boolean => Self::Boolean,
            FieldKind::Text => Self::Text,
        }
    }
}

/// Largest integer up to which doubles are exact.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Longer lists than this are looked up in a set.
const LIST_MAX: usize = 64;

/// An expression of the plan and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Lowered {
    pub(super) expr: Plan,
    pub(super) kind: Kind,
    /// The text by which a discovered number is shown.
    text: Option<Plan>,
    literal: Option<Value>,
    missing: bool,
    /// The map or list that the value is where it is no scalar.
    structure: Option<Plan>,
}

impl Lowered {
    pub(super) fn new(expr: Plan, kind: Kind) -> Self {
        Self { expr, kind, text: None, literal: None, missing: false, structure: None }
    }

    pub(super) fn missing() -> Self {
        Self { missing: true, ..Self::new(no_text(), Kind::Text) }
    }

    /// A scalar that in some rows is this map or list instead.
    pub(super) fn or_structure(self, structure: Plan) -> Self {
        Self { structure: Some(structure), ..self }
    }

    pub(super) fn inner_structure(&self) -> Option<Plan> {
        self.structure.clone()
    }

    /// As a map or list, missing where it is a scalar.
    pub(super) fn structure(self) -> Plan {
        match (self.kind, self.structure) {
            (_, Some(structure)) => structure,
            (Kind::Structure, None) => self.expr,
            _ => no_text(),
        }
    }

    /// Whether it is there, as a scalar or a structure.
    fn present(self) -> Plan {
        let present = self.expr.is_not_null();
        match self.structure {
            Some(structure) => present.or(structure.is_not_null()),
            None => present,
        }
    }

    /// All expressions it is made of.
    pub(super) fn plans(&self) -> impl Iterator<Item = &Plan> {
        [Some(&self.expr), self.text.as_ref(), self.structure.as_ref()].into_iter().flatten()
    }

    pub(super) fn integer(value: i64) -> Self {
        Self::new(lit(value), Kind::Integer)
    }

    pub(super) fn group_name(group: Plan, names: &[Arc<str>]) -> Self {
        Self::new(apply(Operation::GroupName(names.to_vec()), vec![group]), Kind::Text)
    }

    fn literal(value: &Value) -> Self {
        let lowered = match value {
            Value::String(text) => Self::new(text_literal(text), Kind::Text),
            Value::Number(number) if number.fract() == 0.0 && number.abs() <= EXACT_MAX => {
                Self::integer(*number as i64)
            }
            Value::Number(number) => Self::new(lit(*number), Kind::Number),
            Value::Boolean(truth) => Self::new(lit(*truth), Kind::Boolean),
        };
        Self { literal: Some(value.clone()), ..lowered }
    }

    pub(super) fn shown_as(self, text: Plan) -> Self {
        Self { text: Some(text), ..self }
    }

    /// A time as epoch milliseconds.
    pub(super) fn into_integer(self) -> Self {
        match self.kind {
            Kind::Time => Self::new(cast(self.expr, DataType::Int64), Kind::Integer),
            _ => self,
        }
    }

    /// The column this is, if it is one.
    pub(super) fn column_name(&self) -> Option<String> {
        match &self.expr {
            Plan::Column(Column { name, .. }) => Some(name.clone()),
            _ => None,
        }
    }

    /// As a column of the result.
    pub(super) fn shown(self) -> (Plan, Kind) {
        match (self.text, self.structure) {
            (Some(text), _) => (text, Kind::Text),
            // Either is text already, and what is shown is no longer looked into.
            (None, Some(structure)) => (coalesce(vec![self.expr, structure]), Kind::Text),
            (None, None) => (self.expr, self.kind),
        }
    }

    /// As what tells groups apart: a number by its text where that was kept.
    pub(super) fn group_key(self) -> Self {
        let (expr, kind) = self.shown();
        Self::new(expr, kind)
    }

    /// As what the engine sorts by in Insights' order.
    pub(super) fn sort_key(&self) -> Plan {
        match self.kind {
            Kind::Text => apply(Operation::SortKey, vec![self.expr.clone()]),
            _ => self.expr.clone(),
        }
    }

    /// In string context.
    pub(super) fn text(self) -> Plan {
        match (&self.literal, self.text, self.kind) {
            (_, Some(text), _) => text,
            (_, None, Kind::Text) => self.expr,
            // AWS: maps and lists are missing in string context (CWL_QuerySyntax-operations-functions).
            (_, None, Kind::Structure) => no_text(),
            (Some(Value::Number(number)), ..) => text_literal(&render_number(*number).unwrap_or_default()),
            (Some(Value::Boolean(truth)), ..) => text_literal(render_boolean(*truth)),
            _ => apply(Operation::ToText, vec![self.expr]),
        }
    }

    /// Whether every present value is a number, and if so whether it is an integer.
    fn certain_number(&self) -> Option<bool> {
        match (&self.literal, self.kind) {
            (Some(Value::String(text)), _) => parse_number(text).map(|_| false),
            (_, Kind::Text | Kind::Structure) => None,
            (_, Kind::Number) => Some(false),
            _ => Some(true),
        }
    }

    /// In numeric context, as `Float64`.
    pub(super) fn float(self) -> Plan {
        match (&self.literal, self.kind) {
            (Some(Value::Number(number)), _) => lit(*number),
            (Some(Value::String(text)), _) => Plan::Literal(ScalarValue::Float64(parse_number(text)), None),
            (_, Kind::Text) => apply(Operation::ToNumber, vec![self.expr]),
            (_, Kind::Structure) => Plan::Literal(ScalarValue::Float64(None), None),
            (_, Kind::Number) => self.expr,
            // Times and truths have no direct way to `Float64`.
            (_, Kind::Time | Kind::Boolean) => cast(cast(self.expr, DataType::Int64), DataType::Float64),
            (_, Kind::Integer) => cast(self.expr, DataType::Float64),
        }
    }

    /// A certain integer as `Int64`.
    fn int(self) -> Plan {
        match self.kind {
            Kind::Integer => self.expr,
            _ => cast(self.expr, DataType::Int64),
        }
    }

    /// As a time; a number is epoch milliseconds.
    pub(super) fn time(self) -> Plan {
        match self.kind {
            Kind::Time => self.expr,
            Kind::Integer => cast(self.expr, TIME),
            _ => cast(try_cast(self.float(), DataType::Int64), TIME),
        }
    }

    /// In boolean context; missing may stay missing.
    fn truth(self) -> Plan {
        match self.kind {
            Kind::Boolean => self.expr,
            Kind::Integer => self.expr.not_eq(lit(0i64)),
            _ => self.float().not_eq(lit(0.0)),
        }
    }

    fn wanted(self, wanted: Wanted) -> Plan {
        match wanted {
            Wanted::Text => self.text(),
            Wanted::Number => self.float(),
            Wanted::Boolean => self.truth(),
            Wanted::Structure => self.structure(),
        }
    }
}

fn no_text() -> Plan {
    Plan::Literal(ScalarValue::Utf8View(None), None)
}

fn text_literal(text: &str) -> Plan {
    Plan::Literal(ScalarValue::Utf8View(Some(text.to_owned())), None)
}

/// Aggregates that are already columns.
type Results<'r> = &'r [(&'r Aggregate, Lowered)];

impl Lowering<'_> {
    pub(super) fn field(&self, name: &str) -> Lowered {
        match self.fields.get(name) {
            // A path into what a command made is not the event's field of that name.
            Some(found) if self.made.contains(name) => found.clone(),
            Some(found) => self.member(name).unwrap_or_else(|| found.clone()),
            None => self.member(name).unwrap_or_else(Lowered::missing),
        }
    }

    /// A member of the map or list whose name is the longest that leads to the path.
    fn member(&self, path: &str) -> Option<Lowered> {
        let mut ends: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
        ends.reverse();
        for end in ends {
            let Some(whole) = self.fields.get(&path[..end]) else { continue };
            if whole.kind == Kind::Structure || whole.structure.is_some() {
                let structure = whole.clone().structure();
                return Some(member(structure, &path[end + 1..], Within::Structure));
            }
        }
        None
    }

    /// A value as a list: a field of an event also where it is no scalar in the message.
    pub(super) fn list(&self, expr: &Expr) -> Result<Lowered> {
        let value = self.value(expr)?;
        match expr {
            Expr::Field(name)
                if !self.made.contains(name)
                    && value.structure.is_none()
                    && value.kind != Kind::Structure
                    && !name.starts_with("@m")
                    && self.columns.iter().any(|column| column == MESSAGE) =>
            {
                let within = Within::Message { embedded: self.embedded };
                let found = member(column(MESSAGE), name, within);
                let text = value.text();
                Ok(Lowered::new(text, Kind::Text).or_structure(found.structure()))
            }
            _ => Ok(value),
        }
    }

    pub(super) fn value(&self, expr: &Expr) -> Result<Lowered> {
        self.value_over(expr, &[])
    }

    pub(super) fn condition(&self, expr: &Expr) -> Result<Plan> {
        self.condition_over(expr, &[])
    }

    /// An expression whose aggregates are these columns.
    pub(super) fn value_over(&self, expr: &Expr, results: Results<'_>) -> Result<Lowered> {
        Ok(match expr {
            Expr::Literal(value) => Lowered::literal(value),
            Expr::Field(name) => self.field(name),
            Expr::Negate(inner) => {
                Lowered::new(Plan::Negative(Box::new(self.value_over(inner, results)?.float())), Kind::Number)
            }
            Expr::Binary { op, left, right } => match arithmetic(*op) {
                Some(operator) => {
                    let left = self.value_over(left, results)?.float();
                    let right = self.value_over(right, results)?.float();
                    let number = match operator {
                        Some(operator) => binary_expr(left, operator, right),
                        None => apply(Operation::Power, vec![left, right]),
                    };
                    Lowered::new(apply(Operation::Finite, vec![number]), Kind::Number)
                }
                None => self.truth_value(expr, results)?,
            },
            Expr::Call { function, arguments } => self.call(function, arguments, results)?,
            Expr::Aggregate(aggregate) => match results.iter().find(|(known, _)| *known == aggregate) {
                Some((_, result)) => result.clone(),
                None => return Err(plan_datafusion_err!("an aggregate stands outside of stats")),
            },
            Expr::Not(_) | Expr::Contains { .. } | Expr::Matches { .. } | Expr::In { .. } => {
                self.truth_value(expr, results)?
            }
            Expr::InQuery { .. } => return Err(plan_datafusion_err!("a query inside the query was not run")),
        })
    }

    /// A condition as a value: false where it is neither true nor false.
    fn truth_value(&self, expr: &Expr, results: Results<'_>) -> Result<Lowered> {
        Ok(Lowered::new(self.condition_over(expr, results)?.is_true(), Kind::Boolean))
    }

    /// A condition; what is missing counts as false, also under `not`.
    fn condition_over(&self, expr: &Expr, results: Results<'_>) -> Result<Plan> {
        Ok(match expr {
            Expr::Not(inner) => not(self.condition_over(inner, results)?.is_true()),
            Expr::Binary { op: BinaryOp::And, left, right } => {
                self.condition_over(left, results)?.and(self.condition_over(right, results)?)
            }
            Expr::Binary { op: BinaryOp::Or, left, right } => {
                self.condition_over(left, results)?.or(self.condition_over(right, results)?)
            }
            Expr::Binary { op, left, right } if arithmetic(*op).is_none() => {
                compare(*op, self.value_over(left, results)?, self.value_over(right, results)?)
            }
            Expr::Contains { text, needle } => {
                let text = self.value_over(text, results)?.text();
                match self.value_over(needle, results)?.text() {
                    Plan::Literal(ScalarValue::Utf8View(Some(needle)), _) => {
                        apply(Operation::Contains(needle), vec![text])
                    }
                    needle => apply(Operation::ContainsText, vec![text, needle]),
                }
            }
            Expr::Matches { text, pattern } => {
                let pattern = Pattern::new(pattern).map_err(DataFusionError::Plan)?;
                apply(Operation::Matches(pattern), vec![self.value_over(text, results)?.text()])
            }
            Expr::In { value, list, negated } => {
                let found = one_of(self.value_over(value, results)?, list);
                if *negated { not(found.is_true()) } else { found }
            }
            _ => self.value_over(expr, results)?.truth(),
        })
    }

    fn call(&self, function: &Function, arguments: &[Expr], results: Results<'_>) -> Result<Lowered> {
        let values = arguments.iter().enumerate().map(|(index, argument)| match signature(function, index) {
            Some((Wanted::Structure, _)) => self.list(argument),
            _ => self.value_over(argument, results),
        });
        let mut values = values.collect::<Result<Vec<_>>>()?;
        let input = self.input;
        if let Some((_, returned)) = signature(function, 0) {
            let pattern = match function {
                Function::RegexReplace(pattern) => {
                    Some(Pattern::new(pattern).map_err(DataFusionError::Plan)?)
                }
                _ => None,
            };
            let wanted = values.into_iter().enumerate().filter_map(|(index, value)| {
                signature(function, index).map(|(wanted, _)| value.wanted(wanted))
            });
            let expr = apply(Operation::Row(function.clone(), pattern), wanted.collect());
            return Ok(Lowered::new(expr, returned.into()));
        }
        let millis = |at: base::Timestamp| Lowered::integer(at.as_millis());
        Ok(match function {
            Function::Now => Lowered::integer(input.now.as_secs()),
            Function::QueryStartTime => millis(input.range.start),
            Function::QueryEndTime => millis(input.range.end.saturating_sub_millis(1)),
            Function::QueryTimeRange => Lowered::integer(input.range.end.millis_since(input.range.start) - 1),
            Function::Coalesce => {
                let (values, kind) = unify(values);
                Lowered::new(coalesce(values), kind)
            }
            Function::If | Function::Case => cases(values),
            _ => {
                let Some(value) = values.pop() else {
                    return Err(plan_datafusion_err!("{function:?} without argument"));
                };
                match function {
                    Function::IsPresent => Lowered::new(value.present(), Kind::Boolean),
                    Function::JsonMember(path) => member(value.text(), path, Within::Text),
                    Function::Unmasked => value,
                    Function::DateFloor { period, offset } => Lowered::new(
                        apply(Operation::DateFloor(*period, *offset), vec![value.time()]),
                        Kind::Time,
                    ),
                    Function::DateCeil(period) => {
                        Lowered::new(apply(Operation::DateCeil(*period), vec![value.time()]), Kind::Time)
                    }
                    Function::ToMillis if value.kind == Kind::Time => value.into_integer(),
                    Function::ToMillis => Lowered::new(value.float(), Kind::Number),
                    _ => return Err(plan_datafusion_err!("{function:?} has no lowering")),
                }
            }
        })
    }
}

impl From<crate::functions::evaluate::Returned> for Kind {
    fn from(returned: crate::functions::evaluate::Returned) -> Self {
        use crate::functions::evaluate::Returned;
        match returned {
            Returned::Text => Self::Text,
            Returned::Number => Self::Number,
            Returned::Boolean => Self::Boolean,
            Returned::Time => Self::Time,
            Returned::Structure => Self::Structure,
        }
    }
}

/// The value at a path: text where it is a scalar, else a structure.
fn member(whole: Plan, path: &str, within: Within) -> Lowered {
    let take = |structure| {
        let operation = Operation::Member { path: path.to_owned(), within: within.clone(), structure };
        apply(operation, vec![whole.clone()])
    };
    Lowered::new(take(false), Kind::Text).or_structure(take(true))
}

/// `Some` for arithmetic; within, the engine's operator if it has one.
fn arithmetic(op: BinaryOp) -> Option<Option<Operator>> {
    match op {
        BinaryOp::Add => Some(Some(Operator::Plus)),
        BinaryOp::Subtract => Some(Some(Operator::Minus)),
        BinaryOp::Multiply => Some(Some(Operator::Multiply)),
        BinaryOp::Divide => Some(Some(Operator::Divide)),
        BinaryOp::Modulo => Some(Some(Operator::Modulo)),
        BinaryOp::Power => Some(None),
        _ => None,
    }
}

fn compare(op: BinaryOp, left: Lowered, right: Lowered) -> Plan {
    let operator = match op {
        BinaryOp::NotEqual => Operator::NotEq,
        BinaryOp::Less => Operator::Lt,
        BinaryOp::LessOrEqual => Operator::LtEq,
        BinaryOp::Greater => Operator::Gt,
        BinaryOp::GreaterOrEqual => Operator::GtEq,
        _ => Operator::Eq,
    };
    // A map or list is neither equal to anything, nor less, nor greater.
    if left.kind == Kind::Structure || right.kind == Kind::Structure {
        return Plan::Literal(ScalarValue::Boolean(None), None);
    }
    let never_number =
        |side: &Lowered| matches!(&side.literal, Some(Value::String(text)) if parse_number(text).is_none());
    match (left.certain_number(), right.certain_number()) {
        (Some(true), Some(true)) => binary_expr(left.int(), operator, right.int()),
        (Some(_), Some(_)) => binary_expr(left.float(), operator, right.float()),
        // With a side that is no number both are texts; the engine orders them by code point too.
        _ if never_number(&left) || never_number(&right) => binary_expr(left.text(), operator, right.text()),
        // A text that is no number equals no number.
        (Some(_), None) | (None, Some(_)) if op == BinaryOp::Equal => left.float().eq(right.float()),
        _ => apply(Operation::Compare(op), vec![left.expr, right.expr]),
    }
}

/// `in`: equal to any of the list by the rule of `=`.
fn one_of(value: Lowered, list: &[Value]) -> Plan {
    if value.kind == Kind::Structure {
        return lit(false);
    }
    if list.len() > LIST_MAX {
        let texts = list.iter().map(|item| match item {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Boolean(truth) => render_boolean(*truth).to_owned(),
        });
        return apply(Operation::Among(Among::new(texts)), vec![value.expr]);
    }
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for item in list {
        match item {
            Value::Number(number) => numbers.push(*number),
            Value::Boolean(truth) => numbers.push(f64::from(u8::from(*truth))),
            Value::String(text) => match parse_number(text) {
                Some(number) => numbers.push(number),
                None => texts.push(text_literal(text)),
            },
        }
    }
    let certain = value.certain_number();
    let number = (!numbers.is_empty()).then(|| {
        let integral = numbers.iter().all(|number| number.fract() == 0.0 && number.abs() <= EXACT_MAX);
        if certain == Some(true) && integral {
            let numbers = numbers.iter().map(|number| lit(*number as i64)).collect();
            return value.clone().int().in_list(numbers, false);
        }
        value.clone().float().in_list(numbers.iter().map(|number| lit(*number)).collect(), false)
    });
    // The text of a number is never one of the texts that are no numbers.
    let text = (!texts.is_empty() && certain.is_none()).then(|| value.text().in_list(texts, false));
    match (number, text) {
        (Some(number), Some(text)) => number.is_true().or(text),
        (Some(found), None) | (None, Some(found)) => found,
        (None, None) => lit(false),
    }
}

/// The values in one kind: their own if they share it, numbers together, else texts.
fn unify(values: Vec<Lowered>) -> (Vec<Plan>, Kind) {
    let mut kinds = values.iter().filter(|value| !value.missing).map(|value| value.kind);
    let first = kinds.next().unwrap_or(Kind::Text);
    let kind = kinds.fold(first, |all, kind| match (all, kind) {
        (all, kind) if all == kind => all,
        (Kind::Integer | Kind::Number, Kind::Integer | Kind::Number) => Kind::Number,
        _ => Kind::Text,
    });
    let value = |value: Lowered| match kind {
        _ if value.missing => Plan::Literal(null(kind), None),
        Kind::Text => value.text(),
        Kind::Number => value.float(),
        _ => value.expr,
    };
    (values.into_iter().map(value).collect(), kind)
}

fn null(kind: Kind) -> ScalarValue {
    match kind {
        Kind::Text | Kind::Structure => ScalarValue::Utf8View(None),
        Kind::Integer => ScalarValue::Int64(None),
        Kind::Number => ScalarValue::Float64(None),
        Kind::Boolean => ScalarValue::Boolean(None),
        Kind::Time => ScalarValue::TimestampMillisecond(None, None),
    }
}

/// `if` and `case`: pairs of condition and value, then perhaps a default.
fn cases(arguments: Vec<Lowered>) -> Lowered {
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    let mut rest = arguments.into_iter();
    let mut has_default = false;
    while let Some(first) = rest.next() {
        match rest.next() {
            Some(value) => {
                conditions.push(first.truth());
                values.push(value);
            }
            None => {
                values.push(first);
                has_default = true;
            }
        }
    }
    let (mut values, kind) = unify(values);
    let otherwise = if has_default { values.pop().map(Box::new) } else { None };
    let branches = conditions.into_iter().map(Box::new).zip(values.into_iter().map(Box::new)).collect();
    Lowered::new(Plan::Case(Case::new(None, branches, otherwise)), kind)
}
