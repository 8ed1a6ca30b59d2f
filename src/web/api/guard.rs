//! Who asks, and how often: bearer tokens (RFC 6750 section 2.1), compared in constant time, and two limits.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::model::Token;

/// Requests of one token within [`WINDOW`].
pub(super) const MOST_REQUESTS: u32 = 600;
/// Requests without a valid token, of all together: whoever guesses does not get far.
pub(super) const MOST_STRANGERS: u32 = 60;
/// Seconds in which requests are counted.
const WINDOW: i64 = 60;

/// Counts requests.
#[derive(Default)]
pub(super) struct Guard {
    /// By token; the empty name are strangers. When counting began (seconds since 1970), and how many.
    counts: Mutex<HashMap<String, (i64, u32)>>,
}

impl Guard {
    /// The token that a request comes with.
    pub(super) fn admit<'t>(
        &self,
        tokens: &'t [Token],
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<&'t Token, Problem> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| {
            let (scheme, secret) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
        });
        let token = given.and_then(|given| find(tokens, given));
        let (name, most) = token.map_or(("", MOST_STRANGERS), |token| (token.name.as_str(), MOST_REQUESTS));
        self.count(name, most, now.as_second())?;
        token.ok_or_else(Problem::unauthorized)
    }

    fn count(&self, name: &str, most: u32, now: i64) -> Result<(), Problem> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = counts.entry(name.to_owned()).or_insert((now, 0));
        // A clock that was set back begins anew.
        if now < *since || now - *since >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count > most {
            let left = WINDOW - (now - *since);
            return Err(Problem::too_many(left.max(1).unsigned_abs()));
        }
        Ok(())
    }
}

/// Compares with every token, whichever fits, and hashes of a fixed length: how long it takes says nothing.
fn find<'t>(tokens: &'t [Token], given: &str) -> Option<&'t Token> {
    let given = Sha256::digest(given);
    let mut found = None;
    for token in tokens {
        let Some(secret) = &token.secret else { continue };
        let known = Sha256::digest(secret.expose());
        let differs = known.iter().zip(given.iter()).fold(0_u8, |acc, (a, b)| acc | (a ^ b));
        if std::hint::black_box(differs) == 0 {
            found = Some(token);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, StatusCode};

    use super::*;
    use crate::model::{Scope, Secret};

    const NOW: Timestamp = Timestamp::constant(1_772_442_000, 0);

    fn token(name: &str, secret: &str) -> Token {
        let (name, secret) = (name.to_owned(), Some(Secret::new(secret)));
        Token { name, secret, scope: Scope::Read, departments: Vec::new(), full: false, by: None }
    }

    fn with(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(authorization).unwrap())])
    }

    #[test]
    fn only_a_known_secret_is_let_in_and_only_so_often() {
        let tokens = [token("a", "first secret"), token("b", "second secret")];
        let guard = Guard::default();
        assert_eq!(guard.admit(&tokens, &with("bearer  second secret"), NOW).unwrap().name, "b");
        for wrong in ["Bearer first", "Basic first secret", "first secret", "Bearer", "Bearer first secret2"] {
            assert_eq!(
                guard.admit(&tokens, &with(wrong), NOW).unwrap_err().status,
                StatusCode::UNAUTHORIZED,
                "{wrong}"
            );
        }
        let ask =
            |secret: &str, now| guard.admit(&tokens, &with(secret), now).map(|t| t.name.clone()).map_err(|p| p.status);
        for _ in 0..MOST_REQUESTS {
            assert_eq!(ask("Bearer first secret", NOW), Ok("a".into()));
        }
        assert_eq!(ask("Bearer first secret", NOW), Err(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(ask("Bearer second secret", NOW), Ok("b".into()), "the others are not concerned");
        assert_eq!(ask("Bearer first secret", NOW + jiff::SignedDuration::from_secs(WINDOW)), Ok("a".into()));
        for _ in 0..MOST_STRANGERS {
            let _ = ask("Bearer guess", NOW);
        }
        assert_eq!(ask("Bearer guess", NOW), Err(StatusCode::TOO_MANY_REQUESTS));
    }
}
