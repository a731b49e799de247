//! `lookup`: columns of a table by keys or by address ranges.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringViewBuilder, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::common::cast::as_string_view_array;

use crate::lookup::{LookupTable, Matcher};

/// A table, how its rows are found, and which of its columns are wanted.
#[derive(Debug, Clone)]
pub(crate) struct LookupCall {
    pub(crate) table: Arc<LookupTable>,
    pub(crate) matcher: Arc<Matcher>,
    pub(crate) outputs: Vec<usize>,
}

impl PartialEq for LookupCall {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.table, &other.table)
            && Arc::ptr_eq(&self.matcher, &other.matcher)
            && self.outputs == other.outputs
    }
}

impl Eq for LookupCall {}

impl Hash for LookupCall {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.matcher).hash(state);
        self.outputs.hash(state);
    }
}

impl LookupCall {
    fn fields(&self) -> Fields {
        let outputs =
            (0..self.outputs.len()).map(|index| Field::new(index.to_string(), DataType::Utf8View, true));
        outputs.collect()
    }

    pub(super) fn data_type(&self) -> DataType {
        DataType::Struct(self.fields())
    }

    /// An empty cell of the table is missing.
    pub(super) fn evaluate(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let keys = columns.iter().map(|column| as_string_view_array(column)).collect::<Result<Vec<_>>>()?;
        let rows = keys.first().map_or(0, |key| key.len());
        let mut builders: Vec<StringViewBuilder> = Vec::with_capacity(self.outputs.len());
        builders.resize_with(self.outputs.len(), || StringViewBuilder::with_capacity(rows));
        let mut key: Vec<&str> = Vec::with_capacity(keys.len());
        for row in 0..rows {
            key.clear();
            key.extend(keys.iter().filter(|column| column.is_valid(row)).map(|column| column.value(row)));
            let found = if key.len() == keys.len() { self.matcher.find(&key) } else { None };
            let found = found.and_then(|at| self.table.row(at));
            for (builder, output) in builders.iter_mut().zip(&self.outputs) {
                let value = found.and_then(|row| row.get(*output)).filter(|value| !value.is_empty());
                builder.append_option(value);
            }
        }
        let columns = builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        Ok(Arc::new(StructArray::try_new(self.fields(), columns, None)?))
    }
}
