//! The state as rows: one for each person, case, hold, exemption, motion, statement and batch of findings.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use lazaret_core::{Digest, FindingsId, PersonId};
use serde::{Deserialize, Serialize};

use crate::case::{Case, CaseId};
use crate::exemption::{Exemption, ExemptionId};
use crate::finding::FindingBatch;
use crate::hold::Hold;
use crate::motion::{Motion, MotionId};
use crate::person::{Charter, Person};

/// The name of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The store's charter; there is one.
    Charter,
    /// A person.
    Person(PersonId),
    /// A case.
    Case(CaseId),
    /// A held content.
    Hold(Digest),
    /// An exemption.
    Exemption(ExemptionId),
    /// A motion.
    Motion(MotionId),
    /// A statement that people brought.
    Statement(Digest),
    /// A batch of findings. [`World`](crate::World) looks for them at the end, so they stay the last kind.
    Findings(FindingsId),
}

impl Key {
    /// Returns the kind of row, as the database names it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Charter => "charter",
            Self::Person(_) => "person",
            Self::Case(_) => "case",
            Self::Hold(_) => "hold",
            Self::Exemption(_) => "exemption",
            Self::Motion(_) => "motion",
            Self::Statement(_) => "statement",
            Self::Findings(_) => "findings",
        }
    }

    /// Returns the name within its kind, as the database names it. Numbers have twelve digits, so that they sort.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Charter => "1".to_owned(),
            Self::Person(person) => person.to_string(),
            Self::Case(CaseId(number))
            | Self::Exemption(ExemptionId(number))
            | Self::Motion(MotionId(number)) => format!("{number:012}"),
            Self::Hold(digest) | Self::Statement(digest) => digest.to_string(),
            Self::Findings(batch) => batch.to_string(),
        }
    }

    /// Returns the key that a row of the database has, if it is one of ours.
    #[must_use]
    pub fn parse(kind: &str, id: &str) -> Option<Self> {
        let number = || (id.len() >= 12).then(|| id.parse::<u64>().ok()).flatten();
        match kind {
            "charter" => (id == "1").then_some(Self::Charter),
            "person" => id.parse().ok().map(Self::Person),
            "case" => number().map(|number| Self::Case(CaseId(number))),
            "hold" => id.parse().ok().map(Self::Hold),
            "exemption" => number().map(|number| Self::Exemption(ExemptionId(number))),
            "motion" => number().map(|number| Self::Motion(MotionId(number))),
            "statement" => id.parse().ok().map(Self::Statement),
            "findings" => id.parse().ok().map(Self::Findings),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Charter => f.write_str("the charter"),
            Self::Person(person) => write!(f, "{person}"),
            Self::Case(case) => write!(f, "case {case}"),
            Self::Hold(content) => write!(f, "held content {content}"),
            Self::Exemption(exemption) => write!(f, "exemption {exemption}"),
            Self::Motion(motion) => write!(f, "motion {motion}"),
            Self::Statement(document) => write!(f, "statement {document}"),
            Self::Findings(batch) => write!(f, "batch {batch}"),
        }
    }
}

/// A statement about contents that somebody brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The digest of the document.
    pub document: Digest,
    /// What kind of statement it is.
    pub kind: String,
    /// Who brought it.
    pub by: PersonId,
    /// When.
    pub time: Timestamp,
    /// The contents it speaks of.
    pub contents: BTreeSet<Digest>,
}

impl Statement {
    /// The kind of a statement that keeps the fingerprint of one held content: the program's own note, by which copies of
    /// what is removed are known again. It proves nothing about who wrote the content.
    pub const FINGERPRINT: &'static str = "fingerprint";

    /// Whether it keeps the fingerprint of this content and of nothing else.
    #[must_use]
    pub fn is_fingerprint_of(&self, content: Digest) -> bool {
        self.kind == Self::FINGERPRINT && self.contents.len() == 1 && self.contents.contains(&content)
    }
}

/// A row of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aggregate {
    /// The store's charter.
    Charter(Charter),
    /// A person.
    Person(Person),
    /// A case.
    Case(Box<Case>),
    /// A held content.
    Hold(Hold),
    /// An exemption.
    Exemption(Exemption),
    /// A motion.
    Motion(Motion),
    /// A statement that people brought.
    Statement(Statement),
    /// A batch of findings.
    Findings(FindingBatch),
}

