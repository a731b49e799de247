//! Background work: idempotent tasks that are activated periodically and by signal, and are given no
//! input, so that the path after a restart is the path always taken.
//!
//! A [`Task`] lives in the crate whose behaviour it is; the binary registers all of them with one
//! [`TaskDriver`]. A failed activation is reported and tried again at the next one.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::timestamp::Timestamp;

/// What an activation did, in words for `/_nephoscope/health` and the logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// How many things were changed; 0 means there was nothing to do.
    pub changes: u64,
    pub summary: String,
}

impl Activity {
    pub fn idle() -> Self {
        Self::default()
    }

    pub fn new(changes: u64, summary: impl Into<String>) -> Self {
        Self { changes, summary: summary.into() }
    }
}

/// Why an activation failed; the next activation tries again.
pub type TaskError = Box<dyn std::error::Error + Send + Sync>;

/// Between two activations of a task that names its own time, so that a failing one doesn't spin.
pub const PAUSE_MIN: Duration = Duration::from_secs(1);

/// One reconciler: reads state, decides with a pure function, applies the decision.
#[async_trait]
pub trait Task: Send + Sync {
    /// Unique, snake case, e.g. `logs_retention`.
    fn name(&self) -> &'static str;

    /// How long to wait after one activation before the next. The driver adds up to a tenth as jitter.
    fn period(&self) -> Duration;

    /// When the next activation is due, for a task that knows it: then period and jitter don't apply. At the
    /// earliest, the driver activates it [`PAUSE_MIN`] after the one before.
    fn next_activation(&self) -> Option<Timestamp> {
        None
    }

    /// Must be idempotent, and must return soon after `stop` is cancelled.
    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError>;
}

/// The last thing known of a task.
#[derive(Debug, Clone, Default)]
pub struct TaskStatus {
    pub activations: u64,
    pub failures: u64,
    pub running: bool,
    pub last_started: Option<Timestamp>,
    pub last_finished: Option<Timestamp>,
    /// Summary of the last success, or the error of the last failure.
    pub last_result: Option<Result<Activity, String>>,
}

/// Runs every registered task, one activation of a task at a time, until shut down.
pub struct TaskDriver {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
    tracker: TaskTracker,
    tasks: Mutex<BTreeMap<&'static str, Arc<Registration>>>,
}

struct Registration {
    wake: Notify,
    /// Signalled and not yet activated since.
    signalled: AtomicBool,
    /// When the next activation is due; `None` while one runs.
    due: Mutex<Option<Timestamp>>,
    status: Mutex<TaskStatus>,
}

/// Asks for an activation of one task soon; many signals before it runs count as one.
#[derive(Clone)]
pub struct TaskSignal(Arc<Registration>);

impl TaskSignal {
    pub fn activate(&self) {
        self.0.signalled.store(true, Ordering::SeqCst);
        self.0.wake.notify_one();
    }
}

