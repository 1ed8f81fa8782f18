//! Signed notes and checkpoints as C2SP defines them: short texts by which a log states how far it has come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lazaret_core::Digest;

use crate::key::{PublicKey, SecretKey};

mod cosignature;
mod named_key;

pub use cosignature::{Cosignature, CosignatureVerifier, Cosigner};

use cosignature::COSIGNATURE_PREFIX;
use named_key::{ED25519, NamedKey, is_key_name};

/// A text is not a signed note, or nobody who is trusted signed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// A name of a key that no signature line can carry.
    #[error("`{}` cannot name a key: it is empty, or holds a space, a plus or a control character", .name.escape_debug())]
    KeyName {
        /// The name.
        name: String,
    },
    /// A text that no note can carry.
    #[error(
        "the text of a note ends with a newline, holds no other control character, and does not begin like an envelope"
    )]
    Text,
    /// Not the form of a signed note.
    #[error("not a signed note: {what}")]
    Form {
        /// What was found.
        what: &'static str,
    },
    /// Not a key for notes.
    #[error("not a key for notes of the form `name+hash+key`, or not an Ed25519 key")]
    Verifier,
    /// Not a key for cosignatures.
    #[error("not a witness's key of the form `name+hash+key` (signature type 4), or not an Ed25519 key")]
    CosignatureVerifier,
    /// A time that no cosignature can carry.
    #[error("a cosignature cannot bear a time before 1970; look at the clock")]
    Time,
    /// Two notes of which one should be the other with more signatures.
    #[error("the two notes say different things")]
    OtherText,
    /// The key of that name did not make the signature.
    #[error("the signature by `{name}` does not fit: the text or the signature was altered")]
    Altered {
        /// The name of the key.
        name: String,
    },
    /// No signature is by a trusted key.
    #[error("no signature is by a trusted key")]
    Untrusted,
    /// The text of a note is not a checkpoint.
    #[error("not a checkpoint: {what}")]
    Checkpoint {
        /// What was found.
        what: &'static str,
    },
}

/// A text with signatures; what is in it is nobody's word until it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    /// Names of keys, and what was signed with them: four bytes of the key's hash, then the signature.
    signatures: Vec<(String, Vec<u8>)>,
}

/// A key that signs notes, under a name.
#[derive(Debug)]
pub struct NoteSigner<'a> {
    key: &'a SecretKey,
    verifier: NoteVerifier,
}

/// A key that checks notes, under a name such as `acme.example/ledger`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteVerifier(NamedKey);

/// What a log states: that it has so many entries, and that its Merkle tree has this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log, such as `acme.example/ledger`; all its checkpoints bear the same.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
}

/// What the messages begin with that the same key signs in envelopes; see [`check_text`].
const ENVELOPE_PREFIX: &str = "DSSEv1 ";
const SIGNATURE_MARK: &str = "\u{2014} ";
const SIGNATURES_MAX: usize = 64;
const NOTE_BYTES_MAX: usize = 1024 * 1024;

impl NoteVerifier {
    /// Gives a key the name under which it signs notes.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when no signature line can carry the name.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        NamedKey::new(name, key, ED25519).map(Self)
    }

    /// Reads a key from its form `name+hash+key`, with the hash in hexadecimal and the key in base64.
    ///
    /// # Errors
    /// [`NoteError::Verifier`] when the text is anything else, or the hash is not that of name and key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        NamedKey::parse(text, ED25519).map(Self).ok_or(NoteError::Verifier)
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }
}

impl std::fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a> NoteSigner<'a> {
    /// Gives a key the name under which it signs notes.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when no signature line can carry the name.
    pub fn new(name: &str, key: &'a SecretKey) -> Result<Self, NoteError> {
        Ok(Self { key, verifier: NoteVerifier::new(name, key.public())? })
    }

    /// Returns the key that checks what this one signs.
    #[must_use]
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }
}

impl SignedNote {
    /// Signs a text.
    ///
    /// # Errors
    /// [`NoteError::Text`] when no note can carry the text.
    pub fn sign(text: String, signer: &NoteSigner<'_>) -> Result<Self, NoteError> {
        check_text(&text)?;
        let mut note = Self { text, signatures: Vec::new() };
        note.add_signature(signer);
        Ok(note)
    }

