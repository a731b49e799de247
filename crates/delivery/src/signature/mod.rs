//! Signatures of messages: an RSA key of this installation, made when it is first needed and kept in the catalog,
//! and the certificate validators fetch.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>. Version 1 is RSA
//! PKCS #1 v1.5 over SHA-1, version 2 over SHA-256.

use std::collections::HashMap;
use std::sync::Arc;

use base::{Clock, Entropy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use catalog::{Catalog, CatalogError, CommitError, Record, RecordKey};
use parking_lot::Mutex;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::{RsaPrivateKey, rand_core};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

const KEY_BITS: usize = 2048;
const SIGNATURES_KEPT_MAX: usize = 1024;
const CERTIFICATE_PREFIX: &str = "SimpleNotificationService-";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignatureError {
    #[error("the signing key could not be kept")]
    Catalog(#[from] CatalogError),
    #[error("the signing key could not be made: {0}")]
    Making(String),
    #[error("the kept signing key is damaged: {0}")]
    Damaged(String),
}

/// Key and certificate as they are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeyRecord {
    private_key_pem: String,
    certificate_pem: String,
}

impl Record for KeyRecord {
    const COLLECTION: &'static str = "sns_signing_key";
    const VERSION: u32 = 1;
}

/// The installation's key.
pub(crate) struct Signer {
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    key: OnceCell<Arc<Key>>,
    /// Signatures by the digest of version and text: all subscriptions of a topic get the same one, and making
    /// one takes milliseconds.
    made: Mutex<HashMap<[u8; 32], String>>,
}

struct Key {
    sha1: SigningKey<Sha1>,
    sha256: SigningKey<Sha256>,
    certificate_pem: String,
    /// `SimpleNotificationService-<32 digits>.pem`.
    certificate_name: String,
}

impl Signer {
    pub(crate) fn new(catalog: Arc<Catalog>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { catalog, clock, entropy, key: OnceCell::new(), made: Mutex::default() }
    }

    /// Signs a text; the signature is base64.
    pub(crate) async fn sign(&self, version: u8, text: &str) -> Result<String, SignatureError> {
        let digest: [u8; 32] = Sha256::new().chain_update([version]).chain_update(text).finalize().into();
        if let Some(signature) = self.made.lock().get(&digest) {
            return Ok(signature.clone());
        }
        let key = self.key().await?;
        let signature = match version {
            2 => key.sha256.sign(text.as_bytes()).to_vec(),
            _ => key.sha1.sign(text.as_bytes()).to_vec(),
        };
        let signature = BASE64.encode(signature);
        let mut made = self.made.lock();
        if made.len() >= SIGNATURES_KEPT_MAX {
            made.clear();
        }
        made.insert(digest, signature.clone());
        Ok(signature)
    }

    /// The file name the certificate is served under.
    pub(crate) async fn certificate_name(&self) -> Result<String, SignatureError> {
        Ok(self.key().await?.certificate_name.clone())
    }

    /// The certificate under this name, as PEM.
    pub(crate) async fn certificate(&self, name: &str) -> Result<Option<String>, SignatureError> {
        if !name.starts_with(CERTIFICATE_PREFIX) {
            return Ok(None);
        }
        let key = self.key().await?;
        Ok((key.certificate_name == name).then(|| key.certificate_pem.clone()))
    }

    /// The key signatures are checked with.
    #[cfg(test)]
    pub(crate) async fn public_key(&self) -> Result<rsa::RsaPublicKey, SignatureError> {
        let private: &RsaPrivateKey = self.key().await?.sha256.as_ref();
        Ok(private.to_public_key())
    }

    async fn key(&self) -> Result<&Arc<Key>, SignatureError> {
        self.key.get_or_try_init(|| self.open()).await
    }

    async fn open(&self) -> Result<Arc<Key>, SignatureError> {
        let keys = self.catalog.collection::<KeyRecord>()?;
        let place = RecordKey::of_installation("current");
        if let Some(kept) = keys.get(&place) {
            return Key::read(&kept.record).map(Arc::new);
        }
        let (entropy, now) = (self.entropy.clone(), self.clock.now().to_iso8601_secs());
        let made = tokio::task::spawn_blocking(move || make(entropy.as_ref(), &now))
            .await
            .map_err(|error| SignatureError::Making(error.to_string()))??;
        match keys.insert(place.clone(), made).await {
            Ok(_) | Err(CommitError::Exists { .. }) => {}
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(other) => return Err(SignatureError::Making(other.to_string())),
        }
        let kept = keys.get(&place).ok_or_else(|| SignatureError::Making("it vanished".to_owned()))?;
        Key::read(&kept.record).map(Arc::new)
    }
}

impl Key {
    fn read(record: &KeyRecord) -> Result<Self, SignatureError> {
        let private = RsaPrivateKey::from_pkcs8_pem(&record.private_key_pem)
            .map_err(|error| SignatureError::Damaged(error.to_string()))?;
        let digest = Sha256::digest(record.certificate_pem.as_bytes());
        let id: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            sha1: SigningKey::new(private.clone()),
            sha256: SigningKey::new(private),
            certificate_pem: record.certificate_pem.clone(),
            certificate_name: format!("{CERTIFICATE_PREFIX}{id}.pem"),
        })
    }
}

