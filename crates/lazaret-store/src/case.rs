//! Cases: the human side of held content. One for each content or for a group that shares a cause.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{
    Affair, DetectorId, Digest, Directness, IdentityId, PersonId, RemarkId, Strength, ToolId,
};
use serde::{Deserialize, Serialize};

use crate::exemption::ExemptionId;

/// How long a claim keeps others away.
const CLAIM_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A case, named by the number of the entry that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub u64);

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C{}", self.0)
    }
}

/// What the contents of a case have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// What kind of cause it is.
    pub kind: CauseKind,
    /// Its name: a commit, a session, the digest of a text that was copied, a shard.
    pub name: String,
}

/// What kind of thing contents have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// One commit wrote them.
    Commit,
    /// One session of a tool wrote them.
    Session,
    /// They are copies of one text.
    CopyFamily,
    /// They lie in one shard.
    Shard,
    /// The content itself.
    Content,
}

impl CauseKind {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Session => "session",
            Self::CopyFamily => "copy-family",
            Self::Shard => "shard",
            Self::Content => "content",
        }
    }
}

/// One taint that stands against the contents of a case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseEvidence {
    /// The digest of the evidence as the report or the bundle states it.
    pub evidence: Digest,
    /// The detector.
    pub detector: DetectorId,
    /// The tool, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolId>,
    /// How the taint is known.
    pub strength: Strength,
    /// Whether the tool left the text so, or a later edit replaced it.
    pub directness: Directness,
}

/// Why content is cleared. A closed list: what fits none of them is not cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Justification {
    /// It was there before any banned tool was.
    PredatesAllBannedTools,
    /// The same bytes are in a public record that is dated before any banned tool.
    IdenticalToDatedPublicBlob,
    /// An approved tool signed for having made it.
    ApprovedToolReceipt,
    /// Somebody was seen writing it.
    ObservedAuthoring,
    /// Its author signed a statement.
    AuthorAttested,
    /// It was written anew by people who had not seen what it replaces.
    CleanRoomRewrite,
    /// A recorded mechanical step made it from clean content.
    MechanicalTransformOfClean,
    /// It is too small to carry anybody's expression.
    BelowThreshold,
    /// The detectors were wrong, and each refutation says how.
    DetectorFalsePositive,
}

impl Justification {
    /// All justifications.
    pub const ALL: [Self; 9] = [
        Self::PredatesAllBannedTools,
        Self::IdenticalToDatedPublicBlob,
        Self::ApprovedToolReceipt,
        Self::ObservedAuthoring,
        Self::AuthorAttested,
        Self::CleanRoomRewrite,
        Self::MechanicalTransformOfClean,
        Self::BelowThreshold,
        Self::DetectorFalsePositive,
    ];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PredatesAllBannedTools => "predates-all-banned-tools",
            Self::IdenticalToDatedPublicBlob => "identical-to-dated-public-blob",
            Self::ApprovedToolReceipt => "approved-tool-receipt",
            Self::ObservedAuthoring => "observed-authoring",
            Self::AuthorAttested => "author-attested",
            Self::CleanRoomRewrite => "clean-room-rewrite",
            Self::MechanicalTransformOfClean => "mechanical-transform-of-clean",
            Self::BelowThreshold => "below-threshold",
            Self::DetectorFalsePositive => "detector-false-positive",
        }
    }

    /// Whether it rests on a statement that somebody made, which the clearing then names.
    #[must_use]
    pub fn rests_on_statement(self) -> bool {
        match self {
            Self::IdenticalToDatedPublicBlob | Self::ApprovedToolReceipt | Self::AuthorAttested => true,
            Self::PredatesAllBannedTools
            | Self::ObservedAuthoring
            | Self::CleanRoomRewrite
            | Self::MechanicalTransformOfClean
            | Self::BelowThreshold
            | Self::DetectorFalsePositive => false,
        }
    }

    /// Returns how it can be wrong, for who is about to use it.
    #[must_use]
    pub fn caution(self) -> &'static str {
        match self {
            Self::PredatesAllBannedTools => "a date in a commit is its writer's choice; name who saw it then",
            Self::IdenticalToDatedPublicBlob => {
                "SHA-1 names can be made to collide; compare the size and SHA-256"
            }
            Self::ApprovedToolReceipt => "a stolen key signs as well, and pasted text can be fed in as input",
            Self::ObservedAuthoring => "who was seen typing may have typed what a tool had written",
            Self::AuthorAttested => {
                "people err and lie; the worth of a statement is that somebody answers for it"
            }
            Self::CleanRoomRewrite => "who has read the old text remembers it",
            Self::MechanicalTransformOfClean => {
                "the step must be recorded with its input, and the input be clean"
            }
            Self::BelowThreshold => "many small pieces of one text are one large piece",
            Self::DetectorFalsePositive => "absence of a good mark is no proof of clean origin",
        }
    }
}

