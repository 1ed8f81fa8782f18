//! Keys that people and tools sign with, by name: a fingerprint, which pins the key it names.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::id::ParseIdError;

/// The name of a key that signs, in the form that its own tools print.
///
/// - `SHA256:…`: an SSH key, as `ssh-keygen -l` prints it;
/// - `openpgp:…`: the fingerprint of an OpenPGP key, of the primary one where a subkey signs, in lower-case hexadecimal;
/// - `ed25519:…`: a key of `lazaret key create`, as `lazaret key show` prints it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct KeyName(String);

/// How long a SHA-256 is in base64 without padding.
const SSH_DIGITS: usize = 43;

impl KeyName {
    /// What stands before the fingerprint of an SSH key.
    pub const SSH: &str = "SHA256:";
    /// What stands before the fingerprint of an OpenPGP key.
    pub const OPENPGP: &str = "openpgp:";
    /// What stands before the id of a key of this program.
    pub const ED25519: &str = "ed25519:";

    /// Returns the name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let is_hex = |digits: &str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_name = if let Some(digits) = text.strip_prefix(Self::SSH) {
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            digits.len() == SSH_DIGITS && digits.bytes().all(is_base64)
        } else if let Some(digits) = text.strip_prefix(Self::OPENPGP) {
            matches!(digits.len(), 40 | 64) && is_hex(digits)
        } else if let Some(digits) = text.strip_prefix(Self::ED25519) {
            digits.len() == 64 && is_hex(digits)
        } else {
            false
        };
        if is_name { Ok(Self(text.to_owned())) } else { Err(ParseIdError::new("name of a key", text)) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for KeyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for KeyName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KeyName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The name of a key that signs: `SHA256:…` of SSH, `openpgp:…`, or `ed25519:…` of this program.",
            "type": "string",
            "pattern": "^(SHA256:[A-Za-z0-9+/]{43}|openpgp:([0-9a-f]{40}|[0-9a-f]{64})|ed25519:[0-9a-f]{64})$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_of_three_forms() {
        let (base64, forty, sixty_four) = ("aB3+/".repeat(8) + "xyz", "0a".repeat(20), "0a".repeat(32));
        for name in [
            format!("SHA256:{base64}"),
            format!("openpgp:{forty}"),
            format!("openpgp:{sixty_four}"),
            format!("ed25519:{sixty_four}"),
        ] {
            assert_eq!(name.parse::<KeyName>().unwrap().as_str(), name);
        }
        for bad in [
            String::new(),
            base64.clone(),
            format!("SHA256:{base64}="),
            format!("sha256:{base64}"),
            format!("MD5:{forty}"),
            format!("openpgp:{}", forty.to_uppercase()),
            format!("openpgp:{}", forty.trim_start_matches('0')),
            format!("ed25519:{forty}"),
            format!("SHA256:{base64}\n"),
        ] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad}");
        }
    }
}
