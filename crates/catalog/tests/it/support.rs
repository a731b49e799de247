//! A record type and a catalog in a temporary folder.

use std::sync::Arc;

use base::{AccountId, Region, Scope, SimulatedClock, Timestamp};
use catalog::{Catalog, Record, RecordKey};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) text: String,
}

impl Record for Note {
    const COLLECTION: &'static str = "note";
    const VERSION: u32 = 2;

    /// Version 1 called the text `body`.
    fn migrate(version: u32, value: serde_json::Value) -> Result<Self, String> {
        assert_eq!(version, 1);
        let text = value["body"].as_str().ok_or("no body")?;
        Ok(Note { text: text.to_owned() })
    }
}

/// The same collection as an older program saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OldNote {
    pub(crate) body: String,
}

impl Record for OldNote {
    const COLLECTION: &'static str = "note";
    const VERSION: u32 = 1;
}

pub(crate) fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

pub(crate) fn scope(account: &str, region: &str) -> Scope {
    Scope::new(AccountId::new(account).unwrap(), Region::new(region).unwrap())
}

pub(crate) fn key(name: &str) -> RecordKey {
    RecordKey::new(&scope("123456789012", "us-east-1"), &[name])
}

pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<SimulatedClock>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: SimulatedClock::new(Timestamp::from_secs(1_000_000)),
        }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("catalog.db")
    }

    pub(crate) async fn try_open(&self) -> Result<Arc<Catalog>, catalog::CatalogError> {
        Catalog::open(&self.path(), self.clock.clone()).await
    }

    pub(crate) async fn open(&self) -> Arc<Catalog> {
        self.try_open().await.unwrap()
    }
}