/// Why one taint does not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refuted {
    /// The mark is quoted or discussed, and not meant.
    MarkQuoted,
    /// The tool did not write: it reviewed, found or wrote about it.
    NotAuthoring,
    /// The line is not the marked commit's, or the match is of other text.
    WrongAttribution,
    /// The text is older than the tool's writing.
    OlderText,
    /// People wrote the span anew.
    Rewritten,
    /// The text is everybody's: a licence, boilerplate, generated by a plain program.
    CommonText,
    /// The tool or the model is approved.
    Approved,
    /// The mark was forged.
    Forged,
}

impl Refuted {
    /// All refutations.
    pub const ALL: [Self; 8] = [
        Self::MarkQuoted,
        Self::NotAuthoring,
        Self::WrongAttribution,
        Self::OlderText,
        Self::Rewritten,
        Self::CommonText,
        Self::Approved,
        Self::Forged,
    ];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MarkQuoted => "mark-quoted",
            Self::NotAuthoring => "not-authoring",
            Self::WrongAttribution => "wrong-attribution",
            Self::OlderText => "older-text",
            Self::Rewritten => "rewritten",
            Self::CommonText => "common-text",
            Self::Approved => "approved",
            Self::Forged => "forged",
        }
    }
}

/// One taint that does not stand, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refutation {
    /// The evidence.
    pub evidence: Digest,
    /// Why it does not stand.
    pub refuted: Refuted,
}

/// What changed in a content since a version that had been cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// The content.
    pub content: Digest,
    /// The version that had been cleared.
    pub base: Digest,
    /// How many lines of the content are not the version's.
    pub lines: u64,
}

/// How a case ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "resolution", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Resolution {
    /// The content is clean: each taint is named and refuted.
    Cleared {
        /// Why it is clean.
        justification: Justification,
        /// Why each taint does not stand.
        refutations: BTreeSet<Refutation>,
        /// Statements that support it.
        statements: BTreeSet<Digest>,
        /// Where people read only what changed since versions that had been cleared: the difference of each content of
        /// the case. The clearing stands as long as those of these versions do.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        deltas: BTreeSet<Delta>,
    },
    /// The content is taken out of its source; its hash stays as a tombstone.
    Removed,
    /// The content stays where it is held.
    KeptHeld,
    /// The content stays in use under an exemption, tainted and labelled with it.
    ExemptLabelled {
        /// The exemption.
        exemption: ExemptionId,
    },
}

impl Resolution {
    /// Returns the word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Cleared { .. } => "cleared",
            Self::Removed => "removed",
            Self::KeptHeld => "kept-held",
            Self::ExemptLabelled { .. } => "exempt-labelled",
        }
    }

    /// Returns the name of all that it says: the SHA-256 of its JSON as entries have it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Every part of it has a form in JSON, so that nothing but equal resolutions have the bytes of another.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Returns what changed since versions that had been cleared, where only that was read.
    #[must_use]
    pub fn deltas(&self) -> Option<&BTreeSet<Delta>> {
        match self {
            Self::Cleared { deltas, .. } if !deltas.is_empty() => Some(deltas),
            Self::Cleared { .. } | Self::Removed | Self::KeptHeld | Self::ExemptLabelled { .. } => None,
        }
    }

    /// Whether it lets the content out of the vault.
    #[must_use]
    pub fn frees(&self) -> bool {
        match self {
            Self::Cleared { .. } | Self::ExemptLabelled { .. } => true,
            Self::Removed | Self::KeptHeld => false,
        }
    }

    /// Returns what kind of affair it is, for the question who may decide it.
    #[must_use]
    pub fn affair(&self) -> Affair {
        if self.frees() { Affair::Clearing } else { Affair::KeepingOut }
    }
}

/// What somebody proposed, or what the policy's deadline did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// How the case would end.
    pub resolution: Resolution,
    /// Who proposed it; nobody, where the deadline did.
    pub proposer: Option<PersonId>,
    /// When.
    pub time: Timestamp,
    /// Why, in the proposer's words.
    pub remark: Option<RemarkId>,
    /// Who agreed since.
    pub agreed: BTreeSet<PersonId>,
}

/// What was decided, about what, by whom, and under what. It stands as long as all of this does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// How the case ended.
    pub resolution: Resolution,
    /// Who decided it.
    pub people: BTreeSet<PersonId>,
    /// When.
    pub time: Timestamp,
    /// The contents that it is about.
    pub contents: Digest,
    /// The evidence that was looked at.
    pub evidence: Digest,
    /// The policy it was decided under.
    pub policy: Digest,
    /// The catalog that the evidence was made with.
    pub catalog: Digest,
}

/// Why a decided case is open again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Returned {
    /// Content was added to it.
    ContentChanged,
    /// A scan found other evidence.
    EvidenceChanged,
    /// A scan was made with another catalog.
    CatalogChanged,
    /// The policy changed.
    PolicyChanged,
    /// Removed content was found again.
    CameBack,
    /// Somebody asked for it.
    OnRequest,
}

