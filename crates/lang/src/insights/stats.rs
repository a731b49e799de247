//! `stats aggregate, … [by expr, … [offset period]]`.

use super::expression::{Item, Node, items, period};
use super::parser::Parser;
use super::planner::{Buckets, Planner};
use crate::plan::{Aggregate, Expr, Function, Named, Period, PeriodUnit, Stage};
use crate::text::{QueryError, Span};

/// AWS: at most ten `stats` in a query (CWL_QuerySyntax-Stats).
const STATS_MAX: usize = 10;

pub(crate) struct Stats {
    aggregates: Vec<Item>,
    by: Vec<Item>,
    offset: Option<Period>,
}

impl Stats {
    pub(crate) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let aggregates = items(parser)?;
        let by = if parser.keyword("by")? { items(parser)? } else { Vec::new() };
        let mut offset = None;
        if !by.is_empty() && parser.keyword("offset")? {
            let (period, span) = period(parser)?;
            if matches!(period.unit, PeriodUnit::Month | PeriodUnit::Quarter | PeriodUnit::Year) {
                return Err(parser.error(span, "an offset must have a fixed length, at most weeks"));
            }
            offset = Some(period);
        }
        Ok(Self { aggregates, by, offset })
    }

    pub(crate) fn of(aggregates: Vec<Item>, by: Vec<Item>) -> Self {
        Self { aggregates, by, offset: None }
    }

    /// Changes the expressions before they are planned.
    pub(crate) fn nodes(&mut self, change: fn(&mut Node)) {
        self.by.iter_mut().chain(&mut self.aggregates).for_each(|item| change(&mut item.node));
    }

    /// As PPL shows it: aggregates before the keys of the groups.
    pub(crate) fn plan_aggregates_first(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let keys = self.by.len();
        self.plan(planner)?;
        let mut columns = planner.columns();
        let keys = keys.min(columns.len());
        columns.rotate_left(keys);
        planner.display(columns);
        Ok(())
    }

    pub(crate) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        planner.stats_count += 1;
        if planner.stats_count > STATS_MAX {
            return Err(planner.error(planner.keyword, format!("more than {STATS_MAX} stats commands")));
        }
        let mut names: Vec<String> = Vec::new();
        let mut named = |item: Item, expr: Expr| {
            if names.contains(&item.name) {
                let span = item.alias.map_or(item.node.span, |(_, span)| span);
                return Err((span, item.name));
            }
            names.push(item.name.clone());
            Ok(Named { name: item.name, expr })
        };
        let twice = |planner: &Planner<'_>, (span, name): (Span, String)| {
            planner.error(span, format!("the name '{name}' is given twice"))
        };
        let mut by = Vec::with_capacity(self.by.len());
        let mut buckets = None;
        for item in self.by {
            planner.no_structure(&item.node, "stats")?;
            let mut expr = planner.expr(&item.node)?;
            if let (Some(moved), Expr::Call { function: Function::DateFloor { offset, .. }, .. }) =
                (self.offset, &mut expr)
            {
                *offset = Some(moved);
            }
            if let Expr::Call { function: Function::DateFloor { period, offset }, .. } = &expr
                && buckets.is_none()
            {
                buckets = Some((item.name.clone(), *period, *offset));
            }
            by.push(named(item, expr).map_err(|error| twice(planner, error))?);
        }
        let count = self.aggregates.len();
        let mut lists: Vec<String> = Vec::new();
        let mut aggregates = Vec::with_capacity(count);
        for item in self.aggregates {
            let expr = planner.aggregate_expr(&item.node)?;
            // AWS: topk stands alone (CWL_QuerySyntax-Stats).
            if alone(&expr) && (count > 1 || !by.is_empty()) {
                let message = "topk cannot be used with by or with other aggregate functions";
                return Err(planner.error(item.node.span, message));
            }
            if matches!(expr, Expr::Aggregate(Aggregate::Values(_) | Aggregate::TopK(..))) {
                lists.push(item.name.clone());
            }
            aggregates.push(named(item, expr).map_err(|error| twice(planner, error))?);
        }
        let keys: Vec<String> = by.iter().map(|item| item.name.clone()).collect();
        planner.push(Stage::Aggregate { by, aggregates })?;
        planner.redefine(names);
        lists.iter().for_each(|name| planner.structure(name));
        planner.buckets = buckets.map(|(time, period, offset)| Buckets {
            keys: keys.into_iter().filter(|key| *key != time).collect(),
            time,
            period,
            offset,
        });
        Ok(())
    }
}

