//! `lookup` and `cidrlookup`: columns of a table beside the record's own.

use std::sync::Arc;

use datafusion::common::{Result, plan_datafusion_err};
use datafusion::functions::core::expr_fn::{coalesce, get_field};
use lang::plan::{Lookup, LookupKeys};

use super::{Kind, Lowered, Lowering, column};
use crate::functions::{LookupCall, Operation, apply};
use crate::lookup::Matcher;

impl Lowering<'_> {
    pub(super) fn lookup(&mut self, lookup: &Lookup) -> Result<()> {
        let missing = |what: &str| plan_datafusion_err!("the lookup table {} {what}", lookup.table);
        let table = self.input.lookups.get(&lookup.table).ok_or_else(|| missing("does not exist"))?;
        let place =
            |name: &String| table.column(name).ok_or_else(|| missing(&format!("has no column {name}")));
        let outputs = lookup.outputs.iter().map(|(column, _)| place(column)).collect::<Result<Vec<_>>>()?;
        let (matcher, keys) = match &lookup.keys {
            LookupKeys::Equal(keys) => {
                let columns = keys.iter().map(|(column, _)| place(column)).collect::<Result<Vec<_>>>()?;
                let keys = keys.iter().map(|(_, key)| Ok(self.value(key)?.text()));
                (Matcher::equal(table, &columns), keys.collect::<Result<Vec<_>>>()?)
            }
            LookupKeys::Cidr { address, column } => {
                let column = column.as_ref().map(place).transpose()?;
                let matcher =
                    Matcher::cidr(table, column).ok_or_else(|| missing("has no column of address ranges"))?;
                (matcher, vec![self.value(address)?.text()])
            }
        };
        let call = LookupCall { table: Arc::clone(table), matcher: Arc::new(matcher), outputs };
        let found = self.fresh();
        self.add(vec![(found.clone(), apply(Operation::Lookup(call), keys))])?;
        let mut computed = Vec::with_capacity(lookup.outputs.len());
        for (index, (_, field)) in lookup.outputs.iter().enumerate() {
            let mut value = get_field(column(&found), index.to_string());
            if !lookup.replaces {
                value = coalesce(vec![self.field(field).text(), value]);
            }
            let name = self.fresh();
            self.made.insert(field.clone());
            self.fields.insert(field.clone(), Lowered::new(column(&name), Kind::Text));
            computed.push((name, value));
        }
        self.add(computed)
    }
}
