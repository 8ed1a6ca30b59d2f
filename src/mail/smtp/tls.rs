//! TLS to the relay. Certificates are verified always, the host name too; there is no switch to turn that off.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::super::MailError;
use super::wire::Stream;

/// Trust in the public authorities and those of a file, and the name that the relay must prove.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// `host` is a host name in ASCII or an IP address; `ca_file` has further authorities, PEM.
    pub(super) fn new(host: &str, ca_file: Option<&Path>) -> Result<Self, MailError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| MailError::Host { host: host.to_owned() })?;
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = ca_file {
            add_file(&mut roots, path).map_err(|why| MailError::CaFile { path: path.to_owned(), why })?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|fault| MailError::Tls(fault.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Encrypts a connection. The error says, in words that follow "no encrypted connection to HOST: ", what is wrong
    /// and what to do.
    pub(super) async fn wrap(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, String> {
        match self.connector.connect(self.name.clone(), stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(fault) => Err(words(&fault)),
        }
    }
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|fault| fault.to_string())?;
    let mut count = 0_usize;
    for certificate in certificates {
        let certificate = certificate.map_err(|fault| fault.to_string())?;
        roots.add(certificate).map_err(|fault| fault.to_string())?;
        count += 1;
    }
    if count == 0 { Err("there is no certificate in it".to_owned()) } else { Ok(()) }
}

fn words(fault: &io::Error) -> String {
    let inner = fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired; the relay's operator must renew it".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; is this machine's clock right?".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name; write the name of the certificate as [mail] host".to_owned()
            }
            CertificateError::UnknownIssuer => "its certificate is signed by nobody this machine trusts; if the relay \
                                                is your own, name its authority's certificate as [mail] ca_file"
                .to_owned(),
            other => format!("its certificate cannot be trusted ({other})"),
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS on this port; check [mail] port and tls (587 goes with starttls, 465 with implicit)"
                .to_owned()
        }
        _ if fault.kind() == io::ErrorKind::UnexpectedEof || fault.kind() == io::ErrorKind::ConnectionReset => {
            "it hung up during the handshake".to_owned()
        }
        _ => fault.to_string(),
    }
}
