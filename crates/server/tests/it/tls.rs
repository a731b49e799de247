//! HTTPS with a generated certificate that survives a restart.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use server::TlsListen;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::{Harness, exchange, json_request};

fn connector(folder: &std::path::Path, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_generated_certificate_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["localhost".to_owned()];
    let first = server::tls::self_signed(folder.path(), &names).unwrap();
    let kept = std::fs::read(folder.path().join("cert.pem")).unwrap();
    server::tls::self_signed(folder.path(), &names).unwrap();
    assert_eq!(std::fs::read(folder.path().join("cert.pem")).unwrap(), kept);

    let harness = Harness::with(|config| {
        config.tls = Some(TlsListen { listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))], config: first });
    })
    .await;
    let addr = harness.server.addresses().tls[0];
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(addr).await.unwrap();
    let mut stream = connector(folder.path(), &[]).connect(name.clone(), stream).await.unwrap();
    assert_eq!(exchange(&mut stream, json_request("Echo", "", br#"{"Text":"x"}"#)).await.status, 200);
    let tls = harness.kept.calls.lock()[0].tls.clone().unwrap();
    assert_eq!(tls.version, "TLSv1.3");
    assert!(tls.cipher_suite.starts_with("TLS_"), "{}", tls.cipher_suite);

    let stream = TcpStream::connect(addr).await.unwrap();
    let stream = connector(folder.path(), &[b"h2"]).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
}

#[test]
fn files_that_are_no_certificate_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pem");
    assert!(server::tls::from_files(&path, &path).is_err());
    std::fs::write(&path, "not a certificate").unwrap();
    assert!(server::tls::from_files(&path, &path).is_err());
}
