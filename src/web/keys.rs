//! The secret of this installation, and what is sealed with it: links in mails, sessions, forms.
//!
//! A seal is HMAC-SHA256 (RFC 2104), cut to 128 bits (section 5 of the same), over the purpose and the payload: what was
//! sealed for one purpose opens for no other. Payload and tag travel as base64url without padding (RFC 4648 section 5).

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of the secret.
const SECRET: usize = 32;
/// Bytes of a seal.
const TAG: usize = 16;
/// Longest sealed text that is looked at, in characters.
const MAX_SEALED: usize = 1_024;
/// Its name in the state folder.
const FILE: &str = "web-secret";

/// What something is sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A link in a mail that acts on a case.
    Action,
    /// A link in a mail that signs in.
    SignIn,
    /// A session's cookie.
    Session,
    /// A form of a session.
    Form,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Purpose::Action => "action",
            Purpose::SignIn => "sign-in",
            Purpose::Session => "session",
            Purpose::Form => "form",
        }
    }
}

/// The secret; it is never shown, not even in debug output.
pub struct Keys([u8; SECRET]);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys([secret])")
    }
}

impl Keys {
    /// Reads the secret of a state folder, or makes it once, readable for this user only.
    ///
    /// # Errors
    /// It cannot be read or written, or what is there is no secret.
    pub fn open(state: &Path) -> io::Result<Self> {
        let path = state.join(FILE);
        match OpenOptions::new().read(true).open(&path) {
            Ok(file) => {
                let mut bytes = Vec::with_capacity(SECRET);
                file.take(SECRET as u64 + 1).read_to_end(&mut bytes)?;
                let secret = bytes.try_into().map_err(|_| io::Error::other("it is not as mentiond wrote it"))?;
                Ok(Self(secret))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret: [u8; SECRET] = rand::random();
                // Written under another name first: half a secret would never be mended.
                let draft = state.join(format!("{FILE}.new"));
                let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
                file.write_all(&secret)?;
                file.sync_all()?;
                std::fs::rename(&draft, &path)?;
                Ok(Self(secret))
            }
            Err(error) => Err(error),
        }
    }

    /// Keys of a secret that a test knows.
    #[cfg(test)]
    pub(crate) fn of(secret: [u8; SECRET]) -> Self {
        Self(secret)
    }

    /// Seals a payload.
    pub fn seal(&self, purpose: Purpose, payload: &[u8]) -> String {
        let tag = self.mac(purpose, payload).finalize().into_bytes();
        let mut sealed = payload.to_vec();
        sealed.extend(tag.iter().take(TAG));
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The payload, if the seal is ours and for this purpose. Takes as long for a wrong seal as for a right one.
    pub fn unseal(&self, purpose: Purpose, sealed: &str) -> Option<Vec<u8>> {
        if sealed.len() > MAX_SEALED {
            return None;
        }
        let mut payload = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let tag = payload.split_off(payload.len().checked_sub(TAG)?);
        self.mac(purpose, &payload).verify_truncated_left(&tag).ok()?;
        Some(payload)
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, purpose: Purpose, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(payload);
        mac
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_only() {
        let (keys, other) = (Keys::of([7; 32]), Keys::of([8; 32]));
        let sealed = keys.seal(Purpose::Action, b"case 7");
        assert_eq!(keys.unseal(Purpose::Action, &sealed).as_deref(), Some(&b"case 7"[..]));
        assert_eq!(keys.unseal(Purpose::SignIn, &sealed), None);
        assert_eq!(other.unseal(Purpose::Action, &sealed), None);
        for at in 0..sealed.len() {
            let mut forged = sealed.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.unseal(Purpose::Action, &String::from_utf8(forged).unwrap()), None, "{at}");
        }
        for nonsense in ["", "A", "====", "äöü", &"A".repeat(5_000), &sealed[1..], &sealed[..sealed.len() - 2]] {
            assert_eq!(keys.unseal(Purpose::Action, nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_secret_is_made_once_and_is_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Keys::open(folder.path()).unwrap().seal(Purpose::Form, b"x");
        let again = Keys::open(folder.path()).unwrap();
        assert!(again.unseal(Purpose::Form, &sealed).is_some());
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(format!("{again:?}"), "Keys([secret])");
        std::fs::write(folder.path().join(FILE), b"short").unwrap();
        assert!(Keys::open(folder.path()).is_err());
    }
}
