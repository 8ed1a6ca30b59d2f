//! What a status means for a poll: one table, each row tested. Pure.

use crate::model::ErrorClass;

/// What to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Read the body.
    Document,
    NotModified,
    /// Go on to `Location`; `permanent` if the address itself has changed.
    Redirect {
        permanent: bool,
    },
    /// The poll failed; the text says what to do about it.
    Fault(ErrorClass, &'static str),
}

/// What else of an answer counts beside its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// There is a readable `Retry-After`.
    pub(crate) retry_after: bool,
    /// There is a `Location`.
    pub(crate) location: bool,
    /// The body is said to be HTML: a page for people, not a program's answer.
    pub(crate) html: bool,
    /// The server asks for credentials (`WWW-Authenticate`), or we sent some.
    pub(crate) credentials: bool,
    /// We asked whether the document changed.
    pub(crate) conditional: bool,
    /// A bot check was put in front (`cf-mitigated`, `x-amzn-waf-action`).
    pub(crate) challenge: bool,
}

/// Judges a final status. Codes of no known meaning are judged by their first digit (RFC 9110, 15).
pub(crate) fn verdict(status: u16, facts: Facts) -> Verdict {
    use ErrorClass::{Auth, Gone, Malformed, Quota, RateLimited, Refused, Transient};
    let fault = Verdict::Fault;
    if facts.challenge && !(300..400).contains(&status) {
        return fault(Refused, CHALLENGE);
    }
    match status {
        202 => fault(Transient, "The document is not ready yet; it is asked for again."),
        204 | 205 => fault(Malformed, "There was nothing in the answer; check that the address is that of a feed."),
        206..=208 => fault(Malformed, "That is no answer to what was asked; check that the address is that of a feed."),
        200..=299 => Verdict::Document,

        304 if facts.conditional => Verdict::NotModified,
        304 => fault(Malformed, "Nothing had been said about an earlier copy, so the answer makes no sense."),
        301 | 308 if facts.location => Verdict::Redirect { permanent: true },
        300 | 302 | 303 | 307 if facts.location => Verdict::Redirect { permanent: false },
        301..=303 | 307 | 308 => fault(Malformed, "It redirects without saying where to."),
        300..=399 => fault(Refused, CHECK_ADDRESS),

        401 => fault(
            Auth,
            "The credentials are missing or wrong; check those of the source (in its address, or in a file that it names).",
        ),
        407 => fault(Auth, "The proxy wants credentials; check [fetch] proxy."),
        402 => fault(Quota, "A paid quota is used up."),
        403 if facts.retry_after => fault(RateLimited, LATER),
        403 if facts.credentials && !facts.html => fault(Auth, "The credentials are not accepted; check them."),
        403 => fault(Refused, "It blocks this program or this machine; ask its operator, or look for another feed."),
        404 => fault(Refused, "There is nothing at this address; check it for a typing error or a move."),
        410 => fault(Gone, "The feed was given up by its operator; look for a new address."),
        420 | 429 => fault(RateLimited, LATER),
        408 | 409 | 421 | 423..=425 => fault(Transient, AGAIN),
        451 => fault(Refused, "It is blocked for legal reasons."),
        400..=499 => fault(Refused, CHECK_ADDRESS),

        503 | 529 if facts.retry_after => fault(RateLimited, LATER),
        509 => fault(Quota, "The site's bandwidth is used up."),
        511 => fault(Refused, "A network on the way wants a login first."),
        500..=599 => fault(Transient, AGAIN),

        100..=199 => fault(Malformed, "That is no complete answer."),
        _ => fault(Refused, CHECK_ADDRESS),
    }
}

/// What a status is called, for messages; empty if it has no name.
pub(crate) fn name(status: u16) -> &'static str {
    match status {
        420 => "Enhance Your Calm",
        509 => "Bandwidth Limit Exceeded",
        520..=527 => "an error of the content network in front of it",
        529 => "Overloaded",
        _ => reqwest::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or(""),
    }
}

