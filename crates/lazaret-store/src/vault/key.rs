//! For whom content is sealed, and the keys that open it, in the files of `age-keygen`.

use std::fmt;

use age::Encryptor;
use age::secrecy::ExposeSecret as _;
use age::x25519::{Identity, Recipient};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::error::VaultError;

/// Each recipient takes about a hundred bytes of every object.
const KEYS_MAX: usize = 500;

/// What every secret key begins with, in capitals: age's own, those of its plugins, and those that SSH keeps in PEM.
const SECRET_MARKS: [&str; 3] = ["AGE-SECRET-KEY-", "AGE-PLUGIN-", "PRIVATE KEY-----"];

/// A text is not the list of keys it should be. Never holds anything of a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultKeyError {
    /// A secret key lies where only public ones belong.
    #[error(
        "line {line} is a secret key; recipients are public (`age1…`), and this key should be replaced, because others \
         may have read it here"
    )]
    SecretAmongPublic {
        /// The line, counted from 1.
        line: usize,
    },
    /// A line is no recipient that content can be sealed for.
    #[error(
        "line {line} is no X25519 recipient (`age1` and 58 more characters); keys of SSH, passphrases and plugins are \
         not taken"
    )]
    NotARecipient {
        /// The line, counted from 1.
        line: usize,
    },
    /// A public key lies where only secret ones belong.
    #[error("line {line} is a recipient, which opens nothing; the secret key begins with `AGE-SECRET-KEY-1`")]
    PublicAmongSecret {
        /// The line, counted from 1.
        line: usize,
    },
    /// A line is no key that opens anything.
    #[error(
        "line {line} is no X25519 identity (`AGE-SECRET-KEY-1` and 58 more characters), or has a typing error"
    )]
    NotAnIdentity {
        /// The line, counted from 1.
        line: usize,
    },
    /// There is no key.
    #[error("there is no key; `age-keygen` makes one")]
    Empty,
    /// There are more keys than anybody needs.
    #[error("there are more than {keys_max} keys")]
    TooMany {
        /// How many there may be.
        keys_max: usize,
    },
}

/// The public keys for which content is sealed, at least one. Any one of the secret keys opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipients(Vec<Recipient>);

/// Secret keys, at least one. They show themselves nowhere.
pub struct Identities(Vec<Identity>);

impl Recipients {
    /// Reads recipients, one a line; empty lines and comments (`#`) may stand between them. What stands there twice
    /// counts once.
    ///
    /// # Errors
    /// [`VaultKeyError`] when anything is not understood: who was meant and is left out could open nothing, and would
    /// find out when it is too late.
    pub fn parse(text: &str) -> Result<Self, VaultKeyError> {
        let mut recipients: Vec<Recipient> = Vec::new();
        for (line, key) in keys(text) {
            let capitals = Zeroizing::new(key.to_ascii_uppercase());
            if SECRET_MARKS.iter().any(|mark| capitals.contains(mark)) {
                return Err(VaultKeyError::SecretAmongPublic { line });
            }
            let recipient = key.parse().map_err(|_why: &str| VaultKeyError::NotARecipient { line })?;
            if !recipients.contains(&recipient) {
                recipients.push(recipient);
            }
        }
        counted(recipients).map(Self)
    }

    /// Writes them one a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.iter().map(|recipient| format!("{recipient}\n")).collect()
    }

    pub(super) fn encryptor(&self) -> Result<Encryptor, VaultError> {
        let recipients = self.0.iter().map(|recipient| recipient as &dyn age::Recipient);
        Encryptor::with_recipients(recipients).map_err(|source| VaultError::Recipients { source })
    }
}

impl Identities {
    /// Makes one new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(vec![Identity::generate()])
    }

    /// Reads the file that `age-keygen` and [`Identities::to_text`] write: one key a line, with comments (`#`).
    ///
    /// # Errors
    /// [`VaultKeyError`] when anything is not understood.
    pub fn parse(text: &str) -> Result<Self, VaultKeyError> {
        let mut identities = Vec::new();
        for (line, key) in keys(text) {
            if key.starts_with("age1") {
                return Err(VaultKeyError::PublicAmongSecret { line });
            }
            identities.push(key.parse().map_err(|_why: &str| VaultKeyError::NotAnIdentity { line })?);
        }
        counted(identities).map(Self)
    }

    /// Writes them as `age-keygen` does: a comment with the time, one with the public key, and the secret key.
    #[must_use]
    pub fn to_text(&self, created: Timestamp) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for identity in &self.0 {
            let secret = identity.to_string();
            // In one piece, so that nothing of the key stays behind where the text grew.
            text.reserve(secret.expose_secret().len() + 160);
            let comments = format!("# created: {created:.0}\n# public key: {}\n", identity.to_public());
            text.push_str(&comments);
            text.push_str(secret.expose_secret());
            text.push('\n');
        }
        text
    }

    /// Returns the public keys of these.
    #[must_use]
    pub fn recipients(&self) -> Recipients {
        Recipients(self.0.iter().map(Identity::to_public).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|identity| identity as &dyn age::Identity)
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(Recipient::to_string)).finish()
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities(of {:?})", self.recipients())
    }
}

/// Returns the lines that are keys, with their numbers from 1.
fn keys(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).take(KEYS_MAX + 1)
}

fn counted<T>(keys: Vec<T>) -> Result<Vec<T>, VaultKeyError> {
    match keys.len() {
        0 => Err(VaultKeyError::Empty),
        n_keys if n_keys > KEYS_MAX => Err(VaultKeyError::TooMany { keys_max: KEYS_MAX }),
        _ => Ok(keys),
    }
}

#[cfg(test)]
mod tests;
