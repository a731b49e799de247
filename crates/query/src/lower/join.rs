//! `join` and `appendcols`: rows beside those of another query.

use std::sync::Arc;

use datafusion::common::{Column, Result, plan_datafusion_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr as Plan, JoinType, LogicalPlan};
use lang::plan::{AppendColumns, Join, NestedQuery};

use super::{Input, Kind, Lowered, Lowering, ascending, column};
use crate::functions::{Operation, apply};
use crate::steps::Numbered;

/// A nested query as the right side of a join.
struct Side {
    plan: LogicalPlan,
    /// Names of fields, and what they are in the plan.
    fields: Vec<(String, Lowered)>,
    key: String,
    position: String,
}

impl Lowering<'_> {
    pub(super) fn join(&mut self, join: &Join) -> Result<()> {
        let key = self.field(&join.left_key);
        let left_key = self.fresh();
        self.add(vec![(left_key.clone(), apply(Operation::MatchKey, vec![key.group_key().expr]))])?;
        let under = format!("{}.", join.right);
        let mut wanted: Vec<String> =
            self.wanted.iter().filter_map(|name| name.strip_prefix(&under)).map(str::to_owned).collect();
        wanted.sort_unstable();
        let side = self.side(&join.query, &wanted, Some(&join.right_key), usize::MAX)?;
        let kind = if join.keeps_left { JoinType::Left } else { JoinType::Inner };
        let keys = (vec![Column::new_unqualified(&left_key)], vec![Column::new_unqualified(&side.key)]);
        self.apply(|plan| plan.join(side.plan.clone(), kind, keys, None))?;
        self.joined(&side)?;
        let mut fields: Vec<(String, Lowered)> = Vec::with_capacity(self.fields.len() * 2);
        for (name, lowered) in &self.fields {
            fields.push((format!("{}.{name}", join.left), lowered.clone()));
        }
        fields.extend(side.fields.into_iter().map(|(name, field)| (format!("{}.{name}", join.right), field)));
        self.fields.extend(fields);
        self.order.push(ascending(column(&side.position)));
        Ok(())
    }

    pub(super) fn append_columns(&mut self, append: &AppendColumns) -> Result<()> {
        let position = self.fresh();
        self.rows(&[], &position, |_| Numbered { position: position.clone(), key: None })?;
        let rows_max = usize::try_from(append.rows_max).unwrap_or(usize::MAX);
        let wanted = append.query.pipeline.output.clone();
        let side = self.side(&append.query, &wanted, None, rows_max)?;
        let keys = (vec![Column::new_unqualified(&position)], vec![Column::new_unqualified(&side.position)]);
        self.apply(|plan| plan.join(side.plan.clone(), JoinType::Left, keys, None))?;
        self.joined(&side)?;
        for (name, field) in side.fields {
            let kept = if append.replaces { None } else { self.fields.get(&name) };
            let field = match kept {
                Some(own) => own.clone(),
                None if append.replaces && self.fields.contains_key(&name) => {
                    // Beyond the last row of the other query a field stays what it was.
                    let own = self.field(&name);
                    match own.kind == field.kind {
                        true => Lowered::new(coalesce(vec![field.expr, own.expr]), field.kind),
                        false => Lowered::new(coalesce(vec![field.text(), own.text()]), Kind::Text),
                    }
                }
                None => field,
            };
            self.made.insert(name.clone());
            self.fields.insert(name, field);
        }
        Ok(())
    }

    /// All columns of the right side are columns now.
    fn joined(&mut self, side: &Side) -> Result<()> {
        let names = side.plan.schema().fields().iter().map(|field| field.name().clone());
        self.columns.extend(names);
        Ok(())
    }

    /// Lowers a nested query; its rows come with a key to join by and their position.
    fn side(
        &mut self,
        query: &NestedQuery,
        wanted: &[String],
        key: Option<&str>,
        rows_max: usize,
    ) -> Result<Side> {
        let input = self.input.nested(query.index)?;
        let mut extra = wanted.to_vec();
        extra.extend(key.map(str::to_owned));
        let mut inner = Lowering::begin(&query.pipeline, &extra, &input, None, Arc::clone(&self.scans))?;
        inner.made_before = format!("{}q{}", self.made_before, query.index);
        inner.stages(&query.pipeline)?;
        let key_value = match key {
            Some(key) => inner.field(key),
            None => Lowered::integer(0),
        };
        let key_name = inner.fresh();
        inner.add(vec![(key_name.clone(), apply(Operation::MatchKey, vec![key_value.group_key().expr]))])?;
        // Fields get columns of their own, so that nothing but them crosses over.
        let mut fields = Vec::with_capacity(wanted.len());
        let mut shown: Vec<Plan> = vec![column(&key_name)];
        for name in wanted {
            let (expr, kind) = inner.field(name).shown();
            let column_name = inner.fresh();
            inner.add(vec![(column_name.clone(), expr)])?;
            shown.push(column(&column_name));
            fields.push((name.clone(), Lowered::new(column(&column_name), kind)));
        }
        let order = std::mem::take(&mut inner.order);
        let limit = (rows_max != usize::MAX).then_some(rows_max);
        if !order.is_empty() || limit.is_some() {
            inner.apply(|plan| super::sorted(plan, order, limit))?;
        }
        inner.apply(|plan| plan.project(shown))?;
        let position = inner.fresh();
        let at = key.map(|_| 0);
        inner.derive(Numbered { position: position.clone(), key: at })?;
        let plan = inner.plan.ok_or_else(|| plan_datafusion_err!("a step failed before"))?.build()?;
        Ok(Side { plan, fields, key: key_name, position })
    }
}

impl Input {
    /// What the nested query of that index reads.
    pub(crate) fn nested(&self, index: usize) -> Result<Input> {
        let nested = self.nested.get(index).ok_or_else(|| {
            plan_datafusion_err!("the query inside the query, number {index}, has no source")
        })?;
        Ok(Input {
            source: Arc::clone(&nested.source),
            groups: nested.groups.clone(),
            range: nested.range,
            nested: Vec::new(),
            ..self.clone()
        })
    }
}
