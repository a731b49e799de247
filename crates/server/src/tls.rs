//! TLS: certificates from files, or a generated one that is kept in a directory so that clients which
//! were told to trust it go on trusting it after a restart.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("{0} holds no certificate")]
    NoCertificate(PathBuf),
    #[error("cannot keep the generated certificate in {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot generate a certificate")]
    Generate(#[source] rcgen::Error),
    #[error("certificate and key do not make a TLS configuration")]
    Config(#[source] rustls::Error),
}

/// Serves the certificate chain and key of two PEM files.
pub fn from_files(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let read = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Read { path, source }
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .map_err(read(cert))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(read(cert))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(cert.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(read(key))?;
    config(chain, key)
}

/// Serves the self-signed certificate kept in `directory` (`cert.pem`, `key.pem`), generating it for
/// `names` when it is not there.
pub fn self_signed(directory: &Path, names: &[String]) -> Result<Arc<ServerConfig>, TlsError> {
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    if !(cert.exists() && key.exists()) {
        let generated = rcgen::generate_simple_self_signed(names.to_vec()).map_err(TlsError::Generate)?;
        let write = |source| TlsError::Write { path: directory.to_owned(), source };
        std::fs::create_dir_all(directory).map_err(write)?;
        write_private(&key, &generated.signing_key.serialize_pem()).map_err(write)?;
        std::fs::write(&cert, generated.cert.pem()).map_err(write)?;
    }
    from_files(&cert, &key)
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Config)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Config)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(unix)]
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(not(unix))]
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)
}
