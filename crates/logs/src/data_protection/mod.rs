//! Data protection: sensitive data of events is masked when they are read (`spec/logs-more.md` §5).
//!
//! What a policy masks is fixed by when an event was ingested: the record remembers each policy with the time it was
//! in force, so that events stay masked when a policy changes or goes. Detection itself happens at reading; the
//! stored event is the original.

mod detector;
mod identifiers;
mod policy;

use std::borrow::Cow;
use std::sync::Arc;

use base::{Scope, Timestamp};
use catalog::{CommitError, Record, RecordKey};
use serde::{Deserialize, Serialize};
use shapes::logs::DataProtectionStatus;

use crate::Logs;
use crate::error::LogsError;
use crate::group::FoundGroup;

pub(crate) use detector::Detector;
pub(crate) use policy::Policy;

/// Stretches of time kept apart; beyond, the two oldest are joined, which masks rather more.
const INTERVALS_MAX: usize = 50;

/// What is kept of the data protection of a log group, or of all groups of an account and Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataProtection {
    /// The policy in force, as it was put.
    pub(crate) document: Option<String>,
    pub(crate) last_updated: Timestamp,
    pub(crate) intervals: Vec<Interval>,
}

/// What was masked of the events ingested in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interval {
    pub(crate) from: Timestamp,
    /// Not included; `None` while the policy is in force.
    pub(crate) until: Option<Timestamp>,
    /// Names of managed identifiers.
    pub(crate) managed: Vec<String>,
    /// Regular expressions of custom identifiers.
    pub(crate) custom: Vec<String>,
}

impl Record for DataProtection {
    const COLLECTION: &'static str = "log_data_protection";
    const VERSION: u32 = 1;
}

/// Of a group; of all groups for the empty name, which no group has.
pub(crate) fn protection_key(scope: &Scope, group: &str) -> RecordKey {
    RecordKey::new(scope, &[group])
}

const ACCOUNT: &str = "";

impl DataProtection {
    fn new(now: Timestamp) -> Self {
        Self { document: None, last_updated: now, intervals: Vec::new() }
    }

    /// Puts another policy, or none, into force.
    fn change(&mut self, policy: Option<(&str, &Policy)>, now: Timestamp) {
        if let Some(last) = self.intervals.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(now);
        }
        self.document = policy.map(|(document, _)| document.to_owned());
        self.last_updated = now;
        if let Some((_, policy)) = policy {
            let (managed, custom) = (policy.managed.clone(), policy.custom.clone());
            self.intervals.push(Interval { from: now, until: None, managed, custom });
        }
        if self.intervals.len() > INTERVALS_MAX {
            let oldest = self.intervals.remove(0);
            let next = &mut self.intervals[0];
            next.from = oldest.from;
            next.managed.extend(oldest.managed);
            next.custom.extend(oldest.custom);
        }
    }
}

/// Masks the texts of one group.
#[derive(Debug)]
pub(crate) struct Masker {
    intervals: Vec<(Timestamp, Option<Timestamp>, Detector)>,
}

impl Masker {
    fn of<'r>(records: impl IntoIterator<Item = &'r DataProtection>) -> Option<Self> {
        let intervals: Vec<_> = records
            .into_iter()
            .flat_map(|record| &record.intervals)
            .map(|i| (i.from, i.until, Detector::compile(&i.managed, &i.custom)))
            .filter(|(_, _, detector)| !detector.is_idle())
            .collect();
        (!intervals.is_empty()).then_some(Self { intervals })
    }

    /// The text of an event ingested at that time, with asterisks in place of sensitive characters.
    pub(crate) fn mask<'a>(&self, ingestion_time: Timestamp, text: &'a str) -> Cow<'a, str> {
        let in_force = |(from, until, _): &&(Timestamp, Option<Timestamp>, Detector)| {
            *from <= ingestion_time && until.is_none_or(|until| ingestion_time < until)
        };
        let detectors = self.intervals.iter().filter(in_force).map(|(_, _, detector)| detector);
        detector::mask(detectors, "", text)
    }

    /// A value whose time of ingestion is not known, such as a result of a query, with asterisks in place of all that
    /// any policy masks. `name` is where key words are looked for, too.
    pub(crate) fn mask_value<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        detector::mask(self.intervals.iter().map(|(_, _, detector)| detector), name, value)
    }

    /// Whether an event ingested at that time holds something sensitive.
    pub(crate) fn finds(&self, ingestion_time: Timestamp, text: &str) -> bool {
        matches!(self.mask(ingestion_time, text), Cow::Owned(_))
    }
}

