//! `in` over many values: what a subquery found.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::common::Result;

use super::row::View;
use super::value::{Datum, parse_number};

/// Values by the rule of `=`: numbers by value, the others by text.
#[derive(Debug, Default)]
struct Sets {
    numbers: HashSet<u64>,
    texts: HashSet<String>,
}

/// A set of values; two are the same only if they are one.
#[derive(Debug, Clone)]
pub(crate) struct Among(Arc<Sets>);

impl PartialEq for Among {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Among {}

impl Hash for Among {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl Among {
    pub(crate) fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut sets = Sets::default();
        for value in values {
            match parse_number(&value) {
                Some(number) => drop(sets.numbers.insert(bits(number))),
                None => drop(sets.texts.insert(value)),
            }
        }
        Self(Arc::new(sets))
    }

    fn holds(&self, value: &Datum<'_>) -> Option<bool> {
        match (value, value.number()) {
            (Datum::Missing, _) => None,
            (_, Some(number)) => Some(self.0.numbers.contains(&bits(number))),
            _ => Some(self.0.texts.contains(&*value.text()?)),
        }
    }

    pub(super) fn evaluate(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let view = View::new(column)?;
        let rows = (0..column.len()).map(|row| self.holds(&view.get(row)));
        Ok(Arc::new(rows.collect::<BooleanArray>()))
    }
}
