//! Transformers: log events made into one structure on their way in (`spec/logs-more.md` §4).
//!
//! Events are kept as they came, where all operations on events find them. What a transformer makes of them is kept
//! beside, under the group's name with an incarnation of its own: Insights reads that instead of the originals
//! accepted while a transformer was in force, whose stretches of sequences the record remembers.

mod compile;
pub(crate) mod config;
mod datetime;
mod grok;
mod mutators;
mod parsers;
mod settle;
#[cfg(test)]
mod tests;
mod value;

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};
use store::tables::logs::LogGroupKey;

use crate::Logs;
use crate::group::FoundGroup;

pub(crate) use compile::{Origin, Transformer};
pub(crate) use config::Step;
pub(crate) use settle::{OwnChange, missing};

/// What is kept of the transformers of a log group, from the first one until the group is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transformation {
    /// Incarnation under which transformed events are kept.
    pub(crate) incarnation: u64,
    /// The transformer in force, if there is one.
    pub(crate) current: Option<Current>,
    /// Sequences of the events accepted while a transformer was in force: the first and the last one of each stretch.
    pub(crate) stretches: Vec<(u64, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Current {
    pub(crate) creation_time: Timestamp,
    pub(crate) last_modified_time: Timestamp,
    pub(crate) steps: Vec<Step>,
    /// Sequence of the event accepted last before the transformer was put.
    pub(crate) accepted_before: u64,
    /// The account policy it comes from, if it is not the group's own.
    #[serde(default)]
    pub(crate) inherited: Option<String>,
}

impl Record for Transformation {
    const COLLECTION: &'static str = "log_transformation";
    const VERSION: u32 = 1;
}

impl Transformation {
    /// Where the transformed events of the group are.
    pub(crate) fn store_key(&self, group: &LogGroupKey) -> LogGroupKey {
        LogGroupKey { incarnation: self.incarnation, ..group.clone() }
    }

    /// Stretches of sequences whose originals Insights does not read.
    pub(crate) fn hidden(&self) -> Vec<(u64, u64)> {
        let open = self.current.as_ref().map(|current| (current.accepted_before + 1, u64::MAX));
        self.stretches.iter().copied().chain(open).collect()
    }

    /// Ends the transformer in force; `accepted` is the sequence of the event accepted last.
    pub(crate) fn end(&mut self, accepted: u64) {
        if let Some(current) = self.current.take()
            && current.accepted_before < accepted
        {
            self.stretches.push((current.accepted_before + 1, accepted));
        }
    }
}

pub(crate) fn transformation_key(scope: &Scope, group: &str) -> RecordKey {
    RecordKey::new(scope, &[group])
}

/// What Insights reads of a group: parts of the store, each with the stretches hidden in it.
pub(crate) type Sources = Vec<(LogGroupKey, Vec<(u64, u64)>)>;

impl Logs {
    pub(crate) fn transformation(
        &self,
        scope: &Scope,
        group: &str,
    ) -> Option<catalog::Versioned<Transformation>> {
        self.transformations.get(&transformation_key(scope, group))
    }

    /// What Insights reads of a group.
    pub(crate) fn query_sources(&self, group: &FoundGroup) -> Sources {
        let key = group.store_key();
        match self.transformation(&group.scope, &group.name) {
            None => vec![(key, Vec::new())],
            Some(transformation) => {
                let transformed = (transformation.store_key(&key), Vec::new());
                vec![(key, transformation.hidden()), transformed]
            }
        }
    }

    /// Every place in the store where something of a group is kept.
    pub(crate) fn all_store_keys(&self, group: &FoundGroup) -> Vec<LogGroupKey> {
        self.query_sources(group).into_iter().map(|(key, _)| key).collect()
    }
}
