//! What a store holds and what people decided about it, at one moment: what scans, gates and exports judge by besides.
//!
//! All of it comes from the entries of the ledger, done again one by one; no row of the database is believed. Nothing
//! here is a rule: whether a review clears anything is for the judge to say.

use std::collections::BTreeSet;

use lazaret_core::{Digest, Evidence, ObjectId, Proof, ToolId};
use lazaret_evidence::surroundings;
use lazaret_fingerprint::SegmentError;
use lazaret_policy::{Review, Rules};
use lazaret_store::{
    Aggregate, Case, CaseId, CaseStatus, Exemption, ExemptionId, Hold, Key, Replay, Resolution,
    SnapshotError, Statement,
};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::house::{House, HouseError};

mod delta;
mod near;

pub use near::FingerprintError;

use near::Tombstones;

/// The word for a decision to clear that stands.
const CLEARED: &str = "cleared";

/// What a store could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum HoldingsError {
    /// The store cannot be read.
    #[error(transparent)]
    House(#[from] HouseError),
    /// What it keeps of removed content cannot be used.
    #[error("what the store `{store}` keeps of removed content cannot be used")]
    Fingerprint {
        /// Where the store lies.
        store: String,
        /// Why not.
        #[source]
        source: Box<FingerprintError>,
    },
    /// Its ledger does not verify, or cannot be read.
    #[error("what the store `{store}` holds cannot be told")]
    Snapshot {
        /// Where the store lies.
        store: String,
        /// Why not.
        #[source]
        source: SnapshotError,
    },
}

impl HoldingsError {
    /// Whether the ledger says something that cannot be.
    #[must_use]
    pub fn is_of_the_ledger(&self) -> bool {
        matches!(self, Self::Snapshot { source: SnapshotError::Entry(_) | SnapshotError::Head { .. }, .. })
    }
}

/// What a store holds, by content.
#[derive(Debug)]
pub struct Holdings {
    store: String,
    size: u64,
    root: Digest,
    by_content: FxHashMap<Digest, Holding>,
    by_blob: FxHashMap<ObjectId, Digest>,
    tombstones: Tombstones,
    /// How many removed contents no fingerprint was kept of.
    n_unrecognisable: u64,
}

/// One held content, and where its case stands.
#[derive(Debug, Clone)]
pub struct Holding {
    case: CaseId,
    standing: Standing,
}

/// What holds of a content by what people decided.
#[derive(Debug, Clone)]
enum Standing {
    /// Nothing is decided, or what was decided does not stand any more.
    Open { why: String },
    /// It was cleared: under what, by how many, and which taints were refuted. Where people read only what changed since
    /// versions that had been cleared, how many lines that was, back to the last one that was read whole.
    Cleared {
        people: u32,
        policy: Digest,
        catalog: Digest,
        refuted: BTreeSet<Digest>,
        delta_lines: Option<u64>,
    },
    /// It stays where it is held.
    KeptHeld,
    /// It was to be taken out of its source: whatever became of the decision since, here it is again.
    Removed,
    /// It stays in use under an exemption.
    ExemptLabelled { exemption: ExemptionId, tools: Vec<ToolId>, purpose: Option<&'static str> },
}

/// The state of the ledger whose decisions were taken into account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LedgerEntry {
    /// `ledger:`, the store's name, and how many entries there were.
    pub name: String,
    /// The root of the tree over them.
    pub root: Digest,
    /// How many removed contents are known by their very bytes alone: copies of them are not found.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub removed_without_fingerprint: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What the store says of a content, as reports tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CaseEntry {
    /// The case, such as `C12`.
    pub case: String,
    /// Where it stands: `cleared`, `open`, `kept-held`, `removed` or `exempt-labelled`; `removed-copy` where it is not
    /// held, and is a copy of what was to be removed.
    pub standing: String,
    /// The exemption that the content is labelled with, such as `E5`: it stays what it is held to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<String>,
    /// What that means here, for people: why a decision does not stand, what a label is for.
    pub why: String,
}

