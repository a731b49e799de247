//! Steps over all rows: what they need becomes columns, the rows so far a plan in the current order, and what
//! the step makes of them a table.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr as Plan, LogicalPlanBuilder, lit};
use lang::plan::{Expr, TableStep, Value};

use super::{GROUP, Kind, Lowered, Lowering, MESSAGE, SEQUENCE, TIMESTAMP, ascending, column, sorted};
use crate::functions::{Operation, apply, dates};
use crate::steps::{
    DerivedTable, Earlier, FillDown, FillMissing, Outlier, RunningSum, Sessions, Step, Totals,
};

impl Lowering<'_> {
    pub(super) fn table_step(&mut self, step: &TableStep) -> Result<()> {
        match step {
            TableStep::RunningSum { value, into } => {
                let value = self.value(value)?.float();
                let (input, output, position) = (self.fresh(), self.fresh(), self.fresh());
                self.add(vec![(input.clone(), value)])?;
                self.rows(&[&input], &position, |at| RunningSum {
                    column: at[0],
                    into: output.clone(),
                    position: position.clone(),
                })?;
                self.define_column(into, &output, Kind::Number);
                Ok(())
            }
            TableStep::Earlier { value, into } => self.earlier(value, into),
            TableStep::FillDown(fields) => {
                let columns = self.materialise(fields)?;
                let position = self.fresh();
                let names: Vec<&String> = columns.iter().collect();
                self.rows(&names, &position, |at| FillDown { columns: at, position: position.clone() })
            }
            TableStep::FillMissing { time, period, offset, keys, fills } => {
                let all: Vec<String> = self.fields.keys().cloned().collect();
                self.materialise(&all)?;
                let place = |name: &String| self.fields.get(name).and_then(Lowered::column_name);
                let mut names = vec![place(time)];
                names.extend(keys.iter().map(place));
                names.extend(fills.iter().map(|(_, name)| place(name)));
                let Some(names) = names.into_iter().collect::<Option<Vec<String>>>() else {
                    return plan_err!("a column of fillmissing is not there");
                };
                let fills: Vec<ScalarValue> =
                    fills.iter().map(|(value, name)| fill(value, self.fields[name].kind)).collect();
                let (position, range) = (self.fresh(), self.input.range);
                let (keys, period, offset) = (keys.len(), *period, *offset);
                let names: Vec<&String> = names.iter().collect();
                self.time = None;
                self.rows(&names, &position, |at| FillMissing {
                    time: at[0],
                    period,
                    offset,
                    keys: at[1..=keys].to_vec(),
                    fills: at[keys + 1..].iter().copied().zip(fills).collect(),
                    range: (range.start.as_millis(), range.end.saturating_sub_millis(1).as_millis()),
                    position: position.clone(),
                })
            }
            TableStep::Outlier { fields, removes, param, lower, marks } => {
                let columns = self.materialise_numbers(fields)?;
                let position = self.fresh();
                let marked: Vec<String> =
                    if *marks { fields.iter().map(|_| self.fresh()).collect() } else { Vec::new() };
                let names: Vec<&String> = columns.iter().collect();
                self.rows(&names, &position, |at| Outlier {
                    columns: at,
                    removes: *removes,
                    param: *param,
                    lower: *lower,
                    marks: marked.clone(),
                    position: position.clone(),
                })?;
                for (field, column) in fields.iter().zip(&marked) {
                    self.define_column(&format!("{field}_outlier"), column, Kind::Boolean);
                }
                Ok(())
            }
            TableStep::Sessionize { keys, gap, into } => self.sessions(keys, *gap, into),
            TableStep::Totals { fields, into, row, column } => self.totals(fields, into, *row, *column),
        }
    }

    fn earlier(&mut self, value: &Expr, into: &[(u32, String)]) -> Result<()> {
        let (value, kind) = self.value(value)?.shown();
        let (input, position) = (self.fresh(), self.fresh());
        self.add(vec![(input.clone(), value)])?;
        let outputs: Vec<(u32, String)> = into.iter().map(|(rows, _)| (*rows, self.fresh())).collect();
        self.rows(&[&input], &position, |at| Earlier {
            column: at[0],
            into: outputs.clone(),
            position: position.clone(),
        })?;
        for ((_, name), (_, column)) in into.iter().zip(&outputs) {
            self.define_column(name, column, kind);
        }
        Ok(())
    }

    fn sessions(&mut self, keys: &[Expr], gap: lang::plan::Period, into: &str) -> Result<()> {
        let mut names = Vec::with_capacity(keys.len() + 1);
        let mut computed = Vec::with_capacity(keys.len() + 1);
        for key in keys {
            let name = self.fresh();
            computed.push((name.clone(), self.value(key)?.text()));
            names.push(name);
        }
        let time = self.fresh();
        computed.push((time.clone(), self.field("@timestamp").time()));
        names.push(time);
        self.add(computed)?;
        let (output, position) = (self.fresh(), self.fresh());
        let count = keys.len();
        let names: Vec<&String> = names.iter().collect();
        self.rows(&names, &position, |at| Sessions {
            keys: at[..count].to_vec(),
            time: at[count],
            gap_millis: dates::fixed_millis(gap).unwrap_or(i64::MAX),
            into: output.clone(),
            position: position.clone(),
        })?;
        self.define_column(into, &output, Kind::Text);
        Ok(())
    }

    fn totals(&mut self, fields: &[String], into: &str, row: bool, column_sums: bool) -> Result<()> {
        let mut summands: Vec<String> = Vec::new();
        let mut computed = Vec::new();
        if fields.is_empty() {
            // All numbers of the record: those discovered in its message, and those that commands made.
            let mut made: Vec<String> = self.made.iter().cloned().collect();
            made.sort_unstable();
            if self.columns.iter().any(|name| name == MESSAGE) {
                let name = self.fresh();
                let sum = apply(Operation::SumOfNumbers(made.clone()), vec![column(MESSAGE)]);
                computed.push((name.clone(), sum));
                summands.push(name);
            } else {
                made = self.fields.keys().cloned().collect();
                made.sort_unstable();
            }
            for field in made {
                let lowered = self.field(&field);
                if matches!(lowered.kind, Kind::Number | Kind::Integer | Kind::Text) {
                    let name = self.fresh();
                    computed.push((name.clone(), lowered.float()));
                    summands.push(name);
                }
            }
        } else {
            for field in fields {
                let name = self.fresh();
                computed.push((name.clone(), self.field(field).float()));
                summands.push(name);
            }
        }
        self.add(computed)?;
        let mut shown: Vec<String> = Vec::new();
        if column_sums {
            let wanted: Vec<String> = if fields.is_empty() {
                let numeric = |lowered: &Lowered| matches!(lowered.kind, Kind::Number | Kind::Integer);
                let mut wanted: Vec<String> = self
                    .fields
                    .iter()
                    .filter(|(name, lowered)| numeric(lowered) && !name.starts_with('@'))
                    .map(|(name, _)| name.clone())
                    .collect();
                wanted.sort_unstable();
                wanted
            } else {
                fields.to_vec()
            };
            // The last row is no event: every field becomes a column that can be empty in it.
            let others: Vec<String> =
                self.fields.keys().filter(|name| !wanted.contains(*name)).cloned().collect();
            self.materialise(&others)?;
            shown = self.materialise_numbers(&wanted)?;
        }
        let (output, position) = (self.fresh(), self.fresh());
        let names: Vec<&String> = summands.iter().chain(&shown).collect();
        let count = summands.len();
        self.rows(&names, &position, |at| Totals {
            summands: at[..count].to_vec(),
            columns: at[count..].to_vec(),
            row: column_sums,
            into: output.clone(),
            position: position.clone(),
        })?;
        if row {
            self.define_column(into, &output, Kind::Number);
        }
        Ok(())
    }

    /// Gives fields columns of their own, as they are shown.
    fn materialise(&mut self, fields: &[String]) -> Result<Vec<String>> {
        let mut computed = Vec::with_capacity(fields.len());
        let mut names = Vec::with_capacity(fields.len());
        for field in fields {
            let (expr, kind) = self.field(field).shown();
            let name = self.fresh();
            computed.push((name.clone(), expr));
            self.define_column(field, &name, kind);
            names.push(name);
        }
        self.add(computed)?;
        Ok(names)
    }

    /// The same, as numbers.
    fn materialise_numbers(&mut self, fields: &[String]) -> Result<Vec<String>> {
        let mut computed = Vec::with_capacity(fields.len());
        let mut names = Vec::with_capacity(fields.len());
        for field in fields {
            let name = self.fresh();
            computed.push((name.clone(), self.field(field).float()));
            self.define_column(field, &name, Kind::Number);
            names.push(name);
        }
        self.add(computed)?;
        Ok(names)
    }

    pub(super) fn define_column(&mut self, field: &str, name: &str, kind: Kind) {
        self.made.insert(field.to_owned());
        self.fields.insert(field.to_owned(), Lowered::new(column(name), kind));
    }

    /// The plan in its order as input of a step, which adds the position of each row. The step is told where
    /// the named columns stand.
    pub(super) fn rows<S: Step>(
        &mut self,
        needed: &[&String],
        position: &str,
        step: impl FnOnce(Vec<usize>) -> S,
    ) -> Result<()> {
        self.keep_needed(needed.iter().map(|name| (*name).clone()))?;
        let at = needed.iter().map(|name| self.columns.iter().position(|known| known == *name));
        let Some(at) = at.collect::<Option<Vec<usize>>>() else {
            return plan_err!("a column of a step is not there");
        };
        let order = std::mem::take(&mut self.order);
        if !order.is_empty() {
            self.apply(|plan| sorted(plan, order, None))?;
        }
        self.derive(step(at))?;
        self.order = vec![ascending(column(position))];
        Ok(())
    }

    /// Replaces the plan by what a step makes of it.
    pub(super) fn derive(&mut self, step: impl Step) -> Result<()> {
        let fed = Arc::clone(&self.fed);
        let mut columns = Vec::new();
        self.apply(|plan| {
            let table = DerivedTable::new(plan.build()?, step, fed);
            let schema = datafusion::catalog::TableProvider::schema(&table);
            columns = schema.fields().iter().map(|field| field.name().clone()).collect();
            LogicalPlanBuilder::scan("rows", provider_as_source(Arc::new(table)), None)
        })?;
        self.columns = columns;
        Ok(())
    }

    /// Drops columns that nothing later in the pipeline can name.
    pub(super) fn keep_needed(&mut self, needed: impl IntoIterator<Item = String>) -> Result<()> {
        let mut kept: HashSet<String> = needed.into_iter().collect();
        kept.extend([GROUP, TIMESTAMP, SEQUENCE].map(str::to_owned));
        let mut refer =
            |expr: &Plan| kept.extend(expr.column_refs().into_iter().map(|column| column.name.clone()));
        for (name, lowered) in &self.fields {
            if self.wanted.contains(name) || self.wanted.iter().any(|wanted| super::leads_into(name, wanted))
            {
                lowered.plans().for_each(&mut refer);
            }
        }
        self.order.iter().for_each(|sort| refer(&sort.expr));
        self.time.iter().for_each(&mut refer);
        if self.wants_message {
            kept.insert(MESSAGE.to_owned());
        }
        let columns: Vec<String> = self.columns.iter().filter(|name| kept.contains(*name)).cloned().collect();
        let fields = columns.iter().map(|name| column(name)).collect::<Vec<_>>();
        let fields = if fields.is_empty() { vec![lit(1i64).alias("nothing")] } else { fields };
        self.apply(|plan| plan.project(fields))?;
        self.columns = if columns.is_empty() { vec!["nothing".to_owned()] } else { columns };
        Ok(())
    }
}

/// A value for an added row, in the kind of its column.
fn fill(value: &Value, kind: Kind) -> ScalarValue {
    let number = match value {
        Value::Number(number) => Some(*number),
        Value::Boolean(truth) => Some(f64::from(u8::from(*truth))),
        Value::String(text) => crate::functions::value::parse_number(text),
    };
    match kind {
        Kind::Integer => ScalarValue::Int64(number.map(|number| number as i64)),
        Kind::Number => ScalarValue::Float64(number),
        Kind::Boolean => ScalarValue::Boolean(number.map(|number| number != 0.0)),
        Kind::Time => ScalarValue::TimestampMillisecond(number.map(|number| number as i64), None),
        Kind::Text | Kind::Structure => ScalarValue::Utf8View(Some(match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => crate::functions::value::render_number(*number).unwrap_or_default(),
            Value::Boolean(truth) => crate::functions::value::render_boolean(*truth).to_owned(),
        })),
    }
}
