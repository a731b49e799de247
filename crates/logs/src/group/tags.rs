//! Tag sets of log groups (`spec/logs-api.md` §10). Lengths and characters were checked against the model.

use std::collections::BTreeMap;

use crate::error::LogsError;

const TAGS_MAX: usize = 50;

/// Keys that begin with `aws:` are AWS's own.
pub(crate) fn check_keys<'a>(keys: impl IntoIterator<Item = &'a String>) -> Result<(), LogsError> {
    for key in keys {
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(LogsError::invalid(format!("Tag keys starting with aws: are reserved: {key}")));
        }
    }
    Ok(())
}

/// Adds `new` to `tags`, replacing values of keys that are there.
pub(crate) fn add(
    tags: &mut BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    resource: &str,
) -> Result<(), LogsError> {
    check_keys(new.keys())?;
    tags.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    if tags.len() > TAGS_MAX { Err(LogsError::TooManyTags(resource.to_owned())) } else { Ok(()) }
}

/// Removes `keys`; those that are not there are fine.
pub(crate) fn remove(tags: &mut BTreeMap<String, String>, keys: &[String]) {
    for key in keys {
        tags.remove(key);
    }
}
