//! `stats`: groups in the order of their newest event, ties by the keys.

use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{
    avg, count, count_distinct, max, min, stddev_pop, sum, var_pop,
};
use datafusion::logical_expr::{Expr as Plan, lit};
use lang::plan::{Aggregate, Expr, Named};

use super::{Kind, Lowered, Lowering, SEQUENCE, ascending, column, descending};
use crate::functions::{Operation, apply, dates, percentile, tally};

impl Lowering<'_> {
    pub(super) fn aggregate(&mut self, by: &[Named], aggregates: &[Named]) -> Result<()> {
        let mut groups = Vec::with_capacity(by.len());
        let mut keys = Vec::with_capacity(by.len());
        for item in by {
            let key = self.value(&item.expr)?.group_key();
            let name = self.fresh();
            groups.push(key.expr.alias(&name));
            keys.push((item.name.clone(), Lowered::new(column(&name), key.kind)));
        }
        let mut found: Vec<&Aggregate> = Vec::new();
        aggregates.iter().for_each(|item| collect(&item.expr, &mut found));
        let mut computed = Vec::with_capacity(found.len() + 1);
        let mut results = Vec::with_capacity(found.len());
        for aggregate in found {
            let (exprs, result) = self.aggregated(aggregate)?;
            computed.extend(exprs);
            results.push((aggregate, result));
        }
        let time = match &self.time {
            Some(time) if !by.is_empty() => {
                let time = time.clone();
                let name = self.fresh();
                computed.push(max(time).alias(&name));
                Some(column(&name))
            }
            _ => None,
        };
        self.apply(|plan| plan.aggregate(groups, computed.clone()))?;

        // Without an aggregate there still is the time of the group, or nothing but the keys.
        let mut columns: Vec<String> = Vec::new();
        for lowered in keys.iter().map(|(_, key)| key) {
            columns.extend(lowered.column_name());
        }
        columns.extend(computed.iter().map(|expr| expr.schema_name().to_string()));
        self.columns = columns;
        self.order = time.iter().cloned().map(descending).collect();
        self.order.extend(keys.iter().map(|(_, key)| ascending(key.sort_key())));
        self.time = time;
        self.made = keys.iter().map(|(name, _)| name.clone()).collect();
        self.fields = keys.into_iter().collect();
        self.results(aggregates, &results)
    }

    /// The items, in which each aggregate is now a column.
    fn results(&mut self, items: &[Named], results: &[(&Aggregate, Lowered)]) -> Result<()> {
        let mut computed = Vec::new();
        let mut defined = Vec::with_capacity(items.len());
        for item in items {
            if let Expr::Aggregate(aggregate) = &item.expr
                && let Some((_, result)) = results.iter().find(|(known, _)| *known == aggregate)
            {
                defined.push((item.name.clone(), result.clone()));
                continue;
            }
            let lowered = self.value_over(&item.expr, results)?;
            let name = self.fresh();
            defined.push((item.name.clone(), Lowered::new(column(&name), lowered.kind)));
            computed.push((name, lowered.expr));
        }
        self.add(computed)?;
        self.made.extend(defined.iter().map(|(name, _)| name.clone()));
        self.fields.extend(defined);
        Ok(())
    }

    /// An aggregate as expressions of the plan, and what its column means.
    fn aggregated(&mut self, aggregate: &Aggregate) -> Result<(Vec<Plan>, Lowered)> {
        let name = self.fresh();
        let argument = match aggregate.argument() {
            Some(argument) => self.value(argument)?,
            None => Lowered::integer(1),
        };
        let result = |kind| Lowered::new(column(&name), kind);
        let (expr, lowered) = match aggregate {
            Aggregate::Count(None) => (count(lit(1i64)), result(Kind::Integer)),
            Aggregate::Count(Some(_)) => (count(argument.expr), result(Kind::Integer)),
            Aggregate::CountDistinct(_) => (count_distinct(argument.group_key().expr), result(Kind::Integer)),
            Aggregate::Sum(_) => (sum(argument.float()), result(Kind::Number)),
            Aggregate::Average(_) => (avg(argument.float()), result(Kind::Number)),
            Aggregate::StandardDeviation(_) => (stddev_pop(argument.float()), result(Kind::Number)),
            Aggregate::Variance(_) => (var_pop(argument.float()), result(Kind::Number)),
            Aggregate::Percentile(_, percent) => {
                (percentile(argument.float(), *percent), result(Kind::Number))
            }
            Aggregate::Minimum(_) => extreme(min, argument, column(&name)),
            Aggregate::Maximum(_) => extreme(max, argument, column(&name)),
            Aggregate::Earliest(_) => self.at_end(argument, &name, min),
            Aggregate::Latest(_) => self.at_end(argument, &name, max),
            Aggregate::SortsFirst(_) => sorted_end(min, argument, column(&name)),
            Aggregate::SortsLast(_) => sorted_end(max, argument, column(&name)),
            Aggregate::Values(_) => (tally(self.timed_key(argument.text()), None), result(Kind::Structure)),
            Aggregate::TopK(count, _) => {
                (tally(self.timed_key(argument.text()), Some(*count)), result(Kind::Structure))
            }
            Aggregate::Rate(_, period) => {
                // What is no number has no key.
                let number = apply(Operation::ToText, vec![argument.float()]);
                let key = self.timed_key(number);
                let last = self.fresh();
                let millis = dates::fixed_millis(*period).unwrap_or(1);
                let rate = apply(Operation::Rate(millis), vec![column(&name), column(&last)]);
                let ends = vec![min(key.clone()).alias(&name), max(key).alias(&last)];
                return Ok((ends, Lowered::new(rate, Kind::Number)));
            }
        };
        Ok((vec![expr.alias(&name)], lowered))
    }

    /// The value at one end of time: that of the least or greatest key of time, acceptance and text.
    fn at_end(&self, argument: Lowered, name: &str, pick: fn(Plan) -> Plan) -> (Plan, Lowered) {
        // AWS: a time becomes a plain number (observed).
        let key = self.timed_key(argument.into_integer().text());
        (pick(key), Lowered::new(apply(Operation::TimedKeyText, vec![column(name)]), Kind::Text))
    }

    /// A text with the time and acceptance of its event before it.
    fn timed_key(&self, value: Plan) -> Plan {
        let time = self
            .time
            .clone()
            .unwrap_or_else(|| Plan::Literal(ScalarValue::TimestampMillisecond(Some(0), None), None));
        let sequence = match self.columns.iter().any(|column| column == SEQUENCE) {
            true => column(SEQUENCE),
            false => lit(0u64),
        };
        apply(Operation::TimedKey, vec![value, time, sequence])
    }
}

