//! Who is calling: signatures, access keys, and the account and Region a request belongs to
//! (`spec/protocols.md` §9).

pub(crate) mod chunked;
pub(crate) mod identity;
pub mod keys;
pub(crate) mod sigv4;
pub mod temporary;

pub use keys::{AccessKey, AccessKeys, CredentialsError, TemporarySession};
pub use temporary::{Issued, TemporaryKeys};
