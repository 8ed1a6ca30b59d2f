//! Faults below HTTP: what the chain of errors under the client's error comes down to, in words a person can use.
//! The client's own message is never shown, since it holds the address with its secrets.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use super::guard::Refusal;
use super::resolve::LookupFailed;
use crate::model::{ErrorClass, PollFault};

/// Where in the exchange it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Up to and including the answer's headers.
    Head,
    Body,
}

/// The fault that `error` comes down to; `host` is what messages call the other side.
pub(crate) fn fault(error: &reqwest::Error, host: &str, phase: Phase, connect_timeout: Duration) -> PollFault {
    for cause in chain(error) {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return new(ErrorClass::Forbidden, format!("{refusal}."));
        }
        if cause.downcast_ref::<LookupFailed>().is_some() {
            return new(ErrorClass::Transient, format!("{host} {}", LookupFailed::WORDS));
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return tls_fault(tls, host);
        }
    }
    if error.is_timeout() {
        // Only the connection has a time-out inside the client; the whole request's is kept outside of it.
        let seconds = connect_timeout.as_secs_f32();
        return new(ErrorClass::Transient, format!("{host} did not take the connection within {seconds} s."));
    }
    let io = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let http = chain(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    match (phase, io) {
        _ if http.is_some_and(hyper::Error::is_parse) => new(
            ErrorClass::Malformed,
            format!("{host} answered in something that is not HTTP. Check address and port."),
        ),
        (_, Some(io::ErrorKind::ConnectionRefused)) => new(
            ErrorClass::Transient,
            format!("{host} refused the connection: nothing listens there, or a firewall forbids it."),
        ),
        (_, Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable)) => {
            new(ErrorClass::Transient, format!("{host} cannot be reached from this machine. Check its network."))
        }
        (_, Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe)) => {
            new(ErrorClass::Transient, format!("{host} broke the connection off."))
        }
        (Phase::Body, _) => cut(host),
        (Phase::Head, _) if error.is_connect() => {
            let detail = io.map(|kind| format!(" ({kind})")).unwrap_or_default();
            new(ErrorClass::Transient, format!("no connection to {host}{detail}."))
        }
        (Phase::Head, _) => new(ErrorClass::Transient, format!("{host} closed the connection without an answer.")),
    }
}

/// The body ended before its announced end.
pub(crate) fn cut(host: &str) -> PollFault {
    new(ErrorClass::Malformed, format!("the document of {host} was cut off before its end."))
}

pub(crate) fn new(class: ErrorClass, message: String) -> PollFault {
    PollFault { class, message, retry_after: None }
}

/// A handshake of TLS that failed.
pub(crate) fn encryption(error: &io::Error, host: &str) -> PollFault {
    match chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(tls) => tls_fault(tls, host),
        None => new(ErrorClass::Transient, format!("{host} broke the connection off.")),
    }
}

/// No certificate fault is ever got around: what is on the other side is not who it claims to be.
pub(crate) fn tls_fault(error: &rustls::Error, host: &str) -> PollFault {
    let rustls::Error::InvalidCertificate(fault) = error else {
        // A handshake broken off by an alert or by garbage may be a passing fault of the server.
        let class = match error {
            rustls::Error::PeerIncompatible(_) => ErrorClass::Refused,
            _ => ErrorClass::Transient,
        };
        return new(class, format!("no secure connection to {host}: {error}."));
    };
    let (what, advice) = match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("has expired", "Its operator must renew it")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("is not valid yet", "Check this machine's clock")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("belongs to another host", "Check the address")
        }
        CertificateError::Revoked => ("was revoked", "Its operator must renew it"),
        CertificateError::UnknownIssuer => (
            "is self-signed or signed by an unknown authority",
            "If you trust that authority, name its certificate in [fetch] ca_file",
        ),
        _ if format!("{fault:?}").contains("CaUsedAsEndEntity") => (
            "is self-signed",
            "If you trust it, have it replaced by one of your authority and name that in [fetch] ca_file",
        ),
        _ => ("is not valid", "Ask its operator"),
    };
    new(ErrorClass::Refused, format!("the certificate of {host} {what}, so nothing was fetched. {advice}."))
}

/// The error and all below it, also what hides inside `io::Error`s (whose `source` skips the wrapped error itself).
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inner = error.downcast_ref::<io::Error>().and_then(|io| io.get_ref());
        inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}