impl Logs {
    /// What masks the group's texts; `None` if nothing ever did.
    pub(crate) fn masker(&self, group: &FoundGroup) -> Option<Arc<Masker>> {
        // Most installations have no policy at all.
        if self.protections.total() == 0 {
            return None;
        }
        self.rules_of(group, &group.store_key()).masker.clone()
    }

    /// The masker of a group, compiled anew.
    pub(crate) fn compile_masker(&self, group: &FoundGroup) -> Option<Arc<Masker>> {
        let keys = [ACCOUNT, &group.name].map(|name| protection_key(&group.scope, name));
        let records: Vec<_> = keys.iter().filter_map(|key| self.protections.get(key)).collect();
        Masker::of(records.iter().map(|record| &*record.record)).map(Arc::new)
    }

    /// The group's status, and whether the account's policy is for it, too.
    pub(crate) fn protection_status(&self, group: &FoundGroup) -> (Option<DataProtectionStatus>, bool) {
        if self.protections.total() == 0 {
            return (None, false);
        }
        let of = |name: &str| self.protections.get(&protection_key(&group.scope, name));
        let status = of(&group.name).map(|record| match record.document {
            Some(_) => DataProtectionStatus::Activated,
            None => DataProtectionStatus::Deleted,
        });
        (status, of(ACCOUNT).is_some_and(|record| record.document.is_some()))
    }

    /// Puts another policy, or none, into force for a group. Its lock for changing must be held.
    pub(crate) async fn change_protection(
        &self,
        scope: &Scope,
        group: &str,
        policy: Option<(&str, &Policy)>,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        let key = protection_key(scope, group);
        loop {
            let earlier = self.protections.get(&key);
            let mut record =
                earlier.as_ref().map_or_else(|| DataProtection::new(now), |e| DataProtection::clone(e));
            record.change(policy, now);
            let transaction = self.catalog.transaction();
            let transaction = match earlier {
                Some(earlier) => transaction.update(&self.protections, key.clone(), earlier.version, record),
                None => transaction.insert(&self.protections, key.clone(), record),
            };
            match transaction.commit().await {
                Ok(_) => return Ok(()),
                Err(CommitError::Failed(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
    }

    /// The account's policy was put or deleted.
    pub(crate) async fn change_account_protection(
        &self,
        scope: &Scope,
        document: Option<&str>,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        let policy = document.map(Policy::parse).transpose()?;
        self.change_protection(scope, ACCOUNT, document.zip(policy.as_ref()), now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_stay_masked_as_when_they_were_ingested() {
        let at = Timestamp::from_millis;
        let policy = |managed: &str| Policy { managed: vec![managed.to_owned()], custom: Vec::new() };
        let mut record = DataProtection::new(at(0));
        record.change(Some(("e", &policy("EmailAddress"))), at(10));
        record.change(Some(("i", &policy("IpAddress"))), at(20));
        record.change(None, at(30));
        assert_eq!(record.document, None);
        let masker = Masker::of([&record]).unwrap();
        let text = "a@example.com 10.0.0.1";
        for (ingested, shown) in
            [(9, text), (10, "************* 10.0.0.1"), (20, "a@example.com ********"), (30, text)]
        {
            assert_eq!(masker.mask(at(ingested), text), shown, "{ingested}");
        }
        assert_eq!(masker.mask_value("x", text), "************* ********");
        for n in 0..200 {
            record.change(Some(("e", &policy("EmailAddress"))), at(100 + n));
        }
        assert!(record.intervals.len() <= INTERVALS_MAX);
        assert!(Masker::of([&record]).unwrap().finds(at(25), text));
    }
}
