//! What a record type promises.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A type of record. Its JSON is a persisted format: raise `VERSION` with every change that old JSON does not
/// decode to, and teach `migrate` the way up.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Name of the collection on disk; unique among record types and never changed.
    const COLLECTION: &'static str;
    const VERSION: u32;

    /// Reads a record written by an older `version`. The error says what is wrong with it.
    fn migrate(version: u32, value: serde_json::Value) -> Result<Self, String> {
        let _ = value;
        Err(format!("no way up from version {version} to {}", Self::VERSION))
    }
}
