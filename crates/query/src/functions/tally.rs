//! `values` and `topk`: distinct values with how often and how recently they were seen, as a JSON list.

use std::collections::HashMap;
use std::mem::size_of;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::cast::as_binary_array;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::expr::AggregateFunctionParams;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility};

use super::json::quote;
use super::texts::TIMED_KEY_HEAD;

/// The distinct values of timed keys; with `most` only so many, the most frequent first.
pub(crate) fn tally(keys: Expr, most: Option<u32>) -> Expr {
    let signature = Signature::exact(vec![DataType::Binary], Volatility::Immutable);
    AggregateUDF::new_from_impl(Tally { most, signature }).call(vec![keys])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Tally {
    most: Option<u32>,
    signature: Signature,
}

impl AggregateUDFImpl for Tally {
    fn name(&self) -> &str {
        "tally"
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        let arguments: Vec<String> =
            params.args.iter().map(|argument| argument.schema_name().to_string()).collect();
        Ok(format!("tally_{:?}({})", self.most, arguments.join(", ")))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Seen { most: self.most, values: HashMap::new(), bytes: 0 }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(arguments.name, "seen");
        Ok(vec![Field::new(name, DataType::Binary, true).into()])
    }
}

/// How often a value was seen, and the head of its newest key.
type Sighting = (u64, [u8; TIMED_KEY_HEAD]);

#[derive(Debug)]
struct Seen {
    most: Option<u32>,
    values: HashMap<Box<[u8]>, Sighting>,
    bytes: usize,
}

impl Seen {
    fn add(&mut self, value: &[u8], count: u64, head: [u8; TIMED_KEY_HEAD]) {
        match self.values.get_mut(value) {
            Some((known, newest)) => {
                *known += count;
                *newest = (*newest).max(head);
            }
            None => {
                self.bytes += value.len() + 2 * size_of::<(Box<[u8]>, Sighting)>();
                self.values.insert(value.into(), (count, head));
            }
        }
    }
}

impl Accumulator for Seen {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Some(column) = columns.first() else { return exec_err!("a tally without argument") };
        for key in as_binary_array(column)?.iter().flatten() {
            let (head, value) = split(key)?;
            self.add(value, 1, head);
        }
        Ok(())
    }

    /// A state is one value behind another: count, head, length, value.
    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(column) = states.first() else { return exec_err!("a tally without state") };
        for mut state in as_binary_array(column)?.iter().flatten() {
            while !state.is_empty() {
                let broken = || exec_datafusion_err!("the state of a tally is broken");
                let (count, rest) = state.split_first_chunk::<8>().ok_or_else(broken)?;
                let (head, rest) = split(rest)?;
                let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
                let length = u32::from_be_bytes(*length) as usize;
                let (value, rest) = rest.split_at_checked(length).ok_or_else(broken)?;
                self.add(value, u64::from_be_bytes(*count), head);
                state = rest;
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut state = Vec::with_capacity(self.bytes);
        for (value, (count, head)) in self.values.drain() {
            state.extend(count.to_be_bytes());
            state.extend(head);
            state.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
            state.extend(&*value);
        }
        self.bytes = 0;
        Ok(vec![ScalarValue::Binary(Some(state))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.values.is_empty() {
            return Ok(ScalarValue::Utf8View(None));
        }
        let mut values: Vec<(&[u8], &Sighting)> =
            self.values.iter().map(|(value, seen)| (&**value, seen)).collect();
        // Newest first, and for `topk` the most frequent before that.
        values.sort_by(|(a, (a_count, a_newest)), (b, (b_count, b_newest))| {
            let frequent = if self.most.is_some() { b_count.cmp(a_count) } else { std::cmp::Ordering::Equal };
            frequent.then_with(|| b_newest.cmp(a_newest)).then_with(|| a.cmp(b))
        });
        values.truncate(self.most.map_or(usize::MAX, |most| most as usize));
        let values: Vec<String> =
            values.iter().map(|(value, _)| quote(&String::from_utf8_lossy(value))).collect();
        Ok(ScalarValue::Utf8View(Some(format!("[{}]", values.join(",")))))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}

fn split(key: &[u8]) -> Result<([u8; TIMED_KEY_HEAD], &[u8])> {
    match key.split_first_chunk::<TIMED_KEY_HEAD>() {
        Some((head, value)) => Ok((*head, value)),
        None => exec_err!("a timed key is too short"),
    }
}
