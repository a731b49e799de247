//! Tags of every kind of resource: one record per tagged resource.
//!
//! A resource's tags are written in the transaction that creates it and removed in the one that deletes it.
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html>.

use std::collections::BTreeMap;

use base::{Arn, Scope};
use catalog::{Catalog, CatalogError, Collection, Record, RecordKey, Transaction};
use serde::{Deserialize, Serialize};
use shapes::cloudwatch::Tag;

use crate::{CloudWatch, CloudWatchError, dashboard};

const TAGS_MAX: usize = 50;

/// A kind of resource that can have tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taggable {
    Alarm,
    AlarmMuteRule,
    Dashboard,
    InsightRule,
    MetricStream,
    QueryDefinition,
}

impl Taggable {
    const ALL: [Self; 6] = [
        Self::Alarm,
        Self::AlarmMuteRule,
        Self::Dashboard,
        Self::InsightRule,
        Self::MetricStream,
        Self::QueryDefinition,
    ];

    /// What the resource part of an ARN begins with; also the record's key, so never changed.
    fn prefix(self) -> &'static str {
        match self {
            Self::Alarm => "alarm:",
            Self::AlarmMuteRule => "alarm-mute-rule:",
            Self::Dashboard => "dashboard/",
            Self::InsightRule => "insight-rule/",
            Self::MetricStream => "metric-stream/",
            Self::QueryDefinition => "metric-data-query-definition/",
        }
    }

    /// The ARN of the resource of this name.
    pub(crate) fn arn(self, scope: &Scope, name: &str) -> String {
        scope.arn("cloudwatch", &format!("{}{name}", self.prefix()))
    }
}

/// The tags of one resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TagSet {
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for TagSet {
    const COLLECTION: &'static str = "cloudwatch_tags";
    const VERSION: u32 = 1;
}

/// All tags of this server's CloudWatch resources.
pub(crate) struct Tags {
    sets: Collection<TagSet>,
}

fn key(scope: &Scope, kind: Taggable, name: &str) -> RecordKey {
    RecordKey::new(&kept_in(scope, kind), &[kind.prefix(), name])
}

/// Dashboards belong to no Region, and neither do their tags.
fn kept_in(scope: &Scope, kind: Taggable) -> Scope {
    if kind == Taggable::Dashboard { dashboard::global(scope) } else { scope.clone() }
}

