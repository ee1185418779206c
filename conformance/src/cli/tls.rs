//! The arguments of `run` that are about TLS.

use std::path::{Path, PathBuf};

use clap::Args;
use pushspec_reference::Identity;

use super::CliError;
use crate::profile::{Pem, Tls};

/// How TLS is spoken.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsArguments {
    #[command(flatten)]
    trust: TrustArguments,
    /// Judges the built-in reference server over TLS
    #[arg(long, conflicts_with_all = ["url", "cacert"])]
    pub(super) tls: bool,
}

/// What is trusted, and what is shown to the server.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TrustArguments {
    /// Trusts the certificates in this PEM file, and no others: authorities, or the server's own certificate
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    cacert: Option<PathBuf>,
    /// Takes any certificate, also an expired one, and one for another host
    #[arg(long)]
    insecure: bool,
    /// Shows this certificate to the server: a PEM file with the certificate and its private key
    #[arg(long, value_name = "FILE")]
    client_cert: Option<PathBuf>,
}

impl TrustArguments {
    /// What the suite trusts and shows. The built-in server is known by the authority that it has made.
    pub(super) fn tls(&self, built_in: Option<&Identity>) -> Result<Tls, CliError> {
        let authority = built_in.and_then(Identity::authority).map(|text| Pem {
            file: "the authority of the built-in server".to_owned(),
            text: text.as_bytes().to_vec(),
        });
        let read = |path: &Option<PathBuf>| path.as_deref().map(read).transpose();
        Ok(Tls {
            authorities: authority.or(read(&self.cacert)?),
            insecure: self.insecure,
            client: read(&self.client_cert)?,
        })
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (flag, path) in [("--cacert", &self.cacert), ("--client-cert", &self.client_cert)] {
            words.extend(path.iter().flat_map(|path| [flag.to_owned(), path.display().to_string()]));
        }
        words.extend(self.insecure.then(|| "--insecure".to_owned()));
        words
    }
}

impl TlsArguments {
    /// What the suite trusts and shows; see [`TrustArguments::tls`].
    pub(super) fn tls(&self, built_in: Option<&Identity>) -> Result<Tls, CliError> {
        self.trust.tls(built_in)
    }

    /// The arguments again.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = self.trust.words();
        words.extend(self.tls.then(|| "--tls".to_owned()));
        words
    }
}

fn read(path: &Path) -> Result<Pem, CliError> {
    match crate::mistake::read(path) {
        Ok(text) => Ok(Pem { file: path.display().to_string(), text }),
        Err(error) => Err(CliError::Usage(format!("failed to read `{}`: {error}", path.display()))),
    }
}
