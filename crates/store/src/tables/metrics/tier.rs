//! Retention tiers: how coarse a datapoint becomes as it ages, and when it goes.
//!
//! A bucket of a coarser tier is entirely on one side of each horizon, because horizons are multiples of the
//! coarser period. Rolling up late is therefore never visible: reads settle what they find in the same way.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>,
//! "Metrics retention".

use base::Timestamp;
use signals::Resolution;

use super::head::{Bucket, merge_sorted};

pub(super) const DAY_SECS: u32 = 86_400;

/// The period a datapoint is kept at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tier {
    Second = 0,
    Minute = 1,
    FiveMinutes = 2,
    Hour = 3,
}

impl Tier {
    pub(super) fn secs(self) -> u32 {
        match self {
            Tier::Second => 1,
            Tier::Minute => 60,
            Tier::FiveMinutes => 300,
            Tier::Hour => 3600,
        }
    }

    pub(super) fn from_secs(secs: u32) -> Option<Self> {
        [Tier::Second, Tier::Minute, Tier::FiveMinutes, Tier::Hour].into_iter().find(|t| t.secs() == secs)
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Tier::Second, Tier::Minute, Tier::FiveMinutes, Tier::Hour].get(usize::from(code)).copied()
    }

    pub(super) fn floor(self, second: u32) -> u32 {
        second - second % self.secs()
    }

    /// Days of the window that parts of this tier are merged into. Windows nest.
    pub(super) fn window_days(self) -> u32 {
        match self {
            Tier::Second | Tier::Minute => 1,
            Tier::FiveMinutes => 8,
            Tier::Hour => 32,
        }
    }
}

impl From<Resolution> for Tier {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::High => Tier::Second,
            Resolution::Standard => Tier::Minute,
        }
    }
}

/// The seconds at which tiers change, at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizons {
    /// Data before these seconds are kept at one minute, five minutes, one hour, not at all.
    minute: u32,
    five_minutes: u32,
    hour: u32,
    gone: u32,
}

impl Horizons {
    pub(super) fn at(now: Timestamp) -> Self {
        let before = |secs: i64, tier: Tier| tier.floor(u32::try_from(now.as_secs() - secs).unwrap_or(0));
        Self {
            minute: before(3 * 3600, Tier::Minute),
            five_minutes: before(15 * 86_400, Tier::FiveMinutes),
            hour: before(63 * 86_400, Tier::Hour),
            gone: before(455 * 86_400, Tier::Hour),
        }
    }

    /// The coarsest tier that data at `second` may have to have; `None` once they have expired.
    pub(super) fn tier_at(&self, second: u32) -> Option<Tier> {
        if second < self.gone {
            None
        } else if second < self.hour {
            Some(Tier::Hour)
        } else if second < self.five_minutes {
            Some(Tier::FiveMinutes)
        } else if second < self.minute {
            Some(Tier::Minute)
        } else {
            Some(Tier::Second)
        }
    }

    /// Whether everything before `second` has expired.
    pub(super) fn all_gone_before(&self, second: u32) -> bool {
        second <= self.gone
    }

    /// Brings sorted buckets of one series to the tiers of their age, drops expired ones and merges those
    /// that have become the same.
    pub(super) fn settle(&self, mut buckets: Vec<Bucket>) -> Vec<Bucket> {
        let settled = |b: &Bucket| self.tier_at(b.second).is_some_and(|tier| tier <= b.tier);
        if buckets.iter().all(settled) {
            return buckets;
        }
        buckets.retain_mut(|bucket| {
            let Some(tier) = self.tier_at(bucket.second) else { return false };
            bucket.tier = bucket.tier.max(tier);
            bucket.second = bucket.tier.floor(bucket.second);
            true
        });
        buckets.sort_by_key(Bucket::slot);
        merge_sorted(buckets)
    }
}
