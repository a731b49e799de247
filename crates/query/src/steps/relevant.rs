//! `relevantfields`: how differently a field is distributed in the records that meet a condition.
//!
//! The score is the greatest difference of distribution functions (Kolmogorov–Smirnov) for fields that are
//! numbers, and half the sum of the differences of shares for the others; both lie between 0 and 1.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Array, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::cast::{as_boolean_array, as_string_view_array};
use datafusion::common::{DataFusionError, Result};

use super::{Running, Step};
use crate::functions::json::{self, Value};
use crate::functions::value::{parse_number, render_number};

/// Distinct values that are counted per field; of further ones only their number is known.
const VALUES_MAX: usize = 1_000;
const FIELDS_MAX: usize = 1_000;
/// Values named as contributors.
const CONTRIBUTORS: usize = 3;

/// Column 0 is the condition; column 1 the message, from which all fields are taken; further columns are the
/// fields that were named, and then only they count.
#[derive(Debug, Clone)]
pub(crate) struct Relevant {
    pub(crate) named: Vec<String>,
    /// Names of the columns that come out.
    pub(crate) output: [String; 5],
}

impl Step for Relevant {
    fn schema(&self, _: &Schema) -> Schema {
        let kinds = [
            DataType::Utf8View,
            DataType::Float64,
            DataType::Utf8View,
            DataType::Utf8View,
            DataType::Utf8View,
        ];
        Schema::new(
            self.output
                .iter()
                .zip(kinds)
                .map(|(name, kind)| Field::new(name, kind, true))
                .collect::<Vec<_>>(),
        )
    }

    fn start(&self, _: SchemaRef) -> Box<dyn Running> {
        Box::new(Counting { named: self.named.clone(), rows: [0, 0], fields: HashMap::new() })
    }
}

/// How often each value was seen in records that do not meet the condition, and in those that do.
#[derive(Default)]
struct Counts {
    values: BTreeMap<String, [u64; 2]>,
    /// Of values beyond the limit.
    others: [u64; 2],
}

struct Counting {
    named: Vec<String>,
    rows: [u64; 2],
    fields: HashMap<String, Counts>,
}

impl Counting {
    fn count(&mut self, field: &str, value: &str, meets: usize) -> Result<()> {
        if !self.fields.contains_key(field) {
            if self.fields.len() >= FIELDS_MAX {
                let message =
                    format!("relevantfields found more than {FIELDS_MAX} fields; name some of them");
                return Err(DataFusionError::ResourcesExhausted(message));
            }
            self.fields.insert(field.to_owned(), Counts::default());
        }
        let Some(counts) = self.fields.get_mut(field) else { return Ok(()) };
        if let Some(seen) = counts.values.get_mut(value) {
            seen[meets] += 1;
        } else if counts.values.len() < VALUES_MAX {
            let mut seen = [0, 0];
            seen[meets] = 1;
            counts.values.insert(value.to_owned(), seen);
        } else {
            counts.others[meets] += 1;
        }
        Ok(())
    }
}

impl Running for Counting {
    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let conditions = as_boolean_array(batch.column(0))?;
        let messages = as_string_view_array(batch.column(1))?;
        let named = batch.columns()[2..].iter().map(|column| as_string_view_array(column));
        let named = named.collect::<Result<Vec<_>>>()?;
        let names = self.named.clone();
        for row in 0..batch.num_rows() {
            let meets = usize::from(conditions.is_valid(row) && conditions.value(row));
            self.rows[meets] += 1;
            for (name, column) in names.iter().zip(&named) {
                if column.is_valid(row) {
                    self.count(name, column.value(row), meets)?;
                }
            }
            if names.is_empty() && messages.is_valid(row) {
                let Some(object) = json::object(messages.value(row), true) else { continue };
                let mut scalars = Vec::new();
                json::scalars(object, &mut |path, value| scalars.push((path.to_owned(), value)));
                for (path, value) in scalars {
                    if let Some(Value::Scalar(text)) = json::value(value) {
                        self.count(&path, &text, meets)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.fields.values().map(|counts| counts.values.keys().map(|key| key.len() + 96).sum::<usize>()).sum()
    }

    fn finish(self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let mut found: Vec<(String, f64, String, [Option<String>; 2])> = Vec::new();
        if self.rows.iter().all(|rows| *rows > 0) {
            for (name, counts) in &self.fields {
                let score = counts.score(self.rows);
                found.push((name.clone(), score, counts.contributors(self.rows), counts.medians()));
            }
        }
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let texts = |text: &dyn Fn(usize) -> Option<String>| {
            let texts: Vec<Option<String>> = (0..found.len()).map(text).collect();
            Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>()) as ArrayRef
        };
        Ok(vec![
            texts(&|row| Some(found[row].0.clone())),
            Arc::new(found.iter().map(|row| Some(row.1)).collect::<Float64Array>()),
            texts(&|row| Some(found[row].2.clone())),
            texts(&|row| found[row].3[1].clone()),
            texts(&|row| found[row].3[0].clone()),
        ])
    }
}

impl Counts {
    fn numbers(&self) -> Option<Vec<(f64, [u64; 2])>> {
        if self.others != [0, 0] {
            return None;
        }
        let numbers = self.values.iter().map(|(value, seen)| Some((parse_number(value)?, *seen)));
        let mut numbers = numbers.collect::<Option<Vec<_>>>()?;
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(numbers)
    }

    fn score(&self, rows: [u64; 2]) -> f64 {
        let shares = |seen: &[u64; 2]| [seen[0] as f64 / rows[0] as f64, seen[1] as f64 / rows[1] as f64];
        if let Some(numbers) = self.numbers() {
            let mut sums = [0.0, 0.0];
            let mut greatest: f64 = 0.0;
            for (_, seen) in &numbers {
                let [a, b] = shares(seen);
                sums = [sums[0] + a, sums[1] + b];
                greatest = greatest.max((sums[0] - sums[1]).abs());
            }
            return greatest.min(1.0);
        }
        let mut sum = 0.0;
        let mut present = [0.0, 0.0];
        for seen in self.values.values().chain([&self.others]) {
            let [a, b] = shares(seen);
            sum += (a - b).abs();
            present = [present[0] + a, present[1] + b];
        }
        // Records without the field are a value of their own.
        sum += (present[0] - present[1]).abs();
        (sum / 2.0).min(1.0)
    }

    /// The values that are more frequent where the condition is met, as JSON.
    fn contributors(&self, rows: [u64; 2]) -> String {
        let mut gains: Vec<(&String, f64)> = self
            .values
            .iter()
            .map(|(value, seen)| (value, seen[1] as f64 / rows[1] as f64 - seen[0] as f64 / rows[0] as f64))
            .filter(|(_, gain)| *gain > 0.0)
            .collect();
        gains.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let values: Vec<String> =
            gains.into_iter().take(CONTRIBUTORS).map(|(value, _)| json::quote(value)).collect();
        format!("[{}]", values.join(","))
    }

    fn medians(&self) -> [Option<String>; 2] {
        let Some(numbers) = self.numbers() else { return [None, None] };
        [0, 1].map(|side| {
            let total: u64 = numbers.iter().map(|(_, seen)| seen[side]).sum();
            let mut rank = total.div_ceil(2);
            let found = numbers.iter().find(|(_, seen)| {
                let reached = rank > 0 && rank <= seen[side];
                rank = rank.saturating_sub(seen[side]);
                reached
            });
            found.and_then(|(number, _)| render_number(*number))
        })
    }
}
