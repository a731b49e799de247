//! The embedded backend: one SQLite file in write-ahead mode with full synchronisation and one connection that
//! keeps the file to itself.

use std::path::Path;

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::Mutex;

use super::{MIGRATIONS, checksum};
use crate::backend::{Backend, Outcome, RawRecord, Write, WriteAction};
use crate::error::CatalogError;
use crate::key::RecordKey;

/// Tells our files from other SQLite files: "Neph".
const APPLICATION_ID: i64 = 0x4e65_7068;

/// A catalog in a file of its own.
pub struct SqliteBackend {
    path: String,
    /// `None` once closed.
    connection: Mutex<Option<SqliteConnection>>,
}

impl SqliteBackend {
    /// Opens or creates the file and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, CatalogError> {
        let shown = path.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(false)
            .busy_timeout(std::time::Duration::ZERO)
            .statement_cache_capacity(16)
            .disable_statement_logging();
        let fail = |error| classify(&shown, error);
        let mut connection = options.connect().await.map_err(fail)?;
        migrate(&shown, &mut connection).await?;
        Ok(Self { path: shown, connection: Mutex::new(Some(connection)) })
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn load(&self) -> Result<Vec<RawRecord>, CatalogError> {
        let mut guard = self.connection.lock().await;
        let connection = guard.as_mut().ok_or(CatalogError::Closed)?;
        let fail = |error| classify(&self.path, error);
        // Rows carry checksums, but a damaged inner page of the tree could hide whole rows.
        let verdict: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *connection).await.map_err(fail)?;
        if verdict != "ok" {
            return Err(CatalogError::damaged(&self.path, verdict));
        }
        let mut records = Vec::new();
        let query = "SELECT collection, key, version, schema_version, payload, checksum FROM records";
        let mut rows = sqlx::query(query).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await.map_err(fail)? {
            records.push(self.verified(&row)?);
        }
        Ok(records)
    }

    async fn commit(&self, writes: &[Write]) -> Result<Outcome, CatalogError> {
        let mut guard = self.connection.lock().await;
        let connection = guard.as_mut().ok_or(CatalogError::Closed)?;
        let fail = |error| classify(&self.path, error);
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
        for write in writes {
            if !execute(&mut transaction, write).await.map_err(fail)? {
                transaction.rollback().await.map_err(fail)?;
                return Ok(Outcome::Stale);
            }
        }
        transaction.commit().await.map_err(fail)?;
        Ok(Outcome::Done)
    }

    async fn close(&self) -> Result<(), CatalogError> {
        match self.connection.lock().await.take() {
            None => Ok(()),
            Some(connection) => connection.close().await.map_err(|error| classify(&self.path, error)),
        }
    }
}

impl SqliteBackend {
    fn verified(&self, row: &sqlx::sqlite::SqliteRow) -> Result<RawRecord, CatalogError> {
        let fail = |error| classify(&self.path, error);
        let collection: String = row.try_get(0).map_err(fail)?;
        let key: &[u8] = row.try_get(1).map_err(fail)?;
        let version: i64 = row.try_get(2).map_err(fail)?;
        let schema_version: i64 = row.try_get(3).map_err(fail)?;
        let payload: Vec<u8> = row.try_get(4).map_err(fail)?;
        let stored: i64 = row.try_get(5).map_err(fail)?;
        let damaged = |detail: &str| {
            let key = RecordKey::from_bytes(key).map_or_else(|| format!("{key:x?}"), |k| k.to_string());
            CatalogError::damaged(format!("record {key} of {collection} in {}", self.path), detail)
        };
        let version = u64::try_from(version).map_err(|_| damaged("its version is negative"))?;
        let schema_version =
            u32::try_from(schema_version).map_err(|_| damaged("its schema version is wild"))?;
        if i64::from(checksum(&collection, key, version, schema_version, &payload)) != stored {
            return Err(damaged("its checksum does not match"));
        }
        let key = RecordKey::from_bytes(key).ok_or_else(|| damaged("its key cannot be decoded"))?;
        Ok(RawRecord { collection, key, version, schema_version, payload })
    }
}

/// Applies one write; `false` if its expectation does not hold.
async fn execute(connection: &mut SqliteConnection, write: &Write) -> Result<bool, sqlx::Error> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let key = write.key.as_bytes();
    let new = match &write.action {
        WriteAction::Put(new) => new,
        WriteAction::Delete => {
            let query =
                sqlx::query("DELETE FROM records WHERE collection = $1 AND key = $2 AND version = $3");
            let query = query.bind(write.collection).bind(key).bind(write.expected.map_or(-1, signed));
            return Ok(query.execute(connection).await?.rows_affected() == 1);
        }
        WriteAction::Require => {
            let query = sqlx::query_scalar("SELECT version FROM records WHERE collection = $1 AND key = $2");
            let found: Option<i64> =
                query.bind(write.collection).bind(key).fetch_optional(connection).await?;
            return Ok(found == write.expected.map(signed));
        }
    };
    let sum = checksum(write.collection, key, new.version, new.schema_version, &new.payload);
    let query = match write.expected {
        None => sqlx::query(
            "INSERT INTO records (collection, key, version, schema_version, payload, checksum)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        ),
        Some(_) => sqlx::query(
            "UPDATE records SET version = $3, schema_version = $4, payload = $5, checksum = $6
             WHERE collection = $1 AND key = $2 AND version = $7",
        ),
    };
    let query = query
        .bind(write.collection)
        .bind(key)
        .bind(signed(new.version))
        .bind(i64::from(new.schema_version))
        .bind(new.payload.as_slice())
        .bind(i64::from(sum));
    let query = match write.expected {
        None => query,
        Some(version) => query.bind(signed(version)),
    };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

/// Applies the schema steps the file does not have yet, all or none.
async fn migrate(path: &str, connection: &mut SqliteConnection) -> Result<(), CatalogError> {
    let fail = |error| classify(path, error);
    let known = i64::try_from(MIGRATIONS.len()).expect("few migrations");
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
    let found: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await.map_err(fail)?;
    let owner: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *transaction).await.map_err(fail)?;
    if found > 0 && owner != APPLICATION_ID {
        return Err(CatalogError::damaged(path, "it is another program's database"));
    }
    if found > known {
        return Err(CatalogError::Newer { what: path.to_owned(), found, known });
    }
    if found < known {
        for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            sqlx::raw_sql(*step).execute(&mut *transaction).await.map_err(fail)?;
        }
        let mark = format!("PRAGMA user_version = {known}; PRAGMA application_id = {APPLICATION_ID}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(fail)?;
    }
    transaction.commit().await.map_err(fail)
}

/// SQLite's result codes by what a caller can do about them, <https://www.sqlite.org/rescode.html>.
fn classify(path: &str, error: sqlx::Error) -> CatalogError {
    let code = match &error {
        sqlx::Error::Database(error) => {
            error.code().and_then(|code| code.parse::<i64>().ok()).map(|c| c & 0xff)
        }
        sqlx::Error::ColumnDecode { .. } => return CatalogError::damaged(path, error.to_string()),
        sqlx::Error::WorkerCrashed => return CatalogError::Closed,
        _ => None,
    };
    match code {
        // BUSY, LOCKED
        Some(5 | 6) => CatalogError::InUse(path.to_owned()),
        // READONLY, FULL, CANTOPEN
        Some(8 | 13 | 14) => CatalogError::Unwritable(error.to_string()),
        // CORRUPT, NOTADB
        Some(11 | 26) => CatalogError::damaged(path, error.to_string()),
        _ => CatalogError::backend(format!("the catalog {path}"), error),
    }
}
