//! Lookup tables: rows of text under a name, which the Insights command `lookup` joins.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};

use base::{Scope, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::{CommitError, Prefix, Record, RecordKey, Versioned};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::error::LogsError;

/// Tables of an account and Region.
pub(crate) const TABLES_MAX: usize = 100;
pub(crate) const BODY_BYTES_MAX: usize = 10 << 20;

/// What is kept of a table beside its rows; its name is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LookupTable {
    pub(crate) description: Option<String>,
    /// Names of the columns.
    pub(crate) fields: Vec<String>,
    pub(crate) records: u64,
    pub(crate) size_bytes: u64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for LookupTable {
    const COLLECTION: &'static str = "log_lookup_table";
    const VERSION: u32 = 1;
}

/// The CSV text of a table, gzip-compressed, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LookupTableBody {
    gzip: String,
}

impl Record for LookupTableBody {
    const COLLECTION: &'static str = "log_lookup_table_body";
    const VERSION: u32 = 1;
}

impl LookupTableBody {
    pub(crate) fn of(text: &str) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("memory takes bytes");
        Self { gzip: STANDARD.encode(encoder.finish().expect("memory takes bytes")) }
    }

    pub(crate) fn text(&self) -> Result<String, LogsError> {
        let damaged = |error: Box<dyn std::error::Error + Send + Sync>| LogsError::Internal(error);
        let bytes = STANDARD.decode(&self.gzip).map_err(|error| damaged(error.into()))?;
        let mut text = String::new();
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).map_err(|error| damaged(error.into()))?;
        Ok(text)
    }
}

pub(crate) fn table_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

pub(crate) fn tables_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

pub(crate) fn table_arn(scope: &Scope, name: &str) -> String {
    scope.arn("logs", &format!("lookup-table:{name}"))
}

/// The name in the ARN of a table of this account and Region.
pub(crate) fn name_in_arn(scope: &Scope, arn: &str) -> Result<String, LogsError> {
    match arn.strip_prefix(&table_arn(scope, "")) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ if arn.contains(":lookup-table:") => Err(missing()),
        _ => Err(LogsError::invalid(format!("Invalid lookupTableArn: {arn}"))),
    }
}

pub(crate) fn missing() -> LogsError {
    LogsError::NotFound("The specified lookup table does not exist.".into())
}

/// Names of the columns and number of rows of a CSV text with a header.
pub(crate) fn read_csv(text: &str) -> Result<(Vec<String>, u64), LogsError> {
    let wrong = |reason: String| LogsError::invalid(format!("Invalid tableBody: {reason}"));
    if text.len() > BODY_BYTES_MAX {
        return Err(wrong("it is larger than 10 MB".to_owned()));
    }
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| wrong(error.to_string()))?;
    let fields: Vec<String> = header.iter().map(str::to_owned).collect();
    if fields.is_empty() || fields.iter().any(String::is_empty) {
        return Err(wrong("the first line must name every column".to_owned()));
    }
    if fields.iter().collect::<HashSet<_>>().len() < fields.len() {
        return Err(wrong("two columns have the same name".to_owned()));
    }
    let mut record = csv::StringRecord::new();
    let mut records = 0;
    while reader.read_record(&mut record).map_err(|error| wrong(error.to_string()))? {
        records += 1;
    }
    Ok((fields, records))
}

/// Rows of a query as CSV text. Columns are in the order in which rows first have them; `@ptr` is left out.
pub(crate) fn write_csv(rows: &[Vec<(&str, &str)>]) -> Result<String, LogsError> {
    let mut fields: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if *name != "@ptr" && !fields.contains(name) {
            fields.push(name);
        }
    }
    if fields.is_empty() {
        return Err(LogsError::invalid("The query has no results to make a lookup table of."));
    }
    let internal = |error: csv::Error| LogsError::Internal(Box::new(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&fields).map_err(internal)?;
    for row in rows {
        let value = |field: &&str| row.iter().find(|(name, _)| name == field).map_or("", |(_, value)| *value);
        writer.write_record(fields.iter().map(value)).map_err(internal)?;
    }
    let bytes = writer.into_inner().map_err(|error| LogsError::Internal(Box::new(error.into_error())))?;
    String::from_utf8(bytes).map_err(|error| LogsError::Internal(Box::new(error)))
}

impl Logs {
    /// The text of a table.
    pub(crate) fn lookup_table(&self, scope: &Scope, name: &str) -> Result<String, LogsError> {
        self.lookup_bodies.get(&table_key(scope, name)).ok_or_else(missing)?.text()
    }

