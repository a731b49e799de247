//! Sampling: the default rule, quotas of its reservoir, statistics that clients report.
//!
//! Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sampling.html>. How AWS splits a
//! reservoir is not documented: here it is shared out evenly among clients that reported lately.

use std::collections::{BTreeMap, HashMap};

use base::{Scope, Timestamp};
use parking_lot::Mutex;
use shapes::xray::{
    SamplingRule, SamplingStatisticSummary, SamplingStatisticsDocument, SamplingTargetDocument,
};

/// Seconds between two reports of a client.
const INTERVAL_SECS: i32 = 10;
/// A client shares in a reservoir for so long after its last report.
const ACTIVE_MILLIS: i64 = 30_000;
const QUOTA_MILLIS: i64 = 300_000;
/// How far a report's time may be off.
const SKEW_MILLIS: i64 = 300_000;
const WINDOW_MILLIS: i64 = 10_000;
/// How long statistics are kept.
const KEPT_MILLIS: i64 = 30 * 60_000;
/// Clients of a rule that are told apart; more share the reservoir of none.
const CLIENTS_MAX: usize = 10_000;
/// Accounts and Regions whose statistics are kept at once.
const SCOPES_MAX: usize = 10_000;

pub(crate) const DEFAULT_RULE: &str = "Default";

/// What clients reported, by account and Region.
#[derive(Default)]
pub(crate) struct Sampling {
    scopes: Mutex<HashMap<Scope, Reports>>,
}

#[derive(Default)]
struct Reports {
    /// When each client last reported for the default rule.
    clients: BTreeMap<String, Timestamp>,
    /// Sums by window start.
    windows: BTreeMap<Timestamp, Sums>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    requests: i64,
    borrowed: i64,
    sampled: i64,
}

/// The rule every account has.
pub(crate) fn default_rule(scope: &Scope) -> SamplingRule {
    let any = || "*".to_owned();
    SamplingRule {
        rule_name: Some(DEFAULT_RULE.to_owned()),
        rule_arn: Some(scope.arn("xray", &format!("sampling-rule/{DEFAULT_RULE}"))),
        resource_arn: any(),
        priority: 10_000,
        fixed_rate: 0.05,
        reservoir_size: 1,
        service_name: any(),
        service_type: any(),
        host: any(),
        http_method: any(),
        url_path: any(),
        version: 1,
        attributes: Some(BTreeMap::new()),
        sampling_rate_boost: None,
    }
}

/// Why a report was not taken, as clients read it: they look at the first digit of the code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unprocessed {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

impl Sampling {
    /// Takes a client's report and says how it is to sample from now on.
    pub(crate) fn report(
        &self,
        scope: &Scope,
        document: &SamplingStatisticsDocument,
        now: Timestamp,
    ) -> Result<SamplingTargetDocument, Unprocessed> {
        check(&document.rule_name, document.timestamp, now)?;
        let mut scopes = self.scopes.lock();
        if scopes.len() >= SCOPES_MAX && !scopes.contains_key(scope) {
            scopes.retain(|_, reports| reports.prune(now));
        }
        let rule = default_rule(scope);
        let reports = if scopes.len() < SCOPES_MAX || scopes.contains_key(scope) {
            scopes.entry(scope.clone()).or_default()
        } else {
            &mut Reports::default()
        };
        reports.prune(now);
        reports.count(document);
        if reports.clients.len() < CLIENTS_MAX || reports.clients.contains_key(&document.client_id) {
            reports.clients.insert(document.client_id.clone(), now);
        }
        Ok(SamplingTargetDocument {
            rule_name: Some(DEFAULT_RULE.to_owned()),
            fixed_rate: Some(rule.fixed_rate),
            reservoir_quota: Some(reports.quota(&document.client_id, rule.reservoir_size)),
            reservoir_quota_ttl: Some(now.saturating_add_millis(QUOTA_MILLIS)),
            interval: Some(INTERVAL_SECS),
            sampling_boost: None,
        })
    }

    /// Sums of the last half hour, the newest window first.
    pub(crate) fn summaries(&self, scope: &Scope, now: Timestamp) -> Vec<SamplingStatisticSummary> {
        let mut scopes = self.scopes.lock();
        let Some(reports) = scopes.get_mut(scope) else { return Vec::new() };
        reports.prune(now);
        let count = |n: i64| Some(i32::try_from(n).unwrap_or(i32::MAX));
        let summary = |(start, sums): (&Timestamp, &Sums)| SamplingStatisticSummary {
            rule_name: Some(DEFAULT_RULE.to_owned()),
            timestamp: Some(*start),
            request_count: count(sums.requests),
            borrow_count: count(sums.borrowed),
            sampled_count: count(sums.sampled),
        };
        reports.windows.iter().rev().map(summary).collect()
    }
}

