//! Cosignatures as C2SP defines them: what a witness signs who saw a log only grow.

use jiff::Timestamp;

use super::named_key::{COSIGNATURE, NamedKey};
use super::{NoteError, SignedNote};
use crate::key::{PublicKey, SecretKey};

/// A key by which a witness cosigns checkpoints, under the witness's name.
///
/// What is signed does not bear the name: a key serves one witness and nothing else.
#[derive(Debug)]
pub struct Cosigner<'a> {
    key: &'a SecretKey,
    verifier: CosignatureVerifier,
}

/// A key that checks what a witness cosigned, under a name such as `audit.example/witness`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignatureVerifier(NamedKey);

/// That a witness saw a checkpoint, and no larger or other one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's name.
    pub witness: String,
    /// When, by the witness's clock, to the second.
    pub time: Timestamp,
}

/// What the signed message begins with; see [`super::check_text`].
pub(super) const COSIGNATURE_PREFIX: &str = "cosignature/v1\n";

impl CosignatureVerifier {
    /// Gives a key the name under which it cosigns.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when no signature line can carry the name.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        NamedKey::new(name, key, COSIGNATURE).map(Self)
    }

    /// Reads a key from its form `name+hash+key`, with the hash in hexadecimal and the key, after a byte of 4, in base64.
    ///
    /// # Errors
    /// [`NoteError::CosignatureVerifier`] when the text is anything else, such as a log's key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        NamedKey::parse(text, COSIGNATURE).map(Self).ok_or(NoteError::CosignatureVerifier)
    }

    /// Returns the witness's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// Returns the time in the bytes of a signature line, if this key made it for the text.
    fn time_of(&self, text: &str, signature: &[u8]) -> Option<Timestamp> {
        let (seconds, signature) = signature.split_first_chunk::<8>()?;
        let seconds = i64::try_from(u64::from_be_bytes(*seconds)).ok()?;
        let time = Timestamp::from_second(seconds).ok()?;
        self.0.key.verifies(message(text, seconds).as_bytes(), signature).then_some(time)
    }
}

impl std::fmt::Display for CosignatureVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a> Cosigner<'a> {
    /// Gives a key the name under which it cosigns.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when no signature line can carry the name.
    pub fn new(name: &str, key: &'a SecretKey) -> Result<Self, NoteError> {
        Ok(Self { key, verifier: CosignatureVerifier::new(name, key.public())? })
    }

    /// Returns the key that checks what this one cosigns.
    #[must_use]
    pub fn verifier(&self) -> &CosignatureVerifier {
        &self.verifier
    }
}

impl SignedNote {
    /// Adds a witness's cosignature; an earlier one by the same key makes room for it.
    ///
    /// # Errors
    /// [`NoteError::Time`] for a time before 1970.
    pub fn cosign(&mut self, cosigner: &Cosigner<'_>, now: Timestamp) -> Result<(), NoteError> {
        let seconds = now.as_second();
        let stamp = u64::try_from(seconds).ok().ok_or(NoteError::Time)?.to_be_bytes();
        let signature = cosigner.key.sign(message(&self.text, seconds).as_bytes());
        let key = &cosigner.verifier.0;
        let bytes = [key.hash.as_slice(), &stamp, &signature].concat();
        self.put_signature(key, bytes);
        Ok(())
    }

    /// Returns the cosignatures by trusted witnesses, each witness once.
    ///
    /// # Errors
    /// [`NoteError::Altered`] when one that bears the name and hash of a trusted witness does not fit.
    pub fn cosignatures(&self, trusted: &[CosignatureVerifier]) -> Result<Vec<Cosignature>, NoteError> {
        let mut seen: Vec<Cosignature> = Vec::new();
        for (name, bytes) in &self.signatures {
            let Some((hash, signature)) = bytes.split_first_chunk::<4>() else { continue };
            let Some(verifier) = trusted.iter().find(|key| key.0.is_meant(name, *hash)) else { continue };
            let time = verifier.time_of(&self.text, signature);
            let time = time.ok_or_else(|| NoteError::Altered { name: name.clone() })?;
            if !seen.iter().any(|cosignature| cosignature.witness == *name) {
                seen.push(Cosignature { witness: name.clone(), time });
            }
        }
        Ok(seen)
    }

