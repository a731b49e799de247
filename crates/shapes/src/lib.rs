//! The AWS API shapes of every service, generated from `models/` and free of any protocol.
//!
//! One module per service: structures, unions, enums and exceptions under the model's own names,
//! `operations` with a marker type per operation, `schemas`, and the `SERVICE` itself. Required members
//! are plain, others `Option`; lists are `Vec`, maps `BTreeMap<String, T>`; enums keep values the model
//! does not list as `Unknown`; exceptions convert into [`smithy::OperationError`] and always have a
//! `message`, whether or not their model lists one.

#[rustfmt::skip]
#[allow(
    clippy::all,
    non_camel_case_types,
    unused_imports,
    reason = "generated: names are AWS's and regularity matters more than style"
)]
mod generated;
mod put;

pub use generated::{cloudtrail, cloudtrail_data, cloudwatch, events, logs, sns, sts, xray};