    /// Creates the table, or replaces all of it, as `replace` says.
    pub(crate) async fn put_lookup_table(
        &self,
        scope: &Scope,
        name: &str,
        text: &str,
        replace: Replace,
        described: impl Fn(Option<&LookupTable>, LookupTable) -> LookupTable,
    ) -> Result<LookupTable, LogsError> {
        let now = self.clock.now();
        let (fields, records) = read_csv(text)?;
        let body = LookupTableBody::of(text);
        let key = table_key(scope, name);
        loop {
            let before = self.lookup_tables.get(&key);
            match (&before, replace) {
                (Some(_), Replace::Never) => {
                    return Err(LogsError::Exists("The specified lookup table already exists.".into()));
                }
                (None, Replace::Only) => return Err(missing()),
                (None, _) if self.lookup_tables.count(&tables_of(scope)) >= TABLES_MAX => {
                    return Err(LogsError::LimitExceeded);
                }
                _ => {}
            }
            let new = LookupTable {
                description: None,
                fields: fields.clone(),
                records,
                size_bytes: text.len() as u64,
                created: before.as_ref().map_or(now, |before| before.created),
                updated: now,
                tags: before.as_ref().map(|before| before.tags.clone()).unwrap_or_default(),
            };
            let new = described(before.as_ref().map(|before| &*before.record), new);
            if self.commit_table(&key, before, new.clone(), body.clone()).await? {
                return Ok(new);
            }
        }
    }

    /// Whether nothing else changed the table meanwhile.
    async fn commit_table(
        &self,
        key: &RecordKey,
        before: Option<Versioned<LookupTable>>,
        new: LookupTable,
        body: LookupTableBody,
    ) -> Result<bool, LogsError> {
        let (tables, bodies) = (&self.lookup_tables, &self.lookup_bodies);
        let transaction = self.catalog.transaction();
        let transaction = match (before, bodies.get(key)) {
            (Some(before), Some(body_before)) => transaction
                .update(tables, key.clone(), before.version, new)
                .update(bodies, key.clone(), body_before.version, body),
            _ => transaction.insert(tables, key.clone(), new).insert(bodies, key.clone(), body),
        };
        match transaction.commit().await {
            Ok(_) => Ok(true),
            Err(CommitError::Failed(error)) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    /// The rows of a query that has ended, as CSV text.
    pub(crate) fn query_as_csv(&self, scope: &Scope, query_id: &str) -> Result<String, LogsError> {
        let unknown =
            || LogsError::invalid(format!("The query {query_id} does not exist or has no results."));
        let query = self.queries.find(scope, query_id).ok_or_else(unknown)?;
        if !matches!(query.job.status(), query::QueryStatus::Complete | query::QueryStatus::Cancelled) {
            return Err(LogsError::invalid(format!("The query {query_id} has not completed.")));
        }
        let rows = query.job.rows(0, usize::MAX).ok_or_else(unknown)?;
        let texts: Vec<Vec<(&str, &str)>> = rows
            .iter()
            .map(|row| row.values.iter().map(|(name, value)| (&**name, value.as_str())).collect())
            .collect();
        write_csv(&texts)
    }
}

/// Whether a table may, must not or must be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    Never,
    Only,
    Either,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_header_and_full_rows() {
        let (fields, records) = read_csv("id,\"the name\"\n1,a\n2,\"b,c\"\n").unwrap();
        assert_eq!((fields, records), (vec!["id".to_owned(), "the name".to_owned()], 2));
        assert_eq!(read_csv("id\n").unwrap().1, 0);
        for bad in ["", "a,\n1,2", "a,a\n1,2", "a,b\n1"] {
            assert!(read_csv(bad).is_err(), "{bad:?}");
        }
        assert!(read_csv(&format!("a\n{}", "x".repeat(BODY_BYTES_MAX))).is_err());
    }

    #[test]
    fn rows_become_a_table_and_bodies_come_back() {
        let rows = [vec![("@ptr", "p"), ("a", "1")], vec![("a", "x,y"), ("b", "2")]];
        let text = write_csv(&rows).unwrap();
        assert_eq!(text, "a,b\n1,\n\"x,y\",2\n");
        assert_eq!(LookupTableBody::of(&text).text().unwrap(), text);
        assert!(write_csv(&[]).is_err());
    }
}
