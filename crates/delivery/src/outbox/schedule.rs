//! Which parcel is next. Every subscription has lanes of its own (one, or one for each message group), and no lane
//! takes more than its share of the deliveries under way: who hangs holds up nobody else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use base::{Scope, Timestamp};
use catalog::RecordKey;

use super::{Parcel, ParcelKind};

/// Deliveries of one lane under way at a time while they succeed; one while they fail.
const LANE_DELIVERIES_MAX: usize = 8;

/// One line of parcels for one receiver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LaneKey {
    scope: Scope,
    /// Subscription id, or the ARN of a dead-letter queue.
    receiver: String,
    group: Option<String>,
}

impl LaneKey {
    fn of(scope: Scope, parcel: &Parcel) -> Self {
        let receiver = match &parcel.kind {
            ParcelKind::DeadLetter { queue_arn, .. } => queue_arn.clone(),
            _ => parcel.subscription_id.clone(),
        };
        Self { scope, receiver, group: parcel.group.clone() }
    }
}

#[derive(Debug, Default)]
struct Lane {
    /// By due time and order; in lanes that keep order, by order alone.
    waiting: BTreeMap<(Timestamp, u64), (Timestamp, RecordKey)>,
    in_flight: usize,
    is_failing: bool,
    /// Throttled until then.
    not_before: Timestamp,
}

impl Lane {
    fn limit(&self, key: &LaneKey) -> usize {
        if self.is_failing || key.group.is_some() { 1 } else { LANE_DELIVERIES_MAX }
    }

    /// When the next parcel may go, if there is one and the lane has room.
    fn next(&self, key: &LaneKey) -> Option<(Timestamp, u64)> {
        if self.in_flight >= self.limit(key) {
            return None;
        }
        let ((_, order), (due, _)) = self.waiting.first_key_value()?;
        Some(((*due).max(self.not_before), *order))
    }
}

/// The index of the outbox.
#[derive(Debug)]
pub(crate) struct Schedule {
    lanes: HashMap<LaneKey, Lane>,
    /// The next parcel of each lane that may start one.
    heads: BTreeSet<(Timestamp, u64, LaneKey)>,
    /// What waits or is under way, with its lane.
    known: HashMap<RecordKey, LaneKey>,
    /// Parcels of each message, and its size.
    messages: HashMap<(Scope, String), (usize, usize)>,
    bytes: usize,
    order: u64,
}

