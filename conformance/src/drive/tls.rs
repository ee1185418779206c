//! TLS with a target: whom the suite trusts, what it shows of itself, and what is wrong with a certificate.

use std::io;
use std::sync::Arc;

use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::profile::{Pem, Scheme, Target, Tls};

/// What the suite can be said to speak inside of TLS (RFC 7301 section 6).
const HTTP_1_1: &[u8] = b"http/1.1";

/// The handshake with one target.
#[derive(Clone)]
pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Handshake").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Handshake {
    /// The handshake with a target; `None` where it speaks in the clear.
    pub(super) fn with(target: &Target) -> io::Result<Option<Handshake>> {
        if target.scheme == Scheme::Http {
            return Ok(None);
        }
        let host = target.connect_host();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| wrong(&format!("`{host}` is no name that a certificate can have")))?;
        Ok(Some(Handshake { config: Arc::new(config(&target.tls)?), name }))
    }

    /// Speaks the handshake. An error says what is wrong, with a way out.
    pub(super) async fn begin(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let connecting = TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream);
        connecting.await.map_err(|error| match broken(&error) {
            Some(error) => wrong(&explain(error, &self.name.to_str())),
            None => io::Error::new(error.kind(), format!("the TLS handshake failed: {error}")),
        })
    }
}

/// Whether an error is one of TLS, which waiting does not mend.
pub(crate) fn is_final(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Mistrust>)
}

/// What is wrong with the certificate of a target, or with the certificates that the options name.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Mistrust(String);

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Mistrust(why.to_owned()))
}

fn broken(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What is wrong, and a way out.
fn explain(error: &Error, host: &str) -> String {
    match error {
        Error::InvalidCertificate(certificate) => mistrust(certificate, host),
        Error::InvalidMessage(_) => "it does not speak TLS: write http:// or ws://".to_owned(),
        Error::NoApplicationProtocol => {
            "it does not speak HTTP/1.1 inside of TLS, which is what pushspec judges".to_owned()
        }
        Error::AlertReceived(alert) => {
            format!(
                "it ended the TLS handshake ({alert:?}); where it asks for a certificate of the client, --client-cert FILE shows one"
            )
        }
        error => format!("the TLS handshake failed: {error}"),
    }
}

fn mistrust(error: &CertificateError, host: &str) -> String {
    const ANY: &str = "--insecure takes it all the same";
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("its certificate has expired; {ANY}")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("its certificate is not valid yet; {ANY}")
        }
        CertificateError::NotValidForName => {
            format!("its certificate is not for `{host}`; {ANY}")
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names: Vec<String> = presented.iter().map(|name| plain_name(name)).collect();
            format!("its certificate is not for `{host}`, but for {}; {ANY}", names.join(", "))
        }
        CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is not for `{host}`, and names no host at all; {ANY}")
        }
        CertificateError::UnknownIssuer => {
            format!(
                "nobody whom this machine trusts has signed its certificate: --cacert FILE names the authority, or the certificate where it is signed by itself; {ANY}"
            )
        }
        error => format!("its certificate is not valid: {error}; {ANY}"),
    }
}

/// `DnsName("a.example")` as `a.example`: a server says what stands in a certificate, and it is quoted with care.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    format!("`{}`", inner.trim_matches('"').escape_debug())
}

fn config(tls: &Tls) -> io::Result<ClientConfig> {
    // The provider is named, so that it does not depend on what else is built into the program.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&format!("TLS cannot be set up: {error}")))?;
    let builder = match &tls.authorities {
        _ if tls.insecure => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        }
        Some(pem) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Named::new(pem, provider)?))
        }
        None => builder.with_platform_verifier().map_err(|error| {
            wrong(&format!("the certificates that this machine trusts cannot be read: {error}"))
        })?,
    };
    let mut config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let key = PrivateKeyDer::from_pem_slice(&pem.text)
                .map_err(|error| wrong(&format!("`{}` has no private key: {error}", pem.file)))?;
            builder.with_client_auth_cert(certificates(pem)?, key).map_err(|error| {
                wrong(&format!("`{}` cannot be shown as a certificate: {error}", pem.file))
            })?
        }
    };
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

fn certificates(pem: &Pem) -> io::Result<Vec<CertificateDer<'static>>> {
    let unreadable = |why: String| wrong(&format!("`{}` has no certificate in PEM: {why}", pem.file));
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.text).collect();
    let found = found.map_err(|error| unreadable(error.to_string()))?;
    if found.is_empty() { Err(unreadable("no `BEGIN CERTIFICATE` is in it".to_owned())) } else { Ok(found) }
}

/// Trusts the certificates of a file: authorities, and a server's own.
#[derive(Debug)]
struct Named {
    authorities: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Named {
    fn new(pem: &Pem, provider: Arc<CryptoProvider>) -> io::Result<Named> {
        let certificates = certificates(pem)?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| wrong(&format!("`{}` cannot be trusted: {error}", pem.file)))?;
        }
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| wrong(&format!("`{}` cannot be trusted: {error}", pem.file)))?;
        Ok(Named { authorities, certificates })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // `openssl req -x509` makes a certificate that signs itself and says that it is an authority, which the
            // certificate of a server is not to be. Its time was looked at before that.
            Err(Error::InvalidCertificate(CertificateError::Other(error)))
                if error.to_string().contains("CaUsedAsEndEntity")
                    && self.certificates.iter().any(|known| known == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Takes any certificate whose key the server has.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
