//! Filter policies: which messages a subscription wants. Read once, then matched without I/O.
//!
//! Sources: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html> and the pages below it.

mod condition;
mod matcher;
mod parse;

use condition::Condition;

pub(crate) use matcher::AttributeValue;
pub(crate) use parse::PolicyError;

/// What a policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyScope {
    MessageAttributes,
    MessageBody,
}

impl PolicyScope {
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        match name {
            "MessageAttributes" => Some(Self::MessageAttributes),
            "MessageBody" => Some(Self::MessageBody),
            _ => None,
        }
    }
}

/// A policy ready to match.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FilterPolicy {
    scope: PolicyScope,
    root: Node,
}

/// An object of the policy: everything in it must hold.
#[derive(Debug, Clone, Default, PartialEq)]
struct Node {
    fields: Vec<(String, Rule)>,
    /// Of each list, one node must hold.
    alternatives: Vec<Vec<Node>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// One of these must hold for one of the values.
    Any(Vec<Condition>),
    Nested(Node),
}

#[cfg(test)]
mod tests;
