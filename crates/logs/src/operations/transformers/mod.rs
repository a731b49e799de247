//! Transformers: put, get, delete, test.

mod delete_transformer;
mod get_transformer;
mod put_transformer;
mod test_transformer;

pub(super) use delete_transformer::delete_transformer;
pub(super) use get_transformer::get_transformer;
pub(super) use put_transformer::put_transformer;
pub(super) use test_transformer::test_transformer;
