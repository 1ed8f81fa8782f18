//! One pass of a removal: cuts every file of the plan, writes the commit beside the repository, and scans it.

use lazaret_core::{ObjectId, Span, Verdict};
use lazaret_intake::git::{
    CommitDraft, Draft, ObjectKind, ObjectReader, Repository, TreeEdit, rewrite_tree, write_commit,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::edit::{Edited, KeptLine};
use super::message;
use super::report::{Left, LeftReason, Remaining, RemainingReason, RemovedLines};
use super::selection::{Matter, Plan, Work};
use super::{RemovalError, RemovalRequest};
use crate::report::{FileReport, Report};
use crate::scan::judging::printable;
use crate::scan::{RECENT_BYTES, ScanRequest, scan_repository};

/// The kind of a cut of everything.
const TEXT: &str = "text";

/// A commit that is not in the repository yet, and what a scan says of it.
pub(super) struct Attempt {
    /// Its objects.
    pub(super) draft: Draft,
    /// The repository, opened with them.
    pub(super) repository: Repository,
    /// The commit.
    pub(super) commit: ObjectId,
    /// Its tree.
    pub(super) tree: ObjectId,
    /// The files that were changed.
    pub(super) changes: Vec<Changed>,
    /// What a scan of the commit says.
    pub(super) report: Report,
}

/// A file that was changed.
pub(super) struct Changed {
    /// Which of the plan's.
    pub(super) work_ix: usize,
    /// What became of it.
    pub(super) edited: Edited,
    /// The new blob; `None` where the file is gone.
    pub(super) blob: Option<ObjectId>,
    /// The mode of the entry, as trees have it.
    pub(super) mode: String,
}

/// The commit from which lines are taken out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) commit: ObjectId,
    pub(super) tree: ObjectId,
    pub(super) before: &'a Report,
    pub(super) digest: lazaret_core::Digest,
}

impl Attempt {
    /// Makes the commit; `None` where no file can be changed. Files that cannot be cut move to those that are left.
    pub(super) fn make(
        request: &RemovalRequest<'_>,
        repository: &Repository,
        base: Base<'_>,
        plan: &mut Plan,
    ) -> Result<Option<Self>, RemovalError> {
        let mut draft = Draft::begin(repository)?;
        let edited = cut_all(plan, request);
        let mut edits = Vec::with_capacity(edited.len());
        for (work, edited) in plan.works.iter().zip(&edited) {
            let new = match &edited.remainder {
                Some(remainder) => Some(draft.write(ObjectKind::Blob, remainder)?),
                None => None,
            };
            edits.push(TreeEdit { path: work.entry.path.clone(), old: work.entry.entry.id, new });
        }
        if edits.iter().all(|edit| edit.new == Some(edit.old)) {
            return Ok(None);
        }
        let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
        let rewritten = rewrite_tree(&mut reader, &mut draft, base.tree, &edits)?;
        let rows = edits.iter().zip(edited).zip(rewritten.modes).enumerate();
        let changes: Vec<Changed> = rows
            .map(|(work_ix, ((edit, edited), mode))| Changed { work_ix, edited, blob: edit.new, mode })
            .collect();
        let message = message::of(plan, &changes, base, request.take);
        let commit = CommitDraft {
            tree: rewritten.tree,
            parent: base.commit,
            person: request.person,
            seconds: request.scan.measure.now.as_second(),
            message: &message,
        };
        let commit = write_commit(&mut draft, &commit)?;
        let path = request.scan.root.display().to_string();
        let repository = Repository::open(request.scan.root, &[draft.folder().to_owned()])
            .map_err(|source| RemovalError::Open { path, source })?;
        let rev = commit.to_string();
        let scan = ScanRequest { rev: &rev, ..request.scan };
        let report = scan_repository(&scan, &repository)?.report;
        Ok(Some(Self { draft, repository, commit, tree: rewritten.tree, changes, report }))
    }

