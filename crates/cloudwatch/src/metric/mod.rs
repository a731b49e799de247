//! The rules of metrics, which know neither requests nor servers.

pub(crate) mod datum;
pub(crate) mod entity;
pub(crate) mod grid;
pub(crate) mod label;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod sink;
pub(crate) mod statistic;
