//! A public key under a name and for one type of signature, as lines of signatures refer to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::NoteError;
use crate::key::PublicKey;

/// The specification's identifier of Ed25519 signatures over the text itself.
pub(super) const ED25519: u8 = 1;
/// The specification's identifier of Ed25519 signatures by witnesses, over the text and a time.
pub(super) const COSIGNATURE: u8 = 4;

/// A key with the name and the type of signature that its hash covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedKey {
    pub(super) name: String,
    pub(super) key: PublicKey,
    pub(super) hash: [u8; 4],
    kind: u8,
}

impl NamedKey {
    pub(super) fn new(name: &str, key: PublicKey, kind: u8) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::KeyName { name: name.to_owned() });
        }
        let hasher = Sha256::new().chain_update(name).chain_update([b'\n', kind]);
        let digest: [u8; 32] = hasher.chain_update(key.as_bytes()).finalize().into();
        let [a, b, c, d, ..] = digest;
        Ok(Self { name: name.to_owned(), key, hash: [a, b, c, d], kind })
    }

    /// Reads `name+hash+key`; `None` for anything else, for another type, and for a hash that is not that of the rest.
    pub(super) fn parse(text: &str, kind: u8) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (_, key) = rest.split_once('+')?;
        let bytes = STANDARD.decode(key).ok()?;
        let (&found, key) = bytes.split_first()?;
        let key = PublicKey::from_bytes(key.try_into().ok()?)?;
        let named = Self::new(name, key, kind).ok()?;
        (found == kind && named.to_string() == text).then_some(named)
    }

    /// Whether a line of that name and hash refers to this key.
    pub(super) fn is_meant(&self, name: &str, hash: [u8; 4]) -> bool {
        self.name == name && self.hash == hash
    }
}

impl std::fmt::Display for NamedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = [&[self.kind], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.hash), STANDARD.encode(key))
    }
}

pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}
