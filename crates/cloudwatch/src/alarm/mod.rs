//! Alarms: what they are configured by, how a state follows from values, and what a change of state brings with it.
//!
//! The core is pure. `slots` says which periods an evaluation looks at, `evaluate` turns their values into a state,
//! `contributor`, `composite`, `suppression` and `mute` decide the rest, and `effects` says what is to be written and
//! handed over. `book` writes it in one transaction; the tasks under `tasks/` evaluate and hand over.

pub(crate) mod book;
pub(crate) mod composite;
pub(crate) mod contributor;
pub(crate) mod effects;
pub(crate) mod error;
pub(crate) mod evaluate;
pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod message;
pub(crate) mod metric_rule;
pub(crate) mod mute;
pub(crate) mod outbox;
pub(crate) mod query_values;
pub(crate) mod reason;
pub(crate) mod record;
mod region;
pub(crate) mod rule;
pub(crate) mod slots;
pub(crate) mod suppression;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod timelines;
pub(crate) mod values;
pub(crate) mod warm_up;
pub(crate) mod zone;

pub use book::AlarmOutlets;