impl Schedule {
    pub(crate) fn new() -> Self {
        Self {
            lanes: HashMap::new(),
            heads: BTreeSet::new(),
            known: HashMap::new(),
            messages: HashMap::new(),
            bytes: 0,
            order: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next number of acceptance.
    pub(crate) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Parcels that wait for this subscription or queue, outside of groups.
    pub(crate) fn waiting_for(&self, scope: &Scope, receiver: &str) -> usize {
        let key = LaneKey { scope: scope.clone(), receiver: receiver.to_owned(), group: None };
        self.lanes.get(&key).map_or(0, |lane| lane.waiting.len())
    }

    /// Adds a parcel that is durable. A second time changes nothing.
    pub(crate) fn add(&mut self, key: RecordKey, parcel: &Parcel, message_bytes: usize) {
        let Some(scope) = key.scope() else { return };
        if self.known.contains_key(&key) {
            return;
        }
        self.order = self.order.max(parcel.order);
        if parcel.kind.has_message() {
            let message = (scope.clone(), parcel.message_id.clone());
            let (count, _) = self.messages.entry(message).or_insert((0, message_bytes));
            if *count == 0 {
                self.bytes += message_bytes;
            }
            *count += 1;
        }
        let lane = LaneKey::of(scope, parcel);
        self.known.insert(key.clone(), lane.clone());
        self.wait(&lane, key, parcel.due, parcel.order);
    }

    fn wait(&mut self, lane_key: &LaneKey, key: RecordKey, due: Timestamp, order: u64) {
        self.change(lane_key, |lane| {
            let rank = if lane_key.group.is_some() { Timestamp::MIN } else { due };
            lane.waiting.insert((rank, order), (due, key));
        });
    }

    /// Takes the parcel that is due first.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<(RecordKey, LaneKey)> {
        let (due, _, lane_key) = self.heads.first()?;
        if *due > now {
            return None;
        }
        let lane_key = lane_key.clone();
        let mut taken = None;
        self.change(&lane_key, |lane| {
            taken = lane.waiting.pop_first().map(|(_, (_, key))| key);
            lane.in_flight += usize::from(taken.is_some());
        });
        Some((taken?, lane_key))
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.heads.first().map(|(due, ..)| *due)
    }

    /// Notes the end of a delivery that was taken: for good, or until `again`.
    pub(crate) fn finish(
        &mut self,
        lane_key: &LaneKey,
        key: &RecordKey,
        again: Option<(Timestamp, u64)>,
        succeeded: bool,
    ) {
        if again.is_none() {
            self.known.remove(key);
        }
        self.change(lane_key, |lane| {
            lane.in_flight = lane.in_flight.saturating_sub(1);
            lane.is_failing = !succeeded;
        });
        if let Some((due, order)) = again {
            self.wait(lane_key, key.clone(), due, order);
        }
    }

    /// The lane of a parcel under way.
    pub(crate) fn lane_of(&self, key: &RecordKey) -> Option<LaneKey> {
        self.known.get(key).cloned()
    }

    /// Starts no other delivery of this parcel's lane before `until`.
    pub(crate) fn throttle(&mut self, key: &RecordKey, until: Timestamp) {
        if let Some(lane) = self.lane_of(key) {
            self.change(&lane, |lane| lane.not_before = until);
        }
    }

    /// Lets go of one parcel's hold on its message; whether that was the last.
    pub(crate) fn release(&mut self, scope: &Scope, message_id: &str) -> bool {
        let message = (scope.clone(), message_id.to_owned());
        let Some((count, bytes)) = self.messages.get_mut(&message) else { return true };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        self.bytes -= *bytes;
        self.messages.remove(&message);
        true
    }

    /// Takes the hold again, when the release could not be made durable.
    pub(crate) fn hold(&mut self, scope: &Scope, message_id: &str, message_bytes: usize) {
        let (count, _) =
            self.messages.entry((scope.clone(), message_id.to_owned())).or_insert((0, message_bytes));
        if *count == 0 {
            self.bytes += message_bytes;
        }
        *count += 1;
    }

    /// Messages some parcel holds.
    pub(crate) fn held(&self) -> HashSet<(Scope, String)> {
        self.messages.keys().cloned().collect()
    }

    fn change(&mut self, key: &LaneKey, change: impl FnOnce(&mut Lane)) {
        let lane = self.lanes.entry(key.clone()).or_default();
        if let Some((due, order)) = lane.next(key) {
            self.heads.remove(&(due, order, key.clone()));
        }
        change(lane);
        if let Some((due, order)) = lane.next(key) {
            self.heads.insert((due, order, key.clone()));
        } else if lane.waiting.is_empty() && lane.in_flight == 0 {
            self.lanes.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;
    use crate::outbox::parcel_key;

    fn scope() -> Scope {
        Scope::new(AccountId::new("123456789012").unwrap(), Region::new("us-east-1").unwrap())
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn add(
        schedule: &mut Schedule,
        subscription: &str,
        group: Option<&str>,
        order: u64,
        due: i64,
    ) -> RecordKey {
        let parcel = Parcel {
            kind: ParcelKind::Notification,
            message_id: order.to_string(),
            topic: "t".to_owned(),
            subscription_id: subscription.to_owned(),
            order,
            group: group.map(str::to_owned),
            accepted: at(0),
            due: at(due),
            attempts: 0,
            last_error: None,
        };
        let key = parcel_key(&scope(), &parcel);
        schedule.add(key.clone(), &parcel, 100);
        key
    }

    fn take_all(schedule: &mut Schedule, now: i64) -> Vec<(RecordKey, LaneKey)> {
        std::iter::from_fn(|| schedule.take(at(now))).collect()
    }

    #[test]
    fn a_lane_that_hangs_leaves_room_for_others() {
        let mut schedule = Schedule::new();
        for order in 1..=100 {
            add(&mut schedule, "hangs", None, order, 0);
        }
        let other = add(&mut schedule, "fine", None, 101, 0);
        let taken = take_all(&mut schedule, 1);
        assert_eq!(taken.len(), LANE_DELIVERIES_MAX + 1);
        assert!(taken.iter().any(|(key, _)| *key == other));
        // Having failed, it is tried one at a time.
        for (key, lane) in taken {
            schedule.finish(&lane, &key, Some((at(20), 1000)), key == other);
        }
        assert_eq!(take_all(&mut schedule, 1).len(), 1);
    }

    #[test]
    fn groups_keep_their_order_through_failures() {
        let mut schedule = Schedule::new();
        let first = add(&mut schedule, "s", Some("g"), 1, 0);
        let second = add(&mut schedule, "s", Some("g"), 2, 0);
        let (key, lane) = schedule.take(at(0)).unwrap();
        assert_eq!(key, first);
        assert!(schedule.take(at(0)).is_none(), "one at a time");
        schedule.finish(&lane, &key, Some((at(20), 1)), false);
        assert!(schedule.take(at(19)).is_none(), "the second waits for the first");
        assert_eq!(schedule.next_due(), Some(at(20)));
        let (key, lane) = schedule.take(at(20)).unwrap();
        assert_eq!(key, first);
        schedule.finish(&lane, &key, None, true);
        assert_eq!(schedule.take(at(20)).unwrap().0, second);
    }

    #[test]
    fn messages_are_counted_once_and_let_go_of_by_the_last() {
        let mut schedule = Schedule::new();
        add(&mut schedule, "a", None, 1, 0);
        assert_eq!(schedule.bytes(), 100);
        schedule.hold(&scope(), "1", 100);
        assert_eq!(schedule.bytes(), 100);
        assert!(!schedule.release(&scope(), "1"));
        assert!(schedule.release(&scope(), "1"));
        assert_eq!(schedule.bytes(), 0);
    }

    #[test]
    fn a_throttled_lane_waits() {
        let mut schedule = Schedule::new();
        add(&mut schedule, "s", None, 1, 0);
        add(&mut schedule, "s", None, 2, 0);
        let (key, _) = schedule.take(at(0)).unwrap();
        schedule.throttle(&key, at(1));
        assert!(schedule.take(at(0)).is_none());
        assert_eq!(schedule.next_due(), Some(at(1)));
        assert!(schedule.take(at(1)).is_some());
    }
}
