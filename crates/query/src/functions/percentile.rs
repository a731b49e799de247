//! `pct(f, p)`: exact nearest-rank percentile: sorted[⌈p/100·n⌉−1].

use std::mem::size_of;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray};
use datafusion::arrow::buffer::{OffsetBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::cast::{as_float64_array, as_list_array};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
};

/// The percentile of a column of numbers.
pub(crate) fn percentile(numbers: Expr, percent: f64) -> Expr {
    let signature = Signature::exact(vec![DataType::Float64], Volatility::Immutable);
    AggregateUDF::new_from_impl(Percentile { percent_bits: percent.to_bits(), signature }).call(vec![numbers])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Percentile {
    percent_bits: u64,
    signature: Signature,
}

static LIST_ITEM: LazyLock<FieldRef> =
    LazyLock::new(|| Arc::new(Field::new("item", DataType::Float64, true)));

impl Percentile {
    fn percent(&self) -> f64 {
        f64::from_bits(self.percent_bits)
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        "nearest_rank"
    }

    /// Two percentiles of one column are two columns.
    fn schema_name(
        &self,
        params: &datafusion::logical_expr::expr::AggregateFunctionParams,
    ) -> Result<String> {
        let arguments: Vec<String> =
            params.args.iter().map(|argument| argument.schema_name().to_string()).collect();
        Ok(format!("nearest_rank_{}({})", self.percent(), arguments.join(", ")))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One { percent: self.percent(), values: Vec::new() }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(arguments.name, "values");
        Ok(vec![Arc::new(Field::new(name, DataType::List(Arc::clone(&LIST_ITEM)), true))])
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Many { percent: self.percent(), groups: Vec::new(), capacity: 0 }))
    }
}

/// Takes the values apart; their order afterwards is undefined.
fn nearest_rank(values: &mut [f64], percent: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    let index = rank.saturating_sub(1).min(values.len() - 1);
    let (_, value, _) = values.select_nth_unstable_by(index, f64::total_cmp);
    Some(*value)
}

/// Values of one column, without groups.
#[derive(Debug)]
struct One {
    percent: f64,
    values: Vec<f64>,
}

impl Accumulator for One {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Some(column) = columns.first() else { return exec_err!("percentile without argument") };
        self.values.extend(as_float64_array(column)?.iter().flatten());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(column) = states.first() else { return exec_err!("percentile without state") };
        for values in as_list_array(column)?.iter().flatten() {
            self.values.extend(values.as_primitive::<Float64Type>().values());
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = std::mem::take(&mut self.values);
        let list = lists(vec![values])?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(nearest_rank(&mut self.values, self.percent)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.values.capacity() * size_of::<f64>()
    }
}

/// Values of one column, by group.
struct Many {
    percent: f64,
    groups: Vec<Vec<f64>>,
    /// Σ of the groups' capacities.
    capacity: usize,
}

impl Many {
    fn extend(&mut self, group: usize, values: &[f64]) {
        let kept = &mut self.groups[group];
        let before = kept.capacity();
        kept.extend_from_slice(values);
        self.capacity += kept.capacity() - before;
    }

    fn push(&mut self, group: usize, value: f64) {
        let kept = &mut self.groups[group];
        if kept.len() == kept.capacity() {
            let before = kept.capacity();
            kept.reserve(1);
            self.capacity += kept.capacity() - before;
        }
        kept.push(value);
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<f64>> {
        let taken = emit_to.take_needed(&mut self.groups);
        self.capacity -= taken.iter().map(Vec::capacity).sum::<usize>();
        taken
    }
}

impl GroupsAccumulator for Many {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        groups: usize,
    ) -> Result<()> {
        let Some(column) = columns.first() else { return exec_err!("percentile without argument") };
        self.groups.resize_with(groups, Vec::new);
        let numbers = as_float64_array(column)?;
        if filter.is_none() && numbers.null_count() == 0 {
            for (value, group) in numbers.values().iter().zip(group_indices) {
                self.push(*group, *value);
            }
            return Ok(());
        }
        for (row, group) in group_indices.iter().enumerate() {
            let kept = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if kept && numbers.is_valid(row) {
                self.push(*group, numbers.value(row));
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], groups: usize) -> Result<()> {
        let Some(column) = states.first() else { return exec_err!("percentile without state") };
        self.groups.resize_with(groups, Vec::new);
        let lists = as_list_array(column)?;
        let values = as_float64_array(lists.values())?.values();
        for ((row, group), ends) in group_indices.iter().enumerate().zip(lists.value_offsets().windows(2)) {
            if lists.is_valid(row) {
                self.extend(*group, &values[ends[0] as usize..ends[1] as usize]);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let percent = self.percent;
        let groups = self.take(emit_to).into_iter();
        Ok(Arc::new(groups.map(|mut values| nearest_rank(&mut values, percent)).collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(lists(self.take(emit_to))?)])
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(column) = columns.first() else { return exec_err!("percentile without argument") };
        let numbers = as_float64_array(column)?;
        let kept = |row| {
            filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) && numbers.is_valid(row)
        };
        let rows =
            (0..numbers.len()).map(|row| if kept(row) { vec![numbers.value(row)] } else { Vec::new() });
        Ok(vec![Arc::new(lists(rows.collect())?)])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.groups.capacity() * size_of::<Vec<f64>>() + self.capacity * size_of::<f64>()
    }
}

fn lists(groups: Vec<Vec<f64>>) -> Result<ListArray> {
    let offsets = OffsetBuffer::from_lengths(groups.iter().map(Vec::len));
    let values: ScalarBuffer<f64> = groups.concat().into();
    let values = Arc::new(Float64Array::new(values, None));
    Ok(ListArray::try_new(Arc::clone(&LIST_ITEM), offsets, values, None)?)
}

#[cfg(test)]
mod tests {
    use super::nearest_rank;

    #[test]
    fn ranks() {
        let mut values = [50.0, 10.0, 40.0, 20.0, 30.0];
        for (percent, value) in
            [(0.0, 10.0), (20.0, 10.0), (20.1, 20.0), (50.0, 30.0), (95.0, 50.0), (100.0, 50.0)]
        {
            assert_eq!(nearest_rank(&mut values, percent), Some(value), "{percent}");
        }
        assert_eq!(nearest_rank(&mut [], 50.0), None);
    }
}
