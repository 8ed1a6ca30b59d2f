//! A value that must never be shown.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A password or token. Printing it, in any form, gives `[secret]`; its memory is wiped when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value; surrounding white space (a file's last newline) is cut.
    pub fn new(value: &str) -> Self {
        Self(SecretString::from(value.trim()))
    }

    /// The value, for the one call that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}