impl TaskDriver {
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            entropy,
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
            tasks: Mutex::new(BTreeMap::new()),
        })
    }

    /// Starts running `task`. Must be called inside a tokio runtime, once per task name.
    pub fn register(self: &Arc<Self>, task: Arc<dyn Task>) -> TaskSignal {
        let registration = Arc::new(Registration {
            wake: Notify::new(),
            signalled: AtomicBool::new(false),
            due: Mutex::new(None),
            status: Mutex::new(TaskStatus::default()),
        });
        let previous = self.tasks.lock().insert(task.name(), registration.clone());
        assert!(previous.is_none(), "task {} registered twice", task.name());
        let (driver, state) = (self.clone(), registration.clone());
        self.tracker.spawn(async move { driver.run(task, state).await });
        TaskSignal(registration)
    }

    pub fn statuses(&self) -> BTreeMap<&'static str, TaskStatus> {
        self.tasks.lock().iter().map(|(name, r)| (*name, r.status.lock().clone())).collect()
    }

    /// Whether every task has done what is due and waits for a time to come: what a simulation waits for
    /// before it moves the clock.
    pub fn is_quiescent(&self) -> bool {
        let now = self.clock.now();
        let waits = |r: &Registration| {
            !r.signalled.load(Ordering::SeqCst) && r.due.lock().is_some_and(|due| due > now)
        };
        self.stop.is_cancelled() || self.tasks.lock().values().all(|r| waits(r))
    }

    /// Stops starting activations and waits for those under way.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    async fn run(&self, task: Arc<dyn Task>, registration: Arc<Registration>) {
        while !self.stop.is_cancelled() {
            let now = self.clock.now();
            let due = match task.next_activation() {
                Some(at) => at.max(now + PAUSE_MIN),
                None => now + task.period().mul_f64(1.0 + 0.1 * self.entropy.fraction()),
            };
            *registration.due.lock() = Some(due);
            let mut period = pin!(self.clock.sleep_until(due));
            let mut signal = pin!(registration.wake.notified());
            let mut stopped = pin!(self.stop.cancelled());
            std::future::poll_fn(|cx| {
                let ready = period.as_mut().poll(cx).is_ready()
                    | signal.as_mut().poll(cx).is_ready()
                    | stopped.as_mut().poll(cx).is_ready();
                if ready { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            if self.stop.is_cancelled() {
                return;
            }
            self.activate(task.as_ref(), &registration).await;
        }
    }

    async fn activate(&self, task: &dyn Task, registration: &Registration) {
        *registration.due.lock() = None;
        registration.signalled.store(false, Ordering::SeqCst);
        {
            let mut status = registration.status.lock();
            status.running = true;
            status.activations += 1;
            status.last_started = Some(self.clock.now());
        }
        let result = task.activate(&self.stop).await;
        let mut status = registration.status.lock();
        status.running = false;
        status.last_finished = Some(self.clock.now());
        status.last_result = Some(match result {
            Ok(activity) => {
                tracing::debug!(task = task.name(), changes = activity.changes, "{}", activity.summary);
                Ok(activity)
            }
            Err(error) => {
                status.failures += 1;
                tracing::warn!(task = task.name(), %error, "background task failed");
                Err(error.to_string())
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::clock::SimulatedClock;
    use crate::entropy::SeededEntropy;

    struct Counter(AtomicU64);

    #[async_trait]
    impl Task for Counter {
        fn name(&self) -> &'static str {
            "counter"
        }
        fn period(&self) -> Duration {
            Duration::from_secs(60)
        }
        async fn activate(&self, _: &CancellationToken) -> Result<Activity, TaskError> {
            let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            if n == 2 { Err("second time fails".into()) } else { Ok(Activity::new(1, "counted")) }
        }
    }

    /// Wants to run at every full minute.
    struct OnTheMinute(Arc<SimulatedClock>, Mutex<Vec<Timestamp>>);

    #[async_trait]
    impl Task for OnTheMinute {
        fn name(&self) -> &'static str {
            "on_the_minute"
        }
        fn period(&self) -> Duration {
            Duration::from_secs(3600)
        }
        fn next_activation(&self) -> Option<Timestamp> {
            let minute = self.0.now().floor_to(60_000);
            let seen = self.1.lock().last() == Some(&minute);
            Some(if seen { minute + Duration::from_secs(60) } else { minute })
        }
        async fn activate(&self, _: &CancellationToken) -> Result<Activity, TaskError> {
            self.1.lock().push(self.0.now().floor_to(60_000));
            Ok(Activity::idle())
        }
    }

    #[tokio::test]
    async fn a_task_may_name_its_own_time() {
        let clock = SimulatedClock::new(Timestamp::from_secs(30));
        let driver = TaskDriver::new(clock.clone(), SeededEntropy::new(1));
        let task = Arc::new(OnTheMinute(clock.clone(), Mutex::default()));
        driver.register(task.clone());
        settle().await;
        assert_eq!(
            clock.next_deadline(),
            Some(Timestamp::from_secs(31)),
            "what is overdue comes after a pause"
        );
        for to in [31, 60, 120] {
            clock.advance_to(Timestamp::from_secs(to));
            settle().await;
        }
        assert_eq!(*task.1.lock(), [0, 60, 120].map(Timestamp::from_secs));
        driver.shutdown().await;
    }

    async fn settle() {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn runs_by_period_and_by_signal_and_survives_failures() {
        let clock = SimulatedClock::new(Timestamp::EPOCH);
        let driver = TaskDriver::new(clock.clone(), SeededEntropy::new(1));
        let task = Arc::new(Counter(AtomicU64::new(0)));
        let signal = driver.register(task.clone());
        settle().await;
        assert_eq!(task.0.load(Ordering::SeqCst), 0);
        assert!(driver.is_quiescent());
        clock.advance(Duration::from_secs(67));
        assert!(!driver.is_quiescent(), "an activation is due");
        settle().await;
        assert_eq!(task.0.load(Ordering::SeqCst), 1);
        signal.activate();
        assert!(!driver.is_quiescent(), "an activation was asked for");
        settle().await;
        assert!(driver.is_quiescent());
        let status = driver.statuses()["counter"].clone();
        assert_eq!((status.activations, status.failures), (2, 1));
        assert_eq!(status.last_result, Some(Err("second time fails".to_owned())));
        driver.shutdown().await;
        clock.advance(Duration::from_secs(1000));
        settle().await;
        assert_eq!(task.0.load(Ordering::SeqCst), 2);
    }
}