/// What lists are made of, so that no list needs the whole rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Where it stands, as far as that depends neither on the time nor on the policy.
    pub status: &'static str,
    /// When something is due: a case's deadline, an exemption's end.
    pub due: Option<Timestamp>,
    /// To whom or to what it belongs: a case's claimant, a hold's case, an exemption's requester.
    pub owner: Option<String>,
    /// How much it is: lines.
    pub weight: u64,
    /// The policy that a decision freeing content is bound to.
    pub bound: Option<Digest>,
}

impl Aggregate {
    /// Returns its name.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Charter(_) => Key::Charter,
            Self::Person(person) => Key::Person(person.person),
            Self::Case(case) => Key::Case(case.case),
            Self::Hold(hold) => Key::Hold(hold.content),
            Self::Exemption(exemption) => Key::Exemption(exemption.exemption),
            Self::Motion(motion) => Key::Motion(motion.motion),
            Self::Statement(statement) => Key::Statement(statement.document),
            Self::Findings(batch) => Key::Findings(batch.recorded.batch),
        }
    }

    /// Returns what lists are made of.
    #[must_use]
    pub fn listing(&self) -> Listing {
        match self {
            Self::Charter(_) => Listing { status: "standing", ..Listing::default() },
            Self::Person(person) => Listing {
                status: if person.forgotten { "forgotten" } else { "active" },
                ..Listing::default()
            },
            Self::Case(case) => Listing {
                status: case.own_status().as_str(),
                due: Some(case.due),
                owner: case.claim.map(|(person, _)| person.to_string()),
                weight: case.lines,
                bound: case
                    .own_decision()
                    .filter(|decision| decision.resolution.frees())
                    .map(|decision| decision.policy),
            },
            Self::Hold(hold) => Listing {
                status: hold.custody.as_str(),
                owner: Some(Key::Case(hold.case).id()),
                weight: hold.lines,
                ..Listing::default()
            },
            Self::Exemption(exemption) => Listing {
                status: match (exemption.revoked, exemption.approved) {
                    (Some(_), _) => "revoked",
                    (None, Some(_)) => "approved",
                    (None, None) => "requested",
                },
                due: Some(exemption.request.until),
                owner: Some(exemption.requester.to_string()),
                weight: exemption.uses,
                bound: None,
            },
            Self::Motion(motion) => Listing {
                status: if motion.seconded.is_some() { "carried" } else { "open" },
                due: Some(motion.open_until()),
                owner: Some(motion.proposer.to_string()),
                ..Listing::default()
            },
            Self::Statement(statement) => {
                Listing { status: "kept", owner: Some(statement.by.to_string()), ..Listing::default() }
            }
            Self::Findings(batch) => Listing {
                status: if batch.deleted.is_some() { "deleted" } else { "kept" },
                owner: Some(batch.by.to_string()),
                weight: batch.recorded.findings,
                ..Listing::default()
            },
        }
    }

    /// Returns the row as the database keeps it: JSON in which equal rows have equal bytes.
    ///
    /// # Errors
    /// None for rows that [`perform`](crate::perform()) made.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Charter(charter) => serde_json::to_string(charter),
            Self::Person(person) => serde_json::to_string(person),
            Self::Case(case) => serde_json::to_string(case),
            Self::Hold(hold) => serde_json::to_string(hold),
            Self::Exemption(exemption) => serde_json::to_string(exemption),
            Self::Motion(motion) => serde_json::to_string(motion),
            Self::Statement(statement) => serde_json::to_string(statement),
            Self::Findings(batch) => serde_json::to_string(batch),
        }
    }

    /// Reads a row of the database.
    ///
    /// # Errors
    /// A text that is no such row.
    pub fn parse(key: &Key, text: &str) -> Result<Self, serde_json::Error> {
        Ok(match key {
            Key::Charter => Self::Charter(serde_json::from_str(text)?),
            Key::Person(_) => Self::Person(serde_json::from_str(text)?),
            Key::Case(_) => Self::Case(Box::new(serde_json::from_str(text)?)),
            Key::Hold(_) => Self::Hold(serde_json::from_str(text)?),
            Key::Exemption(_) => Self::Exemption(serde_json::from_str(text)?),
            Key::Motion(_) => Self::Motion(serde_json::from_str(text)?),
            Key::Statement(_) => Self::Statement(serde_json::from_str(text)?),
            Key::Findings(_) => Self::Findings(serde_json::from_str(text)?),
        })
    }
}
