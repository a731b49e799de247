//! Fail points as a capability: named moments at which a test may make the process die or an operation
//! fail. In production [`NoFaults`] is handed in and every point is passed.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Decides what happens when execution reaches a named point.
pub trait Faults: Send + Sync + fmt::Debug {
    /// Returns an error to make the operation at this point fail as if the operating system had refused
    /// it; may also not return at all.
    fn reach(&self, point: &'static str) -> io::Result<()>;
}

/// Every point is passed.
#[derive(Debug, Clone, Copy)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn reach(&self, _: &'static str) -> io::Result<()> {
        Ok(())
    }
}

/// Aborts the process (as `kill -9` would end it) when a point is reached for the n-th time.
#[derive(Debug)]
pub struct AbortAt {
    point: String,
    remaining: AtomicU64,
}

impl AbortAt {
    /// Parses `point` or `point:n`, n counted from 1.
    pub fn parse(text: &str) -> Option<Self> {
        let (point, count) =
            text.rsplit_once(':').map_or(Some((text, 1)), |(p, n)| Some((p, n.parse().ok()?)))?;
        (!point.is_empty() && count > 0)
            .then(|| Self { point: point.to_owned(), remaining: AtomicU64::new(count) })
    }
}

impl Faults for AbortAt {
    fn reach(&self, point: &'static str) -> io::Result<()> {
        if point == self.point && self.remaining.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_points_with_and_without_a_count() {
        assert_eq!(AbortAt::parse("wal.synced").unwrap().remaining.into_inner(), 1);
        assert_eq!(AbortAt::parse("wal.synced:7").unwrap().remaining.into_inner(), 7);
        for bad in ["", ":3", "a:0", "a:x"] {
            assert!(AbortAt::parse(bad).is_none(), "{bad}");
        }
    }
}
