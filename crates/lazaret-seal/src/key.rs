//! Ed25519 keys: made from a seed, kept as PEM that `openssl` reads, and named by what they publish.

use std::collections::BTreeMap;
use std::fmt;

use ed25519::pkcs8::spki::der::pem::LineEnding;
use ed25519::pkcs8::spki::{DecodePublicKey as _, EncodePublicKey as _};
use ed25519::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

/// A text is not the key it should be. Never holds anything of a secret key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A secret key was expected.
    #[error(
        "not an Ed25519 secret key in PEM (`-----BEGIN PRIVATE KEY-----`); keys under a passphrase are not read"
    )]
    Secret {
        /// What the decoder says.
        #[source]
        source: PemError,
    },
    /// A public key was expected.
    #[error("key {nth} is not an Ed25519 public key in PEM (`-----BEGIN PUBLIC KEY-----`)")]
    Public {
        /// Which block of the file, counted from 1.
        nth: usize,
        /// What the decoder says.
        #[source]
        source: PemError,
    },
    /// A secret key lies where only public ones belong.
    #[error(
        "key {nth} is a secret key; a file of trusted keys holds public keys only, and this key should be replaced"
    )]
    SecretAmongPublic {
        /// Which block of the file, counted from 1.
        nth: usize,
    },
    /// A key of small order, under which anybody can sign.
    #[error("key {nth} is a weak point of the curve, for which anybody can make signatures; replace it")]
    Weak {
        /// Which block of the file, counted from 1.
        nth: usize,
    },
    /// Something stands between the keys that is neither a comment nor empty.
    #[error("line {line} belongs to no key and is no comment (`#`)")]
    Stray {
        /// The line, counted from 1.
        line: usize,
    },
    /// A key is begun and never ended.
    #[error("the key that begins in line {line} has no `-----END PUBLIC KEY-----`")]
    Unended {
        /// The line, counted from 1.
        line: usize,
    },
    /// There is no key.
    #[error("the file names no key to trust")]
    Empty,
    /// There are more keys, or a longer text, than anybody trusts.
    #[error("the file of keys is longer than {max_bytes} bytes")]
    TooLong {
        /// How long it may be.
        max_bytes: usize,
    },
    /// A key could not be written.
    #[error("the key cannot be written as PEM")]
    Encode {
        /// What the encoder says.
        #[source]
        source: PemError,
    },
}

/// What a decoder or an encoder says. Its own errors repeat their causes in their messages, so they are taken as text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PemError(String);

impl PemError {
    fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A key that signs. It is wiped from memory when dropped, and shows itself nowhere.
pub struct SecretKey(SigningKey);

/// A key that checks signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

/// The name of a key: the SHA-256 of its `SubjectPublicKeyInfo` in DER, written in hexadecimal.
///
/// `openssl pkey -pubin -outform DER | sha256sum` gives the same; transparency logs name their keys so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

/// The public keys whose signatures count, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKeys(BTreeMap<KeyId, PublicKey>);

/// RFC 8410: what stands before the 32 bytes of every Ed25519 key in a `SubjectPublicKeyInfo`.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const LINE_ENDING: LineEnding = LineEnding::LF;

/// More than a thousand keys.
const TRUSTED_BYTES_MAX: usize = 256 * 1024;

impl SecretKey {
    /// Makes a key from 32 bytes that nobody can guess; whoever knows them can sign.
    #[must_use]
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        let key = SigningKey::from_bytes(&seed);
        seed.zeroize();
        Self(key)
    }

    /// Reads a key from PKCS#8 in PEM, as [`to_pem`](Self::to_pem) and `openssl genpkey -algorithm ed25519` write it.
    ///
    /// # Errors
    /// [`KeyError::Secret`] when the text is anything else.
    pub fn parse_pem(text: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(text)
            .map(Self)
            .map_err(|error| KeyError::Secret { source: PemError::of(error) })
    }

    /// Writes the key as PKCS#8 in PEM, version 1 without the public key, which every `openssl` reads.
    ///
    /// # Errors
    /// [`KeyError::Encode`], which no key is known to cause.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LINE_ENDING).map_err(|error| KeyError::Encode { source: PemError::of(error) })
    }

    /// Returns the key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of(self.0.verifying_key())
    }

    /// Signs a message of a kind: a signature made for one kind is none for another.
    #[must_use]
    pub fn sign_as(&self, kind: &'static str, message: &[u8]) -> [u8; 64] {
        self.sign(&of_kind(kind, message))
    }

    /// Signs a message whose beginning says what kind of message it is.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public().id())
    }
}

impl PublicKey {
    fn of(key: VerifyingKey) -> Self {
        let id =
            KeyId(Sha256::new().chain_update(SPKI_PREFIX).chain_update(key.as_bytes()).finalize().into());
        Self { key, id }
    }

