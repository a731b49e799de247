//! Going through a document, always knowing where.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::ConfigError;

/// An object of the document.
pub(super) struct Walk<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

/// A value of the document with its place, such as `metrics.metrics_collected.cpu`.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
}

impl<'a> Walk<'a> {
    pub(super) fn root(value: &'a Value) -> Result<Self, ConfigError> {
        let detail = || "should be an object".to_owned();
        let invalid = || ConfigError::Invalid { member: "the configuration".to_owned(), detail: detail() };
        Ok(Self { path: String::new(), members: value.as_object().ok_or_else(invalid)? })
    }

    pub(super) fn object(member: &Member<'a>) -> Result<Self, ConfigError> {
        let members = member.value.as_object().ok_or_else(|| member.invalid("should be an object"))?;
        Ok(Self { path: member.path.clone(), members })
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, Member<'a>)> + '_ {
        self.members.iter().map(|(name, value)| (name.as_str(), Member { path: self.path_of(name), value }))
    }

    pub(super) fn get(&self, name: &str) -> Option<Member<'a>> {
        self.members.get(name).map(|value| Member { path: self.path_of(name), value })
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl<'a> Member<'a> {
    pub(super) fn invalid(&self, detail: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { member: self.path.clone(), detail: detail.into() }
    }

    pub(super) fn text(&self) -> Result<&'a str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.invalid("should be a string"))
    }

    pub(super) fn flag(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.invalid("should be true or false"))
    }

    /// A whole number, also written as a string.
    pub(super) fn whole(&self) -> Result<i64, ConfigError> {
        let number = self.value.as_i64().or_else(|| self.value.as_str()?.parse().ok());
        number.ok_or_else(|| self.invalid("should be a whole number"))
    }

    pub(super) fn secs(&self, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let secs = u64::try_from(self.whole()?).ok().filter(|secs| range.contains(secs));
        secs.ok_or_else(|| {
            self.invalid(format!("should be from {} to {} seconds", range.start(), range.end()))
        })
    }

    pub(super) fn items(&self) -> Result<Vec<Member<'a>>, ConfigError> {
        let items = self.value.as_array().ok_or_else(|| self.invalid("should be an array"))?;
        let item = |(index, value)| Member { path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn texts(&self) -> Result<Vec<String>, ConfigError> {
        self.items()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    pub(super) fn pairs(&self) -> Result<BTreeMap<String, String>, ConfigError> {
        let pair = |(name, member): (&str, Member<'_>)| Ok((name.to_owned(), member.text()?.to_owned()));
        Walk::object(self)?.members().map(pair).collect()
    }
}
