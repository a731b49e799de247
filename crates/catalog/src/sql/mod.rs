//! SQL backends. What they share: the schema under `migrations/` and the checksum of a row.

mod sqlite;

pub use sqlite::SqliteBackend;

/// Steps of the schema; the number of those applied is the catalog's format version.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_records.sql")];

/// CRC32C over everything a row says; a row that was damaged or moved does not match.
fn checksum(collection: &str, key: &[u8], version: u64, schema_version: u32, payload: &[u8]) -> u32 {
    let mut crc = crc32c::crc32c(collection.as_bytes());
    crc = crc32c::crc32c_append(crc, &(key.len() as u64).to_be_bytes());
    crc = crc32c::crc32c_append(crc, key);
    crc = crc32c::crc32c_append(crc, &version.to_be_bytes());
    crc = crc32c::crc32c_append(crc, &schema_version.to_be_bytes());
    crc32c::crc32c_append(crc, payload)
}
