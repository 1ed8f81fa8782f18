//! What is asked before an act is done, and what may be answered: nothing here decides.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PersonRole;

/// What somebody wants to do, in the words of the policies on who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// To propose what takes two: to admit a person, to grant a role, to change the policy, to destroy or forget.
    ProposeMotion,
    /// To second what another proposed.
    SecondMotion,
    /// To take a role away.
    RevokeRole,
    /// To hold a content and to open or extend its case.
    HoldContent,
    /// To move held content: seal, detach, restore.
    MoveContent,
    /// To read sealed content.
    ReadSealed,
    /// To claim a case, or to give it back.
    ClaimCase,
    /// To propose how a case is to be resolved.
    ProposeResolution,
    /// To agree with a proposed resolution.
    AgreeResolution,
    /// To turn a proposed resolution down.
    RejectResolution,
    /// To open a decided case again.
    ReopenCase,
    /// To carry out what the policy says of overdue cases.
    EnforceDeadline,
    /// To record a statement about a content.
    RecordStatement,
    /// To ask for an exemption.
    RequestExemption,
    /// To approve an exemption.
    ApproveExemption,
    /// To revoke an exemption.
    RevokeExemption,
    /// To record that an exemption was used.
    RecordUse,
    /// To record what logs show of calls.
    RecordFindings,
    /// To delete recorded findings whose time is over.
    DeleteFindings,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 19] = [
        Self::ProposeMotion,
        Self::SecondMotion,
        Self::RevokeRole,
        Self::HoldContent,
        Self::MoveContent,
        Self::ReadSealed,
        Self::ClaimCase,
        Self::ProposeResolution,
        Self::AgreeResolution,
        Self::RejectResolution,
        Self::ReopenCase,
        Self::EnforceDeadline,
        Self::RecordStatement,
        Self::RequestExemption,
        Self::ApproveExemption,
        Self::RevokeExemption,
        Self::RecordUse,
        Self::RecordFindings,
        Self::DeleteFindings,
    ];

    /// Returns the word, as policies write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProposeMotion => "propose-motion",
            Self::SecondMotion => "second-motion",
            Self::RevokeRole => "revoke-role",
            Self::HoldContent => "hold-content",
            Self::MoveContent => "move-content",
            Self::ReadSealed => "read-sealed",
            Self::ClaimCase => "claim-case",
            Self::ProposeResolution => "propose-resolution",
            Self::AgreeResolution => "agree-resolution",
            Self::RejectResolution => "reject-resolution",
            Self::ReopenCase => "reopen-case",
            Self::EnforceDeadline => "enforce-deadline",
            Self::RecordStatement => "record-statement",
            Self::RequestExemption => "request-exemption",
            Self::ApproveExemption => "approve-exemption",
            Self::RevokeExemption => "revoke-exemption",
            Self::RecordUse => "record-use",
            Self::RecordFindings => "record-findings",
            Self::DeleteFindings => "delete-findings",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a person stands to what the act is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Wrote or committed some of the content.
    Author,
    /// Gains by the outcome: a beneficiary of the exemption that the content came from or that is asked for.
    Beneficiary,
    /// Is who the motion is about.
    Subject,
    /// Proposed the motion or the resolution at hand.
    Proposer,
    /// Asked for the exemption.
    Requester,
    /// Agreed already.
    Agreed,
    /// Holds the claim on the case.
    Claimant,
}

impl Relation {
    /// All relations.
    pub const ALL: [Self; 7] = [
        Self::Author,
        Self::Beneficiary,
        Self::Subject,
        Self::Proposer,
        Self::Requester,
        Self::Agreed,
        Self::Claimant,
    ];

    /// Returns the word, as policies write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Beneficiary => "beneficiary",
            Self::Subject => "subject",
            Self::Proposer => "proposer",
            Self::Requester => "requester",
            Self::Agreed => "agreed",
            Self::Claimant => "claimant",
        }
    }
}

/// What an act or a motion is about, as far as it matters to who may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Affair {
    /// A case whose resolution frees the content: cleared.
    Clearing,
    /// A case whose resolution keeps the content out: removed, kept held, labelled.
    KeepingOut,
    /// A held content, or a case without a resolution at hand.
    Held,
    /// An exemption.
    Exemption,
    /// Who is admitted and which roles people hold.
    People,
    /// The policy.
    Policy,
    /// Content that is to be destroyed.
    Destruction,
    /// A person who is to be forgotten.
    Forgetting,
    /// Who is behind a pseudonym in a report of calls.
    Revealing,
    /// What logs show of calls to banned services.
    Traffic,
}

impl Affair {
    /// All affairs.
    pub const ALL: [Self; 10] = [
        Self::Clearing,
        Self::KeepingOut,
        Self::Held,
        Self::Exemption,
        Self::People,
        Self::Policy,
        Self::Destruction,
        Self::Forgetting,
        Self::Revealing,
        Self::Traffic,
    ];

    /// Returns the word, as policies write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clearing => "clearing",
            Self::KeepingOut => "keeping-out",
            Self::Held => "held",
            Self::Exemption => "exemption",
            Self::People => "people",
            Self::Policy => "policy",
            Self::Destruction => "destruction",
            Self::Forgetting => "forgetting",
            Self::Revealing => "revealing",
            Self::Traffic => "traffic",
        }
    }
}

/// May this person do this? All that a policy may decide by, and nothing that names anybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// What is to be done.
    pub action: Action,
    /// What it is about.
    pub affair: Affair,
    /// The roles that the person holds.
    pub roles: BTreeSet<PersonRole>,
    /// How the person stands to it.
    pub relations: BTreeSet<Relation>,
}

/// What is answered. Anything but a clear yes is a no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The person may.
    Allowed,
    /// The person may not.
    Denied {
        /// What would have to be otherwise, each in plain words ("a person who did not write the content"); never
        /// empty.
        unmet: Vec<String>,
        /// Whether a policy could not be evaluated: then nothing is allowed, whatever the others say.
        failed: bool,
    },
}

/// Whoever answers such questions: a pure function of the question.
pub trait Authority {
    /// Answers.
    fn rule(&self, ask: &Ask) -> Ruling;
}
