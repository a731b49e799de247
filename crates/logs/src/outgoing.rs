//! What leaves the service through subscriptions, live tail and exports: which places in the store hold a group's
//! events, and how their text is shown outside.

use std::borrow::Cow;

use base::Timestamp;
use store::tables::logs::LogGroupKey;

use crate::Logs;
use crate::group::FoundGroup;

impl Logs {
    /// The places that hold the group's events as they were sent.
    pub(crate) fn original_places(&self, group: &FoundGroup) -> Vec<LogGroupKey> {
        vec![group.store_key()]
    }

    /// The places that hold the group's events, by a name that is kept in cursors, in the form that is wanted:
    /// as they were sent, or transformed where the group has a transformer.
    pub(crate) fn delivery_places(
        &self,
        group: &FoundGroup,
        _transformed: bool,
    ) -> Vec<(&'static str, LogGroupKey)> {
        vec![("main", group.store_key())]
    }

    /// The text of an event of the group that was accepted then, as it is shown outside.
    pub(crate) fn shown_text<'a>(
        &self,
        _group: &FoundGroup,
        _accepted: Timestamp,
        text: &'a str,
    ) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }
}
