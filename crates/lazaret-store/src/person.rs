//! Who works with a store, and under which policy: the charter, and the people as the ledger knows them.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lazaret_core::{Digest, IdentityId, PersonId, PersonRole, Terms};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An Ed25519 public key, written in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKeyBytes(pub [u8; 32]);

impl fmt::Display for PublicKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKeyBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKeyBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(&text).map_err(serde::de::Error::custom)?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|other| {
            serde::de::Error::invalid_length(other.len(), &"an Ed25519 public key of 32 bytes")
        })?;
        Ok(Self(bytes))
    }
}

/// What the store works under: the policy, and what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyBasis {
    /// The policy file's digest; the text lies among the store's documents.
    pub policy: Digest,
    /// What the policy demands of people.
    pub terms: Terms,
    /// The digest of the policies on who may do what; their text lies among the store's documents.
    pub duties: Digest,
}

/// What a store was made as, and what it works under now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// The store's name: the origin line of its ledger's checkpoints, such as `acme.example/lazaret`.
    pub name: String,
    /// The key that signs the ledger's checkpoints.
    pub ledger_key: PublicKeyBytes,
    /// Where the public log lies: a URL, a path, or a path beside the database where it is relative.
    pub ledger: String,
    /// Where the vault lies, written in the same way.
    pub vault: String,
    /// For whom the vault encrypts: `age` recipients.
    pub recipients: Vec<String>,
    /// What the store works under.
    pub basis: PolicyBasis,
    /// Who holds the role of an admin. There are always two at least, or nobody could second anything.
    pub admins: BTreeSet<PersonId>,
}

/// A person who is to be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// The pseudonym.
    pub person: PersonId,
    /// The key that the person signs with.
    pub key: PublicKeyBytes,
    /// Whether it is a service, which may hold content and record, and never decides.
    pub service: bool,
    /// The roles to begin with.
    pub roles: BTreeSet<PersonRole>,
    /// Under which identities the person writes: these decide whose content somebody may not clear.
    pub identities: BTreeSet<IdentityId>,
}

/// A person, or a service, as the ledger knows one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The pseudonym.
    pub person: PersonId,
    /// The key that the person signs with now.
    pub key: PublicKeyBytes,
    /// Whether it is a service.
    pub service: bool,
    /// The roles held now.
    pub roles: BTreeSet<PersonRole>,
    /// Under which identities the person writes.
    pub identities: BTreeSet<IdentityId>,
    /// Whether the name behind the pseudonym was forgotten: then the person can do nothing more.
    pub forgotten: bool,
}

impl Person {
    /// Whether the person wrote or committed something that was shaped by these identities.
    #[must_use]
    pub fn is_among(&self, identities: &BTreeSet<IdentityId>) -> bool {
        self.identities.iter().any(|identity| identities.contains(identity))
    }
}

impl From<NewPerson> for Person {
    fn from(new: NewPerson) -> Self {
        let NewPerson { person, key, service, roles, identities } = new;
        Self { person, key, service, roles, identities, forgotten: false }
    }
}
