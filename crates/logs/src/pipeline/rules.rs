//! What is done with events of a group on their way in, compiled once and kept until something changes it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use base::{Scope, Timestamp};
use parking_lot::RwLock;
use store::tables::logs::LogGroupKey;

use crate::Logs;
use crate::account_policy::PolicyKind;
use crate::data_protection::Masker;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup};
use crate::metric_filter::{CompiledFilter, filters_of};
use crate::transformer::Transformer;

/// Groups whose rules are kept; beyond, all are compiled anew.
const GROUPS_MAX: usize = 100_000;

/// The rules of one group.
#[derive(Debug, Default)]
pub(crate) struct GroupRules {
    /// Those that look at events of this group.
    pub(crate) filters: Vec<CompiledFilter>,
    /// The transformer in force, and where transformed events are kept.
    pub(crate) transformer: Option<(Transformer, LogGroupKey)>,
    /// What masks texts of the group, now or earlier.
    pub(crate) masker: Option<Arc<Masker>>,
    /// Whether embedded metrics are looked for.
    pub(crate) reads_emf: bool,
    /// AWS: in groups of Lambda functions, what stands before an embedded metric document is skipped.
    pub(crate) skips_prefix: bool,
}

/// The rules of the groups that were written to. Who changes something that rules are made of must call
/// [`RuleCache::forget`] (under the group's lock) or [`RuleCache::clear`] afterwards.
#[derive(Default)]
pub(crate) struct RuleCache(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    /// Counts changes, so that rules compiled from what was before are not kept.
    generation: u64,
    groups: HashMap<LogGroupKey, Arc<GroupRules>>,
}

impl RuleCache {
    /// Something changed for one group.
    pub(crate) fn forget(&self, group: &LogGroupKey) {
        let mut kept = self.0.write();
        kept.generation += 1;
        kept.groups.remove(group);
    }

    /// Something changed for many groups.
    pub(crate) fn clear(&self) {
        let mut kept = self.0.write();
        kept.generation += 1;
        kept.groups.clear();
    }

    fn get(&self, group: &LogGroupKey) -> Result<Arc<GroupRules>, u64> {
        let kept = self.0.read();
        kept.groups.get(group).cloned().ok_or(kept.generation)
    }

    fn keep(&self, group: LogGroupKey, rules: Arc<GroupRules>, generation: u64) {
        let mut kept = self.0.write();
        if kept.generation != generation {
            return;
        }
        if kept.groups.len() >= GROUPS_MAX {
            kept.groups.clear();
        }
        kept.groups.insert(group, rules);
    }
}

impl Logs {
    /// The rules of a group. Who appends must hold its lock.
    pub(crate) fn rules_of(&self, group: &FoundGroup, key: &LogGroupKey) -> Arc<GroupRules> {
        match self.rules.get(key) {
            Ok(rules) => rules,
            Err(generation) => {
                let rules = Arc::new(self.compile_rules(group));
                self.rules.keep(key.clone(), rules.clone(), generation);
                rules
            }
        }
    }

    fn compile_rules(&self, group: &FoundGroup) -> GroupRules {
        // CloudWatch_Logs_Log_Classes.html: all of this is for the Standard class.
        if group.record.class != Class::Standard {
            return GroupRules::default();
        }
        let mut records = Vec::new();
        self.metric_filters.scan(&filters_of(&group.scope, &group.name), None, |_, filter| {
            records.push(filter.record.clone());
            ControlFlow::Continue(())
        });
        let compiled = records.iter().filter_map(|filter| match CompiledFilter::compile(&group.scope, filter) {
            Ok(compiled) => Some(compiled),
            Err(error) => {
                let log_group = group.name.as_ref();
                tracing::error!(%error, log_group, "a stored metric filter does not compile and is not applied");
                None
            }
        });
        GroupRules {
            filters: compiled.filter(|filter| filter.selects(&group.scope, &group.name)).collect(),
            transformer: self.compile_transformer(group),
            masker: self.compile_masker(group),
            reads_emf: !self.is_extraction_disabled(group),
            skips_prefix: group.name.starts_with("/aws/lambda/"),
        }
    }

    /// Whether an account policy switches embedded metrics off for the group.
    fn is_extraction_disabled(&self, group: &FoundGroup) -> bool {
        let mut policies =
            self.account_policies.selecting(&group.scope, PolicyKind::MetricExtraction, &group.name);
        policies.next().is_some()
    }

    fn compile_transformer(&self, group: &FoundGroup) -> Option<(Transformer, LogGroupKey)> {
        let record = self.transformation(&group.scope, &group.name)?;
        let key = record.store_key(&group.store_key());
        match Transformer::compile(&record.current.as_ref()?.steps) {
            Ok(transformer) => Some((transformer, key)),
            Err(error) => {
                let log_group = group.name.as_ref();
                tracing::error!(%error, log_group, "a stored transformer does not compile and is not applied");
                None
            }
        }
    }

    /// An account policy was put (with this document) or deleted: what rules are made of changes for many groups.
    pub(crate) async fn account_policy_changed(
        &self,
        scope: &Scope,
        kind: PolicyKind,
        document: Option<&str>,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        if kind == PolicyKind::DataProtection {
            self.change_account_protection(scope, document, now).await?;
        }
        if kind == PolicyKind::Transformer {
            self.settle_all_transformers(scope, now).await?;
        }
        self.rules.clear();
        Ok(())
    }
}
