//! Tags of topics.

use std::collections::BTreeMap;

use shapes::sns::Tag;

use crate::error::SnsError;

const TAGS_MAX: usize = 50;

/// The tags of a request; keys must be distinct.
pub(crate) fn checked_tags(tags: &[Tag]) -> Result<BTreeMap<String, String>, SnsError> {
    let mut checked = BTreeMap::new();
    for tag in tags {
        if checked.insert(tag.key.clone(), tag.value.clone()).is_some() {
            return Err(SnsError::invalid("Duplicated keys are not allowed."));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(SnsError::invalid("Tag keys that begin with aws: are reserved"));
        }
    }
    if checked.len() > TAGS_MAX {
        return Err(SnsError::TooManyTags);
    }
    Ok(checked)
}

pub(crate) fn add_tags(
    tags: &mut BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Result<(), SnsError> {
    tags.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    if tags.len() > TAGS_MAX { Err(SnsError::TooManyTags) } else { Ok(()) }
}

pub(crate) fn remove_tags(tags: &mut BTreeMap<String, String>, keys: &[String]) {
    tags.retain(|key, _| !keys.contains(key));
}
