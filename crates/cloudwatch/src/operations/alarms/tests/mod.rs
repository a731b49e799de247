//! Operations and tasks of alarms together, under a simulated clock.

mod bench;
mod chain;
mod composites;
mod describing;
mod mutes;
mod putting;
mod queries;
mod upkeep;
