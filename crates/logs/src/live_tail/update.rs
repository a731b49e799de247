//! What one update of a live tail session shows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::Timestamp;
use shapes::logs::{LiveTailSessionLogEvent, LiveTailSessionMetadata, LiveTailSessionUpdate};
use store::tables::logs::{AppendedBatch, LogFeed};

use super::{Choice, UPDATE_MILLIS};
use crate::Logs;

/// AWS: up to 500 events a second; of more, a sample (CloudWatchLogs_LiveTail.html).
const EVENTS_MAX: usize = 500;
/// Updates kept for a client that is slow.
const UPDATES_MAX: usize = 10;

/// Makes updates of what the feed brings.
pub(super) struct Updates {
    logs: Arc<Logs>,
    feed: LogFeed,
    choice: Choice,
    begun: Timestamp,
    missed: u64,
    waiting: VecDeque<LiveTailSessionUpdate>,
}

/// Events of one second that match.
#[derive(Default)]
struct Second {
    events: Vec<LiveTailSessionLogEvent>,
    matched: usize,
}

impl Updates {
    pub(super) fn new(logs: Arc<Logs>, feed: LogFeed, choice: Choice, begun: Timestamp) -> Self {
        Self { logs, feed, choice, begun, missed: 0, waiting: VecDeque::new() }
    }

    /// An update that was due before.
    pub(super) fn waiting(&mut self) -> Option<LiveTailSessionUpdate> {
        self.waiting.pop_front()
    }

    /// The first update of what came since the last call, possibly empty; the others wait.
    pub(super) fn collect(&mut self) -> LiveTailSessionUpdate {
        let mut seconds: BTreeMap<i64, Second> = BTreeMap::new();
        for batch in self.feed.take() {
            // A batch belongs to the second in which it was accepted. Of a client that is late, the oldest
            // seconds are dropped.
            let second = batch.ingestion_time().millis_since(self.begun).div_euclid(UPDATE_MILLIS);
            self.add(&batch, seconds.entry(second).or_default());
            if seconds.len() > UPDATES_MAX {
                seconds.pop_first();
            }
        }
        let missed = self.feed.missed();
        let was_missed = missed > std::mem::replace(&mut self.missed, missed);
        self.waiting.extend(seconds.into_values().map(|second| {
            let sampled = second.matched > second.events.len();
            update(second.events, sampled)
        }));
        let mut first = self.waiting.pop_front().unwrap_or_else(|| update(Vec::new(), false));
        if was_missed {
            first.session_metadata = Some(LiveTailSessionMetadata { sampled: Some(true) });
        }
        first
    }

    fn add(&self, batch: &AppendedBatch, second: &mut Second) {
        let Some(group) = self.choice.groups.get(&batch.group().name) else { return };
        if !self.choice.wants_stream(batch.stream()) {
            return;
        }
        for (position, event) in batch.events() {
            let message = self.logs.shown_text(group, batch.ingestion_time(), event.text());
            if !self.choice.pattern.matches(&message) {
                continue;
            }
            second.matched += 1;
            let shape = LiveTailSessionLogEvent {
                log_stream_name: Some(batch.stream().as_ref().to_owned()),
                log_group_identifier: Some(format!("{}:{}", group.scope.account, group.name)),
                message: Some(message.into_owned()),
                timestamp: Some(position.timestamp.as_millis()),
                ingestion_time: Some(batch.ingestion_time().as_millis()),
            };
            sample(second, shape);
        }
    }
}

/// Keeps the event, or lets it take the place of one that is kept, so that what is kept is spread over the second:
/// of n events the k-th hundred is as likely there as any other.
fn sample(second: &mut Second, event: LiveTailSessionLogEvent) {
    if second.events.len() < EVENTS_MAX {
        second.events.push(event);
        return;
    }
    // A multiplicative hash of the count stands in for a random number: samples need not be unpredictable.
    let hash = (second.matched as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let place = ((u128::from(hash) * second.matched as u128) >> 64) as usize;
    if place < EVENTS_MAX {
        second.events.remove(place);
        second.events.push(event);
    }
}

fn update(events: Vec<LiveTailSessionLogEvent>, sampled: bool) -> LiveTailSessionUpdate {
    LiveTailSessionUpdate {
        session_metadata: Some(LiveTailSessionMetadata { sampled: Some(sampled) }),
        session_results: Some(events),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_the_second_and_in_order() {
        let mut second = Second::default();
        for n in 0..10_000 {
            second.matched += 1;
            sample(&mut second, LiveTailSessionLogEvent { timestamp: Some(n), ..Default::default() });
        }
        let kept: Vec<i64> = second.events.iter().map(|e| e.timestamp.unwrap()).collect();
        assert_eq!(kept.len(), EVENTS_MAX);
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]), "in order, each once");
        for tenth in 0..10 {
            let count = kept.iter().filter(|n| **n / 1000 == tenth).count();
            assert!((25..=80).contains(&count), "{count} of tenth {tenth}");
        }
    }
}