    /// Reads one key from a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// [`KeyError::Public`] when the text is anything else, [`KeyError::Weak`] for a key that proves nothing.
    pub fn parse_pem(text: &str) -> Result<Self, KeyError> {
        Self::parse_nth(text, 1)
    }

    fn parse_nth(text: &str, nth: usize) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(text)
            .map_err(|error| KeyError::Public { nth, source: PemError::of(error) })?;
        if key.is_weak() { Err(KeyError::Weak { nth }) } else { Ok(Self::of(key)) }
    }

    /// Writes the key as a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// [`KeyError::Encode`], which no key is known to cause.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let text = self.key.to_public_key_pem(LINE_ENDING);
        text.map_err(|source| KeyError::Encode { source: PemError::of(source) })
    }

    /// Takes the 32 bytes of a key, as RFC 8032 encodes them; `None` where they are no key, or a weak one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).map(Self::of)
    }

    /// Returns the key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the 32 bytes of the key, as RFC 8032 encodes them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether the bytes are this key's signature of a message of a kind, made by [`SecretKey::sign_as`].
    #[must_use]
    pub fn verifies_as(&self, kind: &'static str, message: &[u8], signature: &[u8]) -> bool {
        self.verifies(&of_kind(kind, message), signature)
    }

    /// Whether the bytes are this key's signature of the message; a signature that several keys or messages could
    /// share is none (RFC 8032, 5.1.7, with the checks of small order).
    #[must_use]
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// A message of a kind, and what should be a key's signature of it.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// The message.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
}

/// Whether all of these are signatures, by one computation over all of them; less than half the work of one after the
/// other. `false` says that one at least is none, and not which.
///
/// It holds for every list of signatures that [`PublicKey::verifies_as`] finds good, and for no list with one that
/// somebody else than the key's holder made. Whoever holds a key can make a signature that one of the two takes and the
/// other does not, by adding a point of small order to it: that is still the holder's signature of this message.
#[must_use]
pub fn all_verify_as(kind: &'static str, signed: &[Signed<'_>]) -> bool {
    let signatures = signed.iter().map(|signed| ed25519::Signature::from_slice(signed.signature).ok());
    let Some(signatures) = signatures.collect::<Option<Vec<_>>>() else { return false };
    let messages: Vec<Vec<u8>> = signed.iter().map(|signed| of_kind(kind, signed.message)).collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let keys: Vec<VerifyingKey> = signed.iter().map(|signed| signed.key.key).collect();
    ed25519_dalek::verify_batch(&messages, &signatures, &keys).is_ok()
}

/// A kind has no line end, so no message of one kind can be taken for one of another.
fn of_kind(kind: &'static str, message: &[u8]) -> Vec<u8> {
    [kind.as_bytes(), b"\n", message].concat()
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TrustedKeys {
    /// Trusts one key.
    #[must_use]
    pub fn one(key: PublicKey) -> Self {
        Self(BTreeMap::from([(key.id, key)]))
    }

    /// Reads public keys in PEM, one after the other; between them may stand empty lines and comments (`#`).
    ///
    /// # Errors
    /// [`KeyError`] when anything in the file is not understood: a key that was meant and is not trusted would refuse
    /// what should pass, and nobody would know why.
    pub fn parse_pem(text: &str) -> Result<Self, KeyError> {
        if text.len() > TRUSTED_BYTES_MAX {
            return Err(KeyError::TooLong { max_bytes: TRUSTED_BYTES_MAX });
        }
        let mut keys = BTreeMap::new();
        let mut nth = 0;
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if !line.starts_with("-----BEGIN ") {
                return Err(KeyError::Stray { line: index + 1 });
            }
            nth += 1;
            if line.contains("PRIVATE KEY") {
                return Err(KeyError::SecretAmongPublic { nth });
            }
            let mut block = format!("{line}\n");
            let mut is_ended = false;
            for (_, line) in lines.by_ref() {
                block.push_str(line.trim());
                block.push('\n');
                is_ended = line.starts_with("-----END ");
                if is_ended {
                    break;
                }
            }
            if !is_ended {
                return Err(KeyError::Unended { line: index + 1 });
            }
            let key = PublicKey::parse_nth(&block, nth)?;
            keys.insert(key.id, key);
        }
        if keys.is_empty() { Err(KeyError::Empty) } else { Ok(Self(keys)) }
    }

    /// Returns the keys, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }

    /// Returns the key whose name, in hexadecimal, is the given text.
    #[must_use]
    pub fn named(&self, id: &str) -> Option<&PublicKey> {
        self.iter().find(|key| key.id.to_string() == id)
    }
}

#[cfg(test)]
mod tests;