    /// Returns what is condemned still, but for files that were left as they are.
    pub(super) fn remaining(&self, request: &RemovalRequest<'_>, plan: &Plan) -> Vec<Residue> {
        let mut remaining = Vec::new();
        let by_path: FxHashMap<String, &Changed> = self
            .changes
            .iter()
            .filter_map(|changed| Some((printable(&plan.works.get(changed.work_ix)?.entry.path), changed)))
            .collect();
        let left: FxHashSet<&str> = plan.left.iter().map(|left| left.path.as_str()).collect();
        for file in &self.report.files {
            if !request.take.condemns(file.verdict) || left.contains(file.path.as_str()) {
                continue;
            }
            let changed = by_path.get(&file.path).copied();
            remaining.extend(residues(file, request, changed));
        }
        remaining
    }
}

/// Lines that are condemned still.
#[derive(Debug)]
pub(super) struct Residue {
    pub(super) report: Remaining,
    /// The file of the plan and the lines that these were, where another cut may take them out.
    pub(super) cut_again: Option<(usize, Vec<Span>)>,
}

fn residues(file: &FileReport, request: &RemovalRequest<'_>, changed: Option<&Changed>) -> Vec<Residue> {
    let mut verdicts = vec![file.base; file.lines as usize];
    for span in &file.spans {
        let (start, end) = (span.start.saturating_sub(1) as usize, span.end as usize);
        verdicts.get_mut(start..end).into_iter().flatten().for_each(|verdict| *verdict = span.verdict);
    }
    let kept = |line: usize| changed.and_then(|changed| changed.edited.kept.get(line)).copied();
    let mut residues: Vec<Residue> = Vec::new();
    for ((line, number), verdict) in (0..).zip(1..).zip(&verdicts) {
        if !request.take.condemns(*verdict) {
            continue;
        }
        let kept = kept(line);
        let why = match kept {
            Some(KeptLine { whole: true, .. }) => RemainingReason::SameText,
            Some(_) | None => RemainingReason::NotCut,
        };
        let may_go = |kept: &KeptLine| !(kept.whole && request.keeps_same_text);
        let again = kept.filter(may_go).and_then(|kept| Span::new(kept.was, kept.was).ok());
        push(&mut residues, file, (number, *verdict, why), changed.zip(again));
    }
    if residues.is_empty() {
        let why = RemainingReason::NotCut;
        let (path, verdict) = (file.path.clone(), file.verdict);
        residues
            .push(Residue { report: Remaining { path, start: 0, end: 0, verdict, why }, cut_again: None });
    }
    residues
}

/// Adds a line to the residue before it, where both are of one kind.
fn push(
    residues: &mut Vec<Residue>,
    file: &FileReport,
    (line, verdict, why): (u32, Verdict, RemainingReason),
    again: Option<(&Changed, Span)>,
) {
    let cut_again = again.map(|(changed, span)| (changed.work_ix, vec![span]));
    match residues.last_mut() {
        Some(last)
            if last.report.end + 1 == line && last.report.verdict == verdict && last.report.why == why =>
        {
            last.report.end = line;
            match (&mut last.cut_again, cut_again) {
                (Some((_, spans)), Some((_, more))) => spans.extend(more),
                (none @ None, more) => *none = more,
                (Some(_), None) => {}
            }
        }
        _ => {
            let report = Remaining { path: file.path.clone(), start: line, end: line, verdict, why };
            residues.push(Residue { report, cut_again });
        }
    }
}

/// Cuts every file of the plan.
fn cut_all(plan: &mut Plan, request: &RemovalRequest<'_>) -> Vec<Edited> {
    let (mut works, mut edited) = (Vec::new(), Vec::new());
    for work in std::mem::take(&mut plan.works) {
        match cut(&work, request) {
            Some(one) => {
                works.push(work);
                edited.push(one);
            }
            None => plan.left.push(Left {
                path: printable(&work.entry.path),
                lines: work.n_selected,
                reason: LeftReason::TooHard,
            }),
        }
    }
    plan.works = works;
    edited
}

fn cut(work: &Work, request: &RemovalRequest<'_>) -> Option<Edited> {
    match &work.matter {
        Matter::Text(text) => text.cut(&work.spans, request.by).ok(),
        Matter::Whole => {
            let line =
                |span: &Span| RemovedLines { start: span.start(), end: span.end(), kind: TEXT.to_owned() };
            let removed = work.spans.iter().map(line).collect();
            let (cuts, kept) = (Vec::new(), Vec::new());
            Some(Edited { remainder: None, removed, cuts, kept, n_gone: work.n_selected })
        }
    }
}