/// Whether an expression holds `topk`.
fn alone(expr: &Expr) -> bool {
    matches!(expr, Expr::Aggregate(Aggregate::TopK(..))) || expr.children().into_iter().any(alone)
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn columns_are_named_by_alias_or_text_and_groups_come_first() {
        assert_eq!(
            plan("stats count( * ) , sum(ms)/count(*) as m by svc, bin(5m)"),
            "aggregate `count( * )`=(count *), m=(/ (sum ms) (count *)) by svc, `bin(5m)`=(DateFloor 5m @timestamp)\n\
             rows svc, `bin(5m)`, `count( * )`, m"
        );
        assert_eq!(
            plan("stats pct(ms, 99.9) as p by bin(1h) offset 30m"),
            "aggregate p=(pct ms 99.9) by `bin(1h)`=(DateFloor 1h+30m @timestamp)\nrows `bin(1h)`, p"
        );
        assert_eq!(
            plan("stats count() by bin(300s) as b").lines().next(),
            Some("aggregate `count()`=(count *) by b=(DateFloor 60s @timestamp)")
        );
    }

    #[test]
    fn afterwards_only_its_columns_exist() {
        assert_eq!(
            error("stats max(@message) by svc | sort ms"),
            "34..36 the field 'ms' is not defined after stats"
        );
        assert_eq!(
            error("stats count(*) as c | stats count(*) by bin(1m)")
                .split_once(' ')
                .map(|(_, m)| m.to_owned()),
            Some("the field '@timestamp' is not defined after stats".to_owned())
        );
        assert_eq!(
            plan("stats count(*) by svc | sort count(*) desc").lines().nth(1),
            Some("sort `count(*)` desc")
        );
        assert!(plan("stats latest(@timestamp) as l | fields fromMillis(l) as t").ends_with("rows t"));
    }

    #[test]
    fn misplaced_things_are_refused() {
        assert_eq!(
            error("sort ms | stats count(*)"),
            "10..15 unexpected symbol found stats at line 1 and position 10"
        );
        assert_eq!(error("stats ms by svc"), "6..8 the field 'ms' must stand in an aggregate function");
        assert_eq!(error("stats 1"), "6..7 stats needs an aggregate function here");
        assert_eq!(
            error("stats sum(count(*))"),
            "10..15 the aggregate function 'count' may only stand in stats"
        );
        assert_eq!(error("stats pct(a, 101)"), "13..16 the percentile must be a number from 0 to 100");
        assert!(error("stats topk(3, a) by b").contains("topk cannot be used with by"));
        assert!(error("stats topk(3, a), count(*)").contains("topk cannot be used with by"));
        assert!(error("stats topk(0, a)").contains("1 to 10000"));
        assert!(error("stats values(u) as us | sort us").contains("cannot be used in sort"));
        assert!(
            plan("stats rate(n, 1m) as r, sortsFirst(u)")
                .starts_with("aggregate r=(rate n 1m), `sortsFirst(u)`=(sorts-first u)")
        );
        assert_eq!(error("stats sum(*)"), "10..11 unexpected symbol found * at line 1 and position 10");
        assert!(error(&"| stats count(*) as c ".repeat(11)).contains("more than 10 stats"));
    }
}
