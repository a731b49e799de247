//! A backend without a disk, for simulation and tests: it forgets with the process and can be told to be full.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::backend::{Backend, Outcome, RawRecord, Write, WriteAction};
use crate::error::CatalogError;
use crate::key::RecordKey;

/// Keeps records in memory. Opening a catalog again with the same backend is a restart.
#[derive(Default)]
pub struct MemoryBackend {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    records: BTreeMap<(&'static str, RecordKey), RawRecord>,
    full: bool,
    commits: u64,
}

impl MemoryBackend {
    /// While set, commits fail as on a full disk.
    pub fn set_full(&self, full: bool) {
        self.state.lock().full = full;
    }

    /// How many commits were made.
    pub fn commits(&self) -> u64 {
        self.state.lock().commits
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    async fn load(&self) -> Result<Vec<RawRecord>, CatalogError> {
        Ok(self.state.lock().records.values().cloned().collect())
    }

    async fn commit(&self, writes: &[Write]) -> Result<Outcome, CatalogError> {
        let mut state = self.state.lock();
        if state.full {
            return Err(CatalogError::Unwritable("no space left on device".to_owned()));
        }
        let holds = |write: &Write| {
            let stored = state.records.get(&(write.collection, write.key.clone()));
            stored.map(|r| r.version) == write.expected
        };
        if !writes.iter().all(holds) {
            return Ok(Outcome::Stale);
        }
        for write in writes {
            let place = (write.collection, write.key.clone());
            match &write.action {
                WriteAction::Require => {}
                WriteAction::Delete => {
                    state.records.remove(&place);
                }
                WriteAction::Put(new) => {
                    let record = RawRecord {
                        collection: write.collection.to_owned(),
                        key: write.key.clone(),
                        version: new.version,
                        schema_version: new.schema_version,
                        payload: new.payload.clone(),
                    };
                    state.records.insert(place, record);
                }
            }
        }
        state.commits += 1;
        Ok(Outcome::Done)
    }

    async fn close(&self) -> Result<(), CatalogError> {
        Ok(())
    }
}
