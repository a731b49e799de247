//! Numbers that are given once, ever.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::Catalog;
use crate::error::{CatalogError, CommitError, UpdateError};
use crate::key::RecordKey;
use crate::record::Record;

/// Numbers reserved by one durable write; a crash loses the rest of the block.
const BLOCK: u64 = 64;

/// The blocks this process holds, by counter name.
#[derive(Default)]
pub(crate) struct Counters {
    blocks: Mutex<HashMap<String, std::ops::Range<u64>>>,
}

/// How far a counter's numbers are reserved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Counter {
    reserved_below: u64,
}

impl Record for Counter {
    const COLLECTION: &'static str = "counter";
    const VERSION: u32 = 1;
}

impl Counters {
    pub(crate) async fn next(&self, catalog: &Catalog, name: &str) -> Result<u64, CatalogError> {
        let mut blocks = self.blocks.lock().await;
        if let Some(id) = blocks.get_mut(name).and_then(Iterator::next) {
            return Ok(id);
        }
        let mut block = reserve(catalog, name).await?;
        let id = block.next().expect("a block holds at least one number");
        blocks.insert(name.to_owned(), block);
        Ok(id)
    }
}

async fn reserve(catalog: &Catalog, name: &str) -> Result<std::ops::Range<u64>, CatalogError> {
    let counters = catalog.collection::<Counter>()?;
    let key = RecordKey::of_installation(name);
    loop {
        let step = |counter: &mut Counter| {
            counter.reserved_below += BLOCK;
            Ok::<(), std::convert::Infallible>(())
        };
        match counters.update(&key, step).await {
            Ok(counter) => return Ok(counter.reserved_below - BLOCK..counter.reserved_below),
            Err(UpdateError::Refused(never)) => match never {},
            Err(UpdateError::Failed(error)) => return Err(error),
            Err(UpdateError::Missing) => {}
        }
        // Numbers begin at 1, so that 0 can mean none.
        match counters.insert(key.clone(), Counter { reserved_below: 1 }).await {
            Ok(_)
            | Err(CommitError::Exists { .. } | CommitError::Conflict { .. } | CommitError::Missing { .. }) => {
            }
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
}
