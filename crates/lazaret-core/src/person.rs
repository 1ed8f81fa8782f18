//! What is personal as the ledger knows it: pseudonyms of people, commitments to findings, and the roles people hold.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Digest;
use crate::id::{ParseIdError, parse_hex, write_hex};

/// Declares the name of something personal: a salted commitment, so that forgetting the salt and the value leaves
/// a name that nobody can trace back.
macro_rules! commitment {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Commits to a value: SHA-256 over what kind of thing it is, the salt and the value, each preceded
            /// by its length.
            #[must_use]
            pub fn to(salt: &[u8; 32], value: &[u8]) -> Self {
                Self(*Digest::of_parts([$prefix.as_bytes(), salt, value]).as_bytes())
            }

            /// Returns the 32 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Returns the first eight hexadecimal digits, for people to tell two apart; never to decide by.
            #[must_use]
            pub fn short(&self) -> String {
                self.to_string().chars().skip($prefix.len() + 1).take(8).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, ":"))?;
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut bytes = [0; 32];
                text.strip_prefix(concat!($prefix, ":"))
                    .and_then(|hex| parse_hex(hex, &mut bytes))
                    .ok_or_else(|| ParseIdError::new($kind, text))?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let pattern = concat!("^", $prefix, ":[0-9a-f]{64}$");
                schemars::json_schema!({"type": "string", "pattern": pattern})
            }
        }
    };
}

commitment! {
    /// A person, or a service that acts for an organisation: a commitment to the name.
    PersonId, "person", "person id"
}
commitment! {
    /// An identity under which somebody writes, such as the address in a commit: a commitment to it.
    IdentityId, "identity", "identity id"
}
commitment! {
    /// What somebody wrote for others to read, such as a comment: a commitment to it.
    RemarkId, "remark", "remark id"
}

commitment! {
    /// Findings that were recorded together and are deleted together: a commitment to the digests of all of them.
    FindingsId, "findings", "findings id"
}

/// What a person may be asked to do. Not to be taken for the [role of a tool](crate::Role).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PersonRole {
    /// Holds content, moves it between vault and source, runs the gate.
    Steward,
    /// Looks at held content and decides cases, together with another.
    Reviewer,
    /// Approves exemptions.
    Manager,
    /// Changes the policy, together with another.
    PolicyOwner,
    /// Reads everything, sealed content included where a purpose is stated; decides nothing.
    Auditor,
    /// Admits people and grants roles, together with another; decides no case.
    Admin,
}

impl PersonRole {
    /// All roles.
    pub const ALL: [Self; 6] =
        [Self::Steward, Self::Reviewer, Self::Manager, Self::PolicyOwner, Self::Auditor, Self::Admin];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Steward => "steward",
            Self::Reviewer => "reviewer",
            Self::Manager => "manager",
            Self::PolicyOwner => "policy-owner",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for PersonRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PersonRole {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| ParseIdError::new("role", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_reads_as_it_is_written() {
        let id = PersonId::to(&[7; 32], b"Ada Example");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.short().len(), 8);
        assert!(id.to_string().starts_with(&format!("person:{}", id.short())));
    }

    #[test]
    fn kinds_salts_and_values_are_kept_apart() {
        let id = PersonId::to(&[7; 32], b"Ada");
        assert_ne!(id, PersonId::to(&[8; 32], b"Ada"));
        assert_ne!(id, PersonId::to(&[7; 32], b"Ada "));
        assert_ne!(id.as_bytes(), IdentityId::to(&[7; 32], b"Ada").as_bytes());
        assert!(IdentityId::to(&[7; 32], b"Ada").to_string().parse::<PersonId>().is_err());
    }
}