impl Holdings {
    /// Takes what a store holds from its ledger.
    ///
    /// # Errors
    /// [`HoldingsError`]: what cannot be read or does not verify is no store that holds nothing.
    pub async fn of(house: &House) -> Result<Self, HoldingsError> {
        let duties = house.all_duties().await?;
        let failed = |source| HoldingsError::Snapshot { store: house.place().to_string(), source };
        let (replay, root) = house.store.snapshot(&duties).await.map_err(failed)?;
        let charter = replay.charter().unwrap_or(&house.charter);
        let mut holdings = Self {
            store: charter.name.clone(),
            size: replay.size(),
            root,
            by_content: FxHashMap::default(),
            by_blob: FxHashMap::default(),
            tombstones: Tombstones::default(),
            n_unrecognisable: 0,
        };
        let policy = charter.basis.policy;
        for (_, row, _) in replay.rows() {
            let Aggregate::Hold(hold) = row else { continue };
            holdings.add(hold, &replay, policy);
        }
        let mut kept = Vec::new();
        for (document, content) in holdings.fingerprints(&replay) {
            kept.push((document, content, house.document(document).await?));
        }
        let known: BTreeSet<Digest> = kept.iter().map(|(_, content, _)| *content).collect();
        let removed = holdings.by_content.iter().filter(|(_, holding)| holding.is_removed());
        holdings.n_unrecognisable = removed.filter(|(content, _)| !known.contains(*content)).count() as u64;
        let failed = |source| HoldingsError::Fingerprint {
            store: house.place().to_string(),
            source: Box::new(source),
        };
        holdings.tombstones = Tombstones::of(kept).map_err(failed)?;
        Ok(holdings)
    }

    /// Returns the fingerprints of removed content that were kept: their documents, and whose they are.
    fn fingerprints(&self, replay: &Replay<'_>) -> Vec<(Digest, Digest)> {
        let kept = replay.rows().filter_map(|(_, row, _)| {
            let Aggregate::Statement(statement) = row else { return None };
            (statement.kind == Statement::FINGERPRINT).then_some(statement)
        });
        let removed = |content: &&Digest| self.by_content.get(*content).is_some_and(Holding::is_removed);
        kept.filter_map(|statement| Some((statement.document, *statement.contents.iter().find(removed)?)))
            .collect()
    }

    /// Returns how many removed contents no fingerprint was kept of, because they are no text, too short, too large or a
    /// whole shard: only their very bytes are known again.
    #[must_use]
    pub fn n_unrecognisable(&self) -> u64 {
        self.n_unrecognisable
    }

    /// Whether something was removed that could come back as a copy.
    pub(crate) fn knows_copies(&self) -> bool {
        !self.tombstones.is_empty()
    }

    /// Says of which removed content a text is a copy that is not held itself.
    ///
    /// # Errors
    /// [`SegmentError`] where that cannot be said.
    pub(crate) fn copied(&self, text: &[u8]) -> Result<Option<CaseEntry>, SegmentError> {
        let Some(near) = self.tombstones.near(text)? else { return Ok(None) };
        let Some(holding) = self.by_content.get(&near.content) else { return Ok(None) };
        let why =
            format!("{} of it are those of {}, which was to be removed", counted(near.lines), near.content);
        Ok(Some(CaseEntry {
            case: holding.case.to_string(),
            standing: "removed-copy".to_owned(),
            exemption: None,
            why,
        }))
    }

    fn add(&mut self, hold: &Hold, replay: &Replay<'_>, policy: Digest) {
        let Some((Aggregate::Case(case), _)) = replay.row(Key::Case(hold.case)) else { return };
        let exemption = |id| match replay.row(Key::Exemption(id)) {
            Some((Aggregate::Exemption(exemption), _)) => Some(exemption),
            Some(_) | None => None,
        };
        let mut standing = Standing::of(case, policy, exemption);
        if let Standing::Cleared { delta_lines, .. } = &mut standing {
            match delta::lines(hold, case, replay, policy) {
                Ok(lines) => *delta_lines = lines,
                Err(why) => standing = Standing::Open { why },
            }
        }
        self.by_content.insert(hold.content, Holding { case: hold.case, standing });
        if let Some(blob) = hold.blob {
            self.by_blob.insert(blob, hold.content);
        }
    }

