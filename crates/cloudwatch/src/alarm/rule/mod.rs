//! Rules of composite alarms: conditions over the states of other alarms.
//!
//! ```text
//! rule  := and { "OR" and }          and := not { "AND" not }          not := "NOT" not | atom
//! atom  := "(" rule ")" | "TRUE" | "FALSE" | state "(" ref ")"
//!        | "AT_LEAST" "(" count "," [ "NOT" ] state "," "(" ref { "," ref } ")" ")"
//! state := "ALARM" | "OK" | "INSUFFICIENT_DATA"          count := integer [ "%" ]
//! ref   := name or ARN, bare or in double quotes
//! ```
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html>.

mod cycle;
mod parser;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use cycle::in_cycles;
pub(crate) use parser::parse;

use super::record::StateValue;

/// Elements a rule may have: children, `TRUE`, `FALSE` and parentheses.
pub(crate) const ELEMENTS_MAX: usize = 500;
/// Alarms a rule may refer to.
pub(crate) const CHILDREN_MAX: usize = 100;
/// How deep a rule may nest.
const DEPTH_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    Constant(bool),
    /// The alarm has this state.
    Is {
        state: StateValue,
        alarm: String,
    },
    Not(Box<Rule>),
    And(Vec<Rule>),
    Or(Vec<Rule>),
    AtLeast {
        count: Count,
        negated: bool,
        state: StateValue,
        alarms: Vec<String>,
    },
}

/// How many of the alarms of `AT_LEAST` must meet its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Number(u32),
    Percent(u32),
}

/// Why a rule is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position}")]
pub(crate) struct RuleError {
    pub(crate) message: String,
    /// In characters, from 0.
    pub(crate) position: usize,
}

impl Rule {
    /// Names or ARNs of the alarms the rule is about.
    pub(crate) fn references(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut BTreeSet<&'a str>) {
        match self {
            Self::Constant(_) => {}
            Self::Is { alarm, .. } => _ = found.insert(alarm),
            Self::Not(rule) => rule.collect(found),
            Self::And(rules) | Self::Or(rules) => rules.iter().for_each(|rule| rule.collect(found)),
            Self::AtLeast { alarms, .. } => found.extend(alarms.iter().map(String::as_str)),
        }
    }

    /// Replaces every reference by what `name` makes of it.
    pub(crate) fn rename(&mut self, name: &mut dyn FnMut(&str) -> String) {
        match self {
            Self::Constant(_) => {}
            Self::Is { alarm, .. } => *alarm = name(alarm),
            Self::Not(rule) => rule.rename(name),
            Self::And(rules) | Self::Or(rules) => rules.iter_mut().for_each(|rule| rule.rename(name)),
            Self::AtLeast { alarms, .. } => alarms.iter_mut().for_each(|alarm| *alarm = name(alarm)),
        }
    }

    /// Whether the rule is met by alarms in these states. An alarm that is gone is in none.
    pub(crate) fn is_met(&self, states: &BTreeMap<String, StateValue>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Is { state, alarm } => states.get(alarm) == Some(state),
            Self::Not(rule) => !rule.is_met(states),
            Self::And(rules) => rules.iter().all(|rule| rule.is_met(states)),
            Self::Or(rules) => rules.iter().any(|rule| rule.is_met(states)),
            Self::AtLeast { count, negated, state, alarms } => {
                let meets = |alarm: &&String| (states.get(*alarm) == Some(state)) != *negated;
                alarms.iter().filter(meets).count() >= count.of(alarms.len())
            }
        }
    }
}

impl Count {
    fn of(self, total: usize) -> usize {
        match self {
            Self::Number(number) => number as usize,
            Self::Percent(percent) => (percent as usize * total).div_ceil(100),
        }
    }
}

#[cfg(test)]
mod tests;
