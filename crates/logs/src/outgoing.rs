//! What leaves the service through subscriptions, live tail and exports: which places in the store hold a group's
//! events, and how their text is shown outside.

use std::borrow::Cow;

use base::Timestamp;
use store::tables::logs::LogGroupKey;

use crate::Logs;
use crate::group::FoundGroup;

/// A place that events of a group are delivered from.
pub(crate) struct Place {
    /// As it is kept in cursors.
    pub(crate) name: &'static str,
    pub(crate) key: LogGroupKey,
    /// Stretches of sequences that are not delivered from there.
    hidden: Vec<(u64, u64)>,
}

impl Place {
    /// Whether the event of this sequence is delivered from here.
    pub(crate) fn delivers(&self, sequence: u64) -> bool {
        !self.hidden.iter().any(|(first, last)| (*first..=*last).contains(&sequence))
    }
}

impl Logs {
    /// The places that hold the group's events as they were sent.
    pub(crate) fn original_places(&self, group: &FoundGroup) -> Vec<LogGroupKey> {
        vec![group.store_key()]
    }

    /// The places that hold the group's events in the form that is wanted: as they were sent, or transformed where
    /// and while the group has a transformer.
    pub(crate) fn delivery_places(&self, group: &FoundGroup, transformed: bool) -> Vec<Place> {
        if !transformed {
            return vec![Place { name: "main", key: group.store_key(), hidden: Vec::new() }];
        }
        let names = ["main", "transformed"].into_iter();
        let sources = names.zip(self.query_sources(group));
        sources.map(|(name, (key, hidden))| Place { name, key, hidden }).collect()
    }

    /// The text of an event of the group that was accepted then, as it is shown outside.
    pub(crate) fn shown_text<'a>(
        &self,
        group: &FoundGroup,
        accepted: Timestamp,
        text: &'a str,
    ) -> Cow<'a, str> {
        self.masker(group).map_or(Cow::Borrowed(text), |masker| masker.mask(accepted, text))
    }
}
