//! SSH signatures: `-----BEGIN SSH SIGNATURE-----`, with the key inside.

use lazaret_core::KeyName;
use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

use super::CommitSignatureError;

/// What git signs commits for.
const NAMESPACE: &str = "git";

/// Returns the key that signed the payload.
pub(super) fn verify(armored: &str, payload: &[u8]) -> Result<KeyName, CommitSignatureError> {
    let unreadable = |why: String| CommitSignatureError::Unreadable { why };
    let signature = SshSig::from_pem(armored).map_err(|error| unreadable(error.to_string()))?;
    if signature.algorithm() == (Algorithm::Rsa { hash: None }) || signature.algorithm() == Algorithm::Dsa {
        return Err(unreadable(format!("`{}` is not believed any more", signature.algorithm())));
    }
    let key = PublicKey::from(signature.public_key().clone());
    if signature.namespace() != NAMESPACE {
        return Err(unreadable("it was made for something else than git".to_owned()));
    }
    key.verify(NAMESPACE, payload, &signature).map_err(|error| {
        let is_unknown =
            matches!(error, ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. });
        if is_unknown {
            unreadable(format!("signatures by `{}` keys are not verified", key.algorithm()))
        } else {
            CommitSignatureError::Altered
        }
    })?;
    name_of(&key).ok_or_else(|| unreadable("its key has no fingerprint".to_owned()))
}

/// Returns the fingerprint of a key, as `ssh-keygen -l` prints it.
pub(super) fn name_of(key: &PublicKey) -> Option<KeyName> {
    key.fingerprint(HashAlg::Sha256).to_string().parse().ok()
}
