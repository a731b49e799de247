//! hyper's timers on the injected clock, so that a simulated clock also drives connection timeouts.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use base::Clock;
use hyper::rt::{Sleep, Timer};

/// A [`Timer`] that waits on a [`Clock`].
#[derive(Debug, Clone)]
pub(crate) struct ClockTimer {
    clock: Arc<dyn Clock>,
    /// hyper speaks in `Instant`s; this is the one that stands for the clock's zero.
    origin: Instant,
}

impl ClockTimer {
    #[allow(clippy::disallowed_methods, reason = "an arbitrary origin; only differences to it are used")]
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, origin: Instant::now() }
    }
}

impl Timer for ClockTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let clock = self.clock.clone();
        let waiting: Pin<Box<dyn Future<Output = ()> + Send>> =
            Box::pin(async move { clock.sleep(duration).await });
        Box::pin(ClockSleep(Mutex::new(waiting)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        self.origin + self.clock.monotonic()
    }
}

/// The mutex is never locked; it makes the future `Sync`, which hyper asks for.
struct ClockSleep(Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Future for ClockSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.get_mut() {
            Ok(waiting) => waiting.as_mut().poll(cx),
            Err(poisoned) => poisoned.into_inner().as_mut().poll(cx),
        }
    }
}

impl Sleep for ClockSleep {}
