//! Temporary credentials that need no table: the session token carries whom they stand for and until
//! when, sealed with a key of this server, and the secret follows from the access key id and that key.
//! So they outlive restarts, and issuing them costs nothing that could run out.

use base::{AccountId, Entropy, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use signals::Principal;
use subtle::ConstantTimeEq as _;

use super::keys::{AccessKey, TemporarySession};
use super::sigv4::hmac;

/// Issues and recognises temporary credentials.
pub struct TemporaryKeys {
    seal: [u8; 32],
}

/// What a client is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
}

/// What a session token says. The version comes first so that a later form can be told apart.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    version: u32,
    access_key_id: String,
    account: AccountId,
    principal: Principal,
    expires: Timestamp,
}

const VERSION: u32 = 1;

impl TemporaryKeys {
    /// `seal` must be secret and the same after a restart.
    pub fn new(seal: [u8; 32]) -> Self {
        Self { seal }
    }

    /// Credentials that act as `principal` of `account` until `expires`.
    pub fn issue(
        &self,
        entropy: &dyn Entropy,
        account: AccountId,
        principal: Principal,
        expires: Timestamp,
    ) -> Issued {
        let access_key_id = format!("ASIA{}", letters(entropy));
        let claims = Claims { version: VERSION, access_key_id, account, principal, expires };
        let body = serde_json::to_vec(&claims).expect("claims are plain data");
        let mark = hmac(&self.seal, &[b"token", body.as_slice()].concat());
        Issued {
            secret_access_key: self.secret(&claims.access_key_id),
            session_token: URL_SAFE_NO_PAD.encode([mark.as_slice(), body.as_slice()].concat()),
            access_key_id: claims.access_key_id,
        }
    }

    /// The key behind a session token of this server; `None` for any other token.
    pub(crate) fn recognise(&self, access_key_id: &str, session_token: &str) -> Option<AccessKey> {
        let bytes = URL_SAFE_NO_PAD.decode(session_token).ok()?;
        let (mark, body) = bytes.split_at_checked(32)?;
        let expected = hmac(&self.seal, &[b"token", body].concat());
        if !bool::from(expected.ct_eq(mark)) {
            return None;
        }
        let claims: Claims = serde_json::from_slice(body).ok()?;
        (claims.version == VERSION && claims.access_key_id == access_key_id).then(|| AccessKey {
            account: claims.account,
            principal: claims.principal,
            secret: self.secret(access_key_id),
            session: Some(TemporarySession { token: session_token.to_owned(), expires: claims.expires }),
        })
    }

    fn secret(&self, access_key_id: &str) -> String {
        let mut secret = STANDARD.encode(hmac(&self.seal, &[b"secret", access_key_id.as_bytes()].concat()));
        secret.truncate(40);
        secret
    }
}

/// Sixteen letters as AWS's key ids have them.
fn letters(entropy: &dyn Entropy) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes.iter().map(|b| char::from(LETTERS[usize::from(b & 31)])).collect()
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;
    use crate::auth::identity;

    #[test]
    fn a_token_is_known_to_its_server_only_and_with_its_key_only() {
        let account = AccountId::new("111111111111").unwrap();
        let principal = identity::root(&account, base::Partition::Aws, None);
        let keys = TemporaryKeys::new([1; 32]);
        let issued = keys.issue(SeededEntropy::new(1).as_ref(), account, principal, Timestamp::from_secs(60));
        assert!(issued.access_key_id.len() == 20 && issued.secret_access_key.len() == 40);
        let key = keys.recognise(&issued.access_key_id, &issued.session_token).unwrap();
        assert_eq!(key.secret, issued.secret_access_key);
        assert_eq!(key.account.as_str(), "111111111111");
        assert!(keys.recognise("ASIAOTHER", &issued.session_token).is_none());
        assert!(
            TemporaryKeys::new([2; 32]).recognise(&issued.access_key_id, &issued.session_token).is_none()
        );
        for bad in ["", "x", &issued.session_token[1..], &format!("{}A", issued.session_token)] {
            assert!(keys.recognise(&issued.access_key_id, bad).is_none(), "{bad}");
        }
    }
}
