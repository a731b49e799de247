//! Field index policies: which fields of a group's events are indexed (`spec/logs-more.md` §3).
//!
//! The store finds every discovered field by itself, so a policy makes no query faster; it decides which fields
//! `filterIndex` may name, and from when on.

use std::collections::{BTreeMap, BTreeSet};

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::account_policy::PolicyKind;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup, groups_of, name_of};

/// Fields of a policy.
const FIELDS_MAX: usize = 20;
const FIELD_CHARACTERS_MAX: usize = 100;
/// AWS: how long the index of a field stays usable after the policy lets it go.
const KEPT_MILLIS: i64 = 30 * 86_400_000;
/// Generated fields that may be indexed.
const GENERATED: [&str; 11] = [
    "@logStream",
    "@ingestionTime",
    "@requestId",
    "@type",
    "@initDuration",
    "@duration",
    "@billedDuration",
    "@memorySize",
    "@maxMemoryUsed",
    "@xrayTraceId",
    "@xraySegmentId",
];
/// Fields that are indexed everywhere.
pub(crate) const DEFAULT_FIELDS: [&str; 10] = [
    "@logStream",
    "@aws.region",
    "@aws.account",
    "@source.log",
    "@data_source_name",
    "@data_source_type",
    "@data_format",
    "traceId",
    "severityText",
    "attributes.session.id",
];

/// What is kept of a group's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexPolicy {
    /// As it was put; `None` after it was deleted.
    pub(crate) document: Option<String>,
    pub(crate) updated: Timestamp,
    pub(crate) fields: Vec<IndexedField>,
    /// Fields of earlier policies, with the time at which they were let go.
    pub(crate) former: Vec<(IndexedField, Timestamp)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexedField {
    pub(crate) name: String,
    pub(crate) is_facet: bool,
    /// Events ingested from then on are covered.
    pub(crate) since: Timestamp,
}

impl Record for IndexPolicy {
    const COLLECTION: &'static str = "log_index_policy";
    const VERSION: u32 = 1;
}

pub(crate) fn index_key(scope: &Scope, group: &str) -> RecordKey {
    RecordKey::new(scope, &[group])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    fields_v2: BTreeMap<String, FieldOptions>,
}

#[derive(Deserialize)]
struct FieldOptions {
    #[serde(rename = "type")]
    kind: String,
}

/// Names of the fields of a document, and whether each is a facet.
pub(crate) fn parse(document: &str) -> Result<Vec<(String, bool)>, LogsError> {
    let refused = |what: &str| LogsError::invalid(format!("Invalid index policy: {what}."));
    let Document { fields, fields_v2 } =
        serde_json::from_str(document).map_err(|error| refused(&error.to_string()))?;
    let mut found: Vec<(String, bool)> = fields.into_iter().map(|name| (name, false)).collect();
    for (name, options) in fields_v2 {
        let is_facet = match options.kind.as_str() {
            "FACET" => true,
            "FIELD_INDEX" => false,
            other => return Err(refused(&format!("'{other}' is no type of an index"))),
        };
        found.push((name, is_facet));
    }
    if found.is_empty() || found.len() > FIELDS_MAX {
        return Err(refused(&format!("it must have 1 to {FIELDS_MAX} fields")));
    }
    for (index, (name, _)) in found.iter().enumerate() {
        if name.is_empty() || name.chars().count() > FIELD_CHARACTERS_MAX {
            return Err(refused(&format!("a field must have 1 to {FIELD_CHARACTERS_MAX} characters")));
        }
        if found[..index].iter().any(|(earlier, _)| earlier == name) {
            return Err(refused(&format!("the field {name} is there twice")));
        }
        if name.starts_with('@') && !name.starts_with("@@") && !GENERATED.contains(&name.as_str()) {
            return Err(refused(&format!("the field {name} cannot be indexed")));
        }
    }
    Ok(found)
}

impl IndexPolicy {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { document: None, updated: now, fields: Vec::new(), former: Vec::new() }
    }

    /// Puts another policy, or none, into force. Fields that stay keep their time.
    pub(crate) fn change(&mut self, document: Option<(String, Vec<(String, bool)>)>, now: Timestamp) {
        let before = std::mem::take(&mut self.fields);
        let (document, fields) = document.unzip();
        let since =
            |name: &str| before.iter().find(|field| field.name == name).map_or(now, |field| field.since);
        self.fields = fields
            .unwrap_or_default()
            .into_iter()
            .map(|(name, is_facet)| IndexedField { since: since(&name), name, is_facet })
            .collect();
        let gone = |field: &IndexedField| !self.fields.iter().any(|now| now.name == field.name);
        let let_go: Vec<_> = before.iter().filter(|field| gone(field)).map(|f| (f.clone(), now)).collect();
        self.former.retain(|(field, at)| gone(field) && now.millis_since(*at) <= KEPT_MILLIS);
        self.former.extend(let_go);
        self.document = document;
        self.updated = now;
    }

    /// Fields of earlier policies whose index is still there.
    pub(crate) fn inactive(&self, now: Timestamp) -> impl Iterator<Item = &IndexedField> {
        let kept = move |entry: &&(IndexedField, Timestamp)| now.millis_since(entry.1) <= KEPT_MILLIS;
        self.former.iter().filter(kept).map(|(field, _)| field)
    }
}

