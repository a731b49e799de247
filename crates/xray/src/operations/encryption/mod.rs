//! Encryption of stored traces.

mod get_encryption_config;

pub(super) use get_encryption_config::get_encryption_config;
