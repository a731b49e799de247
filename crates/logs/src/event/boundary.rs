//! Positions between events, and the tokens of GetLogEvents that carry them (`spec/logs-api.md` §6).
//!
//! A boundary is written as the place it lies directly before, so "after the event at (t, n)" and "before
//! the place (t, n + 1)" are one and the same text. That makes a token that leads nowhere equal to the token it
//! was fetched with, which is how clients notice the end.

use base::Timestamp;
use store::tables::logs::LogPosition;

use super::id::{digits, parse_digits};
use crate::error::LogsError;

/// A place between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Boundary {
    timestamp: Timestamp,
    sequence: u64,
}

/// Which way a token leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Boundary {
    /// Before every event of this time.
    pub(crate) fn at(timestamp: Timestamp) -> Self {
        Self { timestamp: timestamp.max(Timestamp::EPOCH), sequence: 0 }
    }

    pub(crate) fn before(position: LogPosition) -> Self {
        Self { timestamp: position.timestamp, sequence: position.sequence }
    }

    pub(crate) fn after(position: LogPosition) -> Self {
        Self { timestamp: position.timestamp, sequence: position.sequence.saturating_add(1) }
    }

    /// For reading onwards: the greatest position before this boundary, to start strictly after.
    pub(crate) fn start_after(self) -> LogPosition {
        match self.sequence.checked_sub(1) {
            Some(sequence) => LogPosition { timestamp: self.timestamp, sequence },
            None => LogPosition { timestamp: self.timestamp.saturating_sub_millis(1), sequence: u64::MAX },
        }
    }

    /// For reading backwards: the least position after this boundary, to start strictly before.
    pub(crate) fn start_before(self) -> LogPosition {
        LogPosition { timestamp: self.timestamp, sequence: self.sequence }
    }

    /// `f/` or `b/`, 56 digits, `/s`.
    pub(crate) fn token(self, direction: Direction) -> String {
        let letter = match direction {
            Direction::Forward => 'f',
            Direction::Backward => 'b',
        };
        format!("{letter}/{}/s", digits(self.timestamp, self.sequence))
    }

    /// The boundary and direction of a token this server issued.
    pub(crate) fn from_token(token: &str) -> Result<(Self, Direction), LogsError> {
        let parse = || {
            let (letter, rest) = token.split_once('/')?;
            let direction = match letter {
                "f" => Direction::Forward,
                "b" => Direction::Backward,
                _ => return None,
            };
            let (timestamp, sequence) = parse_digits(rest.strip_suffix("/s")?)?;
            Some((Self { timestamp, sequence }, direction))
        };
        parse().ok_or_else(LogsError::bad_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_has_one_spelling() {
        let event = LogPosition { timestamp: Timestamp::from_millis(5), sequence: 7 };
        let next = LogPosition { timestamp: Timestamp::from_millis(5), sequence: 8 };
        assert_eq!(Boundary::after(event), Boundary::before(next));
        assert_eq!(Boundary::after(event).start_after(), event);
        assert_eq!(Boundary::before(event).start_before(), event);
        assert!(Boundary::at(event.timestamp) < Boundary::before(event));
        assert!(Boundary::at(event.timestamp).start_after() < event);
    }

    #[test]
    fn tokens_round_trip_and_others_are_refused() {
        let boundary = Boundary::before(LogPosition { timestamp: Timestamp::from_millis(5), sequence: 7 });
        for direction in [Direction::Forward, Direction::Backward] {
            let token = boundary.token(direction);
            assert_eq!(token.len(), 60);
            assert_eq!(Boundary::from_token(&token).unwrap(), (boundary, direction));
        }
        let digits = "1".repeat(56);
        for bad in ["", "f", "f/s", "f/12/s", &format!("x/{digits}/s"), &format!("f/{digits}"), "invalid"] {
            assert!(Boundary::from_token(bad).is_err(), "{bad}");
        }
    }
}