/// First or last in `sort` order, as it is.
fn sorted_end(pick: fn(Plan) -> Plan, argument: Lowered, name: Plan) -> (Plan, Lowered) {
    let key = apply(Operation::SortKey, vec![argument.text()]);
    (pick(key), Lowered::new(apply(Operation::SortKeySource, vec![name]), Kind::Text))
}

/// Smallest or greatest: of numbers by value, of texts in `sort` order; of times as a number.
fn extreme(pick: fn(Plan) -> Plan, argument: Lowered, name: Plan) -> (Plan, Lowered) {
    match argument.kind {
        Kind::Text => {
            let text = apply(Operation::SortKeyText, vec![name]);
            (pick(argument.sort_key()), Lowered::new(text, Kind::Text))
        }
        Kind::Time => (pick(argument.expr), Lowered::new(name, Kind::Time).into_integer()),
        Kind::Boolean => (pick(argument.float()), Lowered::new(name, Kind::Number)),
        kind => (pick(argument.expr), Lowered::new(name, kind)),
    }
}

/// The distinct aggregates of an expression.
fn collect<'e>(expr: &'e Expr, found: &mut Vec<&'e Aggregate>) {
    if let Expr::Aggregate(aggregate) = expr {
        if !found.contains(&aggregate) {
            found.push(aggregate);
        }
        return;
    }
    expr.children().into_iter().for_each(|child| collect(child, found));
}
