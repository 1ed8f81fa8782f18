//! What people and services do to a store: one entry of the ledger each.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lazaret_core::{Digest, IdentityId, ObjectId, PersonId, PersonRole, RemarkId};
use serde::{Deserialize, Serialize};

use crate::case::{CaseEvidence, CaseId, Cause, Resolution};
use crate::exemption::{ExemptionId, ExemptionRequest};
use crate::finding::{Deleted, LookedAt, NewBatch};
use crate::hold::{ContentKind, Place, ReadPurpose, SealedObject};
use crate::motion::{MotionId, Question};
use crate::person::{Charter, NewPerson};

/// A content that is to be held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldContent {
    /// The SHA-256 of its bytes.
    pub content: Digest,
    /// The name that git gives it, where it is a whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<ObjectId>,
    /// What it is.
    pub kind: ContentKind,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many lines.
    pub lines: u64,
    /// Where it was found.
    pub place: Place,
}

/// One act. What is refused is not recorded; what is recorded was allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// The first entry of every ledger.
    CreateStore {
        /// What it is made as.
        charter: Charter,
        /// Who works with it from the beginning.
        people: Vec<NewPerson>,
    },
    /// Proposes what takes two.
    ProposeMotion {
        /// What is to be done.
        question: Question,
        /// Why.
        remark: Option<RemarkId>,
    },
    /// Seconds what another proposed: it is carried out.
    SecondMotion {
        /// Which.
        motion: MotionId,
    },
    /// Takes a role away.
    RevokeRole {
        /// From whom.
        person: PersonId,
        /// Which.
        role: PersonRole,
    },
    /// Opens a case over held contents.
    OpenCase {
        /// What they have in common.
        cause: Cause,
        /// The contents, each held by no other case.
        contents: Vec<HeldContent>,
        /// What stands against them.
        evidence: BTreeSet<CaseEvidence>,
        /// The catalog that the evidence was made with.
        catalog: Digest,
        /// Who wrote or committed them.
        shaped_by: BTreeSet<IdentityId>,
    },
    /// Adds contents to a case.
    ExtendCase {
        /// Which.
        case: CaseId,
        /// The contents, each held by no other case.
        contents: Vec<HeldContent>,
        /// Who wrote or committed them.
        shaped_by: BTreeSet<IdentityId>,
    },
    /// Says what a later scan found against the contents of a case.
    Reassess {
        /// Which.
        case: CaseId,
        /// What stands against them now.
        evidence: BTreeSet<CaseEvidence>,
        /// The catalog that the evidence was made with.
        catalog: Digest,
    },
    /// Says that held content was found in another place.
    Sight {
        /// The content.
        content: Digest,
        /// Where.
        place: Place,
    },
    /// Puts a content into the vault.
    Seal {
        /// The content.
        content: Digest,
        /// The object in the vault.
        sealed: SealedObject,
    },
    /// Says that a sealed content was taken out of its source.
    Detach {
        /// The content.
        content: Digest,
    },
    /// Gives a content back.
    Restore {
        /// The content.
        content: Digest,
    },
    /// Reads a sealed content.
    ReadSealed {
        /// The content.
        content: Digest,
        /// What for.
        purpose: ReadPurpose,
    },
    /// Claims a case.
    ClaimCase {
        /// Which.
        case: CaseId,
    },
    /// Gives a claimed case back.
    YieldCase {
        /// Which.
        case: CaseId,
    },
    /// Proposes how a case is to end.
    ProposeResolution {
        /// Which.
        case: CaseId,
        /// How.
        resolution: Resolution,
        /// Why.
        remark: Option<RemarkId>,
    },
    /// Agrees with what is proposed.
    AgreeResolution {
        /// Which case.
        case: CaseId,
        /// With what, by [`Resolution::digest`]: where something else is proposed meanwhile, nothing is agreed with. Absent
        /// in entries of earlier versions, and where whatever is proposed is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolution: Option<Digest>,
    },
    /// Turns down what is proposed.
    RejectResolution {
        /// Which case.
        case: CaseId,
        /// Why.
        remark: Option<RemarkId>,
    },
    /// Opens a decided case again.
    ReopenCase {
        /// Which.
        case: CaseId,
        /// Why.
        remark: Option<RemarkId>,
    },
    /// Does to an overdue case what the policy says.
    EnforceDeadline {
        /// Which.
        case: CaseId,
    },
    /// Keeps a statement about contents: an attestation, a receipt, a dated record.
    RecordStatement {
        /// The digest of the document; it lies among the store's documents.
        document: Digest,
        /// What kind of statement it is, by the name of its page.
        kind: String,
        /// The contents it speaks of; none where it speaks of more than fit, and the document lists them.
        contents: BTreeSet<Digest>,
    },
    /// Asks for an exemption.
    RequestExemption(ExemptionRequest),
    /// Approves an exemption.
    ApproveExemption {
        /// Which.
        exemption: ExemptionId,
    },
    /// Revokes an exemption, or turns a request down.
    RevokeExemption {
        /// Which.
        exemption: ExemptionId,
        /// Why.
        remark: Option<RemarkId>,
    },
    /// Says that an exemption was used.
    RecordUse {
        /// Which.
        exemption: ExemptionId,
        /// How often.
        uses: u64,
        /// When last.
        last: Timestamp,
    },
    /// Records what logs show of calls.
    RecordFindings {
        /// The catalog that it was found by.
        catalog: Digest,
        /// How much was read.
        looked_at: LookedAt,
        /// What was found and not recorded before; it lies in rows of its own.
        batches: Vec<NewBatch>,
    },
    /// Deletes all findings whose time is over by the policy.
    DeleteFindings {
        /// What is deleted, once for each class.
        deleted: Vec<Deleted>,
    },
}

impl Act {
    /// Returns the word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::CreateStore { .. } => "create-store",
            Self::ProposeMotion { .. } => "propose-motion",
            Self::SecondMotion { .. } => "second-motion",
            Self::RevokeRole { .. } => "revoke-role",
            Self::OpenCase { .. } => "open-case",
            Self::ExtendCase { .. } => "extend-case",
            Self::Reassess { .. } => "reassess",
            Self::Sight { .. } => "sight",
            Self::Seal { .. } => "seal",
            Self::Detach { .. } => "detach",
            Self::Restore { .. } => "restore",
            Self::ReadSealed { .. } => "read-sealed",
            Self::ClaimCase { .. } => "claim-case",
            Self::YieldCase { .. } => "yield-case",
            Self::ProposeResolution { .. } => "propose-resolution",
            Self::AgreeResolution { .. } => "agree-resolution",
            Self::RejectResolution { .. } => "reject-resolution",
            Self::ReopenCase { .. } => "reopen-case",
            Self::EnforceDeadline { .. } => "enforce-deadline",
            Self::RecordStatement { .. } => "record-statement",
            Self::RequestExemption(_) => "request-exemption",
            Self::ApproveExemption { .. } => "approve-exemption",
            Self::RevokeExemption { .. } => "revoke-exemption",
            Self::RecordUse { .. } => "record-use",
            Self::RecordFindings { .. } => "record-findings",
            Self::DeleteFindings { .. } => "delete-findings",
        }
    }
}
