//! OpenPGP signatures: held against the public keys of keyrings.

use std::fmt;

use lazaret_core::KeyName;
use pgp::composed::{Deserializable as _, DetachedSignature, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::KeyDetails;

use super::CommitSignatureError;

/// Public OpenPGP keys, as `gpg --export --armor` writes them.
#[derive(Default, Clone)]
pub struct Keyring(Vec<SignedPublicKey>);

/// A keyring cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not OpenPGP public keys in armour, as `gpg --export --armor` writes them: {why}")]
pub struct KeyringError {
    /// What is wrong.
    why: String,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.fingerprint().to_string())).finish()
    }
}

impl Keyring {
    /// Adds the keys of an armoured export.
    ///
    /// # Errors
    /// [`KeyringError`] when anything in it is no public key.
    pub fn add(&mut self, armored: &str) -> Result<(), KeyringError> {
        let error = |error: pgp::errors::Error| KeyringError { why: error.to_string() };
        let (keys, _headers) = SignedPublicKey::from_armor_many(armored.as_bytes()).map_err(error)?;
        let before = self.0.len();
        for key in keys {
            self.0.push(key.map_err(error)?);
        }
        if self.0.len() == before {
            return Err(KeyringError { why: "there is no key".to_owned() });
        }
        Ok(())
    }

    /// Returns the primary key under which the payload was signed.
    pub(super) fn verify(&self, armored: &str, payload: &[u8]) -> Result<KeyName, CommitSignatureError> {
        let unreadable = |why: String| CommitSignatureError::Unreadable { why };
        let (signature, _headers) =
            DetachedSignature::from_string(armored).map_err(|error| unreadable(error.to_string()))?;
        let signature = signature.signature;
        let is_strong = matches!(
            signature.hash_alg(),
            Some(
                HashAlgorithm::Sha256
                    | HashAlgorithm::Sha384
                    | HashAlgorithm::Sha512
                    | HashAlgorithm::Sha224
                    | HashAlgorithm::Sha3_256
                    | HashAlgorithm::Sha3_512
            )
        );
        if !is_strong || !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
            return Err(unreadable("its hash is not believed any more, or it signs no document".to_owned()));
        }
        let mut outcome = Err(CommitSignatureError::UnknownKey);
        for key in &self.0 {
            match verify_by(key, &signature, payload) {
                None => {}
                Some(Ok(name)) => return Ok(name),
                Some(Err(error)) => outcome = Err(error),
            }
        }
        outcome
    }
}

/// Whether a key, or a subkey of it, made the signature; `None` where the signature names another.
fn verify_by(
    key: &SignedPublicKey,
    signature: &Signature,
    payload: &[u8],
) -> Option<Result<KeyName, CommitSignatureError>> {
    let name: KeyName = format!("{}{:x}", KeyName::OPENPGP, key.fingerprint()).parse().ok()?;
    let unfit = |why| CommitSignatureError::Unfit { key: name.clone(), why };
    let fits = if is_issued_by(signature, &key.primary_key) {
        signature.verify(&key.primary_key, payload)
    } else {
        let subkey = key.public_subkeys.iter().find(|subkey| is_issued_by(signature, &subkey.key))?;
        let is_revoked =
            subkey.signatures.iter().any(|one| one.typ() == Some(SignatureType::SubkeyRevocation));
        let may_sign = subkey.signatures.iter().any(|one| one.key_flags().sign());
        if is_revoked || !may_sign || subkey.verify_bindings(&key.primary_key).is_err() {
            return Some(Err(unfit("has a subkey that was revoked, or may not sign")));
        }
        signature.verify(&subkey.key, payload)
    };
    if !key.details.revocation_signatures.is_empty() {
        return Some(Err(unfit("was revoked")));
    }
    Some(fits.map(|()| name.clone()).map_err(|_mismatch| CommitSignatureError::Altered))
}

/// Whether the signature says that a key made it.
fn is_issued_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        signature.issuer_key_id().into_iter().any(|id| *id == key.legacy_key_id())
    } else {
        fingerprints.into_iter().any(|fingerprint| *fingerprint == key.fingerprint())
    }
}
