//! Suppression of a composite alarm's actions by another alarm: a state machine over times and states.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html>.

use base::Timestamp;
use serde::{Deserialize, Serialize};

/// Where the machine stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Suppression {
    /// Actions run.
    #[default]
    None,
    /// The alarm changed; its actions wait for the suppressor until then.
    Wait { until: Timestamp },
    /// The suppressor is in ALARM. `owed`: the alarm changed meanwhile and its actions have not run.
    Alarm { owed: bool },
    /// The suppressor left ALARM; actions stay suppressed until then.
    Extension { until: Timestamp, owed: bool },
}

impl Suppression {
    /// `ActionsSuppressedBy`.
    pub(crate) fn by(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Wait { .. } => Some("WaitPeriod"),
            Self::Alarm { .. } => Some("Alarm"),
            Self::Extension { .. } => Some("ExtensionPeriod"),
        }
    }

    /// When it must be looked at again.
    pub(crate) fn until(self) -> Option<Timestamp> {
        match self {
            Self::Wait { until } | Self::Extension { until, .. } => Some(until),
            Self::None | Self::Alarm { .. } => None,
        }
    }
}

/// What a step sees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observation {
    pub(crate) now: Timestamp,
    pub(crate) suppressor_in_alarm: bool,
    /// The composite alarm changes its state with this step.
    pub(crate) changed: bool,
    pub(crate) wait_millis: i64,
    pub(crate) extension_millis: i64,
}

/// Where the machine goes, and whether the actions of the alarm's current state run now.
pub(crate) fn step(from: Suppression, seen: Observation) -> (Suppression, bool) {
    let Observation { now, suppressor_in_alarm, changed, wait_millis, extension_millis } = seen;
    let wait = || match wait_millis {
        0 => (Suppression::None, true),
        _ => (Suppression::Wait { until: now.saturating_add_millis(wait_millis) }, false),
    };
    if suppressor_in_alarm {
        let owed = changed
            || match from {
                Suppression::None => false,
                Suppression::Wait { .. } => true,
                Suppression::Alarm { owed } | Suppression::Extension { owed, .. } => owed,
            };
        return (Suppression::Alarm { owed }, false);
    }
    if changed {
        // A running extension or an earlier wait is dropped.
        return wait();
    }
    match from {
        Suppression::Wait { until } if now >= until => (Suppression::None, true),
        Suppression::Alarm { owed } if extension_millis == 0 => (Suppression::None, owed),
        Suppression::Alarm { owed } => {
            (Suppression::Extension { until: now.saturating_add_millis(extension_millis), owed }, false)
        }
        Suppression::Extension { until, owed } if now >= until => (Suppression::None, owed),
        other => (other, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a timeline of `time: events` with W = 2 and E = 3; events are `A`, `O` (the composite alarm), `S` and `s`
    /// (the suppressor in and out of ALARM). Gives what happened: suppression by time, and `act` with the state.
    fn run(events: &[(i64, &str)], end: i64) -> Vec<String> {
        let (mut at, mut suppressor, mut state) = (Suppression::None, false, 'O');
        let mut seen = Vec::new();
        for time in 0..=end {
            let mut changed = false;
            for event in events.iter().filter(|(t, _)| *t == time).flat_map(|(_, e)| e.chars()) {
                match event {
                    'S' => suppressor = true,
                    's' => suppressor = false,
                    new => {
                        changed = true;
                        state = new;
                    }
                }
            }
            let now = Timestamp::from_secs(time);
            let observation = Observation {
                now,
                suppressor_in_alarm: suppressor,
                changed,
                wait_millis: 2000,
                extension_millis: 3000,
            };
            let (next, act) = step(at, observation);
            if next.by() != at.by() || (next != at && changed) {
                seen.push(format!("{time} {}", next.by().unwrap_or("none")));
            }
            if act {
                seen.push(format!("{time} act {state}"));
            }
            at = next;
        }
        seen
    }

    #[test]
    fn the_documented_timelines() {
        // C8: suppressor OK throughout.
        assert_eq!(run(&[(2, "A")], 9), ["2 WaitPeriod", "4 none", "4 act A"]);
        // C9: the suppressor goes to ALARM while waiting.
        assert_eq!(run(&[(2, "A"), (3, "S")], 9), ["2 WaitPeriod", "3 Alarm"]);
        // C10: a second change starts a new wait.
        assert_eq!(run(&[(2, "A"), (3, "O")], 9), ["2 WaitPeriod", "3 WaitPeriod", "5 none", "5 act O"]);
        // C11: the suppressor already is in ALARM.
        assert_eq!(run(&[(0, "S"), (2, "A")], 9), ["0 Alarm", "2 Alarm"]);
        // C12: the suppressor leaves, the alarm stays.
        let c12 = run(&[(2, "A"), (3, "S"), (6, "s")], 12);
        assert_eq!(c12, ["2 WaitPeriod", "3 Alarm", "6 ExtensionPeriod", "9 none", "9 act A"]);
        // C13: the alarm changes during the extension.
        let c13 = run(&[(2, "A"), (3, "S"), (6, "s"), (7, "O")], 12);
        assert_eq!(
            c13,
            ["2 WaitPeriod", "3 Alarm", "6 ExtensionPeriod", "7 WaitPeriod", "9 none", "9 act O"]
        );
        // A suppressor that comes and goes while nothing changes leaves nothing to do.
        assert_eq!(run(&[(2, "S"), (4, "s")], 12), ["2 Alarm", "4 ExtensionPeriod", "7 none"]);
    }

    #[test]
    fn without_a_wait_actions_run_at_once() {
        let seen = Observation {
            now: Timestamp::EPOCH,
            suppressor_in_alarm: false,
            changed: true,
            wait_millis: 0,
            extension_millis: 0,
        };
        assert_eq!(step(Suppression::None, seen), (Suppression::None, true));
        let left = Observation { changed: false, ..seen };
        assert_eq!(step(Suppression::Alarm { owed: true }, left), (Suppression::None, true));
    }
}
