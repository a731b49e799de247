//! Live tail: what is appended to some groups, shown once a second while someone looks.
//!
//! A session pulls: it takes what its feed holds when the client is ready for the next update. A client that is
//! slow finds the last updates it missed; older ones are dropped, and the feed itself is bounded.

pub(crate) mod update;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{Clock, Scope, Timestamp};
use futures::Stream;
use futures::stream;
use lang::filter_pattern::FilterPattern;
use parking_lot::Mutex;
use shapes::logs::{LiveTailSessionStart, SessionTimeoutException, StartLiveTailResponseStream as Event};
use store::tables::logs::LogFeed;

use crate::Logs;
use crate::error::LogsError;
use crate::group::FoundGroup;
use update::Updates;

/// Sessions of an account and Region at a time.
const SESSIONS_MAX: usize = 15;
/// AWS: a session lasts at most three hours (CloudWatchLogs_LiveTail.html).
const SESSION_MILLIS_MAX: i64 = 3 * 3_600_000;
const UPDATE_MILLIS: i64 = 1_000;

/// Counts sessions.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<Scope, usize>>>);

/// A place among the sessions, given back when dropped.
pub(crate) struct Seat {
    sessions: Sessions,
    scope: Scope,
}

impl Sessions {
    pub(crate) fn take_seat(&self, scope: &Scope) -> Result<Seat, LogsError> {
        let mut sessions = self.0.lock();
        let count = sessions.entry(scope.clone()).or_default();
        if *count >= SESSIONS_MAX {
            return Err(LogsError::LimitExceeded);
        }
        *count += 1;
        Ok(Seat { sessions: self.clone(), scope: scope.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut sessions = self.sessions.0.lock();
        let left = sessions.get(&self.scope).copied().unwrap_or_default().saturating_sub(1);
        match left {
            0 => sessions.remove(&self.scope),
            left => sessions.insert(self.scope.clone(), left),
        };
    }
}

/// Which events a session shows.
pub(crate) struct Choice {
    pub(crate) groups: BTreeMap<Arc<str>, FoundGroup>,
    pub(crate) streams: Option<Vec<String>>,
    pub(crate) stream_prefixes: Option<Vec<String>>,
    pub(crate) pattern: FilterPattern,
}

impl Choice {
    fn wants_stream(&self, stream: &str) -> bool {
        match (&self.streams, &self.stream_prefixes) {
            (Some(names), _) => names.iter().any(|name| name == stream),
            (None, Some(prefixes)) => prefixes.iter().any(|prefix| stream.starts_with(prefix)),
            (None, None) => true,
        }
    }
}

/// A session before its first event.
pub(crate) struct Session {
    pub(crate) logs: Arc<Logs>,
    pub(crate) feed: LogFeed,
    pub(crate) choice: Choice,
    pub(crate) seat: Seat,
    pub(crate) start: LiveTailSessionStart,
}

struct Running {
    clock: Arc<dyn Clock>,
    updates: Updates,
    begun: Timestamp,
    /// When the next update is due.
    next: Timestamp,
    stage: Stage,
    _seat: Seat,
}

enum Stage {
    Start(Box<LiveTailSessionStart>),
    Updates,
    Ended,
}

impl Session {
    /// `sessionStart`, then an update every second, until the client goes or the time is up.
    pub(crate) fn events(self) -> impl Stream<Item = Event> + Send + 'static {
        let clock = self.logs.clock.clone();
        let begun = clock.now();
        let running = Running {
            updates: Updates::new(self.logs, self.feed, self.choice, begun),
            clock,
            begun,
            next: begun.saturating_add_millis(UPDATE_MILLIS),
            stage: Stage::Start(Box::new(self.start)),
            _seat: self.seat,
        };
        stream::unfold(running, step)
    }
}

async fn step(mut session: Running) -> Option<(Event, Running)> {
    match std::mem::replace(&mut session.stage, Stage::Updates) {
        Stage::Start(start) => return Some((Event::SessionStart(*start), session)),
        Stage::Updates => {}
        Stage::Ended => return None,
    }
    let end = session.begun.saturating_add_millis(SESSION_MILLIS_MAX);
    if let Some(update) = session.updates.waiting() {
        return Some((Event::SessionUpdate(update), session));
    }
    session.clock.sleep_until(session.next.min(end)).await;
    let now = session.clock.now();
    if now >= end {
        session.stage = Stage::Ended;
        let message = Some("The live tail session has reached its maximum duration of 3 hours.".to_owned());
        return Some((Event::SessionTimeoutException(SessionTimeoutException { message }), session));
    }
    // The next full second of the session: a client that was late gets no burst of empty updates.
    let seconds = now.millis_since(session.begun) / UPDATE_MILLIS + 1;
    session.next = session.begun.saturating_add_millis(seconds * UPDATE_MILLIS);
    let update = session.updates.collect();
    Some((Event::SessionUpdate(update), session))
}