    /// Returns the name and the digest of the state that this is, as receipts name it: the ledger, how many entries it
    /// had, and the root of the tree over them, which its checkpoint of that size signs.
    #[must_use]
    pub fn named(&self) -> (String, Digest) {
        (format!("ledger:{}@{}", self.store, self.size), self.root)
    }

    /// Returns the same as reports tell it.
    pub(crate) fn ledger(&self) -> LedgerEntry {
        let (name, root) = self.named();
        LedgerEntry { name, root, removed_without_fingerprint: self.n_unrecognisable }
    }

    /// Returns what is held of a content, by the SHA-256 of its bytes.
    #[must_use]
    pub fn get(&self, content: Digest) -> Option<&Holding> {
        self.by_content.get(&content)
    }

    /// Whether a content of that name in git may be held: its bytes have to be asked for.
    #[must_use]
    pub fn may_hold(&self, blob: &ObjectId) -> bool {
        self.by_blob.contains_key(blob)
    }

    /// Brings a review up for the judge: a claim is added to the evidence, with the places of the taints that it
    /// refutes. `commits` names the commit of each claim that one stands behind.
    pub(crate) fn review(
        &self,
        holding: &Holding,
        evidence: &mut Vec<Evidence>,
        commit: impl Fn(usize) -> Option<ObjectId>,
    ) -> Option<Review> {
        let Standing::Cleared { people, policy, catalog, delta_lines, .. } = &holding.standing else {
            return None;
        };
        let refutes = holding.refutes(evidence, commit);
        let (case, proof) = (holding.case.to_string(), evidence.len());
        let read = delta_lines.map_or_else(String::new, |lines| {
            format!(", who read the {} that changed since a cleared version", counted(lines))
        });
        let why = format!("case {case} of {}, cleared by {people} people{read}", self.store);
        let (people, policy, catalog, delta_lines) = (*people, *policy, *catalog, *delta_lines);
        let review = Proof::Reviewed { case, people, policy, catalog, delta_lines };
        evidence.push(surroundings::review(review, why));
        Some(Review { proof, refutes })
    }

    /// Returns why a record of these bytes is not admitted, whatever its text says; `None` where people cleared it and
    /// that stands against what was found now.
    pub(crate) fn withheld(
        &self,
        holding: &Holding,
        evidence: &[Evidence],
        review: Option<&Review>,
        rules: &Rules,
    ) -> Option<&'static str> {
        match holding.standing {
            Standing::Cleared { .. } => {
                let stands = self.entry(holding, evidence, review, rules).standing == CLEARED;
                (!stands).then_some("held-content")
            }
            Standing::Open { .. } | Standing::KeptHeld => Some("held-content"),
            Standing::Removed => Some("removed-content"),
            Standing::ExemptLabelled { .. } => Some("exempt-labelled"),
        }
    }

    /// Says what the store holds of a content, and whether a clearing stands against what was found now.
    pub(crate) fn entry(
        &self,
        holding: &Holding,
        evidence: &[Evidence],
        review: Option<&Review>,
        rules: &Rules,
    ) -> CaseEntry {
        let (standing, why) = match &holding.standing {
            Standing::Open { why } => ("open", why.clone()),
            Standing::KeptHeld => ("kept-held", "people decided that it stays held".to_owned()),
            Standing::Removed => ("removed", "people decided that it is removed, and here it is".to_owned()),
            Standing::ExemptLabelled { tools, purpose, .. } => {
                let tools: Vec<&str> = tools.iter().map(ToolId::as_str).collect();
                let purpose = purpose.unwrap_or("a purpose");
                let why = format!("made with {} for {purpose}; it is never admitted", tools.join(", "));
                ("exempt-labelled", why)
            }
            Standing::Cleared { people, policy, catalog, delta_lines, .. } => {
                let counts = |claim: &Evidence| {
                    claim.taint().is_some_and(|taint| taint.role.writes() && rules.bans(taint))
                };
                let refutes = |place: &usize| review.is_some_and(|review| review.refutes.contains(place));
                let new =
                    evidence.iter().enumerate().filter(|(place, claim)| counts(claim) && !refutes(place));
                if let Some(lines) = delta_lines.filter(|lines| !rules.accepts_delta(*lines)) {
                    let why = "the policy does not accept that people read only what changed";
                    return CaseEntry::open(holding.case, format!("{why}: {}", counted(lines)));
                }
                match (*policy == rules.policy_digest(), *catalog == rules.catalog_digest(), new.count()) {
                    (false, _, _) => ("open", "it was cleared under another policy".to_owned()),
                    (true, false, _) => ("open", "it was cleared with another catalog".to_owned()),
                    (true, true, 0) => (CLEARED, format!("cleared by {people} people")),
                    (true, true, 1) => ("open", "a taint stands against it that was not refuted".to_owned()),
                    (true, true, n) => ("open", format!("{n} taints stand against it that were not refuted")),
                }
            }
        };
        let exemption = match &holding.standing {
            Standing::ExemptLabelled { exemption, .. } => Some(exemption.to_string()),
            Standing::Open { .. } | Standing::Cleared { .. } | Standing::KeptHeld | Standing::Removed => None,
        };
        CaseEntry { case: holding.case.to_string(), standing: standing.to_owned(), exemption, why }
    }
}