fn make(entropy: &dyn Entropy, now: &str) -> Result<KeyRecord, SignatureError> {
    let making = |error: &dyn std::fmt::Display| SignatureError::Making(error.to_string());
    let private = RsaPrivateKey::new(&mut Randomness(entropy), KEY_BITS).map_err(|error| making(&error))?;
    let private_key_pem = private.to_pkcs8_pem(LineEnding::LF).map_err(|error| making(&error))?.to_string();
    let pair = rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(&private_key_pem, &rcgen::PKCS_RSA_SHA256)
        .map_err(|error| making(&error))?;
    let mut parameters =
        rcgen::CertificateParams::new(vec!["sns.nephoscope".to_owned()]).map_err(|error| making(&error))?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Nephoscope SNS");
    let year: i32 = now.get(..4).and_then(|year| year.parse().ok()).unwrap_or(2026);
    // Validators compare with their own clocks, which may be a little behind, or real where ours is simulated.
    parameters.not_before = rcgen::date_time_ymd((year - 1).clamp(1970, 9000), 1, 1);
    parameters.not_after = rcgen::date_time_ymd((year + 50).clamp(1970, 9000), 1, 1);
    let mut serial = [0; 16];
    entropy.fill(&mut serial);
    serial[0] &= 0x7f;
    parameters.serial_number = Some(rcgen::SerialNumber::from_slice(&serial));
    let certificate = parameters.self_signed(&pair).map_err(|error| making(&error))?;
    Ok(KeyRecord { private_key_pem, certificate_pem: certificate.pem() })
}

/// [`Entropy`] as the key generator asks for it.
struct Randomness<'a>(&'a dyn Entropy);

impl rand_core::RngCore for Randomness<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for Randomness<'_> {}

#[cfg(test)]
mod tests {
    use base::{SeededEntropy, SimulatedClock, Timestamp};
    use catalog::MemoryBackend;
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::signature::Verifier as _;

    use super::*;

    #[tokio::test]
    async fn signatures_verify_and_the_key_outlives_the_process() {
        let clock = SimulatedClock::new(Timestamp::from_secs(1_717_200_000));
        let catalog = Catalog::with_backend(Arc::new(MemoryBackend::default()), clock.clone()).await.unwrap();
        let signer = |seed| Signer::new(catalog.clone(), clock.clone(), SeededEntropy::new(seed));
        let first = signer(1);
        let text = "Message\nhi\n";
        let (one, two) = (first.sign(1, text).await.unwrap(), first.sign(2, text).await.unwrap());
        let again = signer(2);
        assert_eq!(again.sign(1, text).await.unwrap(), one, "the kept key is used");
        let name = first.certificate_name().await.unwrap();
        assert_eq!(again.certificate_name().await.unwrap(), name);
        assert_eq!(name.len(), CERTIFICATE_PREFIX.len() + 32 + 4);
        let pem = again.certificate(&name).await.unwrap().unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
        assert_eq!(again.certificate("SimpleNotificationService-0.pem").await.unwrap(), None);
        let private = {
            let keys = catalog.collection::<KeyRecord>().unwrap();
            let kept = keys.get(&RecordKey::of_installation("current")).unwrap();
            RsaPrivateKey::from_pkcs8_pem(&kept.private_key_pem).unwrap()
        };
        let signature = |text: &str| Signature::try_from(BASE64.decode(text).unwrap().as_slice()).unwrap();
        let public = private.to_public_key();
        VerifyingKey::<Sha1>::new(public.clone()).verify(text.as_bytes(), &signature(&one)).unwrap();
        VerifyingKey::<Sha256>::new(public.clone()).verify(text.as_bytes(), &signature(&two)).unwrap();
        assert!(VerifyingKey::<Sha1>::new(public).verify(b"Message\nho\n", &signature(&one)).is_err());
    }
}
