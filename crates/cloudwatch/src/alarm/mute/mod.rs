//! Mute rules: windows of time in which alarms change state but run no actions.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutAlarmMuteRule.html>.

mod schedule;

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};

pub(crate) use schedule::{Schedule, duration_millis};

use super::zone::Zone;

/// Mute rules of an account and Region.
pub(crate) const MUTE_RULES_MAX: usize = 2000;

/// A mute rule; its name is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MuteRule {
    pub(crate) description: Option<String>,
    /// `cron(…)` or `at(…)`.
    pub(crate) expression: String,
    /// ISO 8601.
    pub(crate) duration: String,
    pub(crate) timezone: Option<String>,
    /// Names of the alarms it mutes.
    pub(crate) targets: Vec<String>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) expire: Option<Timestamp>,
    pub(crate) updated: Timestamp,
}

impl Record for MuteRule {
    const COLLECTION: &'static str = "alarm_mute_rule";
    const VERSION: u32 = 1;
}

pub(crate) fn mute_rule_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

pub(crate) fn mute_rule_arn(scope: &Scope, name: &str) -> String {
    scope.arn("cloudwatch", &format!("alarm-mute-rule:{name}"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MuteStatus {
    Scheduled,
    Active,
    Expired,
}

impl MuteRule {
    pub(crate) fn is_one_time(&self) -> bool {
        self.expression.trim_start().starts_with("at(")
    }

    pub(crate) fn status(&self, now: Timestamp) -> MuteStatus {
        if self.expire.is_some_and(|expire| now >= expire) {
            return MuteStatus::Expired;
        }
        // What was put was checked.
        let (Some(schedule), Some(duration)) =
            (Schedule::parse(&self.expression), duration_millis(&self.duration))
        else {
            return MuteStatus::Expired;
        };
        let zone = self.timezone.as_deref().and_then(Zone::parse).unwrap_or(Zone::UTC);
        let is_allowed = |at: &Timestamp| self.start.is_none_or(|start| *at >= start);
        let latest = schedule.latest(zone, now, duration).filter(is_allowed);
        match (latest, &schedule) {
            (Some(at), _) if now < at.saturating_add_millis(duration) => MuteStatus::Active,
            (_, Schedule::At(local)) if zone.instant(*local).saturating_add_millis(duration) <= now => {
                MuteStatus::Expired
            }
            _ => MuteStatus::Scheduled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(expression: &str, duration: &str, timezone: Option<&str>) -> MuteRule {
        MuteRule {
            description: None,
            expression: expression.to_owned(),
            duration: duration.to_owned(),
            timezone: timezone.map(str::to_owned),
            targets: vec!["a".to_owned()],
            start: None,
            expire: None,
            updated: Timestamp::EPOCH,
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn recurring_windows_come_and_go() {
        // Vector U5: Sundays at 02:00 in London, which is 01:00 UTC in summer.
        let mut sundays = rule("cron(0 2 * * SUN)", "PT4H", Some("Europe/London"));
        for (time, status) in [
            ("2026-06-07T00:59:59Z", MuteStatus::Scheduled),
            ("2026-06-07T01:00:00Z", MuteStatus::Active),
            ("2026-06-07T04:59:59Z", MuteStatus::Active),
            ("2026-06-07T05:00:00Z", MuteStatus::Scheduled),
            ("2026-06-08T01:30:00Z", MuteStatus::Scheduled),
            ("2026-12-06T02:00:00Z", MuteStatus::Active),
            ("2026-12-06T01:00:00Z", MuteStatus::Scheduled),
        ] {
            assert_eq!(sundays.status(at(time)), status, "{time}");
        }
        sundays.start = Some(at("2026-06-07T01:00:01Z"));
        assert_eq!(sundays.status(at("2026-06-07T03:00:00Z")), MuteStatus::Scheduled);
        sundays.expire = Some(at("2026-06-14T02:00:00Z"));
        assert_eq!(sundays.status(at("2026-06-14T01:59:00Z")), MuteStatus::Active);
        assert_eq!(sundays.status(at("2026-06-14T02:00:00Z")), MuteStatus::Expired);
    }

    #[test]
    fn long_windows_reach_over_days() {
        let monthly = rule("cron(30 22 28 2 *)", "P15D", None);
        assert_eq!(monthly.status(at("2026-03-15T22:29:00Z")), MuteStatus::Active);
        assert_eq!(monthly.status(at("2026-03-15T22:30:00Z")), MuteStatus::Scheduled);
    }

    #[test]
    fn a_window_that_comes_once_expires() {
        let once = rule("at(2026-06-07T02:00)", "PT1H", Some("UTC+02:00"));
        assert!(once.is_one_time());
        assert_eq!(once.status(at("2026-06-06T23:00:00Z")), MuteStatus::Scheduled);
        assert_eq!(once.status(at("2026-06-07T00:30:00Z")), MuteStatus::Active);
        assert_eq!(once.status(at("2026-06-07T01:00:00Z")), MuteStatus::Expired);
    }
}
