//! What takes two people and is no case: admitting people, granting roles, adopting a policy, destroying, forgetting,
//! revealing.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{Affair, Digest, IdentityId, PersonId, PersonRole, RemarkId};
use serde::{Deserialize, Serialize};

use crate::person::{NewPerson, PolicyBasis, PublicKeyBytes};

/// How long a motion waits for a second.
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long a pseudonym may be led back once that was seconded.
const REVEALED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest pseudonym, in bytes.
const PSEUDONYM_BYTES_MAX: usize = 64;

/// A motion, named by the number of the entry that proposed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MotionId(pub u64);

impl fmt::Display for MotionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{}", self.0)
    }
}

/// What is to be done if another agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// A person is admitted.
    AdmitPerson(NewPerson),
    /// A person is granted a role.
    GrantRole {
        /// Who.
        person: PersonId,
        /// Which.
        role: PersonRole,
    },
    /// A role that takes two to take away is taken away.
    WithdrawRole {
        /// From whom.
        person: PersonId,
        /// Which.
        role: PersonRole,
    },
    /// A person is known to write under one more identity.
    LinkIdentity {
        /// Who.
        person: PersonId,
        /// The identity.
        identity: IdentityId,
    },
    /// A person signs with another key from now on.
    ReplaceKey {
        /// Who.
        person: PersonId,
        /// The new key.
        key: PublicKeyBytes,
    },
    /// The store works under another policy from now on.
    AdoptPolicy(PolicyBasis),
    /// A content whose removal was decided is destroyed in the vault; its tombstone stays.
    DestroyContent {
        /// Which.
        content: Digest,
    },
    /// The values behind a person's pseudonym and identities are erased.
    Forget {
        /// Who.
        person: PersonId,
    },
    /// Whoever is behind a pseudonym in a report of calls may be named, to those two.
    RevealCaller {
        /// The pseudonym.
        pseudonym: String,
        /// Why.
        reason: RemarkId,
    },
}

impl Question {
    /// Returns what kind of affair it is, for the question who may propose and second it.
    #[must_use]
    pub fn affair(&self) -> Affair {
        match self {
            Self::AdmitPerson(_)
            | Self::GrantRole { .. }
            | Self::WithdrawRole { .. }
            | Self::LinkIdentity { .. }
            | Self::ReplaceKey { .. } => Affair::People,
            Self::AdoptPolicy(_) => Affair::Policy,
            Self::DestroyContent { .. } => Affair::Destruction,
            Self::Forget { .. } => Affair::Forgetting,
            Self::RevealCaller { .. } => Affair::Revealing,
        }
    }

    /// Returns the person whom it is about, if it is about one.
    #[must_use]
    pub fn subject(&self) -> Option<PersonId> {
        match self {
            Self::AdmitPerson(new) => Some(new.person),
            Self::GrantRole { person, .. }
            | Self::WithdrawRole { person, .. }
            | Self::LinkIdentity { person, .. }
            | Self::ReplaceKey { person, .. }
            | Self::Forget { person } => Some(*person),
            Self::AdoptPolicy(_) | Self::DestroyContent { .. } | Self::RevealCaller { .. } => None,
        }
    }

    /// Whether a text is a pseudonym as reports of calls have them.
    #[must_use]
    pub fn is_pseudonym(text: &str) -> bool {
        let parts = text.strip_prefix('p').and_then(|rest| rest.rsplit_once('-'));
        text.len() <= PSEUDONYM_BYTES_MAX
            && parts.is_some_and(|(period, code)| {
                period.parse::<i64>().is_ok()
                    && code.len() >= 16
                    && code.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            })
    }
}

/// A motion: what one person proposed, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    /// Its name.
    pub motion: MotionId,
    /// What is to be done.
    pub question: Question,
    /// Who proposed it.
    pub proposer: PersonId,
    /// When.
    pub proposed: Timestamp,
    /// Who seconded it, and when: it is carried out then.
    pub seconded: Option<(PersonId, Timestamp)>,
}

/// Where a motion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MotionStatus {
    /// It waits for a second.
    Open,
    /// It was seconded and carried out.
    Carried,
    /// Nobody seconded it in time.
    Lapsed,
}

impl MotionStatus {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Carried => "carried",
            Self::Lapsed => "lapsed",
        }
    }
}

impl Motion {
    /// Returns until when it can be seconded.
    #[must_use]
    pub fn open_until(&self) -> Timestamp {
        self.proposed.saturating_add(OPEN_FOR).unwrap_or(Timestamp::MAX)
    }

    /// Returns the pseudonym that may be led back at a time by the two who agreed to that.
    #[must_use]
    pub fn reveals(&self, by: PersonId, now: Timestamp) -> Option<&str> {
        let Question::RevealCaller { pseudonym, .. } = &self.question else { return None };
        let (seconder, at) = self.seconded?;
        let until = at.saturating_add(REVEALED_FOR).unwrap_or(Timestamp::MAX);
        ((by == self.proposer || by == seconder) && now < until).then_some(pseudonym)
    }

    /// Returns where it stands at a time.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> MotionStatus {
        match self.seconded {
            Some(_) => MotionStatus::Carried,
            None if now < self.open_until() => MotionStatus::Open,
            None => MotionStatus::Lapsed,
        }
    }
}