/// The policy that a group is under.
pub(crate) struct InForce {
    pub(crate) document: String,
    pub(crate) updated: Timestamp,
    pub(crate) fields: Vec<IndexedField>,
    /// Name of the account policy, if it is one.
    pub(crate) account_policy: Option<String>,
}

impl Logs {
    /// The index policy of the group, or else the account's for it.
    pub(crate) fn index_policy_in_force(&self, group: &FoundGroup) -> Option<InForce> {
        let own = self.index_policies.get(&index_key(&group.scope, &group.name));
        if let Some(own) = own
            && let Some(document) = own.document.clone()
        {
            let fields = own.fields.clone();
            return Some(InForce { document, updated: own.updated, fields, account_policy: None });
        }
        let mut policies = self.account_policies.selecting(&group.scope, PolicyKind::FieldIndex, &group.name);
        let (name, policy) = policies.next()?;
        let field = |(name, is_facet)| IndexedField { name, is_facet, since: policy.created };
        Some(InForce {
            document: policy.document.clone(),
            updated: policy.updated,
            fields: parse(&policy.document).ok()?.into_iter().map(field).collect(),
            account_policy: Some(name),
        })
    }

    /// Names of the groups of an account and Region in which all these fields are indexed.
    pub(crate) fn names_of_indexed(&self, scope: &Scope, fields: &[String]) -> BTreeSet<String> {
        let groups = self.groups.list(&groups_of(scope), None, usize::MAX);
        let found = groups.into_iter().map(|entry| FoundGroup {
            name: name_of(&entry.key).into(),
            scope: scope.clone(),
            record: entry.value,
        });
        let indexed = |group: &FoundGroup| fields.iter().all(|field| self.is_indexed(group, field));
        found.filter(indexed).map(|group| group.name.to_string()).collect()
    }

    /// Whether a field of the group's events is indexed, by a policy or by default.
    pub(crate) fn is_indexed(&self, group: &FoundGroup, field: &str) -> bool {
        group.record.class == Class::Standard && DEFAULT_FIELDS.contains(&field)
            || self
                .index_policy_in_force(group)
                .is_some_and(|policy| policy.fields.iter().any(|indexed| indexed.name == field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let names = parse(r#"{"Fields":["a","b.c","@@x"],"FieldsV2":{"d":{"type":"FACET"}}}"#).unwrap();
        assert_eq!(names.len(), 4);
        assert_eq!(names[3], ("d".to_owned(), true));
        let many = format!(r#"{{"Fields":{:?}}}"#, (0..21).map(|n| n.to_string()).collect::<Vec<_>>());
        for bad in [
            "",
            "{}",
            r#"{"Fields":[]}"#,
            r#"{"Fields":["@message"]}"#,
            r#"{"Fields":["a","a"]}"#,
            r#"{"Fields":["a"],"FieldsV2":{"a":{"type":"FACET"}}}"#,
            r#"{"FieldsV2":{"a":{"type":"OTHER"}}}"#,
            r#"{"Fields":[""]}"#,
            &many,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn fields_keep_their_time_and_are_let_go() {
        let at = Timestamp::from_millis;
        let fields = |names: &[&str]| {
            Some((String::new(), names.iter().map(|name| ((*name).to_owned(), false)).collect()))
        };
        let mut policy = IndexPolicy::new(at(0));
        policy.change(fields(&["a", "b"]), at(1));
        policy.change(fields(&["b", "c"]), at(2));
        let since: Vec<_> = policy.fields.iter().map(|f| (f.name.as_str(), f.since.as_millis())).collect();
        assert_eq!(since, [("b", 1), ("c", 2)]);
        let inactive =
            |policy: &IndexPolicy, now| policy.inactive(now).map(|f| f.name.clone()).collect::<Vec<_>>();
        assert_eq!(inactive(&policy, at(3)), ["a"]);
        policy.change(None, at(3));
        assert_eq!(inactive(&policy, at(4)), ["a", "b", "c"]);
        assert_eq!(inactive(&policy, at(3 + KEPT_MILLIS)), ["b", "c"]);
        policy.change(fields(&["b"]), at(5));
        assert_eq!(inactive(&policy, at(6)), ["a", "c"]);
    }
}
