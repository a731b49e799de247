//! The catalog over its real embedded backend.
mod durability;
mod sharing;
mod support;
