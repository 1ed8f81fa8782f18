//! Holds what a gate held: its records, each with what stands against it, and whole shards.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use lazaret_core::{Digest, Verdict};
use lazaret_store::{
    Act, Aggregate, CaseEvidence, CaseId, Cause, CauseKind, ContentKind, Custody, HeldContent, Key, Place,
};

use super::finds::unknown_author;
use super::{Find, HOLD_FORMAT, HoldReport, Left, Quarantine, QuarantineError};
use crate::digest::digest_of_file;
use crate::gate::{HeldError, HeldRecord, HeldRun};

/// What a gate held could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum HoldRecordsError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] HeldError),
    /// It could not be held.
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
}

/// A whole shard that is to be held.
#[derive(Debug, Clone)]
pub struct WholeShard {
    /// The file.
    pub path: PathBuf,
    /// The data set, as places name it.
    pub dataset: String,
}

impl Quarantine<'_> {
    /// Holds the records that a gate held and that are at least as bad as `worst`: a case for each commit that marks
    /// come from, and one for each shard where no commit is known. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`HoldRecordsError`]; what was done until then stays done, and doing it again goes on from there.
    pub async fn hold_records(&self, run: &HeldRun, worst: Verdict) -> Result<HoldReport, HoldRecordsError> {
        let mut report = HoldReport { format: HOLD_FORMAT, ..HoldReport::default() };
        let mut opened = BTreeMap::new();
        for name in run.unexplained() {
            let why = "the reasons beside it are gone, so that nothing is known of its records".to_owned();
            report.left.push(Left { path: name.clone(), why });
        }
        for name in run.shards() {
            let mut shard = run.shard(name)?;
            let origin = run.origin(name);
            let mut n_unnamed = 0_u64;
            while let Some(records) = shard.next()? {
                let bad = records.into_iter().filter(|record| {
                    record.verdict.map_or(worst == Verdict::Clean, |verdict| verdict >= worst)
                });
                // Without its taints a case would have nothing to refute.
                let (bad, unnamed): (Vec<_>, Vec<_>) = bad.partition(|record| {
                    record.verdict != Some(Verdict::Tainted) || !record.taints.is_empty()
                });
                n_unnamed += unnamed.len() as u64;
                let found = bad.into_iter().map(|record| find(record, &origin)).collect();
                self.hold_more(found, run.catalog(), &mut opened, &mut report).await?;
            }
            if n_unnamed > 0 {
                let why = format!(
                    "{n_unnamed} of its records are tainted, and the reasons do not name by what; gate them again"
                );
                report.left.push(Left { path: name.clone(), why });
            }
            let without = shard.without_bytes();
            if without > 0 {
                let why = format!("{without} of its records have no text to hold; hold the shard as a whole");
                report.left.push(Left { path: name.clone(), why });
            }
        }
        Ok(report)
    }

    /// Holds a whole file of records as one content, in a case of its own. It is read twice: for its name, and to be
    /// sealed.
    ///
    /// # Errors
    /// [`QuarantineError`]; what was done until then stays done, and doing it again goes on from there.
    pub async fn hold_shard(
        &self,
        shard: &WholeShard,
        catalog: Digest,
    ) -> Result<HoldReport, QuarantineError> {
        let mut report = HoldReport { format: HOLD_FORMAT, ..HoldReport::default() };
        let path = &shard.path;
        let content = digest_of_file(path).map_err(unreadable(path))?;
        let bytes = std::fs::metadata(path).map_err(unreadable(path))?.len();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let place = Place { origin: format!("dataset:{}", shard.dataset), path: name.clone(), lines: None };
        match self.held(content).await? {
            Some(hold) => {
                let held = HeldContent { place, ..as_held(content, bytes, &name) };
                self.sight(&bare(held), &hold, &mut report).await?;
            }
            None => {
                let held = HeldContent { place, ..as_held(content, bytes, &name) };
                let author = unknown_author(&content);
                let act = Act::OpenCase {
                    cause: Cause { kind: CauseKind::Shard, name: format!("{}/{name}", shard.dataset) },
                    contents: vec![held],
                    evidence: BTreeSet::new(),
                    catalog,
                    shaped_by: [self.store.name_identity(&author).await?].into(),
                };
                let done = self.store.apply(self.actor, act, self.now).await?;
                report.opened.push(done.seq);
                report.held = 1;
                report.unknown_authors.insert(author);
            }
        }
        if let Some(hold) = self.held(content).await?
            && hold.custody == Custody::InPlace
        {
            let file = tokio::fs::File::open(path).await.map_err(unreadable(path))?;
            self.seal_from(file, &hold).await?;
            report.sealed = 1;
        }
        Ok(report)
    }

    /// Holds more of what belongs together: cases that were opened before for the same cause take it in.
    async fn hold_more(
        &self,
        found: Vec<Find>,
        catalog: Digest,
        opened: &mut BTreeMap<Cause, CaseId>,
        report: &mut HoldReport,
    ) -> Result<(), QuarantineError> {
        for (cause, group) in super::by_cause(found) {
            let known = opened.get(&cause).copied();
            let evidence: BTreeSet<CaseEvidence> =
                group.iter().flat_map(|find| find.evidence.iter().cloned()).collect();
            let n_opened = report.opened.len();
            self.hold_group(cause.clone(), group, catalog, known, report).await?;
            match known {
                // A case that takes contents in has to know what stands against them as well.
                Some(case) => self.reassess(case, &evidence, catalog, report).await?,
                None => {
                    if let Some(case) = report.opened.get(n_opened) {
                        opened.insert(cause, CaseId(*case));
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the case that holds a content.
    ///
    /// # Errors
    /// [`QuarantineError`] when the store cannot be read.
    pub async fn case_of(&self, content: Digest) -> Result<Option<CaseId>, QuarantineError> {
        match self.store.get(Key::Hold(content)).await? {
            Some(Aggregate::Hold(hold)) => Ok(Some(hold.case)),
            Some(_) | None => Ok(None),
        }
    }
}

fn find(record: HeldRecord, origin: &str) -> Find {
    let HeldRecord { sha256, text, path, taints, verdict: _ } = record;
    let mut commits = BTreeMap::new();
    for commit in taints.iter().filter_map(|taint| taint.commit) {
        *commits.entry(commit).or_insert(0_u64) += 1;
    }
    let cause = match commits.into_iter().max_by_key(|(_, taints)| *taints) {
        Some((commit, _)) => Cause { kind: CauseKind::Commit, name: commit.to_string() },
        None => Cause { kind: CauseKind::Shard, name: origin.to_owned() },
    };
    let evidence = taints.into_iter().map(|taint| CaseEvidence {
        evidence: taint.name,
        detector: taint.detector,
        tool: taint.tool,
        strength: taint.strength,
        directness: taint.directness,
    });
    let lines = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
    Find {
        held: HeldContent {
            content: sha256,
            blob: None,
            kind: ContentKind::Record,
            bytes: text.len() as u64,
            lines,
            place: Place { origin: origin.to_owned(), path, lines: None },
        },
        cause,
        evidence: evidence.collect(),
        authors: [unknown_author(&sha256)].into(),
        bytes: text,
    }
}

fn as_held(content: Digest, bytes: u64, name: &str) -> HeldContent {
    let place = Place { origin: String::new(), path: name.to_owned(), lines: None };
    HeldContent { content, blob: None, kind: ContentKind::Shard, bytes, lines: 0, place }
}

/// A content that is held already, found again.
fn bare(held: HeldContent) -> Find {
    Find {
        cause: Cause { kind: CauseKind::Shard, name: held.place.path.clone() },
        held,
        bytes: Vec::new(),
        evidence: BTreeSet::new(),
        authors: BTreeSet::new(),
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> QuarantineError + '_ {
    |source| QuarantineError::Read { path: path.display().to_string(), source }
}
