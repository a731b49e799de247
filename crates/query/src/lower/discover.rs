//! Fields that are discovered in lines which are not JSON as a whole.

use std::sync::Arc;

use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::Expr as Plan;

use super::{Kind, Lowered, MESSAGE, column};
use crate::functions::{Operation, apply, discover};

/// AWS: in the groups of Lambda functions the first JSON object of a line is looked into
/// (CWL_AnalyzeLogData-discoverable-fields).
pub(super) fn may_embed(groups: &[Arc<str>]) -> bool {
    groups.iter().any(|group| group.split_once(':').is_some_and(|(_, name)| name.starts_with("/aws/lambda/")))
}

/// Whether a field may be found in such lines.
pub(super) fn is_derived(path: &str, embedded: bool) -> bool {
    discover::is_known(path) || (embedded && (!path.starts_with('@') || path.starts_with("@@")))
}

fn expression(path: &str, embedded: bool) -> Plan {
    let operation = Operation::Discovered { name: path.to_owned(), embedded };
    apply(operation, vec![column(MESSAGE)])
}

/// The field where no event has it as JSON.
pub(super) fn derived(path: &str, embedded: bool) -> Lowered {
    Lowered::new(expression(path, embedded), Kind::Text)
}

/// The field where some events have it as JSON.
pub(super) fn or_derived(field: Lowered, path: &str, embedded: bool) -> Lowered {
    Lowered::new(coalesce(vec![field.text(), expression(path, embedded)]), Kind::Text)
}
