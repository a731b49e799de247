//! Pages of records that are listed by name.

use std::sync::Arc;

use base::page_token;
use catalog::{Collection, Prefix, Record, RecordKey};

use super::page_start;
use crate::error::LogsError;
use crate::group::name_of;

/// Records by name, and the token of the next page.
pub(super) type NamedPage<R> = (Vec<(String, Arc<R>)>, Option<String>);

/// Up to `limit` records of `prefix` after the one the token names, and the token of the next page. `purpose` is
/// what must be the same from page to page; `key` is the key of the record of that name.
pub(super) fn named_page<R: Record>(
    collection: &Collection<R>,
    prefix: &Prefix,
    purpose: &str,
    token: Option<&str>,
    limit: usize,
    key: impl Fn(&str) -> RecordKey,
) -> Result<NamedPage<R>, LogsError> {
    let start = page_start(purpose, token)?;
    let after = start.as_deref().and_then(<[String]>::first).map(|name| key(name));
    let mut entries = collection.list(prefix, after.as_ref(), limit + 1);
    let more = entries.len() > limit;
    entries.truncate(limit);
    let page: Vec<_> = entries.into_iter().map(|entry| (name_of(&entry.key), entry.value.record)).collect();
    let token = page.last().filter(|_| more).map(|(name, _)| page_token::encode(purpose, &[name]));
    Ok((page, token))
}

/// The error of operations that know a ValidationException and no InvalidParameterException.
pub(super) fn as_validation(error: LogsError) -> LogsError {
    match error {
        LogsError::InvalidParameter(message) => LogsError::Validation(message),
        other => other,
    }
}
