//! DSSE envelopes: a payload, what kind it is, and signatures over both (Dead Simple Signing Envelope, version 1.0.2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use crate::json;
use crate::key::{KeyId, PublicKey, SecretKey, TrustedKeys};
use crate::name::shown;

/// The kind of payload that an in-toto statement is.
pub const STATEMENT_PAYLOAD: &str = "application/vnd.in-toto+json";

/// Bytes are not an envelope, or nobody who is trusted vouches for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// More bytes than any envelope of ours has.
    #[error("the envelope has {bytes} bytes, {max_bytes} is the limit")]
    TooLong {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        max_bytes: usize,
    },
    /// Not the JSON of an envelope; a field that stands twice is an error as well.
    #[error("not a DSSE envelope")]
    Json {
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
    /// The bytes say what an envelope says in another way than this program writes it.
    #[error(
        "the envelope is not written as this program writes it; something added, moved or changed bytes in it"
    )]
    NotExact,
    /// A field is not base64.
    #[error("`{field}` of the envelope is not base64")]
    Base64 {
        /// `payload` or `sig`.
        field: &'static str,
        /// What is wrong, and where.
        #[source]
        source: base64::DecodeError,
    },
    /// The payload is of another kind than the one that was asked for.
    #[error("the envelope holds `{found}`, not `{expected}`")]
    PayloadType {
        /// What the envelope says, escaped and cut short.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// Nobody signed.
    #[error("the envelope bears no signature")]
    Unsigned,
    /// More signatures than anybody needs.
    #[error("the envelope bears {count} signatures, {max} is the limit")]
    TooManySignatures {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A signature that names a trusted key was not made by it over this payload.
    #[error(
        "the signature by the trusted key {key} does not fit: the payload, its kind or the signature was altered"
    )]
    Altered {
        /// The key that the signature names.
        key: KeyId,
    },
    /// No signature is by a trusted key.
    #[error("no signature is by a trusted key; the envelope names {}; trust one of these keys if you know whose it is", named(.hints))]
    Untrusted {
        /// The keys that the signatures name, escaped and cut short.
        hints: Vec<String>,
    },
}

fn named(hints: &[String]) -> String {
    let name = |hint: &String| if hint.is_empty() { "no key".to_owned() } else { format!("`{hint}`") };
    hints.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A payload with signatures; what is in it is nobody's word until it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Which key the signature names; a hint that is itself not signed, and may be empty.
    pub key_hint: String,
    /// The signature.
    pub bytes: Vec<u8>,
}

/// Something that trusted keys vouch for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    /// What they vouch for.
    pub value: T,
    /// The keys, each once, in the order of the signatures.
    pub by: Vec<KeyId>,
}

/// Receipts have a few thousand bytes; a statement of a hundred thousand subjects still fits.
const ENVELOPE_BYTES_MAX: usize = 32 * 1024 * 1024;

const SIGNATURES_MAX: usize = 32;

/// The JSON form, in the order in which the fields are written.
#[derive(Serialize, Deserialize)]
struct EnvelopeJson {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<SignatureJson>,
}

#[derive(Serialize, Deserialize)]
struct SignatureJson {
    /// The specification treats a missing hint as an empty one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Puts a payload into an envelope and signs it.
    #[must_use]
    pub fn sign(payload_type: &str, payload: Vec<u8>, key: &SecretKey) -> Self {
        let mut envelope = Self { payload_type: payload_type.to_owned(), payload, signatures: Vec::new() };
        envelope.add_signature(key);
        envelope
    }

    /// Adds a signature by another key.
    pub fn add_signature(&mut self, key: &SecretKey) {
        let bytes = key.sign(&pre_authentication(&self.payload_type, &self.payload)).to_vec();
        self.signatures.push(Signature { key_hint: key.public().id().to_string(), bytes });
    }

    /// Reads an envelope in any form that the specification allows: fields in any order, unknown ones ignored, base64
    /// in either alphabet.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes are no envelope, or one beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLong { bytes: bytes.len(), max_bytes: ENVELOPE_BYTES_MAX });
        }
        let json: EnvelopeJson =
            serde_json::from_slice(bytes).map_err(|source| EnvelopeError::Json { source })?;
        if json.signatures.len() > SIGNATURES_MAX {
            let count = json.signatures.len();
            return Err(EnvelopeError::TooManySignatures { count, max: SIGNATURES_MAX });
        }
        let signature = |signature: SignatureJson| {
            Ok(Signature { key_hint: signature.keyid, bytes: decode("sig", &signature.sig)? })
        };
        Ok(Self {
            payload_type: json.payload_type,
            payload: decode("payload", &json.payload)?,
            signatures: json.signatures.into_iter().map(signature).collect::<Result<_, _>>()?,
        })
    }

    /// Reads an envelope that this program wrote, and refuses any other form of the same.
    ///
    /// With [`verify`](Self::verify), no byte of the file can then be changed without being noticed: not even those that
    /// no signature covers.
    ///
    /// # Errors
    /// [`EnvelopeError`] as for [`parse`](Self::parse), and [`EnvelopeError::NotExact`].
    pub fn parse_exact(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Self::parse(bytes)?;
        if envelope.to_json() == bytes { Ok(envelope) } else { Err(EnvelopeError::NotExact) }
    }

    /// Writes the envelope on one line, with a final newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let signature = |signature: &Signature| SignatureJson {
            keyid: signature.key_hint.clone(),
            sig: STANDARD.encode(&signature.bytes),
        };
        let mut line = json::to_line(&EnvelopeJson {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self.signatures.iter().map(signature).collect(),
        });
        line.push(b'\n');
        line
    }

    /// Returns the payload, byte for byte as it was signed, if a trusted key signed it.
    ///
    /// A signature without a hint is held against every trusted key. One that names a key which is not trusted counts
    /// nothing; one that names a trusted key and does not fit condemns the envelope, whoever else signed it.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the payload is of another kind, or no trusted key vouches for it.
    pub fn verify(
        &self,
        payload_type: &str,
        trusted: &TrustedKeys,
    ) -> Result<Verified<Vec<u8>>, EnvelopeError> {
        if self.payload_type != payload_type {
            let (found, expected) = (shown(&self.payload_type), payload_type.to_owned());
            return Err(EnvelopeError::PayloadType { found, expected });
        }
        if self.signatures.is_empty() {
            return Err(EnvelopeError::Unsigned);
        }
        let message = pre_authentication(&self.payload_type, &self.payload);
        let mut by = Vec::new();
        for signature in &self.signatures {
            let fits = |key: &&PublicKey| key.verifies(&message, &signature.bytes);
            let key = if signature.key_hint.is_empty() {
                trusted.iter().find(fits)
            } else if let Some(key) = trusted.named(&signature.key_hint) {
                Some(Some(key).filter(fits).ok_or(EnvelopeError::Altered { key: key.id() })?)
            } else {
                None
            };
            by.extend(key.map(PublicKey::id).filter(|id| !by.contains(id)));
        }
        if by.is_empty() {
            let hints = self.signatures.iter().map(|signature| shown(&signature.key_hint)).collect();
            return Err(EnvelopeError::Untrusted { hints });
        }
        Ok(Verified { value: self.payload.clone(), by })
    }

    /// Returns the payload as it stands, which is nobody's word: for whoever is to sign it too, and first holds it
    /// against what they know themselves.
    #[must_use]
    pub fn unverified(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the signatures, verified or not.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// The bytes that are signed: the specification's PAE, in which lengths keep the parts apart.
fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode(text).map_err(|source| EnvelopeError::Base64 { field, source })
}

#[cfg(test)]
mod tests;
