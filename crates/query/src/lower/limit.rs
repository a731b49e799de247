//! `limit`, and when the newest rows are all that is wanted.

use datafusion::common::Result;
use lang::plan::{Expr, SortKey, Stage};

use super::{Lowering, sorted};

impl Lowering<'_> {
    pub(super) fn limit(&mut self, count: u64, any: bool) -> Result<()> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let order = self.order.clone();
        self.apply(|plan| match any || order.is_empty() {
            true => plan.limit(0, Some(count)),
            false => sorted(plan, order, Some(count)),
        })
    }
}

/// How many of the newest events decide the result, if nothing chooses among events but time.
pub(super) fn newest(stages: &[Stage], limit: usize) -> Option<usize> {
    let mut redefined = false;
    for stage in stages {
        match stage {
            Stage::Extend(items) => redefined |= items.iter().any(|item| item.name == "@timestamp"),
            Stage::Lookup(lookup) => redefined |= lookup.outputs.iter().any(|(_, name)| name == "@timestamp"),
            Stage::Extract(extract) => redefined |= extract.fields().iter().any(|name| name == "@timestamp"),
            Stage::Limit { count, .. } => {
                return Some(limit.min(usize::try_from(*count).unwrap_or(usize::MAX)));
            }
            // The order there is anyway. Any further key would only break ties differently.
            Stage::Sort(keys) if !redefined && by_time(keys) => {}
            _ => return None,
        }
    }
    Some(limit)
}

fn by_time(keys: &[SortKey]) -> bool {
    matches!(keys, [SortKey { expr: Expr::Field(name), descending: true }] if name == "@timestamp")
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn only_time_chooses() {
        let newest = |text: &str| newest(&lang::compile(text).unwrap().stages, 10_000);
        assert_eq!(newest("fields a"), Some(10_000));
        assert_eq!(newest("fields abs(a) as b | sort @timestamp desc | limit 20 | filter b > 1"), Some(20));
        assert_eq!(newest("limit 50000"), Some(10_000));
        assert_eq!(newest("filter a = 1 | limit 20"), None);
        assert_eq!(newest("sort @timestamp asc | limit 20"), None);
        assert_eq!(newest("fields 1 as @timestamp | sort @timestamp desc"), None);
        assert_eq!(newest("stats count(*)"), None);
        assert_eq!(newest("dedup a"), None);
    }
}
