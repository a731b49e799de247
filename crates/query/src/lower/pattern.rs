//! `pattern` with `diff` and `anomaly`, `relevantfields`, and `estimate`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::{TimeRange, Timestamp};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, plan_datafusion_err};
use datafusion::logical_expr::{Expr as Plan, LogicalPlan, LogicalPlanBuilder, lit};
use lang::plan::{Baseline, Expr, PatternStep, Period, PeriodUnit, Pipeline};
use store::tables::logs::{LogColumn, LogScan};

use super::{Input, Kind, Lowered, Lowering, MESSAGE, column, descending, prune};
use crate::functions::{TIME, dates};
use crate::steps::{Patterns, Relevant};

impl Lowering<'_> {
    /// `before` is the pipeline up to here, which a comparison runs again.
    pub(super) fn pattern(&mut self, pattern: &PatternStep, before: &Pipeline) -> Result<()> {
        let current = self.texts(&pattern.text, 0)?;
        let plan = match pattern.baseline {
            None => current,
            Some(baseline) => {
                let input = Input { range: shifted(self.input.range, baseline), ..self.input.clone() };
                let named = prune::mentioned(&pattern.text);
                let mut other = Lowering::begin(before, &named, &input, None, Arc::clone(&self.scans))?;
                other.stages(before)?;
                let other = other.texts(&pattern.text, 1)?;
                LogicalPlanBuilder::from(current).union(other)?.build()?
            }
        };
        self.plan = Some(LogicalPlanBuilder::from(plan));
        let columns = Patterns::columns(pattern.baseline.is_some(), pattern.anomalies);
        let names: Vec<String> = columns.iter().map(|_| self.fresh()).collect();
        let range = self.input.range;
        self.derive(Patterns {
            compared: pattern.baseline.is_some(),
            anomalies: pattern.anomalies,
            range: (range.start.as_millis(), range.end.as_millis()),
            output: names.clone(),
        })?;
        let kinds = columns.iter().map(|(_, kind)| match kind {
            DataType::Float64 => Kind::Number,
            DataType::Int64 => Kind::Integer,
            _ => Kind::Text,
        });
        let fields = columns.iter().zip(&names).zip(kinds);
        self.redefine(fields.map(|(((field, _), name), kind)| ((*field).to_owned(), name.clone(), kind)));
        let count = column(&names[2]);
        self.order = vec![descending(count), super::ascending(column(&names[0]))];
        Ok(())
    }

    /// The texts to be grouped, which side they are of, and their times.
    fn texts(&mut self, text: &Expr, side: i64) -> Result<LogicalPlan> {
        let text = self.value(text)?.text();
        let time = match &self.time {
            Some(time) => time.clone(),
            None => Plan::Literal(datafusion::common::ScalarValue::TimestampMillisecond(None, None), None),
        };
        let time = datafusion::logical_expr::cast(time, TIME);
        let shown = vec![text.alias("text"), lit(side).alias("side"), time.alias("time")];
        self.apply(|plan| plan.project(shown))?;
        self.plan.take().ok_or_else(|| plan_datafusion_err!("a step failed before"))?.build()
    }

    pub(super) fn relevant(&mut self, fields: &[String], condition: &Expr) -> Result<()> {
        let condition = self.condition(condition)?.is_true();
        let message = match self.columns.iter().any(|name| name == MESSAGE) {
            true => column(MESSAGE),
            false => Lowered::missing().expr,
        };
        let mut shown = vec![condition.alias("condition"), message.alias("text")];
        for (index, field) in fields.iter().enumerate() {
            shown.push(self.field(field).text().alias(format!("field{index}")));
        }
        self.apply(|plan| plan.project(shown))?;
        let names: [String; 5] = std::array::from_fn(|_| self.fresh());
        self.derive(Relevant { named: fields.to_vec(), output: names.clone() })?;
        let fields = [
            "@fieldName",
            "@relevanceScore",
            "@topRelevanceContributors",
            "@conditionalMedian",
            "@baselineMedian",
        ];
        let kinds = [Kind::Text, Kind::Number, Kind::Text, Kind::Text, Kind::Text];
        let all = fields.into_iter().zip(&names).zip(kinds);
        self.redefine(all.map(|((field, name), kind)| (field.to_owned(), name.clone(), kind)));
        self.order = vec![descending(column(&names[1])), super::ascending(column(&names[0]))];
        Ok(())
    }

    /// From here on only these fields exist: name, column and kind.
    pub(super) fn redefine(&mut self, fields: impl Iterator<Item = (String, String, Kind)>) {
        self.fields.clear();
        self.made.clear();
        self.time = None;
        for (field, name, kind) in fields {
            self.define_column(&field, &name, kind);
        }
    }

    /// What the query would scan, from what the store knows of its parts.
    pub(super) fn estimate(&mut self) -> Result<()> {
        let input = self.input;
        let external = |error| DataFusionError::External(Box::new(error));
        let scan = LogScan {
            columns: vec![LogColumn::Timestamp],
            range: input.range,
            prune: Vec::new(),
            newest: None,
            partitions: 1,
        };
        let records = input.source.scan(scan).map_err(external)?.progress.rows_total.load(Ordering::Relaxed);
        let bytes = input.source.message_bytes(input.range);
        let (bytes_name, records_name) = (self.fresh(), self.fresh());
        let shown = vec![
            lit(i64::try_from(bytes).unwrap_or(i64::MAX)).alias(&bytes_name),
            lit(i64::try_from(records).unwrap_or(i64::MAX)).alias(&records_name),
        ];
        self.plan = Some(LogicalPlanBuilder::empty(true).project(shown)?);
        self.columns = vec![bytes_name.clone(), records_name.clone()];
        self.redefine(
            [
                ("estimatedBytes".to_owned(), bytes_name, Kind::Integer),
                ("estimatedRecords".to_owned(), records_name, Kind::Integer),
            ]
            .into_iter(),
        );
        self.order.clear();
        Ok(())
    }
}

/// The range a query is compared with: as long, and earlier.
fn shifted(range: TimeRange, baseline: Baseline) -> TimeRange {
    let length = range.end.millis_since(range.start);
    let back = |at: Timestamp| match baseline {
        Baseline::Preceding => at.saturating_sub_millis(length),
        Baseline::Earlier(period) => match dates::fixed_millis(period) {
            Some(millis) => at.saturating_sub_millis(millis),
            None => at.saturating_sub_millis(calendar(range.start, period)),
        },
    };
    TimeRange::new(back(range.start), back(range.end))
}

/// How long months and years before a time are: the same day and time of an earlier month.
fn calendar(at: Timestamp, period: Period) -> i64 {
    let months = match period.unit {
        PeriodUnit::Quarter => 3,
        PeriodUnit::Year => 12,
        _ => 1,
    } * period.count;
    let earlier = at.to_datetime().checked_sub_months(chrono::Months::new(months));
    earlier.map_or(0, |earlier| at.as_millis() - earlier.timestamp_millis())
}
