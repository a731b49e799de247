//! Leases: at most one holder of a name at a time, by the injected clock.

use std::time::Duration;

use base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Catalog;
use crate::error::{CatalogError, CommitError};
use crate::key::RecordKey;
use crate::record::Record;

/// Proof of holding a name until `expires_at`, unless renewed by asking again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub holder: String,
    pub expires_at: Timestamp,
    /// Increases with every change of the lease: what a store can refuse a former holder by.
    pub fence: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct LeaseRecord {
    holder: String,
    expires_at: Timestamp,
}

impl Record for LeaseRecord {
    const COLLECTION: &'static str = "lease";
    const VERSION: u32 = 1;
}

impl Catalog {
    /// Takes the lease `name` for `holder`, or renews it, until `ttl` from now. `None` while another holds it.
    pub async fn lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        let leases = self.collection::<LeaseRecord>()?;
        let key = RecordKey::of_installation(name);
        let now = self.clock.now();
        let expires_at = now + ttl;
        let record = LeaseRecord { holder: holder.to_owned(), expires_at };
        let transaction = self.transaction();
        let transaction = match leases.get(&key) {
            None => transaction.insert(&leases, key, record),
            Some(held) if held.holder == holder || held.expires_at <= now => {
                transaction.update(&leases, key, held.version, record)
            }
            Some(_) => return Ok(None),
        };
        match transaction.commit().await {
            Ok(fence) => {
                Ok(Some(Lease { name: name.to_owned(), holder: holder.to_owned(), expires_at, fence }))
            }
            Err(CommitError::Failed(error)) => Err(error),
            // Somebody was faster.
            Err(_) => Ok(None),
        }
    }

    /// Gives a lease back before it expires. One that was lost meanwhile stays with its new holder.
    pub async fn release(&self, lease: &Lease) -> Result<(), CatalogError> {
        let leases = self.collection::<LeaseRecord>()?;
        match leases.delete(RecordKey::of_installation(&lease.name), lease.fence).await {
            Err(CommitError::Failed(error)) => Err(error),
            _ => Ok(()),
        }
    }
}
