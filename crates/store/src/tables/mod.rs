//! One table per signal, each with the layout that suits how it is asked for.

pub mod audit;
pub mod logs;
pub mod metrics;
pub mod traces;
