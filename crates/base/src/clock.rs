//! Time as a capability. Everything that asks what time it is, or waits, holds an `Arc<dyn Clock>`;
//! with [`SimulatedClock`] a month passes in a second.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::timestamp::Timestamp;

/// Wall time, monotonic time and waiting.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall time. It may jump, also backwards.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary fixed point; never goes back. For measuring durations only.
    fn monotonic(&self) -> Duration;

    /// Returns when at least `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration);

    /// Returns when this clock shows `deadline` or later; on a machine's clock, when as much time has passed
    /// as there was until `deadline` at the call.
    async fn sleep_until(&self, deadline: Timestamp) {
        let millis = deadline.millis_since(self.now());
        self.sleep(Duration::from_millis(u64::try_from(millis).unwrap_or(0))).await;
    }

    /// The simulated clock behind this one, if it is simulated.
    fn simulated(&self) -> Option<&SimulatedClock> {
        None
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { started: std::time::Instant::now() })
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that waits on the machine's clock")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that stands still until it is told to move. Sleepers wake in the order of their deadlines.
#[derive(Clone)]
pub struct SimulatedClock {
    state: Arc<Mutex<SimulatedState>>,
}

struct SimulatedState {
    start: Timestamp,
    now: Timestamp,
    sequence: u64,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
}

impl SimulatedClock {
    pub fn new(start: Timestamp) -> Arc<Self> {
        let state = SimulatedState { start, now: start, sequence: 0, sleepers: BTreeMap::new() };
        Arc::new(Self { state: Arc::new(Mutex::new(state)) })
    }

    /// The deadline of the sleeper that would wake first.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.state.lock().sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Moves to `to` (never back) and wakes everyone whose deadline has come, earliest first.
    /// The woken tasks run when the caller next yields.
    pub fn advance_to(&self, to: Timestamp) {
        let mut state = self.state.lock();
        if to > state.now {
            state.now = to;
        }
        while let Some(entry) = state.sleepers.first_entry() {
            if entry.key().0 > to {
                break;
            }
            // A sleeper that was dropped meanwhile no longer listens.
            let _ = entry.remove().send(());
        }
    }

    pub fn advance(&self, by: Duration) {
        let to = self.now() + by;
        self.advance_to(to);
    }
}

impl fmt::Debug for SimulatedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedClock({})", self.now().to_iso8601_millis())
    }
}

#[async_trait]
impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.state.lock().now
    }

    fn monotonic(&self) -> Duration {
        let state = self.state.lock();
        Duration::from_millis(u64::try_from(state.now.millis_since(state.start)).unwrap_or(0))
    }

    async fn sleep(&self, duration: Duration) {
        let deadline = self.now() + duration;
        self.sleep_until(deadline).await;
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let woken = {
            let mut state = self.state.lock();
            if deadline <= state.now {
                return;
            }
            state.sequence += 1;
            let key = (deadline, state.sequence);
            let (wake, woken) = oneshot::channel();
            state.sleepers.insert(key, wake);
            woken
        };
        // The sender is only dropped together with the clock: then nobody will ever wake us.
        if woken.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn simulated(&self) -> Option<&SimulatedClock> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_deadline_order_and_not_before() {
        let clock = SimulatedClock::new(Timestamp::from_secs(100));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut sleepers = Vec::new();
        for secs in [3u64, 1, 2] {
            let (clock, order) = (clock.clone(), order.clone());
            sleepers.push(tokio::spawn(async move {
                clock.sleep(Duration::from_secs(secs)).await;
                order.lock().push(secs);
            }));
        }
        while clock.state.lock().sleepers.len() < 3 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_millis(999));
        tokio::task::yield_now().await;
        assert!(order.lock().is_empty());
        assert_eq!(clock.next_deadline(), Some(Timestamp::from_secs(101)));
        clock.advance(Duration::from_secs(9));
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert_eq!(*order.lock(), [1, 2, 3]);
    }
}
