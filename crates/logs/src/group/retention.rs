//! How long a group keeps events (`spec/logs-more.md` §1).

use base::Timestamp;
use serde::{Deserialize, Serialize};
use store::tables::logs::LogGroupKey;

use crate::error::LogsError;

const DAY_MILLIS: i64 = 86_400_000;

/// A number of days that AWS offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RetentionDays(u16);

impl RetentionDays {
    const OFFERED: [u16; 22] = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
        3653,
    ];
    /// Of groups of the Delivery class.
    pub(crate) const DELIVERY: RetentionDays = RetentionDays(2);

    pub(crate) fn days(self) -> i32 {
        i32::from(self.0)
    }

    /// Time of the oldest event that is not expired at `now`.
    pub(crate) fn oldest(self, now: Timestamp) -> Timestamp {
        now.saturating_sub_millis(i64::from(self.0) * DAY_MILLIS)
    }
}

impl TryFrom<i32> for RetentionDays {
    type Error = LogsError;

    fn try_from(days: i32) -> Result<Self, LogsError> {
        match u16::try_from(days) {
            Ok(days) if Self::OFFERED.contains(&days) => Ok(Self(days)),
            _ => Err(LogsError::invalid(format!(
                "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
                 Member must satisfy enum value set: {:?}",
                Self::OFFERED
            ))),
        }
    }
}

/// What retention does to the groups now: of each group with a retention, the time before which its events go.
pub(crate) fn due(
    groups: impl IntoIterator<Item = (LogGroupKey, Option<RetentionDays>)>,
    now: Timestamp,
) -> Vec<(LogGroupKey, Timestamp)> {
    groups.into_iter().filter_map(|(key, retention)| Some((key, retention?.oldest(now)))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{AccountId, Region, Scope};

    use super::*;

    #[test]
    fn only_offered_numbers_of_days() {
        for days in [1, 14, 3653] {
            assert_eq!(RetentionDays::try_from(days).unwrap().days(), days);
        }
        for days in [-1, 0, 2, 366, 3654, 65_537] {
            assert!(RetentionDays::try_from(days).is_err(), "{days}");
        }
    }

    #[test]
    fn an_event_of_exactly_the_retention_is_kept() {
        let now = Timestamp::from_secs(1_700_000_000);
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("us-east-1").unwrap());
        let key = |name: &str| LogGroupKey { scope: scope.clone(), name: Arc::from(name), incarnation: 1 };
        let groups = [(key("a"), Some(RetentionDays(3))), (key("b"), None)];
        assert_eq!(due(groups, now), [(key("a"), now.saturating_sub_millis(3 * 86_400_000))]);
    }
}