/// Whether a report names a rule that exists and a time that can be.
pub(crate) fn check(rule: &str, time: Timestamp, now: Timestamp) -> Result<(), Unprocessed> {
    if rule != DEFAULT_RULE {
        return Err(Unprocessed { code: "404", message: "rule not found" });
    }
    if now.millis_since(time).abs() > SKEW_MILLIS {
        return Err(Unprocessed { code: "400", message: "timestamp is more than 5 minutes off" });
    }
    Ok(())
}

impl Reports {
    /// Forgets what is old. `false` if nothing is left.
    fn prune(&mut self, now: Timestamp) -> bool {
        self.clients.retain(|_, last| now.millis_since(*last) <= ACTIVE_MILLIS);
        self.windows = self.windows.split_off(&now.saturating_sub_millis(KEPT_MILLIS));
        !self.clients.is_empty() || !self.windows.is_empty()
    }

    fn count(&mut self, document: &SamplingStatisticsDocument) {
        let sums = self.windows.entry(document.timestamp.floor_to(WINDOW_MILLIS)).or_default();
        sums.requests += i64::from(document.request_count);
        sums.borrowed += i64::from(document.borrow_count.unwrap_or(0));
        sums.sampled += i64::from(document.sampled_count);
    }

    /// The client's share of a reservoir; the first ones by id get what does not divide.
    fn quota(&self, client: &str, reservoir: i32) -> i32 {
        let Some(place) = self.clients.keys().position(|id| id == client) else { return 0 };
        let clients = i32::try_from(self.clients.len()).unwrap_or(i32::MAX).max(1);
        reservoir / clients + i32::from(i32::try_from(place).is_ok_and(|place| place < reservoir % clients))
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    fn scope() -> Scope {
        Scope::new(AccountId::new("111122223333").unwrap(), Region::new("us-east-1").unwrap())
    }

    fn report(client: &str, at: Timestamp) -> SamplingStatisticsDocument {
        SamplingStatisticsDocument {
            rule_name: DEFAULT_RULE.to_owned(),
            client_id: client.to_owned(),
            timestamp: at,
            request_count: 10,
            sampled_count: 2,
            borrow_count: Some(1),
        }
    }

    #[test]
    fn a_reservoir_is_shared_among_clients_that_reported_lately() {
        let mut reports = Reports::default();
        let now = Timestamp::from_secs(1000);
        for client in ["b", "a"] {
            reports.clients.insert(client.to_owned(), now);
        }
        assert_eq!((reports.quota("a", 5), reports.quota("b", 5)), (3, 2));
        assert_eq!(reports.quota("a", 0), 0);
        reports.prune(now.saturating_add_millis(30_001));
        assert!(reports.clients.is_empty());
    }

    #[test]
    fn targets_and_summaries_of_the_default_rule() {
        let (sampling, now) = (Sampling::default(), Timestamp::from_secs(1_736_949_763));
        let target = sampling.report(&scope(), &report("b", now), now).unwrap();
        assert_eq!(
            (target.reservoir_quota, target.interval, target.fixed_rate),
            (Some(1), Some(10), Some(0.05))
        );
        assert_eq!(target.reservoir_quota_ttl, Some(now.saturating_add_millis(300_000)));
        let target = sampling.report(&scope(), &report("c", now), now).unwrap();
        assert_eq!(target.reservoir_quota, Some(0));
        let summaries = sampling.summaries(&scope(), now);
        assert_eq!(summaries.len(), 1);
        assert_eq!(summaries[0].timestamp, Some(Timestamp::from_secs(1_736_949_760)));
        assert_eq!((summaries[0].request_count, summaries[0].borrow_count), (Some(20), Some(2)));
        assert!(sampling.summaries(&scope(), now.saturating_add_millis(31 * 60_000)).is_empty());
    }

    #[test]
    fn reports_of_unknown_rules_or_times_are_not_taken() {
        let (sampling, now) = (Sampling::default(), Timestamp::from_secs(1_736_949_763));
        let mut unknown = report("a", now);
        unknown.rule_name = "gone".to_owned();
        assert_eq!(sampling.report(&scope(), &unknown, now).unwrap_err().code, "404");
        let late = report("a", now.saturating_sub_millis(300_001));
        assert_eq!(sampling.report(&scope(), &late, now).unwrap_err().code, "400");
    }
}