impl Tags {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self { sets: catalog.collection()? })
    }

    pub(crate) fn get(&self, scope: &Scope, kind: Taggable, name: &str) -> BTreeMap<String, String> {
        self.sets.get(&key(scope, kind, name)).map(|set| set.tags.clone()).unwrap_or_default()
    }

    /// Adds the tags of a resource that is being created to the transaction that creates it.
    pub(crate) fn put(
        &self,
        transaction: Transaction,
        scope: &Scope,
        kind: Taggable,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Transaction {
        let transaction = self.remove(transaction, scope, kind, name);
        if tags.is_empty() {
            return transaction;
        }
        transaction.insert(&self.sets, key(scope, kind, name), TagSet { tags })
    }

    /// Removes the tags of a resource in the transaction that deletes it.
    pub(crate) fn remove(
        &self,
        transaction: Transaction,
        scope: &Scope,
        kind: Taggable,
        name: &str,
    ) -> Transaction {
        let prefix = catalog::Prefix::new(&kept_in(scope, kind), &[kind.prefix(), name]);
        transaction.delete_all(&self.sets, prefix)
    }

    /// Reads, changes and writes the tags of a resource that exists.
    pub(crate) async fn change(
        &self,
        scope: &Scope,
        kind: Taggable,
        name: &str,
        mut change: impl FnMut(&mut BTreeMap<String, String>) -> Result<(), CloudWatchError>,
    ) -> Result<(), CloudWatchError> {
        let key = key(scope, kind, name);
        if !self.sets.contains(&key) {
            let mut set = TagSet::default();
            change(&mut set.tags)?;
            match self.sets.insert(key.clone(), set).await {
                Ok(_) => return Ok(()),
                // Another request was faster; its tags are kept.
                Err(catalog::CommitError::Exists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.sets.update(&key, |set| change(&mut set.tags)).await?;
        Ok(())
    }
}

/// The tags of a request, checked.
pub(crate) fn of_request(tags: Option<&[Tag]>) -> Result<BTreeMap<String, String>, CloudWatchError> {
    let mut set = BTreeMap::new();
    add(&mut set, tags.unwrap_or_default())?;
    Ok(set)
}

/// Adds tags, replacing values of keys that are there.
pub(crate) fn add(set: &mut BTreeMap<String, String>, tags: &[Tag]) -> Result<(), CloudWatchError> {
    for Tag { key, value } in tags {
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(CloudWatchError::InvalidParameterValue(format!(
                "Tag keys starting with aws: are reserved: {key}"
            )));
        }
        set.insert(key.clone(), value.clone());
    }
    if set.len() > TAGS_MAX {
        return Err(CloudWatchError::InvalidParameterValue(format!(
            "A resource must not have more than {TAGS_MAX} tags."
        )));
    }
    Ok(())
}

/// The tags as AWS lists them.
pub(crate) fn shapes(set: BTreeMap<String, String>) -> Vec<Tag> {
    set.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

/// The resource an ARN names, which need not exist.
pub(crate) fn resource_of_arn(scope: &Scope, text: &str) -> Result<(Taggable, String), CloudWatchError> {
    let malformed = || CloudWatchError::invalid_value(text, "ResourceARN");
    let arn = Arn::parse(text).map_err(|_| malformed())?;
    if arn.service != "cloudwatch" {
        return Err(malformed());
    }
    let found = Taggable::ALL.into_iter().find_map(|kind| {
        let name = arn.resource.strip_prefix(kind.prefix())?;
        (!name.is_empty()).then(|| (kind, name.to_owned()))
    });
    let (kind, name) = found.ok_or_else(malformed)?;
    // AWS: dashboards belong to an account and no Region, so their ARNs have none.
    let here = arn.account == scope.account.as_str()
        && (arn.region == scope.region.as_str() || kind == Taggable::Dashboard && arn.region.is_empty());
    if here { Ok((kind, name)) } else { Err(missing(kind, text)) }
}

/// Whether the resource is there; every kind adds its own line.
pub(crate) fn exists(service: &CloudWatch, scope: &Scope, kind: Taggable, name: &str) -> bool {
    match kind {
        // There are no insight rules here.
        Taggable::InsightRule => false,
        Taggable::MetricStream => {
            service.metric_streams().records.contains(&crate::metric_stream::key(scope, name))
        }
        Taggable::QueryDefinition => {
            service.query_definitions().records.contains(&crate::query_definition::key(scope, name))
        }
        Taggable::Alarm => service.alarms().has_alarm(scope, name),
        Taggable::AlarmMuteRule => service.alarms().has_mute_rule(scope, name),
        Taggable::Dashboard => service.dashboards().exists(scope, name),
    }
}

/// What a tagging operation says of a resource that is not there.
pub(crate) fn missing(kind: Taggable, arn: &str) -> CloudWatchError {
    CloudWatchError::NotFound {
        kind: Some(match kind {
            Taggable::Alarm => "Alarm",
            Taggable::AlarmMuteRule => "AlarmMuteRule",
            Taggable::Dashboard => "Dashboard",
            Taggable::InsightRule => "InsightRule",
            Taggable::MetricStream => "MetricStream",
            Taggable::QueryDefinition => "MetricDataQueryDefinition",
        }),
        id: Some(arn.to_owned()),
        message: format!("{arn} not found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Region};

    #[test]
    fn arns_name_resources_of_the_caller() {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap());
        let ours = |resource: &str| format!("arn:aws:cloudwatch:eu-west-1:123456789012:{resource}");
        let found = |text: &str| resource_of_arn(&scope, text).ok();
        assert_eq!(found(&ours("alarm:a:b")), Some((Taggable::Alarm, "a:b".to_owned())));
        assert_eq!(
            found("arn:aws:cloudwatch::123456789012:dashboard/d"),
            Some((Taggable::Dashboard, "d".to_owned()))
        );
        for bad in ["", "x", &ours("alarm:"), &ours("thing/x"), "arn:aws:sns:eu-west-1:123456789012:alarm:a"]
        {
            assert!(
                matches!(resource_of_arn(&scope, bad), Err(CloudWatchError::InvalidParameterValue(_))),
                "{bad}"
            );
        }
        let foreign = "arn:aws:cloudwatch:eu-west-1:999999999999:alarm:a";
        assert!(matches!(resource_of_arn(&scope, foreign), Err(CloudWatchError::NotFound { .. })));
    }

    #[test]
    fn tag_sets_have_limits() {
        let tag = |key: String| Tag { key, value: "v".to_owned() };
        let many: Vec<Tag> = (0..51).map(|i| tag(i.to_string())).collect();
        assert!(of_request(Some(&many[..50])).is_ok());
        assert!(of_request(Some(&many)).is_err());
        assert!(of_request(Some(&[tag("AWS:x".to_owned())])).is_err());
    }
}
