//! From what a request presents to the account, Region and principal it acts as
//! (`spec/protocols.md` §9.3).

use base::{AccountId, Partition, Region, Scope};
use signals::Principal;

use super::keys::AccessKey;

/// Whose request this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) scope: Scope,
    pub(crate) principal: Principal,
}

/// The identity of a request signed with a key of the table.
pub(crate) fn of_known_key(key: &AccessKey, access_key_id: &str, region: Region) -> Identity {
    let principal = Principal { access_key_id: Some(access_key_id.to_owned()), ..key.principal.clone() };
    Identity { scope: Scope::new(key.account.clone(), region), principal }
}

/// The identity of a request with an unknown key, or none: a 12-digit key is its own account, any other
/// is the default account.
pub(crate) fn of_any_key(
    access_key_id: Option<&str>,
    region: Region,
    default_account: &AccountId,
) -> Identity {
    let account =
        access_key_id.and_then(|id| AccountId::new(id).ok()).unwrap_or_else(|| default_account.clone());
    Identity {
        principal: root(&account, region.partition(), access_key_id),
        scope: Scope::new(account, region),
    }
}

/// The root user of `account`.
pub(crate) fn root(account: &AccountId, partition: Partition, access_key_id: Option<&str>) -> Principal {
    Principal {
        arn: format!("arn:{}:iam::{account}:root", partition.as_str()),
        kind: "Root".to_owned(),
        principal_id: account.to_string(),
        user_name: None,
        access_key_id: access_key_id.map(str::to_owned),
    }
}

/// The Region of a request: its credential scope, a Region-shaped label of the host, or the default.
pub(crate) fn region(scope_region: Option<&str>, host: Option<&str>, default: &Region) -> Region {
    scope_region
        .and_then(|name| Region::new(name).ok())
        .or_else(|| host_region(host?))
        .unwrap_or_else(|| default.clone())
}

/// A label such as `eu-west-1` or `us-gov-west-1` of a host name.
fn host_region(host: &str) -> Option<Region> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let label = name.split('.').find(|label| {
        let parts: Vec<&str> = label.split('-').collect();
        let is_word = |part: &&str| part.len() > 1 && part.bytes().all(|b| b.is_ascii_lowercase());
        matches!(parts[..], [area, .., number]
            if (3..=4).contains(&parts.len())
                && area.len() == 2
                && number.len() == 1 && number.as_bytes()[0].is_ascii_digit()
                && parts[..parts.len() - 1].iter().all(is_word))
    })?;
    Region::new(label).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_p11_and_p12() {
        let (region, default) = (Region::new("us-east-1").unwrap(), AccountId::new("000000000000").unwrap());
        let p11 = of_any_key(Some("123456789012"), region.clone(), &default);
        assert_eq!(p11.principal.arn, "arn:aws:iam::123456789012:root");
        assert_eq!(p11.scope.account.as_str(), "123456789012");
        let p12 = of_any_key(Some("AKIAEXAMPLE"), region.clone(), &default);
        assert_eq!(p12.scope.account.as_str(), "000000000000");
        assert_eq!(of_any_key(None, region, &default).principal.access_key_id, None);
    }

    #[test]
    fn regions_come_from_scope_then_host_then_default() {
        let default = Region::new("us-east-1").unwrap();
        for (scope, host, expected) in [
            (Some("eu-central-1"), Some("monitoring.eu-west-1.example"), "eu-central-1"),
            (None, Some("monitoring.eu-west-1.example:4580"), "eu-west-1"),
            (None, Some("logs.us-gov-west-1.example"), "us-gov-west-1"),
            (None, Some("myhost-1.example"), "us-east-1"),
            (None, Some("127.0.0.1:4580"), "us-east-1"),
            (Some("BAD REGION"), None, "us-east-1"),
            (Some("local"), None, "local"),
        ] {
            assert_eq!(region(scope, host, &default).as_str(), expected, "{scope:?} {host:?}");
        }
    }
}