const CHALLENGE: &str = "It wants a check that only a person in a browser can pass; look for another feed.";
const CHECK_ADDRESS: &str = "Check the source's address.";
const LATER: &str = "It asked to be left in peace for a while; it is asked again after that.";
const AGAIN: &str = "It may work in a moment; it is tried again.";

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorClass::*;

    fn class(status: u16, facts: Facts) -> Option<ErrorClass> {
        match verdict(status, facts) {
            Verdict::Fault(class, _) => Some(class),
            _ => None,
        }
    }

    #[test]
    fn every_status_of_the_table() {
        for (status, want) in [
            (100, Malformed),
            (101, Malformed),
            (103, Malformed),
            (202, Transient),
            (204, Malformed),
            (205, Malformed),
            (206, Malformed),
            (207, Malformed),
            (208, Malformed),
            (300, Refused),
            (301, Malformed),
            (302, Malformed),
            (303, Malformed),
            (304, Malformed),
            (305, Refused),
            (306, Refused),
            (307, Malformed),
            (308, Malformed),
            (399, Refused),
            (400, Refused),
            (401, Auth),
            (402, Quota),
            (403, Refused),
            (404, Refused),
            (405, Refused),
            (406, Refused),
            (407, Auth),
            (408, Transient),
            (409, Transient),
            (410, Gone),
            (411, Refused),
            (414, Refused),
            (418, Refused),
            (420, RateLimited),
            (421, Transient),
            (422, Refused),
            (423, Transient),
            (424, Transient),
            (425, Transient),
            (426, Refused),
            (428, Refused),
            (429, RateLimited),
            (431, Refused),
            (451, Refused),
            (499, Refused),
            (500, Transient),
            (501, Transient),
            (502, Transient),
            (503, Transient),
            (504, Transient),
            (505, Transient),
            (509, Quota),
            (511, Refused),
            (520, Transient),
            (522, Transient),
            (529, Transient),
            (530, Transient),
            (599, Transient),
            (600, Refused),
            (999, Refused),
        ] {
            assert_eq!(class(status, Facts::default()), Some(want), "{status}");
        }
        for status in [200, 201, 203, 226, 299] {
            assert_eq!(verdict(status, Facts::default()), Verdict::Document, "{status}");
        }
    }

    #[test]
    fn what_else_the_answer_says_counts() {
        let later = Facts { retry_after: true, ..Facts::default() };
        assert_eq!(class(403, later), Some(RateLimited));
        assert_eq!(class(503, later), Some(RateLimited));
        assert_eq!(class(529, later), Some(RateLimited));
        assert_eq!(class(500, later), Some(Transient));
        assert_eq!(class(404, later), Some(Refused));

        let asked = Facts { credentials: true, ..Facts::default() };
        assert_eq!(class(403, asked), Some(Auth));
        assert_eq!(class(403, Facts { html: true, ..asked }), Some(Refused));

        let conditional = Facts { conditional: true, ..Facts::default() };
        assert_eq!(verdict(304, conditional), Verdict::NotModified);

        let elsewhere = Facts { location: true, ..Facts::default() };
        for (status, permanent) in [(300, false), (301, true), (302, false), (303, false), (307, false), (308, true)] {
            assert_eq!(verdict(status, elsewhere), Verdict::Redirect { permanent }, "{status}");
        }
        assert_eq!(class(305, elsewhere), Some(Refused));

        let challenge = Facts { challenge: true, location: true, ..Facts::default() };
        for status in [200, 202, 403, 405, 429, 503] {
            assert_eq!(class(status, challenge), Some(Refused), "{status}");
        }
        assert_eq!(verdict(302, challenge), Verdict::Redirect { permanent: false });
    }

    #[test]
    fn every_code_gives_a_verdict_with_advice() {
        for status in 0..=u16::MAX {
            if let Verdict::Fault(_, advice) = verdict(status, Facts::default()) {
                assert!(advice.ends_with(|end| ".".contains(end)) && advice.len() > 10, "{status}: {advice}");
            }
        }
    }
}
