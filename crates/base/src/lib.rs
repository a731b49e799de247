//! Nouns every crate shares, and the capabilities that are handed in rather than taken from the
//! surroundings: time, randomness and background work.
//!
//! Nothing here knows a service, a protocol or a storage format.

pub mod arn;
pub mod clock;
pub mod entropy;
pub mod faults;
pub mod identity;
pub mod page_token;
pub mod task;
pub mod timestamp;

pub use arn::{Arn, ArnError};
pub use clock::{Clock, SimulatedClock, SystemClock};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use faults::{AbortAt, Faults, NoFaults};
pub use identity::{AccountId, IdentityError, Partition, Region, Scope};
pub use timestamp::{TimeRange, Timestamp};
