//! Signed commits: takes the signature out of a raw commit, and says which key made it over the rest.
//!
//! The two kinds that git writes are read: SSH (`PROTOCOL.sshsig`) and OpenPGP. A signature says who vouches for the
//! commit, never how its lines were written.

mod allowed;
mod openpgp;
mod ssh;

use lazaret_core::KeyName;

pub use allowed::{AllowedSigners, AllowedSignersError};
pub use openpgp::{Keyring, KeyringError};

/// The signature of a commit proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitSignatureError {
    /// It bears none.
    #[error("it is not signed")]
    Unsigned,
    /// It bears several, and nobody can say which was meant.
    #[error("it bears more than one signature")]
    Several,
    /// It is of a kind that is not read, such as X.509.
    #[error("its signature is neither of SSH nor of OpenPGP")]
    UnknownKind,
    /// It is not a signature, or one by an algorithm that is not believed.
    #[error("its signature cannot be read: {why}")]
    Unreadable {
        /// What is wrong.
        why: String,
    },
    /// The key that made it is in none of the keyrings.
    #[error(
        "it was signed by an OpenPGP key that no keyring holds; export the key and name it with `--keyring`"
    )]
    UnknownKey,
    /// The key that made it was revoked, or may not sign.
    #[error("its OpenPGP key {key} {why}")]
    Unfit {
        /// The key.
        key: KeyName,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The signature is not of these bytes.
    #[error("its signature does not fit: the commit or the signature was altered")]
    Altered,
}

/// Who signed a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitSigner {
    /// The key, by the name that a policy knows it by: for OpenPGP that of the primary key.
    pub key: KeyName,
    /// Whether it is an SSH key, of which lists of allowed signers speak.
    pub is_ssh: bool,
}

const SIGNATURE_HEADER: &[u8] = b"gpgsig";
const SIGNATURE_HEADER_SHA256: &[u8] = b"gpgsig-sha256";

/// Says which key signed a raw commit.
///
/// # Errors
/// [`CommitSignatureError`] when it is not signed, or the signature does not verify.
pub fn verify_commit(raw: &[u8], keyring: &Keyring) -> Result<CommitSigner, CommitSignatureError> {
    let Parted { payload, mut signatures } = part(raw);
    let signature = signatures.pop().ok_or(CommitSignatureError::Unsigned)?;
    if !signatures.is_empty() {
        return Err(CommitSignatureError::Several);
    }
    let text = std::str::from_utf8(&signature)
        .map_err(|_not_text| CommitSignatureError::Unreadable { why: "it is not text".to_owned() })?;
    if text.starts_with("-----BEGIN SSH SIGNATURE-----") {
        Ok(CommitSigner { key: ssh::verify(text, &payload)?, is_ssh: true })
    } else if text.starts_with("-----BEGIN PGP SIGNATURE-----") {
        Ok(CommitSigner { key: keyring.verify(text, &payload)?, is_ssh: false })
    } else {
        Err(CommitSignatureError::UnknownKind)
    }
}

/// A commit without its signatures, and the signatures.
struct Parted {
    payload: Vec<u8>,
    signatures: Vec<Vec<u8>>,
}

/// Takes the headers of signatures out, as git does before it signs and verifies: those of both object formats.
fn part(raw: &[u8]) -> Parted {
    let mut parted = Parted { payload: Vec::with_capacity(raw.len()), signatures: Vec::new() };
    let mut rest = raw;
    let mut is_in_signature = false;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(end);
        if line == b"\n" {
            parted.payload.extend_from_slice(rest);
            break;
        }
        let continued = line.strip_prefix(b" ");
        let begun = line.iter().position(|&byte| byte == b' ').map(|space| line.split_at(space));
        match (continued, begun) {
            (Some(more), _) if is_in_signature => {
                parted.signatures.last_mut().into_iter().for_each(|last| last.extend_from_slice(more));
            }
            (None, Some((SIGNATURE_HEADER | SIGNATURE_HEADER_SHA256, value))) => {
                parted.signatures.push(value.get(1..).unwrap_or_default().to_vec());
                is_in_signature = true;
            }
            _ => {
                is_in_signature = is_in_signature && continued.is_some();
                parted.payload.extend_from_slice(line);
            }
        }
        rest = after;
    }
    parted
}

#[cfg(test)]
mod tests;
