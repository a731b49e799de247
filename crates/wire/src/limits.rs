//! What a decoder takes before it refuses, whatever the bytes claim.

use smithy::{Kind, ReadError, Schema};

/// Containers inside one another. Deeper input is refused rather than followed onto the stack.
pub const DEPTH_MAX: u32 = 128;

/// Sum of the costs of all list elements and map entries of one request, so that a few bytes each
/// cannot become a structure of hundreds. Ample for PutMetricData's 1,000 data with 150 values each.
const COST_MAX: u32 = 1_000_000;

/// How many bytes of shapes a structure element may become, in units of a scalar element.
const STRUCTURE_COST: u32 = 16;

/// Counts nesting and elements of one request.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    depth: u32,
    spent: u32,
}

impl Budget {
    pub(crate) fn enter(&mut self) -> Result<(), ReadError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ReadError::TooLarge(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    /// Pays for one element of a list or map whose elements are of `schema`.
    pub(crate) fn element(&mut self, schema: &Schema) -> Result<(), ReadError> {
        let cost = match schema.kind {
            Kind::Structure | Kind::Union | Kind::List | Kind::Map => STRUCTURE_COST,
            _ => 1,
        };
        self.pay(cost)
    }

    pub(crate) fn document_item(&mut self) -> Result<(), ReadError> {
        self.pay(4)
    }

    fn pay(&mut self, cost: u32) -> Result<(), ReadError> {
        self.spent += cost;
        if self.spent > COST_MAX {
            return Err(ReadError::TooLarge("too many list elements".to_owned()));
        }
        Ok(())
    }
}
