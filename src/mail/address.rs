//! Mail addresses in the form that every relay understands: ASCII, the domain in punycode.

use lettre::Address;

/// Why an address cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Needs SMTPUTF8 (RFC 6531), which too few relays and recipients have.
    #[error("the part before the @ has characters that are not ASCII; ask for an address without them")]
    LocalPart,
    #[error("it is not a mail address (name@domain)")]
    Malformed,
}

/// Checks one bare address (`name@domain`) and puts its domain into ASCII (RFC 5891).
///
/// # Errors
/// Anything that could not stand alone between `<` and `>` in an SMTP command is refused, so what comes back cannot
/// inject a command or a header.
pub fn ascii(address: &str) -> Result<Address, AddressFault> {
    let (local, domain) = address.rsplit_once('@').ok_or(AddressFault::Malformed)?;
    if address.chars().any(char::is_control) {
        return Err(AddressFault::Malformed);
    }
    if !local.is_ascii() {
        return Err(AddressFault::LocalPart);
    }
    let domain = ascii_domain(domain).ok_or(AddressFault::Malformed)?;
    Address::new(local, domain).map_err(|_| AddressFault::Malformed)
}

/// A domain in ASCII; `None` if it is none. ASCII domains and address literals pass unchanged.
pub(super) fn ascii_domain(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_owned());
    }
    // `Host` undoes percent-encoding, which has no place in a mail address.
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) if !domain.contains('%') => Some(ascii),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_ascii() {
        for (given, wanted) in [
            ("ana@example.com", "ana@example.com"),
            ("Ana.Ruiz+m@Example.COM", "Ana.Ruiz+m@Example.COM"),
            ("ana@bücher.example", "ana@xn--bcher-kva.example"),
            ("ana@españa.example", "ana@xn--espaa-rta.example"),
            ("ana@例え.テスト", "ana@xn--r8jz45g.xn--zckzah"),
            ("ana@[192.0.2.1]", "ana@[192.0.2.1]"),
            ("\"a b\"@example.com", "\"a b\"@example.com"),
        ] {
            assert_eq!(ascii(given).map(|a| a.to_string()).as_deref(), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn what_could_inject_is_refused() {
        for given in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "ana@example.com\r\nRCPT TO:<eve@example.com>",
            "ana@example.com\nBcc: eve@example.com",
            "ana@example.com>",
            "<ana@example.com>",
            "ana@example.com, eve@example.com",
            "ana@example.com eve@example.com",
            "\"a\r\nb\"@example.com",
            "\"a\u{0}b\"@example.com",
            "ana@exa mple.com",
            "ana@b%C3%BCcher.example\u{fc}",
            "ana@example.com SIZE=1",
            "-oQ/tmp @example.com",
        ] {
            assert_eq!(ascii(given), Err(AddressFault::Malformed), "{given:?}");
        }
        assert_eq!(ascii("añа@example.com"), Err(AddressFault::LocalPart));
    }
}
