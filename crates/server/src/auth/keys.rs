//! The access keys this server knows: those of the credentials file, and temporary ones.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base::{AccountId, Timestamp};
use serde::Deserialize;
use signals::Principal;

use super::temporary::TemporaryKeys;

/// Why a credentials file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("the credentials file is not valid")]
    Syntax(#[source] toml::de::Error),
    #[error("access key {key}: {reason}")]
    Key { key: String, reason: String },
}

/// One access key.
#[derive(Clone)]
pub struct AccessKey {
    pub account: AccountId,
    pub principal: Principal,
    pub secret: String,
    /// Set for temporary credentials.
    pub session: Option<TemporarySession>,
}

/// What temporary credentials carry besides key and secret.
#[derive(Clone)]
pub struct TemporarySession {
    pub token: String,
    pub expires: Timestamp,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({}, secret hidden)", self.principal.arn)
    }
}

/// The access keys a server knows: those of a file, by id, and the temporary ones it issued itself.
#[derive(Default)]
pub struct AccessKeys {
    keys: HashMap<String, Arc<AccessKey>>,
    temporary: Option<Arc<TemporaryKeys>>,
}

impl AccessKeys {
    /// Reads a credentials file:
    ///
    /// ```toml
    /// [[key]]
    /// access_key_id = "AKIA…"
    /// secret_access_key = "…"
    /// account = "123456789012"
    /// arn = "arn:aws:iam::123456789012:user/alice"   # the account's root when absent
    /// ```
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let file: File = toml::from_str(text).map_err(CredentialsError::Syntax)?;
        let mut table = Self::default();
        for entry in file.key {
            let id = entry.access_key_id.clone();
            let fail = |reason: &str| CredentialsError::Key { key: id.clone(), reason: reason.to_owned() };
            let key = entry.into_key().map_err(|reason| fail(&reason))?;
            if table.keys.insert(id.clone(), Arc::new(key)).is_some() {
                return Err(fail("appears twice"));
            }
        }
        Ok(table)
    }

    /// Also knows the credentials `temporary` issues.
    #[must_use]
    pub fn with_temporary(self, temporary: Arc<TemporaryKeys>) -> Self {
        Self { temporary: Some(temporary), ..self }
    }

    /// A key of the file.
    pub fn get(&self, access_key_id: &str) -> Option<Arc<AccessKey>> {
        self.keys.get(access_key_id).cloned()
    }

    /// The key of a request that shows this id and perhaps a session token.
    pub(crate) fn find(&self, access_key_id: &str, session_token: Option<&str>) -> Option<Arc<AccessKey>> {
        self.get(access_key_id).or_else(|| {
            let key = self.temporary.as_ref()?.recognise(access_key_id, session_token?)?;
            Some(Arc::new(key))
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    access_key_id: String,
    secret_access_key: String,
    account: AccountId,
    arn: Option<String>,
}

impl Entry {
    fn into_key(self) -> Result<AccessKey, String> {
        if self.access_key_id.is_empty() || self.secret_access_key.is_empty() {
            return Err("access key id and secret must not be empty".to_owned());
        }
        let arn = self.arn.unwrap_or_else(|| format!("arn:aws:iam::{}:root", self.account));
        let mut principal = principal_of_arn(&arn, &self.account)?;
        principal.access_key_id = Some(self.access_key_id);
        Ok(AccessKey { account: self.account, principal, secret: self.secret_access_key, session: None })
    }
}

/// The principal a root, user or assumed-role ARN of `account` stands for.
fn principal_of_arn(arn: &str, account: &AccountId) -> Result<Principal, String> {
    let parsed = base::Arn::parse(arn).map_err(|error| error.to_string())?;
    if parsed.account != account.as_str() {
        return Err(format!("{arn} is not of account {account}"));
    }
    let make = |kind: &str, principal_id: String, user_name: Option<&str>| Principal {
        arn: arn.to_owned(),
        kind: kind.to_owned(),
        principal_id,
        user_name: user_name.map(str::to_owned),
        access_key_id: None,
    };
    match (parsed.service.as_str(), parsed.resource.as_str()) {
        ("iam", "root") => Ok(make("Root", account.to_string(), None)),
        ("iam", resource) if resource.starts_with("user/") => {
            let name = resource.rsplit('/').next().unwrap_or_default();
            Ok(make("IAMUser", stable_id("AIDA", arn), Some(name)))
        }
        ("sts", resource) if resource.starts_with("assumed-role/") => {
            let mut parts = resource.splitn(3, '/').skip(1);
            match (parts.next(), parts.next()) {
                (Some(role), Some(session)) => {
                    let role_arn = format!("arn:{}:iam::{account}:role/{role}", parsed.partition);
                    Ok(make("AssumedRole", format!("{}:{session}", stable_id("AROA", &role_arn)), Some(role)))
                }
                _ => Err(format!("{arn} has no role and session name")),
            }
        }
        _ => Err(format!("{arn} is not a root, user or assumed-role ARN")),
    }
}

/// A unique id in AWS's form for a user or role that has none: always the same for the same ARN.
pub fn stable_id(prefix: &str, arn: &str) -> String {
    use sha2::Digest as _;
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = sha2::Sha256::digest(arn.as_bytes());
    let tail = digest.iter().take(17).map(|b| char::from(LETTERS[usize::from(b & 31)]));
    prefix.chars().chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_root_user_and_role_keys() {
        let keys = AccessKeys::parse(
            r#"
            [[key]]
            access_key_id = "AKIAROOT"
            secret_access_key = "s"
            account = "111111111111"
            [[key]]
            access_key_id = "AKIAALICE"
            secret_access_key = "s"
            account = "111111111111"
            arn = "arn:aws:iam::111111111111:user/team/alice"
            [[key]]
            access_key_id = "ASIAROLE"
            secret_access_key = "s"
            account = "111111111111"
            arn = "arn:aws:sts::111111111111:assumed-role/r/s1"
            "#,
        )
        .unwrap();
        let kind = |id: &str| keys.get(id).unwrap().principal.kind.clone();
        assert_eq!(
            (kind("AKIAROOT"), kind("AKIAALICE"), kind("ASIAROLE")),
            ("Root".into(), "IAMUser".into(), "AssumedRole".into())
        );
        assert_eq!(keys.get("AKIAALICE").unwrap().principal.user_name.as_deref(), Some("alice"));
        assert!(keys.get("ASIAROLE").unwrap().principal.principal_id.ends_with(":s1"));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let key = "[[key]]\naccess_key_id='a'\nsecret_access_key='b'\naccount='111111111111'\n";
        for bad in [
            "[[key]]\naccess_key_id='a'".to_owned(),
            format!("{key}secret='x'"),
            format!("{key}{key}"),
            format!("{key}arn='arn:aws:iam::222222222222:root'"),
            format!("{key}arn='arn:aws:s3:::bucket'"),
        ] {
            assert!(AccessKeys::parse(&bad).is_err(), "{bad}");
        }
    }
}
