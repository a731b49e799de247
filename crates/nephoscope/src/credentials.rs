//! The access keys of this installation: those of the credentials file, and the seal that temporary
//! credentials are made and recognised with.

use std::sync::Arc;

use base::{AccountId, Entropy, Timestamp};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use server::AccessKeys;
use server::auth::{Issued, TemporaryKeys, keys::stable_id};
use signals::Principal;
use sts::{CredentialIssuer, IssuedCredentials};

use crate::config::Config;
use crate::wiring::{Capabilities, StartError};

/// Where the seal is kept. Losing it ends every temporary credential, and nothing else.
const SEAL: &str = "keys/temporary-credentials";

/// All keys, and who issues more.
pub(crate) struct Credentials {
    pub(crate) keys: Arc<AccessKeys>,
    pub(crate) issuer: Arc<dyn CredentialIssuer>,
}

impl Credentials {
    pub(crate) async fn open(config: &Config, capabilities: &Capabilities) -> Result<Self, StartError> {
        let seal = seal(capabilities.objects.as_ref(), capabilities.entropy.as_ref()).await?;
        let temporary = Arc::new(TemporaryKeys::new(seal));
        let keys = Arc::new(read_keys(config)?.with_temporary(temporary.clone()));
        let entropy = capabilities.entropy.clone();
        let issuer = Arc::new(Issuer { keys: keys.clone(), temporary, entropy });
        Ok(Self { keys, issuer })
    }
}

fn read_keys(config: &Config) -> Result<AccessKeys, StartError> {
    let Some(path) = &config.credentials else { return Ok(AccessKeys::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| StartError::ReadCredentials { path: path.clone(), source })?;
    AccessKeys::parse(&text).map_err(|source| StartError::Credentials { path: path.clone(), source })
}

/// The kept seal, or a new one.
async fn seal(objects: &dyn ObjectStore, entropy: &dyn Entropy) -> Result<[u8; 32], StartError> {
    let path = Path::from(SEAL);
    match objects.get(&path).await {
        Ok(found) => {
            let bytes = found.bytes().await.map_err(StartError::Seal)?;
            <[u8; 32]>::try_from(bytes.as_ref()).map_err(|_| StartError::DamagedSeal)
        }
        Err(object_store::Error::NotFound { .. }) => {
            let mut seal = [0; 32];
            entropy.fill(&mut seal);
            objects.put(&path, PutPayload::from(seal.to_vec())).await.map_err(StartError::Seal)?;
            Ok(seal)
        }
        Err(error) => Err(StartError::Seal(error)),
    }
}

struct Issuer {
    keys: Arc<AccessKeys>,
    temporary: Arc<TemporaryKeys>,
    entropy: Arc<dyn Entropy>,
}

impl CredentialIssuer for Issuer {
    fn issue(&self, account: AccountId, principal: Principal, expires: Timestamp) -> IssuedCredentials {
        let issued = self.temporary.issue(self.entropy.as_ref(), account, principal, expires);
        let Issued { access_key_id, secret_access_key, session_token } = issued;
        IssuedCredentials { access_key_id, secret_access_key, session_token }
    }

    fn role_id(&self, role_arn: &str) -> String {
        stable_id("AROA", role_arn)
    }

    fn account_of(&self, access_key_id: &str) -> Option<AccountId> {
        self.keys.get(access_key_id).map(|key| key.account.clone())
    }
}
