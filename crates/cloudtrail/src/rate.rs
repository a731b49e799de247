//! Request rates per account and Region.

use std::collections::HashMap;

use base::{Scope, Timestamp};
use parking_lot::Mutex;

/// Buckets kept; beyond it those that are full again are forgotten, which changes nothing.
const BUCKETS_MAX: usize = 10_000;

/// A token bucket for each account and Region, holding one second's requests.
pub(crate) struct RateLimit {
    per_second: f64,
    buckets: Mutex<HashMap<Scope, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    fn refill(&mut self, per_second: f64, now: Timestamp) {
        // A wall clock that was set back refills nothing.
        let elapsed = now.millis_since(self.at).max(0) as f64 / 1000.0;
        self.tokens = (self.tokens + elapsed * per_second).min(per_second);
        self.at = now;
    }
}

impl RateLimit {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), buckets: Mutex::default() }
    }

    /// Takes one request's token; false when there is none.
    pub(crate) fn admits(&self, scope: &Scope, now: Timestamp) -> bool {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(scope) {
            buckets.retain(|_, bucket| {
                bucket.refill(self.per_second, now);
                bucket.tokens < self.per_second
            });
        }
        let bucket = buckets.entry(scope.clone()).or_insert(Bucket { tokens: self.per_second, at: now });
        bucket.refill(self.per_second, now);
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    fn scope(region: &str) -> Scope {
        Scope::new(AccountId::new("111122223333").unwrap(), Region::new(region).unwrap())
    }

    #[test]
    fn two_a_second_for_each_region() {
        let limit = RateLimit::new(2);
        let (here, there) = (scope("us-east-1"), scope("eu-west-1"));
        let at = |millis: i64| Timestamp::from_millis(1_000_000 + millis);
        assert!(limit.admits(&here, at(0)));
        assert!(limit.admits(&here, at(100)));
        assert!(!limit.admits(&here, at(200)));
        assert!(limit.admits(&there, at(200)));
        assert!(limit.admits(&here, at(600)));
        assert!(!limit.admits(&here, at(500)), "time that goes back refills nothing");
        assert!(limit.admits(&here, at(5000)));
    }
}
