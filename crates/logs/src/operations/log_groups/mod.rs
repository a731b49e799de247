//! Log groups: create, delete, describe, retention, deletion protection.

mod create_log_group;
mod delete_log_group;
mod delete_retention_policy;
mod describe_log_groups;
mod get_log_group_fields;
mod kms;
mod list_log_groups;
mod put_log_group_deletion_protection;
mod put_retention_policy;

pub(super) use create_log_group::create_log_group;
pub(super) use delete_log_group::delete_log_group;
pub(super) use delete_retention_policy::delete_retention_policy;
pub(super) use describe_log_groups::describe_log_groups;
pub(super) use get_log_group_fields::get_log_group_fields;
pub(super) use kms::{associate_kms_key, disassociate_kms_key};
pub(super) use list_log_groups::list_log_groups;
pub(super) use put_log_group_deletion_protection::put_log_group_deletion_protection;
pub(super) use put_retention_policy::put_retention_policy;
