//! The rules of metrics, which know neither requests nor servers.

pub(crate) mod compute;
pub(crate) mod datum;
pub(crate) mod entity;
pub(crate) mod evaluate;
pub(crate) mod gather;
pub(crate) mod grid;
pub(crate) mod label;
pub(crate) mod page;
pub(crate) mod plan;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod sink;
pub(crate) mod statistic;
