//! Pseudonyms for what is personal: the database has the value and its salt, entries have the commitment alone.

use lazaret_core::{FindingsId, IdentityId, PersonId, RemarkId};

use super::Store;
use super::error::StoreError;
use crate::database::{StoredValue, Transaction};

/// What kind of personal value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueClass {
    /// A person's name.
    Person,
    /// An address or a login under which somebody writes.
    Identity,
    /// What somebody wrote for others to read.
    Remark,
    /// The digests of findings that were recorded together.
    Findings,
}

impl ValueClass {
    fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Identity => "identity",
            Self::Remark => "remark",
            Self::Findings => "findings",
        }
    }

    /// Makes a new pseudonym for a value: what the database keeps of it, with the name that entries may use.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub fn conceal(self, value: &[u8]) -> Result<StoredValue, StoreError> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|_none| StoreError::Random)?;
        Ok(StoredValue {
            commitment: self.commitment(&salt, value),
            class: self.as_str().to_owned(),
            salt,
            value: value.to_vec(),
        })
    }

    /// Returns the commitment to a value, as entries write it.
    pub(super) fn commitment(self, salt: &[u8; 32], value: &[u8]) -> String {
        match self {
            Self::Person => PersonId::to(salt, value).to_string(),
            Self::Identity => IdentityId::to(salt, value).to_string(),
            Self::Remark => RemarkId::to(salt, value).to_string(),
            Self::Findings => FindingsId::to(salt, value).to_string(),
        }
    }

    /// Returns the class that a commitment is of.
    pub(super) fn of(commitment: &str) -> Option<Self> {
        let (prefix, _) = commitment.split_once(':')?;
        let all = [Self::Person, Self::Identity, Self::Remark, Self::Findings];
        all.into_iter().find(|class| class.as_str() == prefix)
    }
}

impl Store {
    /// Returns the pseudonym of a name, which is made where there is none yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot keep it.
    pub async fn name_person(&self, name: &str) -> Result<PersonId, StoreError> {
        let commitment = self.name(ValueClass::Person, name.trim().as_bytes()).await?;
        commitment.parse().map_err(|_other| StoreError::Bug)
    }

    /// Returns the pseudonym of an identity, which is made where there is none yet. Addresses are compared without
    /// regard to case and space around them.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot keep it.
    pub async fn name_identity(&self, identity: &str) -> Result<IdentityId, StoreError> {
        let commitment = self.name(ValueClass::Identity, comparable(identity).as_bytes()).await?;
        commitment.parse().map_err(|_other| StoreError::Bug)
    }

    /// Keeps a remark and returns its name; each gets its own, even of the same words.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot keep it.
    pub async fn keep_remark(&self, remark: &str) -> Result<RemarkId, StoreError> {
        let commitment = self.name(ValueClass::Remark, remark.as_bytes()).await?;
        commitment.parse().map_err(|_other| StoreError::Bug)
    }

    /// Returns the pseudonym of a name that is known.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be looked up.
    pub async fn person_named(&self, name: &str) -> Result<Option<PersonId>, StoreError> {
        let found = self.database.find_value("person", name.trim().as_bytes()).await?;
        Ok(found.first().and_then(|value| value.commitment.parse().ok()))
    }

    /// Returns the words behind a pseudonym, unless they were erased.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn words(&self, commitment: &str) -> Result<Option<String>, StoreError> {
        let value = self.database.value(commitment).await?;
        Ok(value.map(|value| String::from_utf8_lossy(&value.value).into_owned()))
    }

    async fn name(&self, class: ValueClass, value: &[u8]) -> Result<String, StoreError> {
        let value = class.conceal(value)?;
        self.run(move |transaction| Box::pin(find_or_keep(transaction, class, value))).await
    }
}

/// Returns an address or a login as it is compared: without regard to case and space around it.
fn comparable(identity: &str) -> String {
    identity.trim().to_lowercase()
}

/// One name for one value, whoever asks first: else somebody could be two people, and agree with themselves.
async fn find_or_keep(
    transaction: &mut Transaction,
    class: ValueClass,
    value: StoredValue,
) -> Result<String, StoreError> {
    if class != ValueClass::Remark
        && let Some(known) = transaction.find_value(&value.class, &value.value).await?.into_iter().next()
    {
        return Ok(known.commitment);
    }
    transaction.keep_value(&value).await?;
    Ok(value.commitment)
}