impl CaseEntry {
    fn open(case: CaseId, why: String) -> Self {
        Self { case: case.to_string(), standing: "open".to_owned(), exemption: None, why }
    }
}

impl Holding {
    fn is_removed(&self) -> bool {
        matches!(self.standing, Standing::Removed)
    }

    /// Returns the places of the taints that people refuted by name.
    pub(crate) fn refutes(
        &self,
        evidence: &[Evidence],
        commit: impl Fn(usize) -> Option<ObjectId>,
    ) -> BTreeSet<usize> {
        let Standing::Cleared { refuted, .. } = &self.standing else { return BTreeSet::new() };
        let named = |(place, claim): (usize, &Evidence)| {
            let name = claim.taint_name(commit(place).as_ref())?;
            refuted.contains(&name).then_some(place)
        };
        evidence.iter().enumerate().filter_map(named).collect()
    }
}

impl Standing {
    fn of<'e>(
        case: &Case,
        policy: Digest,
        exemption: impl FnOnce(ExemptionId) -> Option<&'e Exemption>,
    ) -> Self {
        let status = case.status(policy);
        let Some(decision) = &case.decision else { return Self::Open { why: word(status).to_owned() } };
        if decision.resolution == Resolution::Removed {
            return Self::Removed;
        }
        let stands = case.standing(policy).is_some() && status == CaseStatus::Decided;
        if !stands {
            let why = case.returned.map_or("the policy changed", lazaret_store::Returned::as_str);
            return Self::Open { why: format!("decided, and open again: {why}") };
        }
        match &decision.resolution {
            Resolution::Cleared { refutations, .. } => Self::Cleared {
                people: u32::try_from(decision.people.len()).unwrap_or(u32::MAX),
                policy: decision.policy,
                catalog: decision.catalog,
                refuted: refutations.iter().map(|refutation| refutation.evidence).collect(),
                delta_lines: None,
            },
            Resolution::ExemptLabelled { exemption: id } => {
                let request = exemption(*id).map(|exemption| &exemption.request);
                Self::ExemptLabelled {
                    exemption: *id,
                    tools: request.into_iter().flat_map(|request| request.tools.iter().cloned()).collect(),
                    purpose: request.map(|request| request.purpose.as_str()),
                }
            }
            Resolution::KeptHeld => Self::KeptHeld,
            Resolution::Removed => Self::Removed,
        }
    }
}

fn counted(lines: u64) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}

fn word(status: CaseStatus) -> &'static str {
    match status {
        CaseStatus::Open | CaseStatus::Reopened => "nobody has looked at it",
        CaseStatus::Claimed => "somebody looks at it",
        CaseStatus::Proposed => "an end is proposed and not decided",
        CaseStatus::Decided => "decided",
    }
}