    /// Takes over the cosignatures by trusted witnesses from another note of the same text, and nothing else of it.
    /// Returns those that it bears.
    ///
    /// # Errors
    /// [`NoteError::OtherText`] when the other note says something else, [`NoteError::Altered`] as
    /// [`cosignatures`](Self::cosignatures) does.
    pub fn adopt(
        &mut self,
        other: &Self,
        trusted: &[CosignatureVerifier],
    ) -> Result<Vec<Cosignature>, NoteError> {
        if other.text != self.text {
            return Err(NoteError::OtherText);
        }
        let cosignatures = other.cosignatures(trusted)?;
        for (name, bytes) in &other.signatures {
            let Some(hash) = bytes.first_chunk::<4>() else { continue };
            if let Some(verifier) = trusted.iter().find(|key| key.0.is_meant(name, *hash)) {
                self.put_signature(&verifier.0, bytes.clone());
            }
        }
        Ok(cosignatures)
    }

    fn put_signature(&mut self, key: &NamedKey, bytes: Vec<u8>) {
        self.signatures
            .retain(|(name, old)| !old.first_chunk::<4>().is_some_and(|hash| key.is_meant(name, *hash)));
        self.signatures.push((key.name.clone(), bytes));
    }
}

/// The bytes that a witness signs.
fn message(text: &str, seconds: i64) -> String {
    format!("{COSIGNATURE_PREFIX}time {seconds}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{NoteSigner, NoteVerifier};

    fn signed(text: &str) -> SignedNote {
        let key = SecretKey::from_seed([1; 32]);
        SignedNote::sign(text.to_owned(), &NoteSigner::new("log", &key).unwrap()).unwrap()
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_cosignature_covers_text_and_time() {
        let key = SecretKey::from_seed([7; 32]);
        let cosigner = Cosigner::new("audit.example/witness", &key).unwrap();
        let mut note = signed("log\n7\n");
        note.cosign(&cosigner, time(1_679_315_147)).unwrap();
        let trusted = [cosigner.verifier().clone()];
        let expected = Cosignature { witness: "audit.example/witness".to_owned(), time: time(1_679_315_147) };
        let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(read.cosignatures(&trusted), Ok(vec![expected]));
        // The message as the specification writes it, put together by hand.
        let line = note.signature_lines().last().unwrap().to_owned();
        let (_, bytes) = read.signatures.last().unwrap();
        assert!(key.public().verifies(b"cosignature/v1\ntime 1679315147\nlog\n7\n", &bytes[12..]), "{line}");
        for at in 4..bytes.len() {
            let mut altered = read.clone();
            altered.signatures[1].1[at] ^= 1;
            assert!(matches!(altered.cosignatures(&trusted), Err(NoteError::Altered { .. })), "{at}");
        }
    }

    #[test]
    fn a_key_for_cosignatures_is_none_for_notes() {
        let key = SecretKey::from_seed([7; 32]);
        let cosigner = Cosigner::new("w", &key).unwrap();
        let text = cosigner.verifier().to_string();
        assert_eq!(CosignatureVerifier::parse(&text).as_ref(), Ok(cosigner.verifier()));
        assert_eq!(NoteVerifier::parse(&text), Err(NoteError::Verifier));
        let note_key = NoteVerifier::new("w", key.public()).unwrap().to_string();
        assert_eq!(CosignatureVerifier::parse(&note_key), Err(NoteError::CosignatureVerifier));
    }

    #[test]
    fn a_note_takes_over_what_trusted_witnesses_signed() {
        let keys = [7, 8].map(|seed| SecretKey::from_seed([seed; 32]));
        let [one, two] = [&keys[0], &keys[1]].map(|key| Cosigner::new("w", key).unwrap());
        let mut other = signed("log\n7\n");
        other.cosign(&one, time(5)).unwrap();
        other.cosign(&two, time(6)).unwrap();
        let mut note = signed("log\n7\n");
        note.cosign(&one, time(4)).unwrap();
        let trusted = [one.verifier().clone()];
        assert_eq!(note.adopt(&other, &trusted).unwrap().len(), 1);
        assert_eq!(note.cosignatures(&trusted).unwrap()[0].time, time(5));
        assert_eq!(note.cosignatures(&[two.verifier().clone()]), Ok(Vec::new()));
        assert_eq!(note.signature_lines().count(), 2);
        assert_eq!(note.adopt(&signed("log\n8\n"), &trusted), Err(NoteError::OtherText));
    }

    #[test]
    fn no_note_is_signed_that_reads_like_a_cosignature() {
        let key = SecretKey::from_seed([7; 32]);
        let signer = NoteSigner::new("w", &key).unwrap();
        let text = "cosignature/v1\ntime 5\nlog\n7\n".to_owned();
        assert_eq!(SignedNote::sign(text, &signer), Err(NoteError::Text));
        assert_eq!(
            signed("log\n7\n").cosign(&Cosigner::new("w", &key).unwrap(), time(-1)),
            Err(NoteError::Time)
        );
    }
}
