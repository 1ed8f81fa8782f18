//! Why an act is not done: always with what would have to be otherwise.

use lazaret_core::{Action, Digest};

use crate::aggregate::Key;
use crate::case::CaseId;

/// An act that is not done. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What it is about does not exist.
    #[error("there is no {what}; list what there is, and check the name")]
    NoSuch {
        /// Its name.
        what: Key,
    },
    /// Something of this name is there already.
    #[error("{what} is there already")]
    Exists {
        /// Its name.
        what: Key,
    },
    /// Whoever asks is not known, or no longer.
    #[error(
        "{person} is nobody who may work with this store; an admin proposes to admit a person, another seconds it"
    )]
    NotAdmitted {
        /// The pseudonym.
        person: Key,
    },
    /// The policies on who may do what say no.
    #[error("`{action}` is denied: it needs {}", unmet.join(", and "))]
    Denied {
        /// What was asked.
        action: Action,
        /// What would have to be otherwise.
        unmet: Vec<String>,
        /// Whether a policy could not be evaluated.
        failed: bool,
    },
    /// The policy's terms say no.
    #[error("the policy does not allow it: {}", against.join("; "))]
    Terms {
        /// What the terms have against it.
        against: Vec<String>,
    },
    /// It is not the moment for this.
    #[error("{what} is {is}; {needs}")]
    Unready {
        /// What it is about.
        what: Key,
        /// How that stands.
        is: String,
        /// What has to come first.
        needs: String,
    },
    /// A clearing does not name and refute everything that stands against the contents.
    #[error("case {case}: {} of the taints are not refuted; name each and say why it does not stand", evidence.len())]
    Unrefuted {
        /// The case.
        case: CaseId,
        /// The taints that are not named.
        evidence: Vec<Digest>,
    },
    /// The content is held by another case.
    #[error(
        "the content {content} is held by case {case} already; it was seen once more, which `sight` records"
    )]
    Held {
        /// The content.
        content: Digest,
        /// The case that holds it.
        case: CaseId,
    },
    /// The act says nothing new.
    #[error("nothing would change: {why}")]
    Idle {
        /// Why not.
        why: String,
    },
    /// The act itself makes no sense.
    #[error("{why}")]
    Senseless {
        /// Why not.
        why: String,
    },
}

/// Why [`perform`](crate::perform()) stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// It has to know a row that is not loaded; load it and begin again.
    Need(Key),
    /// It has to know everybody; load all people and begin again.
    NeedEveryone,
    /// It has to know every batch of findings that is kept; load them and begin again.
    NeedBatches,
    /// The act is refused.
    Refused(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
