//! TLS under HTTP: the certificate that the server shows, given or made.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem, pem::PemObject},
    },
    server::TlsStream,
};

use crate::socket::Socket;

/// What is spoken inside (RFC 7301 section 6).
const HTTP_1_1: &[u8] = b"http/1.1";

/// The hosts that a certificate is made for.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate with its private key.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    /// Who has signed the certificate, in PEM, where it was made here.
    authority: Option<String>,
}

/// Why there is no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The text has no certificate, or no private key, in PEM (RFC 7468).
    #[error("there is no {what} in PEM: {source}")]
    Pem {
        /// What is looked for.
        what: &'static str,
        /// What was found wrong.
        source: pem::Error,
    },
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("they cannot be used: {0}")]
    Unusable(tokio_rustls::rustls::Error),
    /// No certificate could be made.
    #[error("none can be made: {0}")]
    Make(rcgen::Error),
}

impl fmt::Debug for Identity {
    // The key stays where it is.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Identity").field("is_made", &self.authority.is_some()).finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads a chain of certificates, the server's own first, and its private key.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let no_certificate = |source| IdentityError::Pem { what: "certificate", source };
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(certificates).collect::<Result<_, _>>().map_err(no_certificate)?;
        if chain.is_empty() {
            return Err(no_certificate(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|source| IdentityError::Pem { what: "private key", source })?;
        Self::new(chain, key, None)
    }

    /// Makes an authority, and a certificate of it for `localhost`, `127.0.0.1` and `::1`. [`Identity::authority`] is what
    /// a client has to trust.
    pub fn made() -> Result<Self, IdentityError> {
        let authority = authority().map_err(IdentityError::Make)?;
        let (certificate, key) = certificate(&authority).map_err(IdentityError::Make)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Self::new(vec![certificate], key, Some(authority.pem()))
    }

    /// The certificate of the authority, in PEM, where the identity was made.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        authority: Option<String>,
    ) -> Result<Self, IdentityError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(IdentityError::Unusable)?;
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Self { config: Arc::new(config), authority })
    }

    /// Speaks the handshake; `None` where the peer does not come to its end in time, or not at all.
    pub(crate) async fn accept(&self, socket: Socket, limit: Duration) -> Option<TlsStream<Socket>> {
        let handshake = TlsAcceptor::from(Arc::clone(&self.config)).accept(socket);
        match tokio::time::timeout(limit, handshake).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

/// A connection of TLS that ends with a closure alert, or without one.
pub(crate) struct Closing {
    pub(crate) stream: TlsStream<Socket>,
    pub(crate) is_cut: bool,
}

impl Drop for Closing {
    /// A connection that is dropped is one that is closed: the alert goes out if the socket takes it at once. One that was
    /// sent before is not sent again.
    fn drop(&mut self) {
        if self.is_cut {
            return;
        }
        let (socket, session) = self.stream.get_mut();
        session.send_close_notify();
        let mut alert = Vec::new();
        // Nothing goes wrong when bytes are put into memory, and a peer that is gone needs no alert.
        while session.write_tls(&mut alert).is_ok_and(|length| length > 0) {}
        let _ = socket.try_write(&alert);
    }
}

impl AsyncRead for Closing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Closing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_cut {
            return Pin::new(self.stream.get_mut().0).poll_shutdown(context);
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name.push(DnType::CommonName, "pushspec-reference, an authority for tests");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)
}

fn certificate(
    authority: &CertifiedIssuer<'static, KeyPair>,
) -> Result<(CertificateDer<'static>, KeyPair), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(HOSTS.map(str::to_owned).to_vec())?;
    parameters.distinguished_name.push(DnType::CommonName, "pushspec-reference");
    let certificate = parameters.signed_by(&key, authority)?;
    Ok((certificate.der().clone(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_can_be_read_again() -> Result<(), IdentityError> {
        let made = Identity::made()?;
        assert!(made.authority().is_some_and(|pem| pem.starts_with("-----BEGIN CERTIFICATE-----")));
        assert!(!format!("{made:?}").contains("PRIVATE"));
        Ok(())
    }

    #[test]
    fn a_text_without_a_certificate_or_a_key_is_refused() -> Result<(), rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?.pem();
        let key = key.serialize_pem();
        let refused = |certificate: &str, key: &str| {
            Identity::from_pem(certificate.as_bytes(), key.as_bytes()).err().map(|error| error.to_string())
        };
        assert_eq!(refused(&certificate, &key), None);
        assert!(refused("", &key).is_some_and(|why| why.contains("no certificate in PEM")));
        assert!(refused(&certificate, "").is_some_and(|why| why.contains("no private key in PEM")));
        let other = KeyPair::generate()?.serialize_pem();
        assert!(refused(&certificate, &other).is_some_and(|why| why.starts_with("they cannot be used")));
        Ok(())
    }
}
