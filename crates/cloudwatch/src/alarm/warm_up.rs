//! Warming up: a new alarm that waits before it is evaluated.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html>.

use base::Timestamp;

use super::evaluate::Slot;
use super::metric_rule::MetricRule;

/// How far an alarm has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has no warm-up, or it was over before.
    None,
    /// It stays in INSUFFICIENT_DATA and runs no actions.
    Warming,
    /// It is over now, for good.
    Ends,
}

/// The progress at `now` of an alarm that was created at `created`.
pub(crate) fn progress(rule: &MetricRule, created: Timestamp, slots: &[Slot], now: Timestamp) -> Progress {
    let Some(warm_up) = rule.warm_up.filter(|w| !w.ended) else { return Progress::None };
    let end = created.saturating_add_millis(i64::from(warm_up.minutes) * 60_000);
    let with_data = slots.iter().filter(|slot| slot.point.is_some()).count();
    let is_early = warm_up.strict != Some(true) && with_data >= rule.n();
    if now >= end || is_early { Progress::Ends } else { Progress::Warming }
}
