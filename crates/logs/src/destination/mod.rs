//! Destinations: a target under a name of its own, which other accounts may subscribe to.

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, Prefix, Record, RecordKey};
use serde::{Deserialize, Serialize};

/// What is kept of a destination; its name is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Destination {
    pub(crate) target_arn: String,
    pub(crate) role_arn: String,
    /// As it was put.
    pub(crate) access_policy: Option<String>,
    pub(crate) creation_time: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for Destination {
    const COLLECTION: &'static str = "log_destination";
    const VERSION: u32 = 1;
}

impl Destination {
    /// Whether the access policy lets that account subscribe.
    pub(crate) fn admits(&self, scope: &Scope) -> bool {
        let policy = self.access_policy.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(policy) = policy else { return false };
        let policy: serde_json::Value = policy;
        let effect = |wanted: &str| {
            listed(&policy["Statement"]).any(|statement| {
                statement["Effect"] == wanted && names_action(statement) && names_account(statement, scope)
            })
        };
        effect("Allow") && !effect("Deny")
    }
}

/// A JSON value that may be one thing or a list of things.
fn listed(value: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

fn names_action(statement: &serde_json::Value) -> bool {
    let names = |action: &str| {
        let action = action.to_ascii_lowercase();
        match action.strip_suffix('*') {
            Some(start) => "logs:putsubscriptionfilter".starts_with(start),
            None => action == "logs:putsubscriptionfilter",
        }
    };
    listed(&statement["Action"]).filter_map(serde_json::Value::as_str).any(names)
}

fn names_account(statement: &serde_json::Value, scope: &Scope) -> bool {
    let principal = &statement["Principal"];
    let principal = if principal.is_string() { principal } else { &principal["AWS"] };
    let names = |who: &str| {
        who == "*" || who == scope.account.as_str() || who.split(':').nth(4) == Some(scope.account.as_str())
    };
    listed(principal).filter_map(serde_json::Value::as_str).any(names)
}

/// Destinations of one server.
pub(crate) struct Destinations(pub(crate) Collection<Destination>);

impl Destinations {
    pub(crate) fn open(catalog: &Catalog) -> Result<Self, CatalogError> {
        Ok(Self(catalog.collection()?))
    }

    pub(crate) fn get(&self, scope: &Scope, name: &str) -> Option<std::sync::Arc<Destination>> {
        self.0.get(&destination_key(scope, name)).map(|found| found.record)
    }
}

pub(crate) fn destination_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

pub(crate) fn destinations_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

pub(crate) fn destination_arn(scope: &Scope, name: &str) -> String {
    scope.arn("logs", &format!("destination:{name}"))
}

/// Owner and name of the destination that an ARN names; `None` for other ARNs.
pub(crate) fn destination_of_arn(arn: &str) -> Option<(Scope, String)> {
    let fields: Vec<&str> = arn.splitn(7, ':').collect();
    let ["arn", _, "logs", region, account, "destination", name] = fields[..] else { return None };
    Some((Scope::new(account.parse().ok()?, region.parse().ok()?), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    fn scope(account: &str) -> Scope {
        Scope::new(AccountId::new(account).unwrap(), Region::new("us-east-1").unwrap())
    }

    #[test]
    fn arns_lead_back() {
        let owner = scope("111111111111");
        let arn = destination_arn(&owner, "d");
        assert_eq!(arn, "arn:aws:logs:us-east-1:111111111111:destination:d");
        assert_eq!(destination_of_arn(&arn), Some((owner, "d".to_owned())));
        assert_eq!(destination_of_arn("arn:aws:lambda:us-east-1:111111111111:function:f"), None);
    }

    #[test]
    fn policies_admit_accounts() {
        let with = |policy: Option<&str>| Destination {
            target_arn: String::new(),
            role_arn: String::new(),
            access_policy: policy.map(str::to_owned),
            creation_time: Timestamp::EPOCH,
            tags: BTreeMap::new(),
        };
        let statement = |effect: &str, principal: &str, action: &str| {
            format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":{action},"Resource":"*"}}"#)
        };
        let one = |principal: &str, action: &str| {
            format!(r#"{{"Statement":{}}}"#, statement("Allow", principal, action))
        };
        let action = r#""logs:PutSubscriptionFilter""#;
        for (policy, admitted) in [
            (one(r#"{"AWS":"222222222222"}"#, action), true),
            (one(r#"{"AWS":["333333333333","arn:aws:iam::222222222222:root"]}"#, r#"["logs:*"]"#), true),
            (one(r#""*""#, r#""*""#), true),
            (one(r#"{"AWS":"333333333333"}"#, action), false),
            (one(r#"{"AWS":"222222222222"}"#, r#""logs:DescribeDestinations""#), false),
            (
                format!(
                    r#"{{"Statement":[{},{}]}}"#,
                    statement("Allow", r#""*""#, action),
                    statement("Deny", r#"{"AWS":"222222222222"}"#, action)
                ),
                false,
            ),
        ] {
            assert_eq!(with(Some(&policy)).admits(&scope("222222222222")), admitted, "{policy}");
        }
        assert!(!with(None).admits(&scope("222222222222")));
    }
}