    /// Adds a signature by another key, such as a witness's.
    pub fn add_signature(&mut self, signer: &NoteSigner<'_>) {
        let signature = signer.key.sign(self.text.as_bytes());
        let bytes = [signer.verifier.0.hash.as_slice(), signature.as_slice()].concat();
        self.signatures.push((signer.verifier.0.name.clone(), bytes));
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`] when the bytes are not a note with at least one signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let form = |what| NoteError::Form { what };
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(form("it is too long"));
        }
        let note = std::str::from_utf8(bytes).ok().ok_or_else(|| form("it is not UTF-8"))?;
        let at = note.rfind("\n\n").ok_or_else(|| form("no empty line stands before the signatures"))?;
        let (text, rest) = note.split_at_checked(at + 1).unwrap_or_default();
        check_text(text)?;
        let lines = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or_else(|| form("no newline stands at its end"))?;
        let read = |line: &str| {
            let (name, signature) = line.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
            let signature = STANDARD.decode(signature).ok().filter(|bytes| bytes.len() > 4)?;
            is_key_name(name).then(|| (name.to_owned(), signature))
        };
        let signatures = lines.split('\n').take(SIGNATURES_MAX + 1);
        let signatures: Vec<_> = signatures
            .map(|line| read(line).ok_or_else(|| form("a line after the empty one is no signature")))
            .collect::<Result<_, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(form("it has too many signatures"));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Returns the text, if a trusted key signed it; the names of those that did come with it.
    ///
    /// # Errors
    /// [`NoteError::Untrusted`] when no trusted key signed it, [`NoteError::Altered`] when a signature that bears the name
    /// and hash of a trusted key does not fit, whoever else signed.
    pub fn verify<'a>(&'a self, trusted: &'a [NoteVerifier]) -> Result<(&'a str, Vec<&'a str>), NoteError> {
        let mut by = Vec::new();
        for (name, bytes) in &self.signatures {
            let Some((hash, signature)) = bytes.split_first_chunk::<4>() else { continue };
            let known = trusted.iter().find(|key| key.0.is_meant(name, *hash));
            let Some(verifier) = known else { continue };
            if !verifier.0.key.verifies(self.text.as_bytes(), signature) {
                return Err(NoteError::Altered { name: name.clone() });
            }
            if !by.contains(&verifier.name()) {
                by.push(verifier.name());
            }
        }
        if by.is_empty() { Err(NoteError::Untrusted) } else { Ok((&self.text, by)) }
    }
}

impl SignedNote {
    /// Returns the text, which is nobody's word before it is [verified](Self::verify).
    #[must_use]
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// Returns the lines of the signatures, without the ends of lines.
    pub fn signature_lines(&self) -> impl Iterator<Item = String> {
        let line =
            |(name, bytes): &(String, Vec<u8>)| format!("{SIGNATURE_MARK}{name} {}", STANDARD.encode(bytes));
        self.signatures.iter().map(line)
    }
}

impl std::fmt::Display for SignedNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signature_lines().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Checkpoint {
    /// Writes the text that is signed.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when the origin cannot also be the name of the log's key, which it should be.
    pub fn to_text(&self) -> Result<String, NoteError> {
        if !is_key_name(&self.origin) {
            return Err(NoteError::KeyName { name: self.origin.clone() });
        }
        Ok(format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes())))
    }

    /// Reads the text of a note that was verified; extension lines are passed over.
    ///
    /// # Errors
    /// [`NoteError::Checkpoint`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = |what| NoteError::Checkpoint { what };
        let lines = text.strip_suffix('\n').ok_or_else(|| wrong("its last line does not end"))?;
        if lines.split('\n').any(str::is_empty) {
            return Err(wrong("a line is empty"));
        }
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(wrong("it has fewer than three lines"));
        };
        let number = size.parse().ok().filter(|number: &u64| number.to_string() == size);
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        Ok(Self {
            origin: origin.to_owned(),
            size: number.ok_or_else(|| wrong("its second line is not a size"))?,
            root: root.map(Digest::from_bytes).ok_or_else(|| wrong("its third line is not a root"))?,
        })
    }
}

/// A text that begins like the message of an envelope or of a cosignature would let a signature of the one stand for the
/// other.
fn check_text(text: &str) -> Result<(), NoteError> {
    let is_text = text.ends_with('\n') && !text.contains(|c: char| c < ' ' && c != '\n');
    let is_other = text.starts_with(ENVELOPE_PREFIX) || text.starts_with(COSIGNATURE_PREFIX);
    if is_text && !is_other { Ok(()) } else { Err(NoteError::Text) }
}

#[cfg(test)]
mod tests;
