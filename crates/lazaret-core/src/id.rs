//! Names of things: git objects, detectors, tools, providers, models.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that was meant to name something and does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
}

impl ParseIdError {
    pub(crate) fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.chars().take(80).collect() }
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Fills `out` from lower- or upper-case hexadecimal digits; `None` unless `hex` has exactly the right length.
pub(crate) fn parse_hex(hex: &str, out: &mut [u8]) -> Option<()> {
    if hex.len() != out.len() * 2 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for ([high, low], byte) in hex.as_bytes().as_chunks::<2>().0.iter().zip(out) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(())
}

/// The name of a git object: SHA-1 or SHA-256, by the repository's object format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectId {
    /// A repository with `extensions.objectFormat = sha1`, the default.
    Sha1([u8; 20]),
    /// A repository with `extensions.objectFormat = sha256`.
    Sha256([u8; 32]),
}

impl ObjectId {
    /// Returns the raw bytes of the name, 20 or 32 of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }

    /// Wraps raw bytes; `None` unless there are 20 or 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            20 => bytes.try_into().ok().map(Self::Sha1),
            32 => bytes.try_into().ok().map(Self::Sha256),
            _ => None,
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.as_bytes(), f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let mut bytes = [0; 32];
        let len = text.len() / 2;
        let id = bytes
            .get_mut(..len)
            .and_then(|out| parse_hex(text, out))
            .and_then(|()| Self::from_bytes(bytes.get(..len)?));
        id.ok_or_else(|| ParseIdError::new("object id", text))
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ObjectId {
    fn schema_name() -> Cow<'static, str> {
        "ObjectId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"})
    }
}

/// Declares a kebab-case name with checked construction.
macro_rules! kebab_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Checks and wraps a name: lower-case letters, digits, `.`, `_` and `-`, starting with a letter or digit.
            ///
            /// # Errors
            /// [`ParseIdError`] when the text has another form.
            pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, ParseIdError> {
                let text = text.into();
                if is_kebab(&text) { Ok(Self(text)) } else { Err(ParseIdError::new($kind, &text)) }
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::new(text.to_owned())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn is_kebab(text: &str) -> bool {
    let ok = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 100
        && text.bytes().next().is_some_and(ok)
        && text.bytes().all(|byte| ok(byte) || matches!(byte, b'-' | b'.' | b'_'))
}

kebab_id! {
    /// The name of a detector: its file, its doc page and its test folder bear the same name.
    DetectorId, "detector id"
}
kebab_id! {
    /// The harness a person runs, such as `claude-code`.
    ToolId, "tool id"
}
kebab_id! {
    /// Who runs a tool or makes a model, such as `anthropic`.
    ProviderId, "provider id"
}
kebab_id! {
    /// The model a tool called, such as `claude-opus-4-6`: a second axis beside the tool.
    ModelId, "model id"
}

kebab_id! {
    /// A row of the catalog of endpoints, such as `anthropic-api`.
    EndpointId, "endpoint id"
}

impl DetectorId {
    /// Returns the id that stands for a detector without a valid name.
    #[must_use]
    pub const fn unnamed() -> Self {
        Self(Cow::Borrowed("unnamed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_ids_round_trip_and_reject_other_lengths() {
        let sha1 = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(sha1.parse::<ObjectId>().unwrap().to_string(), sha1);
        let sha256 = format!("{sha1}{}", "00".repeat(12));
        assert_eq!(sha256.parse::<ObjectId>().unwrap().to_string(), sha256);
        for bad in ["", "01", "zz23456789abcdef0123456789abcdef01234567", sha1.get(1..).unwrap()] {
            assert!(bad.parse::<ObjectId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_are_kebab_case() {
        assert!("claude-opus-4.6".parse::<ModelId>().is_ok());
        for bad in ["", "Claude", "-x", "a b", "a/b"] {
            assert!(bad.parse::<ToolId>().is_err(), "{bad}");
        }
    }
}
