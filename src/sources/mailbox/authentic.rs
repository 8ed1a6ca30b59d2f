//! Whether a mail is from who it says: what a trusted server found out about its DKIM signatures (RFC 6376), as it wrote
//! into `Authentication-Results` (RFC 8601).

use super::mime::Mail;

/// Headers that are looked at: the topmost of a trusted server is the one that counts, and strangers' may come before.
const MAX_HEADERS: usize = 20;

/// Whether a server that is trusted says that a signature of the sender's own domain is good. `trusted` are authserv-ids
/// in lower case; `sender` is an address in lower case.
///
/// Only the topmost header of a trusted server counts: below it may be what the sender wrote there. (A server removes
/// headers that claim to be its own from mail that comes in, RFC 8601 section 5.)
pub fn signed_by(mail: &Mail, trusted: &[String], sender: &str) -> bool {
    let Some((_, domain)) = sender.rsplit_once('@') else { return false };
    let header = mail.authentication.iter().take(MAX_HEADERS).find_map(|header| {
        let header = without_comments(header);
        let (server, results) = header.split_once(';')?;
        // A version may follow the id.
        let server = server.split_whitespace().next()?.to_lowercase();
        trusted.contains(&server).then(|| results.to_lowercase())
    });
    header.is_some_and(|results| results.split(';').any(|result| is_good(result, domain)))
}

/// `dkim=pass header.d=example.com`, of the sender's domain or one above it.
fn is_good(result: &str, domain: &str) -> bool {
    let mut words = result.split_whitespace();
    if words.next() != Some("dkim=pass") {
        return false;
    }
    let signer = words.find_map(|word| match word.split_once('=')? {
        ("header.d", value) => Some(value.trim_matches('"')),
        ("header.i", value) => Some(value.trim_matches('"').rsplit('@').next().unwrap_or_default()),
        _ => None,
    });
    signer.is_some_and(|signer| {
        let same = signer == domain;
        let above = domain.strip_suffix(signer).is_some_and(|rest| rest.ends_with('.'));
        // A signature of `com` or `co.uk` is nobody's.
        !signer.is_empty() && (same || above) && psl::domain_str(signer).is_some()
    })
}

/// Comments in parentheses may hold anything (RFC 5322, 3.2.2), and may be nested.
fn without_comments(header: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::with_capacity(header.len());
    let mut quoted = false;
    for c in header.chars() {
        match c {
            '"' if depth == 0 => {
                quoted = !quoted;
                out.push(c);
            }
            // A `;` in quotes parts nothing.
            ';' if quoted => out.push(','),
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_of_a_trusted_server_about_the_senders_own_domain_counts() {
        let trusted = ["mx.example.com".to_owned()];
        for (headers, good) in [
            (&["mx.example.com; dkim=pass header.d=example.com"][..], true),
            (&["MX.example.com 1; spf=fail; DKIM=pass (2048 bit; ok) header.i=@Example.com header.s=x"], true),
            (&["mx.example.com; dkim=pass reason=\"x; dkim=fail\" header.d=example.com"], true),
            (&["mx.example.com; dkim=fail header.d=example.com"], false),
            (&["mx.example.com; dkim=pass header.d=evil.example"], false),
            (&["mx.example.com; dkim=pass header.d=com"], false),
            (&["mx.example.com; dkim=pass header.d=ample.com"], false),
            (&["mx.example.com; dkim=pass"], false),
            (&["mx.example.com; dkim=none (dkim=pass header.d=example.com)"], false),
            (&["mx.example.com; x=\"; dkim=pass header.d=example.com\""], false),
            (&["mx.evil.example; dkim=pass header.d=example.com"], false),
            // The sender's own header below the server's.
            (&["mx.example.com; dkim=none", "mx.example.com; dkim=pass header.d=example.com"], false),
            (&["other.example; none", "mx.example.com; dkim=pass header.d=example.com"], true),
            (&[], false),
            (&["", ";", "(((", "\""], false),
        ] {
            let mail = Mail { authentication: headers.iter().map(|h| (*h).to_owned()).collect(), ..Mail::default() };
            assert_eq!(signed_by(&mail, &trusted, "ana@example.com"), good, "{headers:?}");
        }
        let mail =
            Mail { authentication: vec!["mx.example.com; dkim=pass header.d=example.com".into()], ..Mail::default() };
        assert!(signed_by(&mail, &trusted, "ana@team.example.com"));
        assert!(!signed_by(&mail, &[], "ana@example.com"));
        assert!(!signed_by(&mail, &trusted, "nobody"));
    }
}