impl Returned {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContentChanged => "content changed",
            Self::EvidenceChanged => "evidence changed",
            Self::CatalogChanged => "catalog changed",
            Self::PolicyChanged => "policy changed",
            Self::CameBack => "came back",
            Self::OnRequest => "on request",
        }
    }
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name.
    pub case: CaseId,
    /// What its contents have in common.
    pub cause: Cause,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it is overdue.
    pub due: Timestamp,
    /// How many contents it has.
    pub count: u64,
    /// How many lines they have.
    pub lines: u64,
    /// The chain of the digests of its contents, in the order in which they came.
    pub contents: Digest,
    /// What stands against them.
    pub evidence: BTreeSet<CaseEvidence>,
    /// The catalog that the evidence was made with.
    pub catalog: Digest,
    /// Who wrote or committed them: these clear nothing of it.
    pub shaped_by: BTreeSet<IdentityId>,
    /// Who looks at it, and since when.
    pub claim: Option<(PersonId, Timestamp)>,
    /// What is proposed.
    pub proposal: Option<Proposal>,
    /// What was decided last.
    pub decision: Option<Decision>,
    /// Why the decision no longer stands, where something has overturned it.
    pub returned: Option<Returned>,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseStatus {
    /// Nobody looks at it.
    Open,
    /// Somebody looks at it.
    Claimed,
    /// A resolution is proposed.
    Proposed,
    /// It is decided, and the decision stands.
    Decided,
    /// It was decided, and the decision no longer stands.
    Reopened,
}

impl CaseStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Open, Self::Claimed, Self::Proposed, Self::Decided, Self::Reopened];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed => "claimed",
            Self::Proposed => "proposed",
            Self::Decided => "decided",
            Self::Reopened => "reopened",
        }
    }
}

impl Case {
    /// Returns where it stands. A decision that frees content does not outlive the policy it was made under.
    #[must_use]
    pub fn status(&self, policy: Digest) -> CaseStatus {
        self.status_by(self.standing(policy).is_some())
    }

    /// Returns where it stands as long as the policy does not change.
    pub(crate) fn own_status(&self) -> CaseStatus {
        self.status_by(self.own_decision().is_some())
    }

    fn status_by(&self, stands: bool) -> CaseStatus {
        if self.proposal.is_some() {
            CaseStatus::Proposed
        } else if stands {
            CaseStatus::Decided
        } else if self.claim.is_some() {
            CaseStatus::Claimed
        } else if self.decision.is_some() {
            CaseStatus::Reopened
        } else {
            CaseStatus::Open
        }
    }

    /// Returns the decision if it stands: about these contents, this evidence, this catalog and, where it frees
    /// content, under this policy.
    #[must_use]
    pub fn standing(&self, policy: Digest) -> Option<&Decision> {
        self.own_decision().filter(|decision| !decision.resolution.frees() || decision.policy == policy)
    }

    /// Returns the decision if it stands as long as the policy does not change.
    pub(crate) fn own_decision(&self) -> Option<&Decision> {
        let decision = self.decision.as_ref().filter(|_| self.returned.is_none())?;
        let of_these = decision.contents == self.contents
            && decision.evidence == self.evidence_digest()
            && decision.catalog == self.catalog;
        of_these.then_some(decision)
    }

    /// Returns who has claimed it, while the claim lasts.
    #[must_use]
    pub fn claimant(&self, now: Timestamp) -> Option<PersonId> {
        let (person, since) = self.claim?;
        let until = since.saturating_add(CLAIM_LASTS).unwrap_or(Timestamp::MAX);
        (now < until).then_some(person)
    }

    /// Returns the digest of all that stands against the contents.
    #[must_use]
    pub fn evidence_digest(&self) -> Digest {
        let ids = self.evidence.iter().map(|evidence| evidence.evidence.as_bytes().as_slice());
        Digest::of_parts(ids)
    }

    /// Returns the taints that a clearing does not name.
    #[must_use]
    pub fn unrefuted(&self, refutations: &BTreeSet<Refutation>) -> Vec<Digest> {
        let named: BTreeSet<Digest> = refutations.iter().map(|refutation| refutation.evidence).collect();
        self.evidence.iter().map(|one| one.evidence).filter(|one| !named.contains(one)).collect()
    }

    /// Adds a content.
    pub(crate) fn add(&mut self, content: Digest, lines: u64) {
        self.contents = Digest::of_parts([self.contents.as_bytes().as_slice(), content.as_bytes()]);
        self.count += 1;
        self.lines = self.lines.saturating_add(lines);
    }

    /// Opens the case again.
    pub(crate) fn reopen(&mut self, why: Returned, due: Timestamp) {
        self.claim = None;
        self.proposal = None;
        if self.decision.is_some() {
            self.returned = Some(why);
        }
        self.due = due;
    }
}
