//! Comparisons of values whose kinds are only known row by row.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::common::Result;
use lang::plan::BinaryOp;

use super::row::View;
use super::value;

/// Missing if a side is.
pub(super) fn compare(op: BinaryOp, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let (left_view, right_view) = (View::new(left)?, View::new(right)?);
    let rows = (0..left.len())
        .map(|row| value::compare(&left_view.get(row), &right_view.get(row)).map(|order| holds(op, order)));
    Ok(Arc::new(rows.collect::<BooleanArray>()))
}

fn holds(op: BinaryOp, order: Ordering) -> bool {
    match op {
        BinaryOp::Equal => order.is_eq(),
        BinaryOp::NotEqual => order.is_ne(),
        BinaryOp::Less => order.is_lt(),
        BinaryOp::LessOrEqual => order.is_le(),
        BinaryOp::Greater => order.is_gt(),
        BinaryOp::GreaterOrEqual => order.is_ge(),
        _ => false,
    }
}
